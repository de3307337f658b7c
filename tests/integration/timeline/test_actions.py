"""The actions `ask` and `timeline`: what they take, what they answer, and who may use them."""

from collections.abc import AsyncIterator
from dataclasses import replace
import time
from typing import Any, override

from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
import voluptuous as vol

from custom_components.camera_narrator import const, timeline
from custom_components.camera_narrator.const import DOMAIN
from custom_components.camera_narrator.hub_camera import HubCamera
from custom_components.camera_narrator.pipeline.outcomes import Outcomes
from custom_components.camera_narrator.pipeline.request import (
    Analysis,
    Chunk,
    Partial,
    Text,
    Usage,
)
from custom_components.camera_narrator.pipeline.vocabulary import EndReason, Label, Look, Phase
from custom_components.camera_narrator.providers.builtin import BuiltinProvider
from tests.integration.house import (
    CAMERA,
    KEY,
    NOON_S,
    camera_of,
    event,
    frame,
    looked,
    move_in,
    span,
)

VIEW = "camera.front_door"
AGES_AGO = "2020-01-01T00:00:00+00:00"


class Reader(BuiltinProvider):
    """A model that answers what it was asked."""

    def __init__(self) -> None:
        """Remember what it sees."""
        super().__init__()
        self.asked: list[Chunk] = []

    @override
    async def analyse(self, chunk: Chunk) -> AsyncIterator[Partial]:
        self.asked.append(chunk)
        yield Partial(
            fields={},
            analysis=Analysis(changed=True, narrative="A courier left a parcel."),
            usage=Usage(input_tokens=500, output_tokens=12),
        )


@pytest.fixture
async def entry(hass: HomeAssistant) -> MockConfigEntry:
    """Set the house up, and let its timeline be tidied: what tests tell of is long ago."""
    entry = await move_in(hass)
    await entry.runtime_data.timeline.rested()
    return entry


@pytest.fixture
async def model(hass: HomeAssistant, entry: MockConfigEntry) -> Reader:
    """Let a model answer in the place of the built-in describer."""
    server = {
        const.CONF_PROVIDER: const.PROVIDER_OPENAI,
        const.CONF_BASE_URL: "http://192.0.2.9/v1",
        const.CONF_MODEL: "a-model",
    }
    hass.config_entries.async_update_entry(entry, data=server)
    await hass.async_block_till_done()
    reader = entry.runtime_data.provider = Reader()
    await camera_of(entry).restart()
    return reader


async def act(hass: HomeAssistant, action: str, data: dict[str, Any], **given: Any) -> Any:
    """Call an action and return its response."""
    return await hass.services.async_call(
        DOMAIN, action, data, blocking=True, return_response=True, **given
    )


def look_around(camera: HubCamera, *ages_s: float) -> None:
    """Let the bridge have sent frames so many seconds ago."""
    now_s, wall_s = time.monotonic(), time.time()
    camera.connect(epoch="epoch", reports_activity=True, active=False)
    for number, age_s in enumerate(ages_s, 1):
        taken = frame(sequence=number)
        camera.receive(replace(taken, captured_s=now_s - age_s, captured_wall_s=wall_s - age_s))


# -- ask --------------------------------------------------------------------------------------------------------------


async def test_the_last_minute_is_asked_about(
    hass: HomeAssistant, entry: MockConfigEntry, model: Reader
) -> None:
    """Pictures of the buffer answer; the answer is the caller's alone, and nothing is consumed."""
    camera = camera_of(entry)
    look_around(camera, 80, 55, 30, 10, 1)
    told = await act(hass, "ask", {ATTR_ENTITY_ID: VIEW, "question": "Did a parcel come?"})
    (chunk,) = model.asked
    assert chunk.look is Look.QUESTION
    assert "Did a parcel come?" in _words(chunk)
    assert "last 60 s" in _words(chunk)
    assert [picture.sequence for picture in chunk.frames] == [2, 3, 4, 5]
    answer = told[VIEW]
    assert set(answer) == {"answer", "from", "to", "provider", "frames"}
    assert (answer["answer"], answer["frames"]) == ("A courier left a parcel.", 4)
    assert answer["from"] < answer["to"]
    assert camera.source.outcomes("epoch") == Outcomes(received=5, buffered=5, resent=4)
    assert camera.coordinator.state.narrative is None
    await entry.runtime_data.timeline.rested()
    assert await _stored(entry, "narrative") == [""]


