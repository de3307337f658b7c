"""The sentence of a camera, its last error, and the measurements."""

from collections.abc import Generator
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

from homeassistant.const import STATE_UNAVAILABLE, Platform
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import Entity
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    async_fire_time_changed,
    mock_restore_cache_with_extra_data,
    snapshot_platform,
)
from syrupy.assertion import SnapshotAssertion

from custom_components.camera_narrator.const import STATE_MAX
from custom_components.camera_narrator.coordinator import SLOW_S
from custom_components.camera_narrator.pipeline.models import ActivityState, Detection, Region
from custom_components.camera_narrator.pipeline.outcomes import Account
from custom_components.camera_narrator.pipeline.request import Usage
from custom_components.camera_narrator.pipeline.vocabulary import Label, Look, Phase
from custom_components.camera_narrator.sensor import COUNTED, NOTHING_YET, shortened
from tests.integration.house import (
    BRIDGE,
    camera_of,
    event,
    failure,
    move_in,
    narrative,
    stream,
)

NARRATIVE = "sensor.front_door_narrative"
THREAT = "sensor.front_door_threat_level"
PEOPLE = "sensor.front_door_people"
LAST_ERROR = "sensor.front_door_last_error"


@pytest.fixture
def _all_enabled() -> Generator[None]:
    """Add the entities that users have to enable."""
    with patch.object(Entity, "entity_registry_enabled_default", True):
        yield


@pytest.mark.usefixtures("_all_enabled")
async def test_every_sensor(
    hass: HomeAssistant, entity_registry: er.EntityRegistry, snapshot: SnapshotAssertion
) -> None:
    """All sensors of a camera that streams and of its bridge, with all their properties."""
    entry = await move_in(hass, Platform.SENSOR)
    camera = stream(entry)
    camera.narrate(narrative())
    camera.account(Look.ONSET, Usage(input_tokens=900, output_tokens=60))
    bridge = entry.runtime_data.bridges[BRIDGE].coordinator
    bridge.update(connected=True, version="0.1.0", cpu_percent=12.5, memory_bytes=90 * 2**20)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=SLOW_S + 1))
    await hass.async_block_till_done()

    await snapshot_platform(hass, entity_registry, snapshot, entry.entry_id)


async def test_requests_that_were_sent_again_count(hass: HomeAssistant) -> None:
    """An answer that took two requests is two of the camera's."""
    camera = camera_of(await move_in(hass, Platform.SENSOR))
    camera.account(Look.ONSET, Usage(requests=2))
    camera.account(Look.SCHEDULE, Usage())
    assert camera.coordinator.state.requests == 3


async def test_nothing_is_unknown_before_anything_happened(hass: HomeAssistant) -> None:
    """A fresh camera says so in words; what has no value yet is not available."""
    await move_in(hass, Platform.SENSOR)

    assert hass.states.get(NARRATIVE).state == NOTHING_YET
    assert hass.states.get(LAST_ERROR).state == "none"
    assert {state.state for state in hass.states.async_all()} == {
        NOTHING_YET,
        "none",
        "0.0",
        "0",
        STATE_UNAVAILABLE,
    }


async def test_the_sentence_survives_a_restart(hass: HomeAssistant) -> None:
    """The last sentence and what belongs to it come back, whole."""
    text = "A van stops. " * 40
    state = State(NARRATIVE, "A van…", {"text": text, "frames": 4, "friendly_name": "old"})
    mock_restore_cache_with_extra_data(
        hass,
        [(state, {"native_value": "A van…", "native_unit_of_measurement": None})],
    )
    await move_in(hass, Platform.SENSOR)

    restored = hass.states.get(NARRATIVE)
    assert restored.state == "A van…"
    assert restored.attributes["text"] == text
    assert restored.attributes["frames"] == 4
    assert restored.attributes["friendly_name"] == "Front door Narrative"


