"""People and vehicles to put into a quiet scene: cut from footage, or drawn."""

from dataclasses import dataclass
import itertools
from typing import Final

import numpy as np
import numpy.typing as npt

from rigs.backdrop import Backdrop, pictures_of
from rigs.coded_stream import HEIGHT_PX

type Levels = npt.NDArray[np.float32]

PHASES: Final = 25
"""Pictures of one double step, which takes a second."""
_FOLDS_LEVELS: Final = 12.0
"""How much cloth, and what a car's paint mirrors, varies; it changes as it moves, or an encoder would just move it."""
_FOLD_PX: Final = 3
_CUT_SAMPLES: Final = 24
_CUT_LEVELS: Final = 22.0
"""What differs so much from the quiet scene belongs to the figure."""
_CUT_CELL_PX: Final = 4
_CUT_LEAST_PX: Final = 40
_CUTS_MOST: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Something that moves: its pictures in turn, each with how opaque it is."""

    phases: tuple[tuple[Levels, Levels], ...]
    """Luma (height, width) and opacity 0 to 1."""
    phase_s: float
    """How long each is shown; endless where there is one."""

    @property
    def height(self) -> int:
        """Return its height in pixels."""
        return len(self.phases[0][0])

    @property
    def width(self) -> int:
        """Return its width in pixels."""
        return len(self.phases[0][0][0])

    def at(self, seconds: float) -> tuple[Levels, Levels]:
        """Return its picture and opacity then."""
        return self.phases[int(seconds / self.phase_s) % len(self.phases)]


def walker(height: int, *, coat: float, trousers: float, skin: float) -> Figure:
    """Draw a person who walks, of this height in pixels and these levels."""
    width = max(8, height // 2)
    down, right = np.mgrid[0:height, 0:width]
    down, right = down / height, (right - width / 2) / height
    phases = []
    folds = _folds(height, width)
    for number in range(PHASES):
        swing = 0.16 * np.sin(2 * np.pi * number / PHASES)
        luma = np.full((height, width), coat, np.float32)
        shape = np.zeros((height, width), np.bool_)
        for side in (-1, 1):
            leg = _near_line(down, right, (0.5, 0.0), (0.98, side * swing), 0.05)
            luma[leg] = trousers
            arm = _near_line(down, right, (0.22, 0.0), (0.52, -side * swing * 0.8), 0.03)
            shape |= leg | arm
        torso = ((down - 0.36) / 0.19) ** 2 + (right / 0.1) ** 2 < 1
        head = ((down - 0.08) / 0.08) ** 2 + (right / 0.06) ** 2 < 1
        luma[head] = skin
        luma[torso & (right > 0.03)] *= 0.85
        luma += _between(folds, number)
        phases.append((luma, _soft(shape | torso | head)))
    return Figure(phases=tuple(phases), phase_s=1.0 / PHASES)


def vehicle(height: int, *, paint: float) -> Figure:
    """Draw a car from the side, of this height in pixels and this level."""
    width = round(height * 2.6)
    down, right = np.mgrid[0:height, 0:width]
    down, right = down / height, right / width
    body = (down > 0.42) & (down < 0.85) & (right > 0.02) & (right < 0.98)
    cabin = (down > 0.05) & (down <= 0.45) & (abs(right - 0.5) < 0.18 + 0.25 * down)
    glass = (down > 0.12) & (down < 0.4) & (abs(right - 0.5) < 0.14 + 0.22 * down)
    wheels = np.zeros_like(body)
    for centre in (0.2, 0.8):
        wheels |= ((down - 0.82) ** 2 + ((right - centre) * 2.6) ** 2) < 0.17**2
    luma = np.full((height, width), paint, np.float32)
    luma[glass] = 60
    luma[wheels] = 25
    luma[body & (down > 0.65)] *= 0.85
    folds, opaque = _folds(height, width), _soft(body | cabin | wheels)
    phases = tuple((luma + _between(folds, number), opaque) for number in range(PHASES))
    return Figure(phases=phases, phase_s=1.0 / PHASES)


def cut_outs(backdrop: Backdrop) -> list[Figure]:
    """Cut what stands before a clip's quiet scene out of it; may find nothing."""
    found: list[tuple[int, Figure]] = []
    for planes in pictures_of(backdrop.clip, _CUT_SAMPLES):
        luma = planes[:HEIGHT_PX].astype(np.float32)
        differs = np.abs(luma - backdrop.luma) > _CUT_LEVELS
        box = _largest(differs)
        if box is None:
            continue
        top, left, bottom, right = box
        patch, mask = luma[top:bottom, left:right], differs[top:bottom, left:right]
        opaque, folds = _soft(_closed(mask)), _folds(*patch.shape)
        phases = tuple((patch + 0.5 * _between(folds, n), opaque) for n in range(PHASES))
        figure = Figure(phases=phases, phase_s=1.0 / PHASES)
        found.append((int(mask.sum()), figure))
    found.sort(key=lambda entry: -entry[0])
    return [figure for _, figure in found[:_CUTS_MOST]]


