"""Judges rehearsals and real runs by the truth: figures out of what was asked, told and received. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from rigs.model_request import ModelRequest, out_of_order, shown_twice
from rigs.rehearsal.play import Novelty

NEAR_S: Final = 0.75
"""A moment is seen where an analysed picture is so near."""
PROMPTLY_S: Final = 2.0
"""A novelty counts as shown where an analysed picture was taken at most so long after it."""
_STEP_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """From a beginning to an end."""

    from_s: float
    to_s: float

    def overlaps(self, other: Stretch) -> bool:
        """Whether both share a moment."""
        return self.from_s <= other.to_s and other.from_s <= self.to_s


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldEvent:
    """One event as it was published."""

    id: str
    span: Stretch
    withdrawn: bool = False
    """Its last verdict is that there was nothing."""
    continues: bool = False


def seen_share(active: Sequence[Stretch], analysed_s: Sequence[float]) -> float:
    """Return the share of active time that lies near an analysed picture."""
    seen = total = 0
    for stretch in active:
        near = [at_s for at_s in analysed_s if _within(at_s, stretch, NEAR_S)]
        count = max(1, round((stretch.to_s - stretch.from_s) / _STEP_S))
        moments = [stretch.from_s + (n + 0.5) * _STEP_S for n in range(count)]
        total += count
        seen += sum(any(abs(at_s - moment) <= NEAR_S for at_s in near) for moment in moments)
    return seen / total if total else 1.0


def largest_gap_s(active: Sequence[Stretch], analysed_s: Sequence[float]) -> float:
    """Return the longest part of an active stretch without an analysed picture, its ends included."""
    largest = 0.0
    for stretch in active:
        inside = sorted(at_s for at_s in analysed_s if _within(at_s, stretch, 0.0))
        marks = [stretch.from_s, *inside, stretch.to_s]
        largest = max([largest, *(b - a for a, b in pairwise(marks))])
    return largest


def shown_promptly(novelties: Iterable[Novelty], analysed_s: Sequence[float]) -> tuple[int, int]:
    """Return how many novelties an analysed picture shows that was taken at most 2 s after, and how many there are."""
    shown = total = 0
    for novelty in novelties:
        until_s = min(novelty.at_s + PROMPTLY_S, novelty.until_s)
        total += 1
        shown += any(novelty.at_s <= at_s <= until_s for at_s in analysed_s)
    return shown, total


def recall(visits: Sequence[Stretch], events: Sequence[ToldEvent]) -> float:
    """Return the share of visits that an event overlaps."""
    found = sum(any(visit.overlaps(event.span) for event in events) for visit in visits)
    return found / len(visits) if visits else 1.0


def precision(visits: Sequence[Stretch], events: Sequence[ToldEvent]) -> float:
    """Return the share of events, those withdrawn left out, that overlap a visit."""
    standing = [event for event in events if not event.withdrawn]
    right = sum(any(event.span.overlaps(visit) for visit in visits) for event in standing)
    return right / len(standing) if standing else 1.0


def events_per_visit(visits: Sequence[Stretch], events: Sequence[ToldEvent]) -> float:
    """Return how many events, announced again ones left out, a visit has on the average."""
    counted = [
        event
        for event in events
        if not event.continues and any(event.span.overlaps(visit) for visit in visits)
    ]
    return len(counted) / len(visits) if visits else 0.0


def doubled(story: Iterable[ModelRequest]) -> int:
    """Return the pictures in two accepted story requests."""
    return len(shown_twice(story))


def reordered(requests: Iterable[ModelRequest], applied: Sequence[float] = ()) -> int:
    """Return the requests with pictures out of order, and the answers that were applied after a later one."""
    out = sum(out_of_order(request) for request in requests)
    return out + sum(b < a for a, b in pairwise(applied))


def _within(at_s: float, stretch: Stretch, margin_s: float) -> bool:
    return stretch.from_s - margin_s <= at_s <= stretch.to_s + margin_s
