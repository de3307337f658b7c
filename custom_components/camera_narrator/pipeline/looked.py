"""One answered request, as the diary keeps it."""

from dataclasses import dataclass

from .models import Span
from .request import Usage
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
    """Empty where nothing changed, and for a user's question: its answer belongs to the asker."""
    note: str
    """The same without what stands written in the pictures: what may go into a prompt again."""
    usage: Usage
