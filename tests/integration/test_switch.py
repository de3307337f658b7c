"""The narration switch of a camera."""

from homeassistant.components.switch import DOMAIN as SWITCH_DOMAIN
from homeassistant.const import (
    ATTR_ENTITY_ID,
    SERVICE_TURN_OFF,
    SERVICE_TURN_ON,
    STATE_OFF,
    STATE_ON,
    Platform,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import snapshot_platform
from syrupy.assertion import SnapshotAssertion

from custom_components.camera_narrator.const import CONF_ENABLED
from tests.integration.house import CAMERA, camera_of, move_in

SWITCH = "switch.front_door_narration"


async def test_the_switch(
    hass: HomeAssistant, entity_registry: er.EntityRegistry, snapshot: SnapshotAssertion
) -> None:
    """The switch of a camera, with all its properties."""
    entry = await move_in(hass, Platform.SWITCH)

    await snapshot_platform(hass, entity_registry, snapshot, entry.entry_id)


async def test_switching_is_kept_and_reaches_the_pipeline(hass: HomeAssistant) -> None:
    """Off and on are written into the camera's settings, and hold without a reload."""
    entry = await move_in(hass, Platform.SWITCH)
    camera = camera_of(entry)

    for action, enabled in ((SERVICE_TURN_OFF, False), (SERVICE_TURN_ON, True)):
        await hass.services.async_call(
            SWITCH_DOMAIN, action, {ATTR_ENTITY_ID: SWITCH}, blocking=True
        )
        await hass.async_block_till_done()

        assert hass.states.get(SWITCH).state == (STATE_ON if enabled else STATE_OFF)
        assert entry.subentries[CAMERA].data[CONF_ENABLED] is enabled
        assert camera.source.settings.enabled is enabled
        assert camera_of(entry) is camera
