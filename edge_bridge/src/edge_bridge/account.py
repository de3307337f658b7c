"""What the ring knows of a frame and of its camera. Pure."""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto

from .sampler import SampledFrame


class Place(Enum):
    """Where a frame is."""

    WAITING = auto()
    """For the socket, as live."""
    BACKLOG = auto()
    """For its turn as replay."""
    LIVE = auto()
    """Sent as live on this or the last connection."""
    REPLAY = auto()
    """Sent as replay on this or the last connection."""


class Loss(Enum):
    """How a frame is lost."""

    OVERFLOWED = auto()
    WITHDRAWN = auto()
    REPLACED = auto()


@dataclass(slots=True, eq=False)
class Entry:
    """One unacknowledged frame; a shell where its bytes had to go."""

    camera: str
    sequence: int
    captured_us: int
    frame: SampledFrame | None
    place: Place
    added_us: int
    was_sent: bool = False
    """On this connection or on an earlier one."""
    loss: Loss = Loss.OVERFLOWED
    """What it counts as, if it is a shell and did not arrive."""

    @property
    def preroll(self) -> bool:
        """Whether it was taken before the onset that sends it."""
        return self.frame is not None and self.frame.preroll

    @property
    def urgent(self) -> bool:
        """Whether it belongs to an activity."""
        return self.frame is not None and self.frame.urgent


@dataclass(slots=True, eq=False)
class Account:
    """One camera's frames and counts."""

    sampled: int = 0
    acknowledged: int = 0
    unacknowledged: int = 0
    lost: dict[Loss, int] = field(default_factory=lambda: dict.fromkeys(Loss, 0))
    settled: int = 0
    run_id: str = ""
    waiting: deque[Entry] = field(default_factory=deque)
    sent: dict[Place, deque[Entry]] = field(
        default_factory=lambda: {Place.LIVE: deque(), Place.REPLAY: deque()}
    )
