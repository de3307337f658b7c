"""The visits of a camera as events to automate on."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.event import ATTR_EVENT_TYPE
from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNKNOWN, Platform
from homeassistant.core import Event as BusEvent, HomeAssistant, State
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import (
    async_capture_events,
    mock_restore_cache_with_extra_data,
    snapshot_platform,
)
from syrupy.assertion import SnapshotAssertion

from custom_components.camera_narrator.pipeline.vocabulary import EndReason, Label, Phase
from tests.integration.house import camera_of, event, move_in, stream

EVENT = "event.front_door_event"


def _told(changes: list[BusEvent]) -> list[str]:
    """Return what automations on the entity were told."""
    return [
        change.data["new_state"].attributes[ATTR_EVENT_TYPE]
        for change in changes
        if change.data["entity_id"] == EVENT and change.data["old_state"] is not None
    ]


async def test_the_event_entity(
    hass: HomeAssistant,
    entity_registry: er.EntityRegistry,
    snapshot: SnapshotAssertion,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The event entity after a whole visit, with all its properties."""
    freezer.move_to("2026-10-20T12:00:00+00:00")
    entry = await move_in(hass, Platform.EVENT)
    camera = camera_of(entry)
    camera.publish(event())
    camera.publish(
        event(
            Phase.ENDED,
            Label.PERSON,
            labelled=True,
            narrative="A person rang the bell and left.",
            reason=EndReason.QUIET,
            frames=5,
            provider="built-in",
        )
    )
    await hass.async_block_till_done()

    await snapshot_platform(hass, entity_registry, snapshot, entry.entry_id)


async def test_each_label_is_told_once_per_visit(hass: HomeAssistant) -> None:
    """Started, each label at its first confirmation, ended; words alone tell nothing here."""
    entry = await move_in(hass, Platform.EVENT)
    camera = camera_of(entry)
    changes = async_capture_events(hass, EVENT_STATE_CHANGED)

    camera.publish(event())
    camera.publish(event(Phase.UPDATED, narrative="Somebody comes."))
    camera.publish(event(Phase.UPDATED, Label.PERSON, narrative="A person comes."))
    camera.publish(event(Phase.UPDATED, Label.PERSON, Label.PACKAGE, narrative="With a parcel."))
    camera.publish(event(Phase.ENDED, Label.PERSON, Label.PACKAGE, reason=EndReason.QUIET))
    camera.publish(event(id="visit-2"))
    camera.publish(event(Phase.UPDATED, Label.PERSON, id="visit-2"))
    await hass.async_block_till_done()

    assert _told(changes) == [
        "started",
        "person",
        "package",
        "ended",
        "started",
        "person",
    ]


async def test_a_visit_that_goes_on_is_not_announced_again(hass: HomeAssistant) -> None:
    """An event that continues another fires neither `started` nor the labels told before."""
    entry = await move_in(hass, Platform.EVENT)
    camera = camera_of(entry)
    camera.publish(event())
    camera.publish(event(Phase.ENDED, Label.PERSON, reason=EndReason.QUIET))
    changes = async_capture_events(hass, EVENT_STATE_CHANGED)

    camera.publish(event(id="visit-2", continues="visit-1"))
    camera.publish(event(Phase.UPDATED, Label.PERSON, id="visit-2", continues="visit-1"))
    camera.publish(
        event(Phase.UPDATED, Label.PERSON, Label.VEHICLE, id="visit-2", continues="visit-1")
    )
    await hass.async_block_till_done()

    assert _told(changes) == ["vehicle"]


async def test_words_of_the_last_visit_do_not_announce_the_present_one_again(
    hass: HomeAssistant,
) -> None:
    """They come late, while somebody else is there already: each visit's labels fire once."""
    entry = await move_in(hass, Platform.EVENT)
    camera = camera_of(entry)
    camera.publish(event())
    camera.publish(event(Phase.ENDED, reason=EndReason.QUIET))
    camera.publish(event(Phase.STARTED, Label.PERSON, id="visit-2"))
    changes = async_capture_events(hass, EVENT_STATE_CHANGED)

    camera.publish(event(Phase.UPDATED, Label.ANIMAL, narrative="A cat.", closed=True))
    camera.publish(event(Phase.UPDATED, Label.PERSON, id="visit-2", narrative="A man."))
    await hass.async_block_till_done()

    assert _told(changes) == ["animal"]


async def test_a_visit_open_over_a_restart_is_not_announced_again(hass: HomeAssistant) -> None:
    """What was told before a restart is known after it."""
    state = State(EVENT, "2026-10-20T12:00:00.000+00:00")
    stored = {
        "last_event_type": "person",
        "last_event_attributes": {"event_id": "visit-1", "labels": ["person"]},
    }
    mock_restore_cache_with_extra_data(hass, [(state, stored)])
    entry = await move_in(hass, Platform.EVENT)
    camera = camera_of(entry)
    assert hass.states.get(EVENT).state == state.state
    changes = async_capture_events(hass, EVENT_STATE_CHANGED)

    camera.publish(event(Phase.UPDATED, Label.PERSON))
    camera.publish(event(Phase.ENDED, Label.PERSON, reason=EndReason.RESTARTED))
    await hass.async_block_till_done()

    assert _told(changes) == ["ended"]


async def test_the_past_is_not_announced(hass: HomeAssistant) -> None:
    """A visit told after an outage does not reach the entity."""
    entry = await move_in(hass, Platform.EVENT)

    camera_of(entry).publish(event(Phase.ENDED, Label.PERSON, late=True))
    await hass.async_block_till_done()

    assert hass.states.get(EVENT).state == STATE_UNKNOWN


async def test_events_stay_available_without_the_stream(hass: HomeAssistant) -> None:
    """A change from unavailable triggers no automation, so there is none."""
    entry = await move_in(hass, Platform.EVENT)
    camera = stream(entry)
    camera.publish(event())
    told = hass.states.get(EVENT)

    camera.disconnect()
    await hass.async_block_till_done()

    assert hass.states.get(EVENT) == told
