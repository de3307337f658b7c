"""What a user wants to know of a camera: now, or over the last seconds or minutes."""

import asyncio
from dataclasses import dataclass

from .claim import Note
from .models import Frame, Narrative


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookback:
    """How far back a question goes, and what is kept of the time before the buffer."""

    seconds: float
    frames: tuple[Frame, ...] = ()
    notes: tuple[Note, ...] = ()
    """What was told of that time; none: the camera's own notes go along."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What a user wants to know; without a prompt a plain description, without a lookback of the present."""

    prompt: str | None
    answer: asyncio.Future[Narrative]
    back: Lookback | None = None

    @property
    def words(self) -> str | None:
        """Return what the model is asked."""
        if self.back is None or self.prompt is None:
            return self.prompt
        seconds = self.back.seconds
        ago = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
        return f"(of all of the last {ago}, not of the present alone) {self.prompt}"
