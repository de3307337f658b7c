"""Blocks that move -> regions of the picture. Pure."""

import numpy as np
import numpy.typing as npt

from .protocol.area import Region
from .protocol.limits import MAX_REGIONS

type _Box = tuple[int, int, int, int]
"""Left, top, right, bottom in blocks; right and bottom are outside."""


def grouped(mask: npt.NDArray[np.bool_]) -> tuple[Region, ...]:
    """Return the boxes around connected blocks, (rows, columns), merged where they touch, the largest first."""
    boxes = _merged(_boxes(mask))
    boxes.sort(key=lambda box: (box[2] - box[0]) * (box[3] - box[1]), reverse=True)
    rows, columns = mask.shape
    return tuple(
        Region(
            x=round(left / columns, 4),
            y=round(top / rows, 4),
            width=round((right - left) / columns, 4),
            height=round((bottom - top) / rows, 4),
        )
        for left, top, right, bottom in boxes[:MAX_REGIONS]
    )


def _boxes(mask: npt.NDArray[np.bool_]) -> list[_Box]:
    left_over = {(int(row), int(column)) for row, column in np.argwhere(mask)}
    boxes: list[_Box] = []
    while left_over:
        edge = [left_over.pop()]
        group = list(edge)
        while edge:
            row, column = edge.pop()
            for down in (-1, 0, 1):
                for right in (-1, 0, 1):
                    place = (row + down, column + right)
                    if place in left_over:
                        left_over.remove(place)
                        edge.append(place)
                        group.append(place)
        rows = [row for row, _ in group]
        columns = [column for _, column in group]
        boxes.append((min(columns), min(rows), max(columns) + 1, max(rows) + 1))
    return boxes


def _merged(boxes: list[_Box]) -> list[_Box]:
    # The blocks of one walker are often two groups: legs and head. Boxes a block apart are one.
    done: list[_Box] = []
    for box in boxes:
        grown = box
        changed = True
        while changed:
            changed = False
            for other in done:
                if _touch(grown, other):
                    grown = (
                        min(grown[0], other[0]),
                        min(grown[1], other[1]),
                        max(grown[2], other[2]),
                        max(grown[3], other[3]),
                    )
                    done.remove(other)
                    changed = True
                    break
        done.append(grown)
    return done


def _touch(one: _Box, other: _Box) -> bool:
    return (
        one[0] <= other[2] + 1
        and other[0] <= one[2] + 1
        and one[1] <= other[3] + 1
        and other[1] <= one[3] + 1
    )
