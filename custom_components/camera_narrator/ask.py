"""A question about the last seconds or minutes of a camera: pictures of the buffer, and what is kept from before."""

import contextlib
from typing import TYPE_CHECKING, Final

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from . import local_only
from .const import DOMAIN
from .entity import in_words
from .pipeline.buffer import AGE_MAX_S
from .pipeline.claim import Note
from .pipeline.clock import Now
from .pipeline.errors import CannotAsk, Obstacle
from .pipeline.models import Frame, Narrative
from .pipeline.prompt import QUESTION_CHARS
from .pipeline.question import Lookback
from .timeline import TimelineAwayError
from .timeline_record import PictureRecord

if TYPE_CHECKING:
    from .hub_camera import HubCamera

ASK_CHARS: Final = QUESTION_CHARS - 60
"""The span it is about is said in the same breath."""
SHORTEST_S: Final = 5.0
"""A few pictures of an active camera; `describe` is for the present."""
LONGEST_S: Final = 86_400.0
"""What twenty sentences and ten pictures can still stand for."""


async def ask(camera: HubCamera, question: str, seconds: float) -> Narrative:
    """Answer a question about the last ``seconds``; what goes wrong is told in the user's language."""
    hub = camera.hub
    if local_only.answered_by_code(hub.entry, hub.entry.subentries[camera.subentry_id].data):
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="ask_needs_model",
            translation_placeholders={"camera": camera.title},
        )
    back = Lookback(seconds=seconds)
    if seconds > AGE_MAX_S:
        with contextlib.suppress(TimelineAwayError):  # then the buffer has to do
            back = await _recollect(camera, seconds)
    try:
        with in_words(camera):
            return await camera.source.ask(question, back)
    except HomeAssistantError as error:
        cause = error.__cause__
        if isinstance(cause, CannotAsk) and cause.obstacle is Obstacle.NO_PICTURE:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="ask_no_picture",
                translation_placeholders={"camera": camera.title},
            ) from cause
        raise


async def _recollect(camera: HubCamera, seconds: float) -> Lookback:
    """Return what is kept of the time that is asked about; raise TimelineAwayError."""
    now = Now.of(camera.hub.clock)
    kept = await camera.hub.timeline.recollect(camera.subentry_id, now.wall_s - seconds, now.wall_s)
    return Lookback(
        seconds=seconds,
        frames=tuple(
            _frame(camera.key, picture, number, now) for number, picture in enumerate(kept.pictures)
        ),
        notes=tuple(Note(note.at_wall_s, note.text) for note in kept.notes),
    )


def _frame(camera: str, picture: PictureRecord, number: int, now: Now) -> Frame:
    """Return a stored picture as a frame of no run: it counts nowhere."""
    captured_s = now.at(picture.taken_wall_s)
    return Frame(
        camera=camera,
        epoch="",
        sequence=number,
        captured_s=captured_s,
        captured_wall_s=picture.taken_wall_s,
        received_s=captured_s,
        width=picture.width,
        height=picture.height,
        jpeg=picture.jpeg,
    )
