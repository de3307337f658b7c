"""What is new in front of a camera: more that moves, less of it, or a picture unlike the last. Takes times, owns no clock."""

from collections.abc import Sequence
from enum import Enum

from .counts import Counts
from .models import ActivityState, Region

NEW_REGION_DISTANCE = 0.4
"""A region whose centre is farther than this from all regions before is another thing that moves."""
JUMP_FLOOR = 48
"""Of 255: below it a frame differs by noise and walking."""
JUMP_RATIO = 2.5
EXPLAINED_S = 2.0
"""Who leaves makes a picture jump, too; frames come once a second."""


class Change(Enum):
    """What became of what is to be seen."""

    MORE = "more"
    """Somebody came, something was put down: worth a look."""
    LESS = "less"
    """Somebody left or stands still: what the next look tells is soon enough."""


class News:
    """Compares what is told of one visit with what was told before."""

    def __init__(self) -> None:
        self._state: ActivityState | None = None
        self._counts = Counts()
        self._average: float | None = None
        self._less_s = float("-inf")

    def of_state(self, state: ActivityState) -> Change | None:
        """Take what moves, and what a detector made of it."""
        before, self._state = self._state, state
        if self._counts.rise(state.detections, state.received_s):
            return Change.MORE
        if before is None:
            return None
        if appeared(before.regions, state.regions):
            return Change.MORE
        if len(state.regions) < len(before.regions):
            self._less_s = state.received_s
            return Change.LESS
        return None

    def of_frame(self, captured_s: float, novelty: int) -> Change | None:
        """Take how much a frame differs from the one before."""
        average = novelty if self._average is None else self._average
        self._average = average + 0.2 * (novelty - average)
        if not jumped(novelty, average):
            return None
        return Change.LESS if abs(captured_s - self._less_s) <= EXPLAINED_S else Change.MORE


def appeared(before: Sequence[Region], after: Sequence[Region]) -> bool:
    """Return whether more regions move than before, or one where none was near."""
    if len(after) > len(before):
        return True
    return any(
        min(_distance(region, known) for known in before) > NEW_REGION_DISTANCE for region in after
    )


def jumped(novelty: int, average: float) -> bool:
    """Return whether a frame differs far more from its predecessor than those of the visit so far."""
    return novelty >= JUMP_FLOOR and novelty >= JUMP_RATIO * average


def _distance(one: Region, other: Region) -> float:
    across = (one.x + one.width / 2) - (other.x + other.width / 2)
    down = (one.y + one.height / 2) - (other.y + other.height / 2)
    return float((across**2 + down**2) ** 0.5)
