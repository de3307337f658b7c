"""What happens in front of a rehearsed camera, second by second: the truth everything is judged by."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Self

from rigs.picture_code import Cast

NOBODY: Final = Cast()


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Something moves from beginning to end; without anybody in it, it is a nuisance."""

    number: int
    from_s: float
    to_s: float
    scenes: tuple[tuple[float, Cast], ...]
    """(seconds since the beginning, who is there from then on), the first at 0."""

    @property
    def subject(self) -> bool:
        """Whether anybody takes part."""
        return any(cast.labels for _, cast in self.scenes)

    def cast_at(self, at_s: float) -> Cast:
        """Return who is there at a moment of the visit."""
        return next(
            cast for since_s, cast in reversed(self.scenes) if at_s >= self.from_s + since_s
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Novelty:
    """A moment from which a picture must show something else."""

    at_s: float
    visit: int
    until_s: float
    """When the scene changes again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """All visits of one camera."""

    camera: int
    seconds: float
    visits: tuple[Visit, ...] = field(default=())

    def visit_at(self, at_s: float) -> Visit | None:
        """Return the visit that is on."""
        return next((visit for visit in self.visits if visit.from_s <= at_s < visit.to_s), None)

    def last_before(self, at_s: float) -> int:
        """Return the number of the present or last visit, 0 before the first."""
        return max((visit.number for visit in self.visits if visit.from_s <= at_s), default=0)

    @property
    def active_s(self) -> float:
        """How long something moves in all."""
        return sum(visit.to_s - visit.from_s for visit in self.visits)

    def novelties(self) -> Iterator[Novelty]:
        """Yield each appearance, departure, change of count and parcel, the end of a visit included."""
        for visit in self.visits:
            if not visit.subject:
                continue
            moments = [visit.from_s + since_s for since_s, _ in visit.scenes] + [visit.to_s]
            # What follows a visit is an empty scene that stays.
            ends = [*moments[1:], visit.to_s + 5.0]
            for at_s, until_s in zip(moments, ends, strict=True):
                yield Novelty(at_s=at_s, visit=visit.number, until_s=until_s)

    @classmethod
    def of_visits(
        cls,
        camera: int,
        count: int,
        *,
        every_s: float = 240.0,
        first_s: float = 40.0,
        nuisances: int = 0,
    ) -> Self:
        """Return visits of 30 to 60 s with their changes, and some onsets with nobody in them between."""
        visits: list[Visit] = []
        for index in range(count):
            from_s = first_s + index * every_s
            visits.append(_visit(len(visits) + 1, from_s, index))
            if index < nuisances:
                # Far enough from both neighbours to be an event of its own.
                at_s = from_s + every_s - 100.0
                scenes = ((0.0, NOBODY),)
                visits.append(
                    Visit(number=len(visits) + 1, from_s=at_s, to_s=at_s + 4.0, scenes=scenes)
                )
        return cls(camera=camera, seconds=first_s + count * every_s, visits=tuple(visits))

    @classmethod
    def of_one(cls, camera: int, seconds: float, *, first_s: float = 40.0) -> Self:
        """Return one person who is there, and moves, all the time."""
        scenes = ((0.0, Cast(persons=1)),)
        visit = Visit(number=1, from_s=first_s, to_s=first_s + seconds, scenes=scenes)
        return cls(camera=camera, seconds=first_s + seconds + 40.0, visits=(visit,))


_STORIES: Final = (
    # Somebody brings a parcel.
    (42.0, ((0.0, Cast(persons=1)), (14.0, Cast(persons=1, package=True)))),
    # Two come, one leaves first.
    (48.0, ((0.0, Cast(persons=1)), (9.0, Cast(persons=2)), (30.0, Cast(persons=1)))),
    # A car, then who gets out of it.
    (56.0, ((0.0, Cast(vehicles=1)), (12.0, Cast(vehicles=1, persons=1)))),
    # An animal crosses.
    (30.0, ((0.0, Cast(animals=1)),)),
)


def _visit(number: int, from_s: float, index: int) -> Visit:
    length_s, scenes = _STORIES[index % len(_STORIES)]
    return Visit(number=number, from_s=from_s, to_s=from_s + length_s, scenes=scenes)
