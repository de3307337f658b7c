"""Where news of a camera go, and in which shape."""

from collections.abc import Mapping
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events

from custom_components.camera_narrator.const import DOMAIN, EVENT_TYPE
from custom_components.camera_narrator.mqtt_sink import MqttSink
from custom_components.camera_narrator.pipeline.models import ActivityState
from custom_components.camera_narrator.pipeline.vocabulary import (
    EndReason,
    Label,
    Phase,
    ThreatLevel,
    Verdict,
)
from custom_components.camera_narrator.publisher import event_json, narrative_json
from tests.integration.house import (
    CAMERA,
    KEY,
    NOON_S,
    camera_of,
    event,
    frame,
    move_in,
    narrative,
    span,
    stream,
)


class Told(list[tuple[str, Any]]):
    """What MQTT was told, in order."""

    def retained(self) -> list[tuple[str, Any]]:
        """Return the states among it."""
        return [entry for entry in self if entry[0] in {"activity", "connected", "removed"}]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """Listen in the place of the MQTT sink."""
    told = Told()

    def activity(self: MqttSink, camera: str, *, active: bool) -> None:
        assert camera == KEY
        told.append(("activity", active))

    def connected(self: MqttSink, camera: str, *, connected: bool) -> None:
        told.append(("connected", connected))

    def event(self: MqttSink, camera: str, payload: Mapping[str, Any], phase: Phase) -> None:
        told.append(("event", payload))

    def narrative(self: MqttSink, camera: str, payload: Mapping[str, Any]) -> None:
        told.append(("narrative", payload))

    def remove(self: MqttSink, camera: str) -> None:
        told.append(("removed", camera))

    for method in (activity, connected, event, narrative, remove):
        monkeypatch.setattr(MqttSink, method.__name__, method)
    return told


@pytest.fixture
async def entry(hass: HomeAssistant, told: Told) -> MockConfigEntry:
    """Set the house up."""
    return await move_in(hass)


def test_the_json_of_an_event() -> None:
    """Every key of schema 1, with plain values."""
    visit = event(
        Phase.ENDED,
        Label.VEHICLE,
        Label.PERSON,
        span=span(-1.25, 61.5),
        labelled=True,
        verdict=Verdict.SUBJECT,
        narrative="A person gets out of a van.",
        reason=EndReason.QUIET,
        continues="visit-0",
        closed=True,
        frames=5,
        provider="built-in",
        rule="parcel",
        threat_level=ThreatLevel.MEDIUM,
    )

    assert event_json(visit) == {
        "schema": 1,
        "id": "visit-1",
        "camera": KEY,
        "phase": "ended",
        "labels": ["person", "vehicle"],
        "labelled": True,
        "rule": "parcel",
        "verdict": "subject",
        "threat_level": "medium",
        "narrative": "A person gets out of a van.",
        "from": "2026-09-21T14:13:18.750+00:00",
        "to": "2026-09-21T14:14:21.500+00:00",
        "origin": "activity",
        "reason": "quiet",
        "continues": "visit-0",
        "closed": True,
        "late": False,
        "frames": 5,
        "provider": "built-in",
        "picture": None,
    }


def test_the_json_of_an_event_that_just_started() -> None:
    """What is not known yet is null, not absent."""
    told = event_json(event(frames=2))

    assert [key for key, value in told.items() if value is None] == [
        "rule",
        "verdict",
        "narrative",
        "reason",
        "continues",
        "provider",
        "picture",
    ]
    assert told["labels"] == []
    assert type(told["phase"]) is str


def test_the_json_of_a_narrative() -> None:
    """Every key, with the span the words cover."""
    assert narrative_json(narrative()) == {
        "schema": 1,
        "camera": KEY,
        "text": "A person rings the bell.",
        "from": "2026-09-21T14:13:20.000+00:00",
        "to": "2026-09-21T14:13:24.000+00:00",
        "event": "visit-1",
        "provider": "built-in",
        "frames": 5,
        "look": "schedule",
        "published": "2026-09-21T14:13:25.500+00:00",
    }


