"""The areas of a camera's picture as a user types them: per cent, corners by blanks, areas by semicolons. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
import re
from typing import Any, Self

from . import const
from .pipeline.errors import NarratorError
from .protocol.area import Polygon
from .protocol.limits import MAX_CORNERS, MAX_POLYGONS

DECIMALS = 2
"""Of a per cent: a hundredth is less than half a pixel of a 4K picture."""
GIVEN_MAX = 24
"""Characters of what was typed that an error repeats."""

_NUMBER = r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))\s*%?"
_CORNER = re.compile(rf"{_NUMBER}\s*,\s*{_NUMBER}(?=\s|$)")
_BRACKETS = str.maketrans("()[]{}", "      ")


class InvalidAreas(NarratorError):
    """The text describes no areas: the field, the number of the area, the key of the words, and what it is about."""

    def __init__(self, key: str, *, area: int = 0, given: str = "", field: str = "") -> None:
        """Name what is wrong and where."""
        super().__init__(key)
        self.key, self.area, self.given, self.field = key, area, given, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Areas:
    """What of a picture is hidden, watched and ignored."""

    masks: tuple[Polygon, ...] = ()
    zones: tuple[Polygon, ...] = ()
    ignored: tuple[Polygon, ...] = ()

    @classmethod
    def read(cls, typed: Mapping[str, Any]) -> Self:
        """Return the areas of a form's texts; raise InvalidAreas that names the first wrong field."""
        given: dict[str, tuple[Polygon, ...]] = {}
        for field in FIELDS:
            try:
                given[field] = polygons(typed.get(field) or "")
            except InvalidAreas as error:
                raise InvalidAreas(
                    error.key, area=error.area, given=error.given, field=field
                ) from error
        return cls(**given)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """Return the areas that a camera's data hold."""
        return cls(
            **{
                field: tuple(
                    tuple((float(x), float(y)) for x, y in polygon)
                    for polygon in data.get(field) or ()
                )
                for field in FIELDS
            }
        )

    def stored(self) -> dict[str, Any]:
        """Return the areas as a camera's data hold them: lists of corners, fractions of width and height."""
        return {
            field: [[list(corner) for corner in polygon] for polygon in getattr(self, field)]
            for field in FIELDS
        }

    def written(self) -> dict[str, str]:
        """Return the areas as the texts of a form."""
        return {field: text(getattr(self, field)) for field in FIELDS}

    def __bool__(self) -> bool:
        """Return whether there is any area at all."""
        return bool(self.masks or self.zones or self.ignored)


FIELDS = (const.CONF_MASKS, const.CONF_ZONES, const.CONF_IGNORED)
"""The fields of the form, as Areas and the wire call them."""


def polygons(typed: str) -> tuple[Polygon, ...]:
    """Return the polygons of a text; raise InvalidAreas."""
    parts = [part for part in typed.translate(_BRACKETS).split(";") if part.strip()]
    if len(parts) > MAX_POLYGONS:
        raise InvalidAreas("areas_many", given=str(len(parts)))
    return tuple(_polygon(part.strip(), number) for number, part in enumerate(parts, 1))


def text(areas: tuple[Polygon, ...]) -> str:
    """Return polygons as a user would type them."""
    return "; ".join(" ".join(f"{_percent(x)},{_percent(y)}" for x, y in area) for area in areas)


def _percent(fraction: float) -> str:
    return f"{round(fraction * 100, DECIMALS):g}"


def _polygon(typed: str, number: int) -> Polygon:
    corners = _corners(typed, number)
    # Some close the outline by its first corner; nobody means a corner twice.
    count = len(corners)
    corners = [
        corner for at, corner in enumerate(corners) if corner != corners[(at + 1) % count]
    ] or corners[:1]
    if len(corners) < 3:
        raise InvalidAreas("areas_few_corners", area=number, given=str(len(corners)))
    if len(corners) > MAX_CORNERS:
        raise InvalidAreas("areas_many_corners", area=number, given=str(len(corners)))
    for x, y in corners:
        if not (0 <= x <= 100 and 0 <= y <= 100):
            raise InvalidAreas("areas_outside", area=number, given=f"{x:g},{y:g}")
    if _crosses(corners):
        raise InvalidAreas("areas_crossed", area=number)
    return tuple((round(x / 100, DECIMALS + 2), round(y / 100, DECIMALS + 2)) for x, y in corners)


def _corners(typed: str, number: int) -> list[tuple[float, float]]:
    corners: list[tuple[float, float]] = []
    at = 0
    while at < len(typed):
        match = _CORNER.match(typed, at)
        if match is None:
            raise InvalidAreas("areas_unreadable", area=number, given=typed[at:][:GIVEN_MAX])
        corners.append((round(float(match[1]), DECIMALS), round(float(match[2]), DECIMALS)))
        at = match.end()
        while at < len(typed) and typed[at].isspace():
            at += 1
    return corners


def _crosses(corners: list[tuple[float, float]]) -> bool:
    """Return whether an outline crosses or touches itself, or is only a line."""
    count = len(corners)
    edges = [(corners[index], corners[(index + 1) % count]) for index in range(count)]
    for first in range(count):
        for second in range(first + 1, count):
            (a, b), (c, d) = edges[first], edges[second]
            if b == c or d == a:
                # Neighbours share a corner; they must not lie on each other.
                tip, one, other = (b, a, d) if b == c else (a, b, c)
                if _turn(one, tip, other) == 0 and _ahead(tip, one, other):
                    return True
            elif _meet(a, b, c, d):
                return True
    return False


type _Corner = tuple[float, float]


def _turn(a: _Corner, b: _Corner, c: _Corner) -> int:
    area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return (area > 0) - (area < 0)


def _ahead(tip: _Corner, one: _Corner, other: _Corner) -> bool:
    """Return whether two corners lie in the same direction from a tip."""
    return (one[0] - tip[0]) * (other[0] - tip[0]) + (one[1] - tip[1]) * (other[1] - tip[1]) > 0


def _meet(a: _Corner, b: _Corner, c: _Corner, d: _Corner) -> bool:
    turns = _turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b)
    if turns[0] != turns[1] and turns[2] != turns[3] and 0 not in turns:
        return True
    return any(
        turn == 0 and _between(*edge, corner)
        for turn, edge, corner in zip(
            turns, ((a, b), (a, b), (c, d), (c, d)), (c, d, a, b), strict=True
        )
    )


def _between(a: _Corner, b: _Corner, corner: _Corner) -> bool:
    return all(min(a[i], b[i]) <= corner[i] <= max(a[i], b[i]) for i in range(2))