async def test_a_sentence_stays_while_the_stream_is_away(hass: HomeAssistant) -> None:
    """Words and errors are available as long as the hub is; rates go with the stream."""
    entry = await move_in(hass, Platform.SENSOR)
    camera = stream(entry)
    camera.narrate(narrative())

    camera.disconnect()
    await hass.async_block_till_done()

    assert hass.states.get(NARRATIVE).state == "A person rings the bell."
    assert hass.states.get(LAST_ERROR).state == "none"


async def test_the_last_error_comes_and_goes(hass: HomeAssistant) -> None:
    """A failed request shows its kind and words until one is answered."""
    entry = await move_in(hass, Platform.SENSOR)
    camera = camera_of(entry)

    camera.fail(failure())
    state = hass.states.get(LAST_ERROR)
    assert state.state == "timeout"
    assert state.attributes["message"] == "no answer for 15 s"
    assert state.attributes["look"] == "schedule"

    camera.fail(None)
    assert hass.states.get(LAST_ERROR).state == "none"
    assert "message" not in hass.states.get(LAST_ERROR).attributes


async def test_equal_news_write_no_state(hass: HomeAssistant) -> None:
    """What an entity does not show leaves its state alone."""
    entry = await move_in(hass, Platform.SENSOR)
    camera = stream(entry)
    camera.narrate(narrative())
    before = hass.states.get(NARRATIVE)

    camera.status(None, Account(sampled=99))
    camera.fail(failure())
    camera.disconnect()
    await hass.async_block_till_done()

    after = hass.states.get(NARRATIVE)
    assert after.last_reported == before.last_reported


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Short.", "Short."),
        ("Two\nlines  and gaps.", "Two lines and gaps."),
        ("a" * STATE_MAX, "a" * STATE_MAX),
        ("a" * 300, "a" * 254 + "…"),
        ("word " * 60, ("word " * 50).strip() + "…"),
    ],
)
def test_a_long_sentence_is_cut_between_words(text: str, shown: str) -> None:
    """The state fits, ends between words where one is near, and says that it was cut."""
    assert shortened(text) == shown
    assert len(shown) <= STATE_MAX


@pytest.mark.usefixtures("_all_enabled")
async def test_the_threat_level_is_that_of_the_open_visit(hass: HomeAssistant) -> None:
    """It rises with what is reported, and is none again once the visit is over."""
    entry = await move_in(hass, Platform.SENSOR)
    camera = camera_of(entry)
    assert hass.states.get(THREAT).state == "none"

    camera.publish(event(Phase.STARTED, Label.PERSON))
    assert hass.states.get(THREAT).state == "low"
    camera.publish(replace(event(Phase.UPDATED, Label.PERSON), sign=True))
    assert hass.states.get(THREAT).state == "medium"
    camera.publish(event(Phase.ENDED, Label.PERSON))
    assert hass.states.get(THREAT).state == "none"


@pytest.mark.usefixtures("_all_enabled")
async def test_who_is_there_is_counted_by_the_detector(hass: HomeAssistant) -> None:
    """Each kind by itself, nobody once it is quiet; without a detector nothing is counted."""
    entry = await move_in(hass, Platform.SENSOR)
    camera = stream(entry)
    assert hass.states.get(PEOPLE).state == STATE_UNAVAILABLE

    camera.connect(epoch="epoch", reports_activity=True, active=False, detects=True)
    camera.publisher.connected(connected=True)
    assert hass.states.get(PEOPLE).state == "0"
    box = Region(x=0.1, y=0.1, width=0.2, height=0.5)
    seen = [Label.PERSON, Label.PERSON, Label.VEHICLE]
    camera.observe(
        ActivityState(
            active=True,
            since_s=1.0,
            received_s=1.0,
            detections=tuple(Detection(label=label, score=0.9, box=box) for label in seen),
        )
    )
    counts = [hass.states.get(f"sensor.front_door_{kind}").state for kind in COUNTED]
    assert counts == ["2", "1", "0"]
    camera.observe(ActivityState(active=False, since_s=2.0, received_s=2.0))
    assert hass.states.get(PEOPLE).state == "0"
