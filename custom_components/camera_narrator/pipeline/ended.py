"""Visits that are over: those that still wait for words or for a name, and the last event of them. Owns no clock."""

from collections.abc import Iterable
from dataclasses import dataclass

from .clock import Now
from .models import Event
from .visit import Visit
from .vocabulary import EndReason, Label

CONTINUES_S = 60.0
"""Who comes back within a minute of an end was never gone."""
LATE_WORDS_S = 600.0
"""Slow local models answer within minutes; words about older things surprise more than they tell."""
WAITING_MAX = 4
"""Ended visits that wait for their last words, or for a name: one request is under way, so only the newest few can get any."""


@dataclass(frozen=True, slots=True)
class Over:
    """A visit that waits for its last words."""

    visit: Visit
    at_s: float
    reason: EndReason


class Ended:
    """The visits of one camera that are over."""

    def __init__(self, last_event: Event | None, now: Now) -> None:
        """Begin with the last event of an earlier run."""
        self.last_event = last_event
        self.last_s = float("-inf")
        """When the last event ended."""
        if last_event is not None:
            self.last_s = min(now.s, now.at(last_event.span.to_wall_s))
        self._waiting: dict[str, Over] = {}

    @property
    def newest(self) -> Visit | None:
        """Return the last visit that ended, while it waits for its last words."""
        newest = next(reversed(self._waiting.values()), None)
        return None if newest is None else newest.visit

    def get(self, visit_id: str | None) -> Over | None:
        """Return a visit that waits."""
        return self._waiting.get(visit_id or "")

    def wait(self, over: Over) -> None:
        """Let a visit wait for its words; where too many do, one goes that was never an event, or the oldest."""
        self._waiting[over.visit.id] = over
        if len(self._waiting) > WAITING_MAX:
            unnamed = (key for key, one in self._waiting.items() if not one.visit.confirmed)
            del self._waiting[next(unnamed, next(iter(self._waiting)))]

    def settle(self, over: Over) -> None:
        """Its last words are here: it waits no more."""
        del self._waiting[over.visit.id]

    def remember(self, event: Event, at_s: float) -> None:
        """Keep the last end for who comes back; one that was told late may have been overtaken."""
        if at_s >= self.last_s:
            self.last_s, self.last_event = at_s, event

    def revise(self, event: Event) -> None:
        """Take over what last words made of an event, where it is still the last."""
        if self.last_event is not None and self.last_event.id == event.id:
            self.last_event = event

    def continued_by(self, visit: Visit) -> str | None:
        """Return the event that a visit goes on with, if any."""
        before = self.last_event
        if before is None or not 0 <= visit.onset_s - self.last_s <= CONTINUES_S:
            return None
        return before.id if _alike(before.labels, visit.labels) else None


def _alike(before: Iterable[Label], after: Iterable[Label]) -> bool:
    """Return whether two visits may be one: a visit that nobody named yet may be any."""
    one, other = frozenset(before), frozenset(after)
    return not one or not other or bool(one & other)
