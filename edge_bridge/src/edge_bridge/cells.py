"""Cells of a picture in which something moved, and how much of a box they cover. Pure."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .protocol.area import Region

_GRID = 40
"""Cells along each side of the picture in which motion is marked; a person far away is one wide."""

type Cells = npt.NDArray[np.bool_]


def none() -> Cells:
    """Return a picture in which nothing moved."""
    return np.zeros((_GRID, _GRID), np.bool_)


def painted(regions: Sequence[Region]) -> Cells:
    """Return the cells that these regions touch."""
    cells = none()
    for region in regions:
        cells[_cells(region)] = True
    return cells


def share(cells: Cells, region: Region) -> float:
    """Return how much of a region is marked, 0 to 1."""
    return float(cells[_cells(region)].mean())


def _cells(region: Region) -> tuple[slice, slice]:
    """Return the cells that a region touches, at least one."""
    top = min(int(region.y * _GRID), _GRID - 1)
    left = min(int(region.x * _GRID), _GRID - 1)
    bottom = max(top + 1, -int(-(region.y + region.height) * _GRID // 1))
    right = max(left + 1, -int(-(region.x + region.width) * _GRID // 1))
    return slice(top, bottom), slice(left, right)
