"""Areas of a picture: polygons -> the blocks that are watched and the pixels that are painted over. Pure."""

import numpy as np
import numpy.typing as npt

from .protocol.area import Polygon

type Mask = npt.NDArray[np.bool_]
"""One answer a pixel or a block, (height, width)."""
type Points = npt.NDArray[np.float64]

CELL_PX = 2
"""Pictures share one colour among 2 x 2 pixels: what is painted is whole squares of that size."""
RIM_CELLS = 2
"""Beyond a mask: one for the camera, which mixed the colours of neighbours, one for the scaling, which mixes them again."""
SAMPLES = 8
"""Points a block's side is judged by: as many as the small plane has pixels there."""
HALF = 0.5
"""Of a block: what covers so much of it decides over it."""


def watched_blocks(
    zones: tuple[Polygon, ...],
    ignored: tuple[Polygon, ...],
    masks: tuple[Polygon, ...],
    *,
    rows: int,
    columns: int,
) -> Mask | None:
    """Return the blocks in which activity counts, None for all; each zone has one, however small it is."""
    if not (zones or ignored or masks):
        return None
    watched = np.full((rows, columns), not zones)
    for zone in zones:
        share = _share((zone,), rows, columns)
        if (most := float(share.max())) > 0:
            # Of one that covers no block by half, the blocks that it covers most.
            watched |= share >= HALF * (1 if most >= HALF else most)
        else:
            _touch(watched, np.asarray(zone, np.float64) * (columns, rows))
    if ignored or masks:
        watched &= _share((*ignored, *masks), rows, columns) < HALF
    return watched


def painted(masks: tuple[Polygon, ...], *, width: int, height: int) -> Mask | None:
    """Return the pixels of a scaled picture that must be painted over, None for none.

    Every pixel that a mask touches is among them, and a rim around it.
    """
    if not masks:
        return None
    rows, columns = -(-height // CELL_PX), -(-width // CELL_PX)
    # A picture of odd size ends within its last cell.
    scale = np.array((width / CELL_PX, height / CELL_PX))
    cells = np.zeros((rows, columns), np.bool_)
    for mask in masks:
        _touch(cells, np.asarray(mask, np.float64) * scale)
    for _ in range(RIM_CELLS):
        cells = _grown(cells)
    return cells.repeat(CELL_PX, 0).repeat(CELL_PX, 1)[:height, :width]


def _share(areas: tuple[Polygon, ...], rows: int, columns: int) -> npt.NDArray[np.float64]:
    """Return how much of each block lies within any of the areas, 0 to 1."""
    x = (np.arange(columns * SAMPLES) + 0.5) / (columns * SAMPLES)
    y = (np.arange(rows * SAMPLES) + 0.5) / (rows * SAMPLES)
    inside = np.zeros((y.size, x.size), np.bool_)
    for area in areas:
        inside |= _inside(np.asarray(area, np.float64), x, y)
    parts = inside.reshape(rows, SAMPLES, columns, SAMPLES)
    return np.asarray(parts.mean((1, 3)), np.float64)


def _inside(corners: Points, x: Points, y: Points) -> Mask:
    """Return which points of a grid an outline winds around; one that crosses itself leaves no hole."""
    winding = np.zeros((y.size, x.size), np.int16)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, 0), strict=True):
        if y0 == y1:
            continue
        low, high = np.searchsorted(y, sorted((y0, y1)))
        crossing = x0 + (y[low:high] - y0) * ((x1 - x0) / (y1 - y0))
        # A ray to the right of each point: the edge counts where it crosses that.
        winding[low:high] += (x[None, :] < crossing[:, None]) * np.int16(1 if y1 > y0 else -1)
    inside: Mask = winding != 0
    return inside


def _touch(cells: Mask, corners: Points) -> None:
    """Mark every cell of side 1 that an outline encloses or passes through."""
    rows, columns = cells.shape
    x, y = (np.arange(count, dtype=np.float64) + 0.5 for count in (columns, rows))
    cells |= _inside(corners, x, y)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, 0), strict=True):
        left, right = _span(x0, x1, columns)
        top, bottom = _span(y0, y1, rows)
        across, down = x1 - x0, y1 - y0
        # Twice the area between the edge and a cell's middle, against what reaches from there to the cell's corners.
        offset = (x[None, left:right] - x0) * down - (y[top:bottom, None] - y0) * across
        cells[top:bottom, left:right] |= np.abs(offset) <= (abs(across) + abs(down)) / 2 + 1e-9


def _span(first: float, last: float, count: int) -> tuple[int, int]:
    low, high = sorted((first, last))
    return max(0, min(int(np.ceil(low)) - 1, count - 1)), min(count, int(np.floor(high)) + 1)


def _grown(cells: Mask) -> Mask:
    grown = cells.copy()
    grown[1:] |= cells[:-1]
    grown[:-1] |= cells[1:]
    wide = grown.copy()
    wide[:, 1:] |= grown[:, :-1]
    wide[:, :-1] |= grown[:, 1:]
    return wide
