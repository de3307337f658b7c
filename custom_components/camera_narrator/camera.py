"""The live view, out of the buffer: no second session to the camera, and nothing is decoded."""

from datetime import timedelta
from typing import TYPE_CHECKING, Final, override

from aiohttp import web
from homeassistant.components.camera import Camera, async_get_still_stream
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import NarratorConfigEntry
from .entity import CameraEntity, add_for_cameras
from .picture_link import PictureLink

if TYPE_CHECKING:
    from .hub_camera import HubCamera

PARALLEL_UPDATES = 0  # everything is pushed

STREAM_FPS: Final = 2.0
"""While someone watches the stream: fluent enough to follow a person, 0.1 MB/s at most."""
GLANCE_FPS: Final = 1.0
"""After a single picture was fetched: a dashboard fetches the next in 10 s."""
STREAM_S: Final = 10.0
"""How long the bridge keeps the rate after the last look: longer than a slow network's hiccup."""
GLANCE_S: Final = 3.0
"""Short, so that the pictures of a dashboard do not keep all cameras at a high rate."""
RENEW_S: Final = 4.0
"""Between the wishes of one watched stream: two chances before STREAM_S ends."""
TOKEN_LIFE: Final = timedelta(minutes=30)
"""Of the link to the picture: 48 states a day and camera."""


async def async_setup_entry(
    hass: HomeAssistant,
    entry: NarratorConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the live view of all cameras, now and later."""
    add_for_cameras(hass, entry, async_add_entities, lambda camera: [LiveView(camera, "live")])


class LiveView(CameraEntity, Camera):
    """Shows the newest frame; while someone looks, the bridge sends more of them."""

    _attr_name = None
    _attr_frame_interval = 1 / (2 * STREAM_FPS)
    """Twice the rate: a picture waits a quarter of a second at most, and the same picture is not sent twice."""

    def __init__(self, camera: HubCamera, key: str) -> None:
        """Look into the buffer of a camera."""
        CameraEntity.__init__(self, camera, key)
        self._link = PictureLink(TOKEN_LIFE)
        Camera.__init__(self)
        self._asked_s = float("-inf")

    @property
    @override
    def available(self) -> bool:
        """Return whether there is something to see."""
        return self.coordinator.state.connected

    @override
    @callback
    def async_update_token(self) -> None:
        """Renew the link to the picture when its time has come."""
        if self._link.due():
            super().async_update_token()

    @property
    @override
    def is_streaming(self) -> bool:
        """Return True: whenever it is available, pictures come in."""
        return True

    @override
    async def async_camera_image(
        self, width: int | None = None, height: int | None = None
    ) -> bytes | None:
        """Return the newest frame as it came; Home Assistant scales it where asked to."""
        self._watch(rate_fps=GLANCE_FPS, seconds=GLANCE_S)
        return self._newest()

    @override
    async def handle_async_mjpeg_stream(self, request: web.Request) -> web.StreamResponse:
        """Send each new frame as long as someone watches."""
        return await async_get_still_stream(
            request, self._watched, self.content_type, self.frame_interval
        )

    async def _watched(self) -> bytes | None:
        self._watch(rate_fps=STREAM_FPS, seconds=STREAM_S)
        return self._newest()

    def _watch(self, *, rate_fps: float, seconds: float) -> None:
        """Ask the bridge for more frames, but not with every look of a stream."""
        now_s = self.hass.loop.time()
        if now_s - self._asked_s >= min(seconds, RENEW_S):
            self._asked_s = now_s
            self.hub_camera.watch(rate_fps=rate_fps, seconds=seconds)

    def _newest(self) -> bytes | None:
        frame = self.hub_camera.source.latest()
        return None if frame is None else frame.jpeg
