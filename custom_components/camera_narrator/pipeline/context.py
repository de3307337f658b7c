"""The story so far, as text: the newest narratives, kept as claims and never as instructions."""

from dataclasses import dataclass
import re

NOTES_MIN = 3
NOTES_MAX = 9
"""Notes grow from three to nine and are cut in one step, so that eight requests of nine share their prefix."""
NOTE_CHARS = 300
"""A sentence or two; what is longer is told by the pictures."""
WRITING_MIN = 4
"""Shorter writing (a house number, a letter) is part of ordinary sentences and carries no instruction."""


@dataclass(frozen=True, slots=True)
class Note:
    """A narrative of the past and when it was told."""

    at_wall_s: float
    text: str


class Context:
    """What goes along with the next chunk as text."""

    def __init__(self, narratives: tuple[tuple[float, str], ...] = ()) -> None:
        self._notes = [Note(at_wall_s, text) for at_wall_s, text in narratives[-NOTES_MAX:]]

    def add(self, at_wall_s: float, narrative: str, *, visible_text: str = "") -> None:
        """Append a narrative, without what stands written in the pictures."""
        text = without_writing(narrative, visible_text)[:NOTE_CHARS]
        if not text:
            return
        self._notes.append(Note(at_wall_s, text))
        if len(self._notes) > NOTES_MAX:
            del self._notes[:-NOTES_MIN]

    @property
    def notes(self) -> tuple[Note, ...]:
        """Return the notes, oldest first."""
        return tuple(self._notes)

    @property
    def narratives(self) -> tuple[tuple[float, str], ...]:
        """Return the notes as they are stored."""
        return tuple((note.at_wall_s, note.text) for note in self._notes)


def without_writing(narrative: str, visible_text: str) -> str:
    """Return the narrative without passages that repeat writing of the scene."""
    for line in re.split(r"[\n;|]+", visible_text):
        words = line.split()
        if len("".join(words)) >= WRITING_MIN:
            pattern = r"\W+".join(re.escape(word) for word in words)
            narrative = re.sub(pattern, "[writing]", narrative, flags=re.IGNORECASE)
    return narrative.strip()
