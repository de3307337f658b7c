"""Whether a camera is narrated."""

from typing import Any, override

from homeassistant.components.switch import SwitchEntity
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import NarratorConfigEntry
from .entity import CameraEntity, add_for_cameras

PARALLEL_UPDATES = 0  # everything is pushed


async def async_setup_entry(
    hass: HomeAssistant,
    entry: NarratorConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the switch of all cameras, now and later."""
    add_for_cameras(
        hass, entry, async_add_entities, lambda camera: [NarrationSwitch(camera, "narration")]
    )


class NarrationSwitch(CameraEntity, SwitchEntity):
    """Off: no requests and no new events; activity and live view go on. Kept in the camera's settings."""

    _attr_entity_category = EntityCategory.CONFIG

    @property
    @override
    def is_on(self) -> bool:
        """Return whether the camera is narrated."""
        return self.coordinator.state.enabled

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Narrate it."""
        await self.hub_camera.set_enabled(on=True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Let it be."""
        await self.hub_camera.set_enabled(on=False)
