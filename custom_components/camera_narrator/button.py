"""Describe what a camera shows now."""

from typing import override

from homeassistant.components.button import ButtonEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import NarratorConfigEntry
from .entity import CameraEntity, add_for_cameras, describe

PARALLEL_UPDATES = 0  # the hub's limiter decides how many requests run


async def async_setup_entry(
    hass: HomeAssistant,
    entry: NarratorConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the button of all cameras, now and later."""
    add_for_cameras(
        hass, entry, async_add_entities, lambda camera: [DescribeButton(camera, "describe")]
    )


class DescribeButton(CameraEntity, ButtonEntity):
    """Asks for a description of the present, which becomes the camera's sentence."""

    @override
    async def async_press(self) -> None:
        """Describe now."""
        await describe(self.hub_camera, None)
