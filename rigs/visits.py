"""When something moves in front of a simulated camera, and how often it has."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitPlan:
    """Visits that come by themselves, on the camera's own timeline."""

    first_s: float
    """When the first one begins."""
    length_s: float
    """How long each lasts."""
    every_s: float
    """From one beginning to the next."""


@dataclass(slots=True, kw_only=True)
class Visit:
    """One visit as it was drawn: the truth to compare with."""

    number: int
    started_ms: int
    """Wall clock of the first picture that shows it."""
    ended_ms: int | None = None
    """Wall clock of the first picture without it, None while it goes on."""
    frames: int = 0
    """Pictures drawn while it was on."""


class Visits:
    """Says whether a visit is on, by plan or by hand, and writes down what was drawn."""

    def __init__(self, plan: VisitPlan | None = None) -> None:
        self._plan = plan
        self._by_hand = False
        self.drawn: list[Visit] = []

    def start(self) -> None:
        """Begin a visit now; from here on visits are made by hand alone."""
        self._plan, self._by_hand = None, True

    def stop(self) -> None:
        """End the visit now; from here on visits are made by hand alone."""
        self._plan, self._by_hand = None, False

    def draw(self, timeline_s: float, wall_ms: int) -> tuple[int, bool]:
        """Return the visit's number and whether it is on in the picture drawn now."""
        active = self._wanted(timeline_s)
        going_on = bool(self.drawn) and self.drawn[-1].ended_ms is None
        if active and not going_on:
            self.drawn.append(Visit(number=len(self.drawn) + 1, started_ms=wall_ms))
        elif going_on and not active:
            self.drawn[-1].ended_ms = wall_ms
        if active:
            self.drawn[-1].frames += 1
        return len(self.drawn), active

    def _wanted(self, timeline_s: float) -> bool:
        if (plan := self._plan) is None:
            return self._by_hand
        since_first_s = timeline_s - plan.first_s
        return since_first_s >= 0 and since_first_s % plan.every_s < plan.length_s
