"""What happens to a camera, as its bridge and the house say it: read once, in order, by narration."""

from dataclasses import dataclass

from .models import ActivityState


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """A bridge's hello named the camera."""

    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The camera is active, as of ``at_s``; ``since_s`` is the bridge's word for how long."""

    at_s: float
    since_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """The camera is quiet since then."""

    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A frame of the live story came."""

    captured_s: float
    active: bool
    novelty: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Regions:
    """What moves in an active camera was told: its regions, and what a detector made of them."""

    state: ActivityState


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggered:
    """An entity that opens events went on, or the last of them off."""

    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Permitted:
    """An entity that events need went on."""


type Fact = Connected | Moved | Quiet | Seen | Regions | Triggered | Permitted
