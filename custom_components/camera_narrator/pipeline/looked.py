"""One answered request, as the diary keeps it."""

from collections.abc import Callable
from dataclasses import dataclass

from .models import Span
from .request import Analysis, Chunk, Usage
from .vocabulary import Label, Look


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """Why was asked, what was shown, who answered, what it cost and what came of it."""

    look: Look
    span: Span
    frames: int
    answered_wall_s: float
    provider: str
    visit_id: str | None
    """The visit it was about; some never become an event."""
    labels: frozenset[Label]
    narrative: str
    """Empty where nothing changed or nothing is told: the answer to a question belongs to the asker."""
    note: str
    """The same without what stands written in the pictures: what may go into a prompt again."""
    usage: Usage


def looked(
    chunk: Chunk,
    analysis: Analysis,
    *,
    without_writing: Callable[[str, str], str],
    visit_id: str | None,
    provider: str,
    usage: Usage,
    wall_s: float,
) -> Looked:
    """Return what the diary keeps of an answer that came at ``wall_s``."""
    narrative = analysis.narrative if chunk.look.story else ""
    return Looked(
        look=chunk.look,
        span=chunk.span,
        frames=len(chunk.frames),
        answered_wall_s=wall_s,
        provider=provider,
        visit_id=visit_id,
        labels=analysis.labels,
        narrative=narrative,
        note=without_writing(narrative, analysis.visible_text),
        usage=usage,
    )
