"""What the provider `openai` makes of servers that fail."""

from collections.abc import Awaitable, Callable
import json

from aiohttp import web
from homeassistant.core import HomeAssistant
import pytest

from custom_components.camera_narrator.pipeline.errors import Fault, ProviderError
from custom_components.camera_narrator.pipeline.request import Partial, Quota, Usage
from custom_components.camera_narrator.providers.retry_after import retry_after_s
from custom_components.camera_narrator.providers.stream import Patience
from rigs.model_faults import Fault as Scripted, FaultKind, LimitStyle
from rigs.model_server import ModelServer
from tests.integration.providers.scripted import (
    ANSWER,
    BAD,
    KEY,
    QUICK,
    REFUSED,
    WORDS,
    Raw,
    ask,
    event,
    failure,
    provider,
    refusal,
    spoken,
    words,
)


@pytest.mark.parametrize(
    ("reply", "fault", "retryable"),
    [
        (refusal(401, f"Incorrect API key provided: {KEY}"), Fault.UNAUTHORIZED, False),
        (refusal(403, f"Key {KEY[:8]}**** may not"), Fault.UNAUTHORIZED, False),
        (refusal(400, f"API key not valid: {KEY}"), Fault.UNAUTHORIZED, False),
        (refusal(404, "The model `scripted` does not exist"), Fault.MODEL_UNKNOWN, False),
        (refusal(400, "model 'scripted' not found, try pulling it"), Fault.MODEL_UNKNOWN, False),
        (web.Response(status=404, text="404 page not found"), Fault.UNREACHABLE, False),
        (refusal(429, "quota", code="insufficient_quota"), Fault.RATE_LIMITED, False),
        (refusal(500, f"boom {KEY}"), Fault.OVERLOADED, True),
        (refusal(503, "loading model"), Fault.OVERLOADED, True),
        (refusal(529, "overloaded"), Fault.OVERLOADED, True),
        (refusal(413, "too large"), Fault.PICTURES_REJECTED, False),
        (
            refusal(400, "image input is not supported by this model"),
            Fault.PICTURES_REJECTED,
            False,
        ),
        (
            refusal(500, "image input is not supported - hint: mmproj"),
            Fault.PICTURES_REJECTED,
            False,
        ),
        (
            refusal(404, "No endpoints found that support image input"),
            Fault.PICTURES_REJECTED,
            False,
        ),
        (refusal(400, "rejected by the content_filter", code="content_filter"), REFUSED, False),
        (refusal(418, f"teapot {KEY[-8:]}"), REFUSED, False),
        (words(WORDS[:40]), BAD, True),
        (words(WORDS[:40], finish="length"), BAD, True),
        (words("{not json}"), BAD, True),
        (words(finish="stop"), BAD, True),
        (words(), BAD, True),
        ([], BAD, True),
        ([b"data: {half\n\n"], BAD, True),
        ([b"data: 42\n\n", b"data: [DONE]\n\n"], BAD, True),
        (spoken({"reasoning_content": "Hm."}), BAD, True),
        (words("<think>Hm."), BAD, True),
        (words("<html><body>Bad gateway"), BAD, True),
        (web.Response(text="<html>", content_type="text/html"), BAD, True),
        (spoken({"refusal": "No."}), REFUSED, False),
        (words("", finish="content_filter"), REFUSED, False),
        (words("I'm sorry, but I can’t assist with that."), REFUSED, False),
        (
            words(json.dumps(ANSWER | {"narrative": "Sorry, I can't help with that."})),
            REFUSED,
            False,
        ),
        (
            [b'data: {"error": {"message": "rate limited", "code": 429}}\n\n'],
            Fault.RATE_LIMITED,
            True,
        ),
        ([b'data: {"error": {"message": "crashed"}}\n\n'], BAD, True),
    ],
)
async def test_failures_are_typed_and_keep_secrets(
    hass: HomeAssistant,
    caplog: pytest.LogCaptureFixture,
    reply: web.Response | list[bytes],
    fault: Fault,
    retryable: bool,
) -> None:
    """Whatever a server does is one ProviderError with the right fault, in one request, without the key in it."""
    caplog.set_level("INFO")
    raw = Raw(reply)
    async with raw as base_url:
        error = await failure(await provider(hass, base_url))
    assert (error.fault, error.retryable) == (fault, retryable)
    assert len(raw.bodies) == 1
    assert error.message
    assert KEY[:6] not in error.message + caplog.text
    assert KEY[-6:] not in error.message + caplog.text


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry-After": "7999"}, 7999.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After-Ms": "1500", "Retry-After": "9"}, 1.5),
        (
            {
                "Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT",
                "Date": "Wed, 21 Oct 2026 07:28:00 GMT",
            },
            30.0,
        ),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-3"}, None),
        ({}, None),
    ],
)
async def test_hands_on_the_servers_word_on_when(
    hass: HomeAssistant, server: ModelServer, headers: dict[str, str], wait_s: float | None
) -> None:
    """Retry-After in each of its styles reaches the limiter as seconds, unclamped."""
    fault = Scripted.rate_limited()
    fault.headers = headers
    server.script.add(fault)
    error = await failure(await provider(hass, server.base_url))
    assert (error.fault, error.retryable) == (Fault.RATE_LIMITED, True)
    assert error.retry_after_s == (None if wait_s is None else pytest.approx(wait_s))
    assert len(server.requests) == 1, "waiting and trying again is the limiter's business"


