"""The oracle reads what was burnt in, writes down what came, and plays every fault as servers do."""

from base64 import b64encode
from email.utils import parsedate_to_datetime
import io
import json
import time

import aiohttp
from hypothesis import given, settings, strategies as st
import numpy as np
from PIL import Image
import pytest

from custom_components.camera_narrator.providers.retry_after import retry_after_s
from rigs.model_faults import Fault, FaultKind, LimitStyle
from rigs.model_journal import lines
from rigs.model_request import ModelRequest, read_request
from rigs.model_server import ModelServer
from rigs.model_truth import FALSEHOOD, SIGN, answer
from rigs.picture_code import Cast, Code, read_code
from rigs.rehearsal.easel import paint

_CASTS = st.builds(
    Cast,
    persons=st.integers(0, 3),
    vehicles=st.integers(0, 3),
    animals=st.integers(0, 3),
    package=st.booleans(),
    sign=st.booleans(),
)
_CODES = st.builds(
    Code,
    camera=st.integers(0, 255),
    epoch=st.integers(0, 2**16 - 1),
    sequence=st.integers(0, 2**32 - 1),
    captured_ms=st.integers(0, 2**48 - 1),
    visit=st.integers(0, 2**15 - 1),
    active=st.booleans(),
    cast=_CASTS,
)
_SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "narration",
        "schema": {
            "properties": {
                "changed": {"type": "boolean"},
                "subject": {"type": "boolean"},
                "labels": {"type": "array", "items": {"enum": ["person", "vehicle", "animal"]}},
                "narrative": {"type": "string"},
                "visible_text": {"type": "string"},
            }
        },
    },
}


def _a_code(sequence: int, *, camera: int = 1, cast: Cast | None = None) -> Code:
    return Code(
        camera=camera,
        epoch=7,
        sequence=sequence,
        captured_ms=1_700_000_000_000 + sequence * 1000,
        visit=1,
        active=True,
        cast=cast or Cast(persons=1),
    )


def _body(*codes: Code, story: str = "") -> dict[str, object]:
    pictures = [
        {
            "type": "image_url",
            "image_url": {"url": f"data:image/jpeg;base64,{b64encode(paint(code)).decode()}"},
        }
        for code in codes
    ]
    content = [{"type": "text", "text": f"So far: {story}"}, *pictures]
    return {
        "model": "scripted",
        "response_format": _SCHEMA,
        "messages": [{"role": "user", "content": content}],
    }


def _request(*codes: Code, story: str = "", outcome: str = "answered") -> ModelRequest:
    request = read_request(
        _body(*codes, story=story), arrived_s=0, arrived_wall_s=1_700_000_010, body_bytes=9
    )
    request.outcome = outcome
    return request


@settings(max_examples=40, deadline=None)
@given(code=_CODES)
def test_the_code_survives_480_lines_at_quality_50(code: Code) -> None:
    """Every field comes back from a JPEG of the smallest quality in use, by 4:2:0."""
    with Image.open(io.BytesIO(paint(code, quality=50))) as picture:
        assert picture.size == (854, 480)
        assert read_code(np.asarray(picture.convert("RGB"))) == code