def resized(figure: Figure, height: int) -> Figure:
    """Return a figure at another height."""
    width = max(4, round(figure.width * height / figure.height))
    rows = np.arange(height) * figure.height // height
    columns = np.arange(width) * figure.width // width
    place = np.ix_(rows, columns)
    return Figure(
        phases=tuple((luma[place], opaque[place]) for luma, opaque in figure.phases),
        phase_s=figure.phase_s,
    )


def put(
    scene: Levels, figure: Figure, *, x: float, y: float, seconds: float, clip_x: float
) -> float:
    """Put a figure into a scene, its upper left corner there; return how much of it shows.

    What lies left of ``clip_x`` is hidden behind something.
    """
    luma, opaque = figure.at(seconds)
    left, top = round(x), round(y)
    first = max(0, left, round(clip_x))
    last = min(scene.shape[1], left + luma.shape[1])
    upper, lower = max(0, top), min(scene.shape[0], top + luma.shape[0])
    if first >= last or upper >= lower:
        return 0.0
    inside = (slice(upper - top, lower - top), slice(first - left, last - left))
    part = scene[upper:lower, first:last]
    part += (luma[inside] - part) * opaque[inside]
    return float(opaque[inside].sum() / max(1.0, opaque.sum()))


def _folds(height: int, width: int) -> Levels:
    """Return four textures, coarse like cloth."""
    random = np.random.default_rng(height)
    shape = (4, height // _FOLD_PX + 1, width // _FOLD_PX + 1)
    coarse = random.normal(0, _FOLDS_LEVELS, shape).repeat(_FOLD_PX, 1).repeat(_FOLD_PX, 2)
    return coarse[:, :height, :width].astype(np.float32)


def _between(folds: Levels, number: int) -> Levels:
    """Return the texture of one phase: they pass into each other."""
    at = number * len(folds) / PHASES
    first, share = int(at), np.float32(at % 1)
    mixed: Levels = folds[first] * (1 - share) + folds[(first + 1) % len(folds)] * share
    return mixed


def _near_line(
    down: npt.NDArray[np.float64],
    right: npt.NDArray[np.float64],
    start: tuple[float, float],
    end: tuple[float, float],
    width: float,
) -> npt.NDArray[np.bool_]:
    along_y, along_x = end[0] - start[0], end[1] - start[1]
    length = along_y**2 + along_x**2
    share = np.clip(((down - start[0]) * along_y + (right - start[1]) * along_x) / length, 0, 1)
    gap_y = down - start[0] - share * along_y
    gap_x = right - start[1] - share * along_x
    near: npt.NDArray[np.bool_] = gap_y**2 + gap_x**2 < width**2
    return near


def _soft(mask: npt.NDArray[np.bool_]) -> Levels:
    """Return opacity with an edge that a lens would give."""
    padded = np.pad(mask.astype(np.float32), 1)
    total = sum(
        padded[1 + down : padded.shape[0] - 1 + down, 1 + right : padded.shape[1] - 1 + right]
        for down, right in itertools.product((-1, 0, 1), repeat=2)
    )
    return np.clip(np.asarray(total, np.float32) / 6 - 0.25, 0, 1).astype(np.float32)


def _closed(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Fill the holes between the first and the last pixel of each row and column."""
    across = np.maximum.accumulate(mask, 1) & np.maximum.accumulate(mask[:, ::-1], 1)[:, ::-1]
    along = np.maximum.accumulate(mask, 0) & np.maximum.accumulate(mask[::-1], 0)[::-1]
    closed: npt.NDArray[np.bool_] = across & along
    return closed


def _largest(mask: npt.NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    """Return the box around the largest connected part: top, left, bottom, right."""
    cell = _CUT_CELL_PX
    rows, columns = mask.shape[0] // cell, mask.shape[1] // cell
    cells = mask[: rows * cell, : columns * cell].reshape(rows, cell, columns, cell).mean((1, 3))
    left_over = {(int(row), int(column)) for row, column in np.argwhere(cells > 0.4)}
    best: list[tuple[int, int]] = []
    while left_over:
        edge = [left_over.pop()]
        group = list(edge)
        while edge:
            row, column = edge.pop()
            for place in itertools.product(
                (row - 1, row, row + 1), (column - 1, column, column + 1)
            ):
                if place in left_over:
                    left_over.remove(place)
                    edge.append(place)
                    group.append(place)
        if len(group) > len(best):
            best = group
    if not best:
        return None
    tops, lefts = [row for row, _ in best], [column for _, column in best]
    top, left = min(tops) * cell, min(lefts) * cell
    bottom, right = (max(tops) + 1) * cell, (max(lefts) + 1) * cell
    large = bottom - top >= _CUT_LEAST_PX and right - left >= _CUT_LEAST_PX // 3
    whole = top > 0 and left > 0 and right < mask.shape[1] and bottom < mask.shape[0]
    return (
        (top, left, bottom, right) if large and whole and bottom - top < HEIGHT_PX * 0.7 else None
    )