async def test_each_phase_goes_to_state_bus_and_mqtt(
    hass: HomeAssistant, entry: MockConfigEntry, told: Told, device_registry: dr.DeviceRegistry
) -> None:
    """All three tell the same, the bus with the device to automate on."""
    camera = camera_of(entry)
    fired = async_capture_events(hass, EVENT_TYPE)
    device = device_registry.async_get_device_by_identifier((DOMAIN, CAMERA), entry.entry_id)
    assert device is not None
    told.clear()

    phases = [event(), event(Phase.UPDATED, narrative="A person."), event(Phase.ENDED)]
    for phase in phases:
        camera.publish(phase)
        assert camera.coordinator.state.event == phase
    await hass.async_block_till_done()

    assert told == [("event", event_json(phase)) for phase in phases]
    assert [one.data for one in fired] == [
        {**event_json(phase), "device_id": device.id} for phase in phases
    ]


async def test_the_past_goes_to_mqtt_only(
    hass: HomeAssistant, entry: MockConfigEntry, told: Told
) -> None:
    """A visit told after an outage is neither news of the bus nor the camera's state."""
    camera = camera_of(entry)
    fired = async_capture_events(hass, EVENT_TYPE)
    told.clear()

    past = event(Phase.ENDED, narrative="Somebody was there.", late=True)
    camera.publish(past)
    await hass.async_block_till_done()

    assert told == [("event", event_json(past))]
    assert fired == []
    assert camera.coordinator.state.event is None


async def test_a_sentence_brings_its_latency(entry: MockConfigEntry, told: Told) -> None:
    """From the last picture to the words."""
    camera = camera_of(entry)

    camera.narrate(narrative())

    assert camera.coordinator.state.latency_s == pytest.approx(1.5)
    assert told[-1] == ("narrative", narrative_json(narrative()))


async def test_activity_is_told_on_change_only(entry: MockConfigEntry, told: Told) -> None:
    """The bridge repeats its state every 2 s; the house hears of changes."""
    camera = stream(entry)
    told.clear()

    for active in (True, True, False, False, True):
        camera.observe(ActivityState(active=active, since_s=1000.0, received_s=1000.1))

    assert told == [("activity", True), ("activity", False), ("activity", True)]


async def test_a_camera_that_goes_takes_its_activity_along(
    entry: MockConfigEntry, told: Told
) -> None:
    """No light stays on for a movement that nobody sees any more."""
    camera = stream(entry)
    camera.observe(ActivityState(active=True, since_s=1000.0, received_s=1000.1))
    told.clear()

    camera.disconnect()

    assert told == [("connected", False), ("activity", False)]
    assert camera.coordinator.state.active is None


async def test_retained_states_start_as_away(entry: MockConfigEntry, told: Told) -> None:
    """What the broker remembers of an earlier run is overwritten at start."""
    assert told == [("connected", False), ("activity", False)]


async def test_a_removed_camera_takes_its_topics_along(
    hass: HomeAssistant, entry: MockConfigEntry, told: Told
) -> None:
    """Nothing retained is left of it."""
    hass.config_entries.async_remove_subentry(entry, CAMERA)
    await hass.async_block_till_done()

    assert told[-1] == ("removed", KEY)


async def test_the_key_frame_is_the_start_and_then_the_newest(entry: MockConfigEntry) -> None:
    """An event brings its own first picture at once, and keeps it while words follow closely."""
    camera = stream(entry)

    def shown() -> float:
        picture = camera.coordinator.state.key_frame
        assert picture is not None
        return picture.captured_wall_s - NOON_S

    assert shown() == 0.0
    for at_s, phase, expected in (
        (3.0, Phase.STARTED, 3.0),
        (10.0, Phase.UPDATED, 3.0),
        (18.0, Phase.UPDATED, 18.0),
        (40.0, Phase.ENDED, 18.0),
        (41.0, Phase.STARTED, 41.0),
    ):
        camera.receive(frame(at_s, sequence=int(at_s) + 1))
        camera.publish(event(phase))
        assert shown() == expected


@pytest.mark.parametrize(("hours", "level"), [(0, "low"), (12, "medium")])
async def test_the_level_goes_by_the_hour_of_the_house(
    hass: HomeAssistant, entry: MockConfigEntry, told: Told, hours: int, level: str
) -> None:
    """A person at 16 and at 4 o'clock of the house's own zone, whatever zone the machine is in."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    told.clear()
    at = span(3600.0 * hours, 3600.0 * hours + 4.0)
    camera_of(entry).publish(event(Phase.STARTED, Label.PERSON, span=at))
    ((_, payload),) = told
    assert payload["threat_level"] == level
