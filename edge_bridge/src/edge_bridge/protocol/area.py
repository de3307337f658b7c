"""Places in a picture, as fractions of its width and height from the upper left corner."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .checks import list_of, one_of, real, record
from .limits import MAX_CORNERS, MAX_DETECTIONS, MAX_POLYGONS
from .record import ProtocolError, Record, wire
from .vocabulary import Label

type Polygon = tuple[tuple[float, float], ...]
"""Corners (x, y) as fractions of the picture's width and height from the upper left; it closes by itself."""


def _polygon(value: Any, name: str) -> tuple[tuple[float, float], ...]:
    """Check the corners of an area, each as fractions of the picture's width and height."""
    coordinate = real(0, 1)
    if not isinstance(value, list | tuple) or not 3 <= len(value) <= MAX_CORNERS:
        raise ProtocolError(name, f"not a list of 3 to {MAX_CORNERS} corners")
    corners: list[tuple[float, float]] = []
    for corner in value:
        if not isinstance(corner, list | tuple) or len(corner) != 2:
            raise ProtocolError(name, "a corner is not two numbers")
        corners.append((coordinate(corner[0], name), coordinate(corner[1], name)))
    return tuple(corners)


POLYGONS = list_of(_polygon, MAX_POLYGONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Region(Record):
    """A moving part of the picture, as fractions of its width and height from the upper left corner."""

    x: float = wire(real(0, 1))
    y: float = wire(real(0, 1))
    width: float = wire(real(0, 1))
    height: float = wire(real(0, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection(Record):
    """One thing that a detector named, and where."""

    label: Label = wire(one_of(Label))
    score: float = wire(real(0, 1))
    box: Region = wire(record(Region))


def detections(value: Any, name: str) -> tuple[Detection, ...]:
    """Check what a detector named; labels of a newer bridge are passed over."""
    known = value
    if isinstance(value, list | tuple):
        known = [
            entry
            for entry in value
            if not (
                isinstance(entry, Mapping)
                and isinstance(label := entry.get("label"), str)
                and label not in Label
            )
        ]
    checked: tuple[Detection, ...] = list_of(record(Detection), MAX_DETECTIONS)(known, name)
    return checked
