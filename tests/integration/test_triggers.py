"""Sensors of other integrations that open a camera's events, or that its events need."""

from dataclasses import replace
import time
from typing import Any

from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events

from custom_components.camera_narrator import const
from custom_components.camera_narrator.pipeline.models import ActivityState
from tests.integration.house import camera_of, fresh_frame, hub_entry

OCCUPANCY = "binary_sensor.front_door_person_occupancy"
"""As Frigate names it."""


async def house(hass: HomeAssistant, state: str, **data: Any) -> MockConfigEntry:
    """Set up a hub whose camera has these settings, the occupancy sensor being there first."""
    hass.states.async_set(OCCUPANCY, state, {"device_class": "occupancy"})
    entry = hub_entry()
    entry.add_to_hass(hass)
    change(hass, entry, **data)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    camera_of(entry).connect(epoch="epoch", reports_activity=True, active=False)
    await hass.async_block_till_done()
    return entry


def change(hass: HomeAssistant, entry: MockConfigEntry, **data: Any) -> None:
    """Change the camera's settings."""
    (camera,) = entry.get_subentries_of_type(const.SUBENTRY_CAMERA)
    hass.config_entries.async_update_subentry(entry, camera, data={**camera.data, **data})


async def sensor(hass: HomeAssistant, *states: str) -> None:
    """Let the occupancy sensor go through states."""
    for state in states:
        hass.states.async_set(OCCUPANCY, state, {"device_class": "occupancy"})
        await hass.async_block_till_done()


async def move(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Let two active frames come."""
    camera, now_s = camera_of(entry), time.monotonic()
    camera.observe(ActivityState(active=True, since_s=now_s, received_s=now_s))
    for sequence in (2, 3):
        camera.receive(replace(fresh_frame(sequence), active=True))
    await hass.async_block_till_done()


async def test_occupancy_opens_an_event(hass: HomeAssistant) -> None:
    """From off to on, once; nothing has to move, and another sensor of the same value changes nothing."""
    entry = await house(hass, STATE_OFF, **{const.CONF_OPENED_BY: [OCCUPANCY]})
    told = async_capture_events(hass, const.EVENT_TYPE)
    await sensor(hass, STATE_ON, STATE_ON)
    assert [(one.data["phase"], one.data["origin"]) for one in told] == [("started", "trigger")]
    assert camera_of(entry).source.triggered
    await sensor(hass, STATE_OFF)
    assert not camera_of(entry).source.triggered


async def test_a_sensor_that_comes_back_opens_nothing(hass: HomeAssistant) -> None:
    """On at the start, and on after having been unavailable: nobody has just come."""
    await house(hass, STATE_ON, **{const.CONF_OPENED_BY: [OCCUPANCY]})
    told = async_capture_events(hass, const.EVENT_TYPE)
    await sensor(hass, STATE_UNAVAILABLE, STATE_ON)
    assert told == []
    await sensor(hass, STATE_OFF, STATE_ON)
    assert len(told) == 1


async def test_settings_hold_at_once(hass: HomeAssistant) -> None:
    """A sensor that is named later is followed; one that is named no more is not."""
    entry = await house(hass, STATE_OFF)
    told = async_capture_events(hass, const.EVENT_TYPE)
    await sensor(hass, STATE_ON, STATE_OFF)
    assert told == []
    change(hass, entry, **{const.CONF_OPENED_BY: [OCCUPANCY]})
    await hass.async_block_till_done()
    await sensor(hass, STATE_ON, STATE_OFF)
    assert len(told) == 1
    change(hass, entry, **{const.CONF_OPENED_BY: []})
    await hass.async_block_till_done()
    await sensor(hass, STATE_ON)
    assert len(told) == 1


async def test_an_event_needs_the_sensor(hass: HomeAssistant) -> None:
    """Movement alone is none; when the sensor comes on while it moves, it is."""
    entry = await house(hass, STATE_OFF, **{const.CONF_REQUIRED: [OCCUPANCY]})
    told = async_capture_events(hass, const.EVENT_TYPE)
    await move(hass, entry)
    assert told == []
    await sensor(hass, STATE_ON)
    assert told[0].data["phase"] == "started"
    assert told[0].data["origin"] == "activity"


async def test_a_sensor_that_is_away_holds_nothing_back(hass: HomeAssistant) -> None:
    """Whoever relies on events gets one too many rather than none."""
    entry = await house(hass, STATE_UNAVAILABLE, **{const.CONF_REQUIRED: [OCCUPANCY]})
    told = async_capture_events(hass, const.EVENT_TYPE)
    await move(hass, entry)
    assert told[0].data["phase"] == "started"
