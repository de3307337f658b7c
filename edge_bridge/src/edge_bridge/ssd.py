"""What the tensors of the detector's model mean: boxes around people, vehicles, animals and packages. Pure.

The model is a single-shot detector: it says of each of 1917 fixed boxes, the anchors, how its content is to be
shifted and stretched, and how much it looks like each of 24 classes. Most of the classes are furniture and are left
out.
"""

import math

import numpy as np
import numpy.typing as npt

from .protocol.area import Detection, Region
from .protocol.limits import MAX_DETECTIONS
from .protocol.vocabulary import Label

type Floats = npt.NDArray[np.float32]

INPUT_PX = 300
"""Width and height of the picture that the model takes, whatever the shape of the camera's."""
THRESHOLD = 0.40
"""Its scores crowd near a half: on footage of people, streets and empty rooms this one errs least to either side."""
OVERLAP = 0.5
"""Of two boxes of one label that share so much (intersection over union), the better one stands for both."""
CANDIDATES = 100
"""Anchors that are compared; a crowd has about ten for each person."""

# The classes of the model's own list, by their place in it.
_CLASSES = {
    Label.PERSON: (4,),  # Person
    Label.VEHICLE: (1, 18, 23),  # Bicycle, Vehicle, Car
    Label.ANIMAL: (6, 8, 20),  # Cattle, Cat, Dog
    Label.PACKAGE: (11,),  # Box
}
_LABELS = tuple(_CLASSES)

_GRIDS = (19, 10, 5, 3, 2, 1)
"""Cells along each side of the six grids of anchors, from fine to coarse."""
_SCALES = (0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0)
"""Sides of their anchors; the last stands for a seventh grid, which the shapes between two grids need."""
_RATIOS = (1.0, 2.0, 0.5, 3.0, 0.3333)
"""Width over height of the anchors of one cell."""
_SHIFT = 10.0
_STRETCH = 5.0
"""The model tells tenths of an anchor's size, and fifths of a logarithm."""


def detections(boxes: Floats, classes: Floats) -> tuple[Detection, ...]:
    """Return what is in the picture, the surest first; takes the raw outputs (1917, 4) and (1917, 24)."""
    scores = np.stack([classes[:, members].max(axis=1) for members in map(list, _CLASSES.values())])
    found: list[Detection] = []
    logit = math.log(THRESHOLD / (1 - THRESHOLD))
    for label, of_label in zip(_LABELS, scores, strict=True):
        order = np.argsort(-of_label)[:CANDIDATES]
        order = order[of_label[order] > logit]
        corners = _corners(boxes[order], _ANCHORS[order])
        for index in _suppressed(corners):
            left, top, right, bottom = (float(value) for value in corners[index])
            score = 1 / (1 + math.exp(-float(of_label[order[index]])))
            box = Region(
                x=round(left, 4),
                y=round(top, 4),
                width=round(right - left, 4),
                height=round(bottom - top, 4),
            )
            found.append(Detection(label=label, score=round(score, 2), box=box))
    found.sort(key=lambda detection: detection.score, reverse=True)
    return tuple(found[:MAX_DETECTIONS])


def _corners(boxes: Floats, anchors: Floats) -> Floats:
    """Return left, top, right, bottom as fractions of the picture."""
    y, x, height, width = anchors.T
    centre_y = boxes[:, 0] / _SHIFT * height + y
    centre_x = boxes[:, 1] / _SHIFT * width + x
    half_height = np.exp(boxes[:, 2] / _STRETCH) * height / 2
    half_width = np.exp(boxes[:, 3] / _STRETCH) * width / 2
    corners = np.stack(
        [
            centre_x - half_width,
            centre_y - half_height,
            centre_x + half_width,
            centre_y + half_height,
        ],
        axis=1,
    )
    return corners.clip(0, 1)


def _suppressed(corners: Floats) -> list[int]:
    """Return which boxes stand for themselves; they come in the order of their scores."""
    areas = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    left = np.arange(len(corners))
    kept: list[int] = []
    while left.size:
        best, left = int(left[0]), left[1:]
        if areas[best] <= 0:
            continue
        kept.append(best)
        others = corners[left]
        width = np.minimum(others[:, 2], corners[best, 2]) - np.maximum(
            others[:, 0], corners[best, 0]
        )
        height = np.minimum(others[:, 3], corners[best, 3]) - np.maximum(
            others[:, 1], corners[best, 1]
        )
        shared = width.clip(0) * height.clip(0)
        left = left[shared <= OVERLAP * (areas[left] + areas[best] - shared)]
    return kept


def _anchors() -> Floats:
    """Return centre y, centre x, height and width of every anchor, in the order of the model's outputs."""
    made: list[tuple[float, float, float, float]] = []
    for grid, cells in enumerate(_GRIDS):
        scale = _SCALES[grid]
        if grid == 0:
            # The finest grid has fewer, and a smaller one.
            shapes = [(1.0, 0.1), (2.0, scale), (0.5, scale)]
        else:
            shapes = [(ratio, scale) for ratio in _RATIOS]
            shapes.append((1.0, math.sqrt(scale * _SCALES[grid + 1])))
        made += [
            ((row + 0.5) / cells, (column + 0.5) / cells, side / ratio**0.5, side * ratio**0.5)
            for row in range(cells)
            for column in range(cells)
            for ratio, side in shapes
        ]
    return np.array(made, np.float32)


_ANCHORS = _anchors()