async def test_longer_questions_rest_on_what_is_kept(
    hass: HomeAssistant, entry: MockConfigEntry, model: Reader
) -> None:
    """Beyond the buffer stored pictures and sentences go along, in order, with their distances."""
    camera, past = camera_of(entry), entry.runtime_data.timeline
    wall_s = time.time()
    ago_s = wall_s - 600 - NOON_S
    past.tell(CAMERA, event(id="van", span=span(ago_s, ago_s + 5)))
    past.show(CAMERA, "van", frame(ago_s, jpeg=b"a van"))
    past.look(CAMERA, looked(visit_id="van", at_s=ago_s + 5, note="A van stops.").looked)
    past.look(CAMERA, looked(visit_id="old", at_s=ago_s - 9000, note="Hours ago.").looked)
    look_around(camera, 20, 1)
    question = {ATTR_ENTITY_ID: VIEW, "question": "What came?", "last": {"minutes": 15}}
    told = await act(hass, "ask", question)
    (chunk,) = model.asked
    assert chunk.frames[0].jpeg == b"a van"
    assert len(chunk.frames) == 3
    assert round(chunk.frames[-1].captured_s - chunk.frames[0].captured_s) == 599
    assert '"A van stops."' in _words(chunk)
    assert "Hours ago." not in _words(chunk)
    assert "last 15 min" in _words(chunk)
    assert told[VIEW]["frames"] == 3
    assert camera.source.outcomes("epoch").resent == 2


