"""What the model says of who and what is there, and what code keeps of it: claims, never facts."""

from dataclasses import dataclass
from typing import Final

from .vocabulary import Label

CLAIM_CHARS: Final = 48
"""Five or six words on the look of somebody, and as many on where."""


@dataclass(frozen=True, slots=True)
class Note:
    """A narrative of the past and when it was told."""

    at_wall_s: float
    """It is known by this: answers come one after the other."""
    text: str
    number: int = 0
    """By which the model may call it wrong; 0 for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """Somebody or something that is there, as far as is known."""

    number: int
    """By which the model refers to it; given anew after a restart."""
    subject: Label
    look: str
    where: str
    moving: bool
    """It can go away by itself: not a parked vehicle, nor a package."""
    since_wall_s: float
    seen_wall_s: float
    """The last picture that showed it."""
    expires_wall_s: float
    confidence: float
    """0 to 1: by how many answers it was seen, and whether the bridge's detector named it."""
    answers: int = 1
    """How many saw it."""
    told_wall_s: float | None = None
    """The note it came with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Somebody or something that an answer sees in its last picture."""

    subject: Label
    number: int = 0
    """The ledger's entry that it is; 0 for a new one."""
    look: str = ""
    where: str = ""
    moving: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """How an answer proposes to change what is known."""

    here: tuple[Sighting, ...] = ()
    gone: frozenset[int] = frozenset()
    """Entries that left."""
    wrong: frozenset[int] = frozenset()
    """Entries and notes that the pictures contradict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How often what is known was compared with an answer without memory, and how often it differed."""

    audits: int = 0
    differed: int = 0