@pytest.mark.parametrize("style", LimitStyle)
async def test_every_family_of_servers_is_understood(
    hass: HomeAssistant, server: ModelServer, style: LimitStyle
) -> None:
    """Headers, dates, moments and bodies of all of them come to the same wait; silence to none."""
    server.script.add(Scripted.limited_as(style, 90.0))
    error = await failure(await provider(hass, server.base_url))
    assert (error.fault, error.retryable) == (Fault.RATE_LIMITED, True)
    expected = None if style is LimitStyle.SILENT else pytest.approx(90.0, abs=2.0)
    assert error.retry_after_s == expected


@pytest.mark.parametrize(
    ("said", "wait_s"),
    [
        ("Rate limit reached. Please try again in 6m11.52s. Visit our pages", 371.52),
        ("Please try again in 20ms.", 0.02),
        ("Please retry in 34.07s.", 34.07),
        ("Number of requests exceeded, please wait 12 seconds", 12.0),
        ("retry after 3 more days of sunshine", None),
        ("try again in some time", None),
    ],
)
def test_words_say_when(said: str, wait_s: float | None) -> None:
    """What a body says in words counts where no header says it."""
    body = str({"error": {"message": said}})
    assert retry_after_s({}, body, now_wall_s=0.0) == (
        None if wait_s is None else pytest.approx(wait_s)
    )
    assert retry_after_s({"retry-after": "5"}, body, now_wall_s=0.0) == 5.0


async def test_what_is_left_comes_with_the_answer(hass: HomeAssistant) -> None:
    """The headers of an answer reach the limiter with its last part."""
    events = [event({"content": WORDS}), event({}, "stop"), b"data: [DONE]\n\n"]
    headers = {
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-remaining-requests": "499",
        "x-ratelimit-reset-requests": "120ms",
        "x-ratelimit-limit-tokens": "30000",
        "x-ratelimit-remaining-tokens": "21000",
        "x-ratelimit-reset-tokens": "18s",
    }
    async with Raw(events, headers=headers) as base_url:
        final = (await ask(await provider(hass, base_url)))[-1]
    assert final.quota == Quota(
        requests=499,
        requests_limit=500,
        requests_reset_s=0.12,
        tokens=21000,
        tokens_limit=30000,
        tokens_reset_s=18.0,
    )


@pytest.mark.parametrize(
    ("scripted", "fault", "told"),
    [
        (Scripted(kind=FaultKind.HANG), Fault.TIMEOUT, 0),
        (Scripted(kind=FaultKind.SLOW), Fault.TIMEOUT, 0),
        (Scripted(kind=FaultKind.STALL, tokens=8), Fault.TIMEOUT, 1),
        (Scripted(kind=FaultKind.CUT, tokens=8), BAD, 1),
    ],
)
async def test_silence_and_cuts_end_in_time(
    hass: HomeAssistant, server: ModelServer, scripted: Scripted, fault: Fault, told: int
) -> None:
    """Each stage has its own patience; what was told before the end of it is followed by an error, not by words."""
    server.script.add(scripted)
    asked = await provider(hass, server.base_url, patience=QUICK)
    partials: list[Partial] = []
    error = await failure(asked, partials)
    assert (error.fault, error.retryable) == (fault, True)
    assert len(partials) == told
    assert not any(partial.final for partial in partials)
    await server.wait_for(1)
    assert (await ask(await provider(hass, server.base_url)))[-1].final


async def test_the_whole_answer_has_an_end(hass: HomeAssistant, server: ModelServer) -> None:
    """A model that dribbles tokens for ever is stopped by the total."""
    server.pace = type(server.pace)(token_s=0.05)
    patience = Patience(first_s=5.0, between_s=5.0, total_s=0.4)
    error = await failure(await provider(hass, server.base_url, patience=patience))
    assert error.fault is Fault.TIMEOUT


async def test_counts_that_never_come_do_not_hold_the_words(hass: HomeAssistant) -> None:
    """After the last token an answer is complete, whatever the connection does then."""
    raw = Raw([*words(WORDS), b"data: broken\n\n"])
    async with raw as base_url:
        partials = await ask(await provider(hass, base_url, patience=QUICK))
    assert partials[-1].final
    assert partials[-1].usage == Usage()


async def test_nobody_there(hass: HomeAssistant, server: ModelServer) -> None:
    """A stopped server is unreachable for every question, in words that name the host and not the password."""
    base_url = server.base_url.replace("//", "//ann:pass-word@")
    await server.stop()
    asked = await provider(hass, base_url)
    questions: list[Callable[[], Awaitable[object]]] = [
        asked.models,
        asked.check,
        lambda: ask(asked),
    ]
    for question in questions:
        with pytest.raises(ProviderError) as caught:
            await question()
        assert (caught.value.fault, caught.value.retryable) == (Fault.UNREACHABLE, True)
        assert "127.0.0.1" in caught.value.message
        assert "pass-word" not in caught.value.message


async def test_no_tls_there(hass: HomeAssistant, server: ModelServer) -> None:
    """Https to a plain server is told as such."""
    error = await failure(await provider(hass, server.base_url.replace("http:", "https:")))
    assert error.fault is Fault.UNREACHABLE
    assert "certificate" in error.message