async def test_a_timeline_that_is_away_leaves_the_buffer(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    model: Reader,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A disk that is away costs the stored part of the answer alone."""
    monkeypatch.setattr(timeline, "READINGS_MOST", 0)
    look_around(camera_of(entry), 20, 1)
    told = await act(hass, "ask", {ATTR_ENTITY_ID: VIEW, "question": "Who?", "last": 600})
    assert told[VIEW]["frames"] == 2


async def test_no_picture_of_that_time_is_an_error(
    hass: HomeAssistant, entry: MockConfigEntry, model: Reader
) -> None:
    """It says so, instead of asking the model about nothing."""
    with pytest.raises(HomeAssistantError) as raised:
        await act(hass, "ask", {ATTR_ENTITY_ID: VIEW, "question": "Who?", "last": 10})
    assert raised.value.translation_key == "ask_no_picture"
    assert model.asked == []


async def test_the_built_in_describer_answers_no_questions(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """It reads no pictures; that is said before anything is asked."""
    look_around(camera_of(entry), 1)
    with pytest.raises(ServiceValidationError) as raised:
        await act(hass, "ask", {ATTR_ENTITY_ID: VIEW, "question": "Who?"})
    assert raised.value.translation_key == "ask_needs_model"


async def test_pictures_that_stay_in_the_house_answer_nothing_outside(
    hass: HomeAssistant, entry: MockConfigEntry, model: Reader
) -> None:
    """A camera whose pictures must not leave is asked by no server outside, and says so."""
    server = {**entry.data, const.CONF_BASE_URL: "https://api.example.com/v1"}
    hass.config_entries.async_update_entry(entry, data=server)
    subentry = entry.subentries[CAMERA]
    data = {**subentry.data, const.CONF_LOCAL_ONLY: True}
    hass.config_entries.async_update_subentry(entry, subentry, data=data)
    await hass.async_block_till_done()
    look_around(camera_of(entry), 1)
    with pytest.raises(ServiceValidationError) as raised:
        await act(hass, "ask", {ATTR_ENTITY_ID: VIEW, "question": "Who?"})
    assert raised.value.translation_key == "ask_needs_model"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"question": ""},
        {"question": "x" * 441},
        {"question": "Who?", "last": 4},
        {"question": "Who?", "last": {"days": 2}},
    ],
)
async def test_a_question_has_bounds(
    hass: HomeAssistant, entry: MockConfigEntry, given: dict[str, Any]
) -> None:
    """Neither nothing nor a book, neither a moment nor a week."""
    with pytest.raises(vol.Invalid):
        await act(hass, "ask", {ATTR_ENTITY_ID: VIEW, **given})


# -- timeline ---------------------------------------------------------------------------------------------------------


async def test_the_past_is_a_response(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """An event with the keys of the bus event, its words the last, and the path of its picture."""
    camera = camera_of(entry)
    camera.receive(frame(active=True))
    camera.publish(event(Phase.STARTED))
    camera.looked(looked().looked)
    camera.publish(
        event(
            Phase.ENDED,
            Label.PERSON,
            span=span(0, 9),
            narrative="A person rang.",
            reason=EndReason.QUIET,
            frames=5,
            provider="a-model",
        )
    )
    told = await act(hass, "timeline", {ATTR_ENTITY_ID: VIEW, "from": AGES_AGO, "details": True})
    (kept,) = told["events"]
    assert told["more"] is False
    phases, looks = kept.pop("phases"), kept.pop("looks")
    assert kept == {
        "id": "visit-1",
        "camera": KEY,
        "entity_id": VIEW,
        "labels": ["person"],
        "verdict": None,
        "threat_level": kept["threat_level"],
        "rule": None,
        "narrative": "A person rang.",
        "from": "2026-09-21T14:13:20.000+00:00",
        "to": "2026-09-21T14:13:29.000+00:00",
        "ended": True,
        "origin": "activity",
        "reason": "quiet",
        "continues": None,
        "late": False,
        "frames": 5,
        "provider": "a-model",
        "picture": "/api/camera_narrator/event/visit-1/picture",
    }
    assert kept["threat_level"] == camera.coordinator.state.event.threat_level  # type: ignore[union-attr]
    assert [phase["phase"] for phase in phases] == ["started", "ended"]
    assert [(look["look"], look["input_tokens"], look["output_tokens"]) for look in looks] == [
        ("schedule", 900, 40)
    ]


async def test_what_is_wanted_of_it(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """By span, label, words and number; without a target of all cameras, without a span the last day."""
    camera = camera_of(entry)
    recent_s = time.time() - NOON_S - 3600
    for name, at_s, label, words in (
        ("man", 0, Label.PERSON, "A man rings."),
        ("cat", 100, Label.ANIMAL, "A Cat sits."),
        ("now", recent_s, Label.VEHICLE, "A van stops."),
    ):
        camera.publish(
            event(Phase.ENDED, label, id=name, span=span(at_s, at_s + 5), narrative=words)
        )

    async def found(**given: Any) -> list[str]:
        told = await act(hass, "timeline", given)
        return [one["id"] for one in told["events"]]

    assert await found() == ["now"]
    assert await found(**{"from": AGES_AGO}) == ["now", "cat", "man"]
    assert await found(**{"from": AGES_AGO, "to": "2026-09-21T14:14:00+00:00"}) == ["man"]
    assert await found(**{"from": AGES_AGO, "labels": ["animal", "person"]}) == ["cat", "man"]
    assert await found(**{"from": AGES_AGO, "text": "cat"}) == ["cat"]
    newest = await act(hass, "timeline", {"from": AGES_AGO, "limit": 2})
    assert [one["id"] for one in newest["events"]] == ["now", "cat"]
    assert newest["more"] is True
    assert "phases" not in newest["events"][0]


async def test_local_times_are_taken_as_such(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A time without a zone is Home Assistant's own: tests live in California."""
    camera_of(entry).publish(event(Phase.ENDED))
    at_noon = {"from": "2026-09-21 07:13:00", "to": "2026-09-21 07:14:00"}
    assert len((await act(hass, "timeline", at_noon))["events"]) == 1
    at_noon_utc = {"from": "2026-09-21 14:13:00", "to": "2026-09-21 14:14:00"}
    assert (await act(hass, "timeline", at_noon_utc))["events"] == []


async def test_who_may_not_use_a_camera_reads_nothing_of_it(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Named, it is refused; unnamed, it is left out."""
    camera_of(entry).publish(event(Phase.ENDED))
    guest = MockUser(id="guest").add_to_hass(hass)
    guest.mock_policy({"entities": {"entity_ids": {"light.porch": True}}})
    context = Context(user_id=guest.id)
    with pytest.raises(Unauthorized):
        await act(hass, "timeline", {ATTR_ENTITY_ID: VIEW, "from": AGES_AGO}, context=context)
    assert await act(hass, "timeline", {"from": AGES_AGO}, context=context) == {
        "events": [],
        "more": False,
    }
    guest.mock_policy({"entities": True})
    assert len((await act(hass, "timeline", {"from": AGES_AGO}, context=context))["events"]) == 1


async def test_a_timeline_that_is_away_is_an_error(
    hass: HomeAssistant, entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty list would say that nothing happened."""
    monkeypatch.setattr(timeline, "READINGS_MOST", 0)
    with pytest.raises(HomeAssistantError) as raised:
        await act(hass, "timeline", {})
    assert raised.value.translation_key == "timeline_away"


@pytest.mark.parametrize(
    "given",
    [{"labels": ["ghost"]}, {"limit": 0}, {"limit": 1001}, {"text": "x" * 101}, {"from": "soon"}],
)
async def test_a_wish_has_bounds(
    hass: HomeAssistant, entry: MockConfigEntry, given: dict[str, Any]
) -> None:
    """What cannot be meant is refused before anything is read."""
    with pytest.raises(vol.Invalid):
        await act(hass, "timeline", given)


def _words(chunk: Chunk) -> str:
    return "\n".join(part.text for part in chunk.parts if isinstance(part, Text))


async def _stored(entry: MockConfigEntry, column: str) -> list[str]:
    past = entry.runtime_data.timeline
    sql = f"SELECT {column} FROM looks"  # noqa: S608  # one of ours
    rows = await past._read(lambda database: database.execute(sql).fetchall())
    return [row[0] for row in rows]
