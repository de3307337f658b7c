"""The picture that decides each event: of the newest in memory, of those before in the timeline, behind one path."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import web
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.http import KEY_HASS, HomeAssistantView
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN
from .coordinator import NarratorConfigEntry
from .pipeline.models import Event, Frame
from .pipeline.vocabulary import Phase
from .timeline import RETRY_S, TimelineAwayError

KEPT: Final = 200
"""Events of a lively day; who opens last night's notification in the morning still sees who it was."""
BYTES_MAX: Final = 24 * 2**20
"""200 pictures of 480p at twice their usual size; larger pictures mean fewer events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A picture of an event of one camera."""

    jpeg: bytes
    camera: str
    """The camera's subentry: keys are unique within a hub alone."""
    labelled: bool
    """Taken when the event had a name already."""


class EventPictures:
    """A picture per event by its id, the oldest event out first."""

    def __init__(self) -> None:
        """Begin empty."""
        self._pictures: OrderedDict[str, _Kept] = OrderedDict()
        self._bytes = 0

    def __contains__(self, event_id: str) -> bool:
        """Return whether there is a picture of that event."""
        return event_id in self._pictures

    def picture(self, event_id: str) -> bytes | None:
        """Return the picture of that event."""
        kept = self._pictures.get(event_id)
        return None if kept is None else kept.jpeg

    def decide(self, event: Event, frames: Iterable[Frame], *, camera: str) -> Frame | None:
        """Keep what shows the event best: of the frames that opened it, then of those at its first name.

        Return it where it is another than before.
        """
        if event.phase is Phase.ENDED or event.late or event.closed:
            return None
        known = self._pictures.get(event.id)
        if known is not None and (known.labelled or not event.labelled):
            return None
        frame = deciding(event, frames)
        if frame is not None:
            self._keep(event.id, frame.jpeg, camera=camera, labelled=event.labelled)
        return frame

    def restore(self, event: Event, jpeg: bytes, *, camera: str) -> None:
        """Take back the picture of an event that was open over a restart, unless there is one again."""
        if event.id not in self._pictures:
            self._keep(event.id, jpeg, camera=camera, labelled=event.labelled)

    def forget(self, camera: str) -> None:
        """Let the pictures of a removed camera go."""
        for event_id in [key for key, kept in self._pictures.items() if kept.camera == camera]:
            self._drop(event_id)

    def _keep(self, event_id: str, jpeg: bytes, *, camera: str, labelled: bool) -> None:
        known = self._pictures.get(event_id)
        self._bytes += len(jpeg) - (0 if known is None else len(known.jpeg))
        self._pictures[event_id] = _Kept(jpeg=jpeg, camera=camera, labelled=labelled)
        while len(self._pictures) > KEPT or self._bytes > BYTES_MAX:
            self._drop(next(iter(self._pictures)))

    def _drop(self, event_id: str) -> None:
        self._bytes -= len(self._pictures.pop(event_id).jpeg)


def deciding(event: Event, frames: Iterable[Frame]) -> Frame | None:
    """Return the frame of a visit in which most moves, the newest of equals; None where it has none yet."""
    shown = [frame for frame in frames if frame.captured_s >= event.span.from_s]
    moving = [frame for frame in shown if frame.active] or shown[-1:]
    return max(moving, key=lambda frame: (frame.activity, frame.captured_s), default=None)


DATA_PICTURES: HassKey[EventPictures] = HassKey(f"{DOMAIN}_event_pictures")


@callback
def async_setup_event_pictures(hass: HomeAssistant) -> EventPictures:
    """Return the run's pictures; the view is registered with the first."""
    if DATA_PICTURES not in hass.data:
        hass.data[DATA_PICTURES] = EventPictures()
        hass.http.register_view(EventPictureView())
    return hass.data[DATA_PICTURES]


def picture_path(hass: HomeAssistant, event_id: str) -> str | None:
    """Return where an authenticated request finds the picture of an event; None where none is kept."""
    if event_id not in async_setup_event_pictures(hass):
        return None
    return EventPictureView.url.format(event=event_id)


class EventPictureView(HomeAssistantView):
    """Serves the pictures of events."""

    url = f"/api/{DOMAIN}/event/{{event}}/picture"
    name = f"api:{DOMAIN}:event_picture"

    async def get(self, request: web.Request, event: str) -> web.Response:
        """Return the picture, 404 where none is kept, or 503 where the timeline cannot be read."""
        hass = request.app[KEY_HASS]
        jpeg = async_setup_event_pictures(hass).picture(event)
        try:
            if jpeg is None:
                jpeg = await _stored(hass, event)
        except TimelineAwayError:
            return web.Response(
                status=HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": str(int(RETRY_S))}
            )
        if jpeg is None:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        return web.Response(
            body=jpeg, content_type="image/jpeg", headers={"Cache-Control": "private, no-cache"}
        )


async def _stored(hass: HomeAssistant, event_id: str) -> bytes | None:
    """Return the picture from the timeline of the hub that has it; raise TimelineAwayError."""
    entries: list[NarratorConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    for entry in entries:
        if (picture := await entry.runtime_data.timeline.picture(event_id)) is not None:
            return picture.jpeg
    return None
