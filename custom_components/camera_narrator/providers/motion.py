"""What the bridge's activity tells of a span: how long, where, which way, how many."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from ..pipeline.models import ActivityState, Frame, Region, Span
from .sightings import Sighting, sightings

MOVED = 0.08
"""Fraction of the picture: less is the jitter of a region's edge, a person walks it in a second."""
GREW = 1.6
"""Factor of a region's area over the span: less is limbs and shadows."""
SMALL, LARGE = 0.01, 0.25
"""Fractions of the picture: a cat across the yard, and somebody in front of the lens."""


class Heading(StrEnum):
    """Which way something goes, as seen in the picture."""

    RIGHT = "moving right"
    LEFT = "moving left"
    UP = "moving up"
    DOWN = "moving down"
    LARGER = "getting larger"
    SMALLER = "getting smaller"


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """What moved in a span."""

    moved_s: float
    """How long anything did; 0 where nothing did."""
    quiet_s: float
    """For how long nothing has, at the end of the span; 0 where something still does."""
    first: Region | None = None
    """The largest moving region when it was first and last seen; None where only that it moves is known."""
    last: Region | None = None
    count: int = 0
    """Most regions at the same time."""
    heading: Heading | None = None
    named: tuple[Sighting, ...] = ()
    """What the detector named, in the order in which it is told."""
    unnamed: Region | None = None
    """The largest region that moved where the detector named nothing, beside what it named."""

    @property
    def any(self) -> bool:
        """Whether anything moved."""
        return self.moved_s > 0 or self.count > 0

    @property
    def area(self) -> float:
        """Return the larger of the first and last region, as a fraction of the picture."""
        return max((_area(region) for region in (self.first, self.last) if region), default=0.0)


def motion(activity: Sequence[ActivityState], frames: Sequence[Frame], span: Span) -> Motion:
    """Sum up a span; the frames' own flags speak where no activity state does."""
    moved_s, quiet_s = _from_frames(frames, span)
    if activity:
        by_states_s, quiet_s = _from_states(activity, span)
        moved_s = by_states_s or moved_s
    seen = [max(state.regions, key=_area) for state in activity if state.active and state.regions]
    count = max((len(state.regions) for state in activity if state.active), default=0)
    named, unnamed = sightings(activity), _unnamed(activity)
    if not seen:
        return Motion(moved_s=moved_s, quiet_s=quiet_s, named=named)
    # Of several things the largest may change from state to state: no way is told then.
    way = heading(seen[0], seen[-1]) if count == 1 else None
    return Motion(
        moved_s=moved_s,
        quiet_s=quiet_s,
        first=seen[0],
        last=seen[-1],
        count=count,
        heading=way,
        named=named,
        unnamed=unnamed,
    )


def heading(first: Region, last: Region) -> Heading | None:
    """Return which way something went that was first and last seen there."""
    across = (last.x + last.width / 2) - (first.x + first.width / 2)
    down = (last.y + last.height / 2) - (first.y + first.height / 2)
    if max(abs(across), abs(down)) >= MOVED:
        if abs(across) >= abs(down):
            return Heading.RIGHT if across > 0 else Heading.LEFT
        return Heading.DOWN if down > 0 else Heading.UP
    before, after = _area(first), _area(last)
    if before > 0 and after >= before * GREW:
        return Heading.LARGER
    if after > 0 and before >= after * GREW:
        return Heading.SMALLER
    return None


def _from_states(states: Sequence[ActivityState], span: Span) -> tuple[float, float]:
    """Return seconds of movement, and of quiet since; a state holds from its ``since`` to the next's."""
    begins = [max(span.from_s, min(state.since_s, span.to_s)) for state in states]
    moved_s = sum(
        (
            later - begin
            for (begin, later), state in zip(pairwise(begins), states, strict=False)
            if state.active
        ),
        0.0,
    )
    if states[-1].active:
        return max(moved_s + span.to_s - begins[-1], 0.1), 0.0
    return moved_s, max(span.to_s - states[-1].since_s, 0.0)


def _from_frames(frames: Sequence[Frame], span: Span) -> tuple[float, float]:
    active = [frame.captured_s for frame in frames if frame.active]
    if not active:
        return 0.0, span.seconds
    return max(active[-1] - active[0], 0.1), max(span.to_s - active[-1], 0.0)


def _unnamed(activity: Sequence[ActivityState]) -> Region | None:
    """Return the largest region beside all detections, of the last state that has any."""
    named = [state for state in activity if state.active and state.detections]
    if not named:
        return None
    boxes = [detection.box for detection in named[-1].detections]
    beside = (
        region for region in named[-1].regions if not any(_meet(region, box) for box in boxes)
    )
    return max(beside, key=_area, default=None)


def _meet(one: Region, other: Region) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def _area(region: Region) -> float:
    return region.width * region.height
