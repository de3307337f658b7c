"""How the pictures of a request are sent: as they are, smaller, or on sheets. Pure, for the executor."""

from dataclasses import dataclass, replace

from ..pictures import sheet, shrunk
from ..pipeline.request import Part, Picture, Text
from .request import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """What a server wants."""

    most: int
    """Pictures in one request."""
    sheet: bool
    """Whether all are to be on one sheet."""
    edge_px: int
    """Of a sheet."""

    def changes(self, request: Request) -> bool:
        """Whether there is anything to do."""
        if request.as_they_are:
            return False
        return request.height_px is not None or len(self.groups(len(request.pictures))) < len(
            request.pictures
        )

    def groups(self, count: int) -> list[range]:
        """Return which pictures go together, in order of time."""
        most = 1 if self.sheet else max(1, self.most)
        if count <= most:
            return [range(place, place + 1) for place in range(count)]
        bounds = [count * group // most for group in range(most + 1)]
        return [range(bounds[group], bounds[group + 1]) for group in range(most)]


def arranged(request: Request, arrangement: Arrangement) -> Request:
    """Return the request with its pictures as they are sent; their numbers and times stay told in words."""
    pictures = request.pictures
    if request.height_px is not None:
        pictures = shrunk(pictures, request.height_px)
    groups = arrangement.groups(len(pictures))
    if len(groups) == len(pictures):
        return replace(request, pictures=pictures)
    edge_px = arrangement.edge_px
    sent = tuple(
        pictures[group[0]]
        if len(group) == 1
        else sheet([pictures[place] for place in group], first=group[0] + 1, edge_px=edge_px)
        for group in groups
    )
    group_of = {place: number for number, group in enumerate(groups) for place in group}
    parts: list[Part] = []
    for part in request.parts:
        if not isinstance(part, Picture):
            parts.append(part)
            continue
        number = group_of[part.index]
        group = groups[number]
        if part.index != group[-1]:
            continue  # it comes with the last of its group, after the times of all
        if len(group) > 1:
            parts.append(Text(text=legend(group)))
        parts.append(Picture(index=number))
    return replace(request, parts=tuple(parts), pictures=sent)


def legend(group: range) -> str:
    """Return how to read a sheet."""
    return (
        f"Pictures {group[0] + 1} to {group[-1] + 1} are on one sheet, from left to right and row by row, "
        "each below its number:"
    )
