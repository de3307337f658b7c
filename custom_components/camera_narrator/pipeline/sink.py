"""Where a camera's story goes."""

from collections.abc import Mapping
from typing import Protocol

from .looked import Looked
from .models import CameraMemory, Event, Failure, Narrative
from .request import Usage
from .rule import RuleState
from .vocabulary import Look


class Sink(Protocol):
    """Takes what narration has to say. Nothing here waits or raises."""

    def publish(self, event: Event) -> None:
        """Take each phase of each event; ``event.late`` is a visit of the past."""

    def narrate(self, narrative: Narrative) -> None:
        """Take words to show as the camera's sentence."""

    def fail(self, failure: Failure | None) -> None:
        """Take why the last request brought no words; None after one that did."""

    def rules(self, states: Mapping[str, RuleState], fired: tuple[str, ...]) -> None:
        """Take what is known of the rules, by key, and which of them came true just now."""

    def watch(self, *, rate_fps: float, seconds: float) -> None:
        """Ask for more pictures for a while, though nothing moves."""

    def remember(self, memory: CameraMemory) -> None:
        """Store what shall survive a restart."""

    def looked(self, looked: Looked) -> None:
        """Take what one answered request showed and brought, to be kept."""

    def account(self, look: Look, usage: Usage) -> None:
        """Take what one finished request used."""
