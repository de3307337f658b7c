"""Strings the moving parts of a clip on held quiet stretches, so that visits begin and end."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

type Luma = npt.NDArray[np.uint8]
type Planes = npt.NDArray[np.uint8]
"""One picture in yuv420p: height * 3 / 2 rows of luma, then blue, then red."""

_CELL_PX: Final = 4
"""Activity is measured on means of 4x4 pixels, where a camera's noise averages out."""
_CHANGE: Final = 6.0
"""Levels a mean must change by from picture to picture to count as moved."""
_BEGINS_SHARE: Final = 0.004
"""A visit begins where this share of the picture moves: a person some way off."""
_LASTS_SHARE: Final = 0.0015
"""It goes on as long as this much does."""
_PAUSE_S: Final = 1.0
"""Shorter pauses belong to the visit: somebody stands still or is hidden."""
_SHORTEST_S: Final = 3.0
"""Shorter visits are left out: a stray leaf is no story."""
_MARGIN_S: Final = 0.5
"""Quiet pictures taken along on both sides."""
_NOISE_LEVELS: Final = 1.2
"""Standard deviation of the noise on held pictures: a real sensor is never quite still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A visit within a clip."""

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """The order in which pictures are shown."""

    frames: tuple[tuple[int, int, float], ...]
    """Per picture shown: two pictures of the clip and the share of the second."""
    held: tuple[bool, ...]
    """Per picture shown: whether it belongs to a quiet stretch."""
    visits: tuple[Span, ...]
    """Where the visits are in what is shown."""


def measure(pictures: list[Luma]) -> list[float]:
    """Return for each picture the share of it that moved since the one before."""
    shares = [0.0]
    before = _means(pictures[0])
    for picture in pictures[1:]:
        now = _means(picture)
        shares.append(float((np.abs(now - before) > _CHANGE).mean()))
        before = now
    return shares


def find_visits(shares: list[float], fps: float) -> list[tuple[int, int]]:
    """Return the visits that begin and end within the clip, as first and last picture."""
    pause, shortest, margin = (round(s * fps) for s in (_PAUSE_S, _SHORTEST_S, _MARGIN_S))
    visits: list[tuple[int, int]] = []
    first = last = -1
    for number, share in enumerate([*shares, *[0.0] * (pause + 1)]):
        if first < 0:
            if share > _BEGINS_SHARE:
                first = last = number
        elif share > _LASTS_SHARE:
            last = number
        elif number - last > pause:
            whole = first > margin and last < len(shares) - margin
            if whole and last - first >= shortest:
                visits.append((first - margin, last + margin))
            first = -1
    return visits


def string(visits: list[tuple[int, int]], fps: float, *, lead_s: float, quiet_s: float) -> Strip:
    """Put a quiet stretch after every visit, the longest visit first.

    A stretch holds the last picture of one visit and fades into the first of the next so
    slowly that nothing seems to move; the last one leads back to the beginning. `lead_s`
    of it comes first of all.
    """
    longest = max(range(len(visits)), key=lambda n: visits[n][1] - visits[n][0])
    ordered = visits[longest:] + visits[:longest]
    opening, lead = ordered[0][0], round(lead_s * fps)
    frames = [(opening, opening, 0.0)] * lead
    held = [True] * lead
    spans: list[Span] = []
    for number, (first, last) in enumerate(ordered, 1):
        spans.append(Span(start_s=len(frames) / fps, end_s=(len(frames) + last - first + 1) / fps))
        frames += [(shown, shown, 0.0) for shown in range(first, last + 1)]
        quiet = round(quiet_s * fps) - (lead if number == len(ordered) else 0)
        upcoming = ordered[number % len(ordered)][0]
        frames += [(last, upcoming, n / quiet) for n in range(quiet)]
        held += [False] * (last - first + 1) + [True] * quiet
    return Strip(frames=tuple(frames), held=tuple(held), visits=tuple(spans))


def render(strip: Strip, pictures: list[Planes]) -> Iterator[Planes]:
    """Return the pictures in their order, with noise on those that are held."""
    random = np.random.default_rng(1)
    shape = pictures[0].shape
    height = shape[0] * 2 // 3
    # A few noise pictures in turn, moved about: fresh noise for each would take most of the time.
    grains = random.normal(0.0, _NOISE_LEVELS, (8, height, shape[1])).astype(np.float32)
    for number, ((first, second, share), still) in enumerate(
        zip(strip.frames, strip.held, strict=True)
    ):
        if not still:
            yield pictures[first]
            continue
        mixed = pictures[first] * np.float32(1 - share) + pictures[second] * np.float32(share)
        shift = int(random.integers(0, shape[1]))
        mixed[:height] += np.roll(grains[number % len(grains)], shift, axis=1)
        yield (mixed + 0.5).clip(0, 255).astype(np.uint8)


def _means(picture: Luma) -> npt.NDArray[np.float32]:
    height, width = (side // _CELL_PX * _CELL_PX for side in picture.shape)
    cells = picture[:height, :width].astype(np.float32)
    cells = cells.reshape(height // _CELL_PX, _CELL_PX, width // _CELL_PX, _CELL_PX)
    means: npt.NDArray[np.float32] = cells.mean(axis=(1, 3))
    return means
