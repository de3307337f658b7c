"""The option that an event needs a name, in a house: who can give it, and what is said where nobody can."""

from collections.abc import Generator
from dataclasses import replace
from unittest.mock import patch

from homeassistant.const import Platform
from homeassistant.core import (
    Event as HomeAssistantEvent,
    EventStateChangedData,
    HomeAssistant,
    callback,
)
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_state_change_event
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.camera_narrator import const, only_for
from custom_components.camera_narrator.hub_camera import HubCamera
from custom_components.camera_narrator.pipeline.models import (
    ActivityState,
    Detection,
    Frame,
    Region,
)
from custom_components.camera_narrator.pipeline.vocabulary import Label, Phase
from tests.integration.house import CAMERA, camera_of, frame, move_in
from tests.pipeline.fakes import FakeClock

ISSUE = (const.DOMAIN, only_for.issue_id(CAMERA))
BOX = Region(x=0.1, y=0.4, width=0.1, height=0.3)


@pytest.fixture
def clock() -> Generator[FakeClock]:
    """Let the hub's time pass by hand."""
    clock = FakeClock()
    with patch("custom_components.camera_narrator.hub.SystemClock", lambda: clock):
        yield clock


async def choose(hass: HomeAssistant, entry: MockConfigEntry, *labels: Label) -> HubCamera:
    """Choose what events of the camera are about, as its dialog does."""
    subentry = entry.subentries[CAMERA]
    data = {**subentry.data, const.CONF_ONLY_FOR: [label.value for label in labels]}
    hass.config_entries.async_update_subentry(entry, subentry, data=data)
    await hass.async_block_till_done()
    return camera_of(entry)


def connect(camera: HubCamera, *, detects: bool) -> None:
    """Let the bridge come."""
    camera.connect(epoch="epoch", reports_activity=True, active=False, detects=detects)


async def test_a_bridge_without_its_detector_is_told_of(
    hass: HomeAssistant, issue_registry: ir.IssueRegistry
) -> None:
    """The repair comes when the detector is gone, and goes with the option or with the detector."""
    entry = await move_in(hass, Platform.SENSOR)
    camera = await choose(hass, entry, Label.PERSON)
    assert issue_registry.async_get_issue(*ISSUE) is None, "a bridge that is away may have one"
    connect(camera, detects=True)
    assert issue_registry.async_get_issue(*ISSUE) is None
    connect(camera, detects=False)
    issue = issue_registry.async_get_issue(*ISSUE)
    assert issue is not None
    assert issue.translation_placeholders == {"camera": "Front door"}
    await choose(hass, entry)
    assert issue_registry.async_get_issue(*ISSUE) is None
    await choose(hass, entry, Label.ANIMAL)
    assert issue_registry.async_get_issue(*ISSUE) is not None
    connect(camera, detects=True)
    assert issue_registry.async_get_issue(*ISSUE) is None


async def test_the_repair_goes_with_its_camera(
    hass: HomeAssistant, issue_registry: ir.IssueRegistry
) -> None:
    """Nobody is told of a camera that is not there."""
    entry = await move_in(hass, Platform.SENSOR)
    connect(await choose(hass, entry, Label.PERSON), detects=False)
    assert issue_registry.async_get_issue(*ISSUE) is not None
    hass.config_entries.async_remove_subentry(entry, CAMERA)
    await hass.async_block_till_done()
    assert issue_registry.async_get_issue(*ISSUE) is None


async def test_the_name_opens_the_event_and_movement_does_not(
    hass: HomeAssistant, clock: FakeClock
) -> None:
    """Activity follows all that moves at once; the event entity fires with the label, once, and the words say who."""
    entry = await move_in(hass, Platform.EVENT, Platform.BINARY_SENSOR, Platform.SENSOR)
    camera = await choose(hass, entry, Label.PERSON)
    connect(camera, detects=True)
    camera.receive(fresh_frame_at(clock, 1))
    since_s = clock.monotonic()
    for second in range(2, 6):
        await clock.advance(1)
        camera.observe(moving(clock, since_s))
        camera.receive(fresh_frame_at(clock, second))
    await hass.async_block_till_done()
    before = camera.coordinator.state
    assert (before.active, before.event) == (True, None)
    fired: list[str] = []

    @callback
    def follow(event: HomeAssistantEvent[EventStateChangedData]) -> None:
        new = event.data["new_state"]
        if new is not None and "event_type" in new.attributes:
            fired.append(new.attributes["event_type"])

    leave = async_track_state_change_event(hass, "event.front_door_event", follow)
    for second in range(6, 10):
        await clock.advance(1)
        camera.observe(moving(clock, since_s, Label.PERSON))
        camera.receive(fresh_frame_at(clock, second))
    await clock.settle()
    await hass.async_block_till_done()
    leave()
    assert fired == ["started", "person"]
    event, narrative = camera.coordinator.state.event, camera.coordinator.state.narrative
    assert event is not None
    assert (event.phase, event.labels) == (Phase.UPDATED, frozenset({Label.PERSON}))
    assert narrative is not None
    assert narrative.text.startswith("A person on the left")


def moving(clock: FakeClock, since_s: float, *labels: Label) -> ActivityState:
    """Return what the bridge tells of the moment."""
    return ActivityState(
        active=True,
        since_s=since_s,
        received_s=clock.monotonic(),
        regions=(BOX,),
        detections=tuple(Detection(label=label, score=0.9, box=BOX) for label in labels),
    )


def fresh_frame_at(clock: FakeClock, sequence: int) -> Frame:
    """Return a frame of the moment that shows movement."""
    return replace(
        frame(sequence=sequence, active=sequence > 1),
        captured_s=clock.monotonic(),
        captured_wall_s=clock.wall(),
        received_s=clock.monotonic(),
    )