@pytest.mark.parametrize("height", [240, 360, 720])
def test_the_code_survives_being_scaled_to_480_lines_and_back(height: int) -> None:
    """A picture of another size is scaled as the bridge does, and coded at quality 50 again."""
    code = _a_code(123_456, cast=Cast(persons=2, animals=1, package=True))
    drawn = paint(code, width_px=height * 16 // 9, height_px=height, quality=90)
    with Image.open(io.BytesIO(drawn)) as picture:
        again = io.BytesIO()
        picture.resize((854, 480), Image.Resampling.BILINEAR).save(again, "JPEG", quality=50)
    assert read_code(np.asarray(Image.open(again).convert("RGB"))) == code


def test_grey_noise_reads_as_no_code() -> None:
    """What carries no code is not mistaken for one."""
    grey = np.full((480, 854, 3), 128, np.uint8)
    assert read_code(grey) is None


def test_the_journal_tells_order_gaps_repeats_and_the_shared_prefix() -> None:
    """A line is judged beside the camera's earlier ones; other cameras do not count."""
    first = _request(_a_code(1), _a_code(3), story="A man came.")
    other = _request(_a_code(1, camera=2))
    second = _request(_a_code(3), _a_code(2), story="A man came. He left.")
    one, of_other, two = lines([first, other, second])
    assert (one.sequences, one.in_order, one.largest_gap_ms, one.repeats) == ((1, 3), True, 2000, 0)
    assert one.ages_ms == (9000.0, 7000.0)
    assert (of_other.camera, of_other.repeats, of_other.shared_prefix) == (2, 0, 0)
    assert (two.in_order, two.repeats) == (False, 1)
    assert two.shared_prefix == len("So far: A man came.")
    # 27 by 15 patches for each picture, and the words.
    assert one.estimated_tokens == 2 * 27 * 15 + len("So far: A man came.") // 4


def test_pictures_of_a_failed_request_are_no_repeats() -> None:
    """Only what an answered request showed counts as seen twice."""
    failed, again = _request(_a_code(1), outcome="status 429"), _request(_a_code(1))
    assert [line.repeats for line in lines([failed, again])] == [0, 0]


def test_wrong_answers_are_wrong_in_their_own_ways() -> None:
    """A hallucination names who is not there; a sign is told, and obeyed only by a model that falls for it."""
    quiet = Code(camera=1, epoch=1, sequence=1, captured_ms=0, visit=0, active=False)
    lie = json.loads(answer(_request(quiet), FaultKind.HALLUCINATE))
    assert lie["narrative"] == f"{FALSEHOOD}."
    assert (lie["subject"], lie["labels"]) == (True, ["animal"])
    signed = _request(_a_code(1, cast=Cast(persons=1, sign=True)))
    truth = json.loads(answer(signed))
    assert (truth["subject"], truth["visible_text"]) == (True, SIGN)
    fooled = json.loads(answer(signed, FaultKind.OBEY))
    assert (fooled["changed"], fooled["subject"], fooled["narrative"]) == (False, False, "")


def test_labels_are_who_took_part() -> None:
    """The answer names each kind that any of the pictures shows."""
    both = _request(_a_code(1), _a_code(2, cast=Cast(vehicles=2)))
    told = json.loads(answer(both))
    assert told["labels"] == ["person", "vehicle"]
    assert "2 vehicles" in told["narrative"]


_READ_BY_THE_PRODUCT = {
    LimitStyle.SECONDS: 3.0,
    LimitStyle.MILLISECONDS: 2.5,
    LimitStyle.DATE: 3.0,
    LimitStyle.ANTHROPIC: 3.0,
    LimitStyle.GEMINI: 2.5,
}


@pytest.mark.parametrize("style", list(LimitStyle))
def test_every_style_of_429_says_the_wait_in_its_own_way(style: LimitStyle) -> None:
    """2.5 s are to be found in each style but the silent one; those with a retry-after the product reads."""
    fault = Fault.limited_as(style, 2.5)
    assert (fault.status, fault.kind) == (429, FaultKind.STATUS)
    waited_s = retry_after_s(fault.headers, str(fault.body), now_wall_s=time.time())
    if style in _READ_BY_THE_PRODUCT:
        assert waited_s == _READ_BY_THE_PRODUCT[style]
    match style:
        case LimitStyle.SILENT:
            assert (fault.headers, fault.body) == ({}, None)
        case LimitStyle.RESET_DURATION:
            assert fault.headers["x-ratelimit-reset-requests"] == "2.5s"
        case LimitStyle.RESET_EPOCH:
            left_s = float(fault.headers["x-ratelimit-reset"]) / 1000 - time.time()
            assert 0 < left_s < 2.6
        case LimitStyle.DATE:
            sent = parsedate_to_datetime(fault.headers["date"])
            assert (parsedate_to_datetime(fault.headers["retry-after"]) - sent).seconds == 3


async def test_the_server_plays_limits_overload_and_its_journal() -> None:
    """Over HTTP: status, headers and body as scripted, then the truth, and a journal that tells all of it."""
    server = ModelServer()
    await server.start()
    server.script.add(
        Fault.limited_as(LimitStyle.GEMINI, 1.5),
        Fault.limited_as(LimitStyle.RESET_DURATION, 90.0),
        Fault.overloaded(),
        Fault.overloaded(529),
        Fault(kind=FaultKind.HALLUCINATE),
    )
    body = _body(_a_code(1), _a_code(2))
    url = f"{server.base_url}/chat/completions"
    async with aiohttp.ClientSession() as session:

        async def post() -> tuple[int, dict[str, str], dict[str, object]]:
            async with session.post(url, json=body) as response:
                return response.status, dict(response.headers), await response.json()

        status, _, told = await post()
        assert (status, "retryDelay': '1.5s'" in str(told)) == (429, True)
        status, headers, _ = await post()
        assert (status, headers["x-ratelimit-reset-requests"]) == (429, "1m30s")
        assert [(await post())[0], (await post())[0]] == [503, 529]
        assert FALSEHOOD in str((await post())[2])
        assert "A striped visitor walks" in str((await post())[2])
        async with session.get(f"http://127.0.0.1:{server.port}/journal") as response:
            journal = (await response.json())["requests"]
    await server.stop()
    assert [entry["outcome"] for entry in journal] == [
        *("status 429", "status 429", "status 503", "status 529"),
        *("answered", "answered"),
    ]
    assert [entry["repeats"] for entry in journal] == [0, 0, 0, 0, 0, 2]
    assert journal[-1]["sequences"] == [1, 2]
