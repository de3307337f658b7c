"""The key frame: the picture that shows the present or last visit best."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, override

from homeassistant.components.image import ImageEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import NarratorConfigEntry
from .entity import CameraEntity, add_for_cameras
from .picture_link import PictureLink
from .pipeline.models import Frame

if TYPE_CHECKING:
    from .hub_camera import HubCamera

PARALLEL_UPDATES = 0  # everything is pushed

TOKEN_LIFE: Final = timedelta(hours=1)
"""Of the link to the picture, which also changes with the picture: 24 states a day and camera."""


async def async_setup_entry(
    hass: HomeAssistant,
    entry: NarratorConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the key frame of all cameras, now and later."""
    add_for_cameras(
        hass, entry, async_add_entities, lambda camera: [KeyFrame(hass, camera, "key_frame")]
    )


class KeyFrame(CameraEntity, ImageEntity):
    """Changes with the phases of an event, never with each frame."""

    _attr_content_type = "image/jpeg"

    def __init__(self, hass: HomeAssistant, camera: HubCamera, key: str) -> None:
        """Show what the coordinator holds."""
        CameraEntity.__init__(self, camera, key)
        self._link = PictureLink(TOKEN_LIFE)
        ImageEntity.__init__(self, hass)
        self._frame: Frame | None = None
        self._take()

    @override
    async def async_image(self) -> bytes | None:
        """Return the picture as it came from the bridge."""
        return None if self._frame is None else self._frame.jpeg

    @override
    @callback
    def async_update_token(self) -> None:
        """Renew the link to the picture when its time has come."""
        if self._link.due():
            super().async_update_token()

    @override
    @callback
    def _changed(self) -> None:
        if self.coordinator.state.key_frame is not self._frame:
            self._link.end()
            self.async_update_token()
            self._take()
            self.async_write_ha_state()

    def _take(self) -> None:
        frame = self._frame = self.coordinator.state.key_frame
        if frame is not None:
            self._attr_image_last_updated = datetime.fromtimestamp(frame.captured_wall_s, UTC)
