"""Which frames of a span go into a chunk."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from .models import Frame

PROMPTLY_S = 2.0
"""What was captured later than this after the news may show the next already."""
GAP_S = 1.2
"""A person crosses a driveway in little more; a larger hole in the span is worth another picture."""


def select(
    frames: Sequence[Frame], limit: int, *, news_s: Iterable[float] = ()
) -> tuple[Frame, ...]:
    """Choose pictures: first and last, the first after each of the news, then the largest gaps, then the most novel; in capture order.

    At most ``limit``, and up to twice as many only while a gap over GAP_S is left that a frame can fill.
    """
    if limit <= 1 or len(frames) <= 1:
        return tuple(frames[-1:])
    chosen = {0, len(frames) - 1}
    for first in _after(frames, news_s):
        if len(chosen) < limit:
            chosen.add(first)
    while len(chosen) < min(limit * 2, len(frames)):
        index = _in_largest_gap(frames, sorted(chosen))
        if index is None:
            if len(chosen) >= limit:
                break
            index = _most_novel(frames, chosen)
        chosen.add(index)
    return tuple(frames[index] for index in sorted(chosen))


def _after(frames: Sequence[Frame], news_s: Iterable[float]) -> Iterator[int]:
    """Yield the first frame from each moment on, if it came soon; the newest first."""
    for at_s in sorted(news_s, reverse=True):
        index = bisect_left(frames, at_s, key=lambda frame: frame.captured_s)
        if index < len(frames) and frames[index].captured_s - at_s <= PROMPTLY_S:
            yield index


def _in_largest_gap(frames: Sequence[Frame], chosen: Sequence[int]) -> int | None:
    """Return the frame to fill the largest gap with: near its middle, and of those the most novel."""
    fillable = [
        (frames[after].captured_s - frames[before].captured_s, before, after)
        for before, after in pairwise(chosen)
        if after - before > 1
    ]
    gap_s, before, after = max(fillable, default=(0.0, 0, 0))
    if gap_s <= GAP_S:
        return None
    inner = range(before + 1, after)
    middle_s = (frames[before].captured_s + frames[after].captured_s) / 2
    near = [index for index in inner if abs(frames[index].captured_s - middle_s) <= gap_s / 6]
    if near:
        return max(near, key=lambda index: (frames[index].novelty, -index))
    return min(inner, key=lambda index: abs(frames[index].captured_s - middle_s))


def _most_novel(frames: Sequence[Frame], chosen: set[int]) -> int:
    rest = (index for index in range(len(frames)) if index not in chosen)
    return max(rest, key=lambda index: (frames[index].novelty, -index))
