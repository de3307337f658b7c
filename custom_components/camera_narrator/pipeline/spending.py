"""What a hub may spend until local midnight, paced over the day, a part kept for new events. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
import math

HEAD_START = 0.25
"""Of the day: what six hours may use is there from midnight on, so that a lively morning is told like a quiet one."""
KEPT = 0.2
"""Of each cap, for the first, the closing and the asked look: a restless tree must not silence tonight's visitor."""
REFILL = 0.05
"""Of a cap that was used up, before new events get words again: not every third visit of an evening."""
DAY_S = 86_400.0


class Unit(StrEnum):
    """What is counted by the day."""

    USD = "usd"
    REQUESTS = "requests"
    TOKENS = "tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one request needs, or has needed."""

    requests: int = 0
    tokens: int = 0
    usd: float = 0.0

    def amount(self, unit: Unit) -> float:
        """Return how much of one unit it is."""
        match unit:
            case Unit.USD:
                return self.usd
            case Unit.REQUESTS:
                return self.requests
            case Unit.TOKENS:
                return self.tokens

    def plus(self, other: Cost) -> Cost:
        """Return both together."""
        return Cost(
            requests=self.requests + other.requests,
            tokens=self.tokens + other.tokens,
            usd=self.usd + other.usd,
        )

    def times(self, number: int) -> Cost:
        """Return what so many like it cost."""
        return Cost(
            requests=number * self.requests, tokens=number * self.tokens, usd=number * self.usd
        )


NOTHING = Cost()


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One local day, which is 23 to 25 hours long."""

    key: str
    from_wall_s: float
    to_wall_s: float

    def passed(self, wall_s: float) -> float:
        """Return which part of it is over."""
        length_s = self.to_wall_s - self.from_wall_s
        return min(1.0, max(0.0, (wall_s - self.from_wall_s) / length_s))


type Calendar = Callable[[float], Day]
"""Returns the local day of a wall time."""


def utc_day(wall_s: float) -> Day:
    """Return the day where no local calendar is at hand."""
    number = int(wall_s // DAY_S)
    return Day(key=str(number), from_wall_s=number * DAY_S, to_wall_s=(number + 1) * DAY_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What one day has cost so far."""

    day: str = ""
    cost: Cost = NOTHING


class Spending:
    """Counts what is spent and reserved, and says from when on a request is within the caps."""

    def __init__(self, caps: Mapping[Unit, float], *, calendar: Calendar, spent: Spent) -> None:
        """Go on from what an earlier run spent today."""
        self.caps = dict(caps)
        self._calendar = calendar
        self._spent = spent
        self._reserved = NOTHING

    def restore(self, spent: Spent) -> None:
        """Go on from what an earlier run spent."""
        self._spent = spent

    def today(self, wall_s: float) -> Spent:
        """Return what today has cost; at midnight it begins anew."""
        key = self._calendar(wall_s).key
        if self._spent.day != key:
            self._spent = Spent(day=key)
        return self._spent

    def committed(self, wall_s: float) -> Spent:
        """Return the same with what is under way: what a crash would leave unknown counts as spent."""
        spent = self.today(wall_s)
        return replace(spent, cost=spent.cost.plus(self._reserved))

    def reserve(self, cost: Cost) -> None:
        """Set aside what a request may need."""
        self._reserved = self._reserved.plus(cost)

    def settle(self, reserved: Cost, used: Cost, wall_s: float) -> None:
        """Put what a request has used in the place of what was set aside."""
        spent = self.today(wall_s)
        self._spent = replace(spent, cost=spent.cost.plus(used))
        rest = self._reserved
        self._reserved = Cost(
            requests=rest.requests - reserved.requests,
            tokens=rest.tokens - reserved.tokens,
            # A sum of fractions that comes back to nothing is nothing.
            usd=max(0.0, rest.usd - reserved.usd) if rest.requests > reserved.requests else 0.0,
        )

    def opens_s(self, cost: Cost, wall_s: float, *, new: bool, refilled: bool = False) -> float:
        """Return the wall time from which on a request is within all caps; ``new`` may use what is kept.

        ``refilled``: where it is not now, with REFILL of the cap to spare.
        """
        day = self._calendar(wall_s)
        spent = self.today(wall_s).cost
        return max(
            (
                self._opens_s(unit, cap, spent, cost, day, wall_s, new=new, refilled=refilled)
                for unit, cap in self._limited()
            ),
            default=wall_s,
        )

    def crowded(self, cost: Cost, wall_s: float) -> bool:
        """Return whether a request must wait for those under way: an estimate that errs, errs once at the cap."""
        if not self._reserved.requests:
            return False
        spent = self.today(wall_s).cost
        return any(
            spent.amount(unit) + 2 * (self._reserved.amount(unit) + cost.amount(unit)) > cap
            for unit, cap in self._limited()
            if unit is not Unit.REQUESTS  # a request is one, whatever it turns out to hold
        )

    def share(self, wall_s: float) -> float | None:
        """Return which part of the tightest cap is left, None without any."""
        spent = self.today(wall_s).cost
        return min(
            (max(0.0, 1.0 - spent.amount(unit) / cap) for unit, cap in self._limited()),
            default=None,
        )

    def tightest(self, wall_s: float) -> Unit | None:
        """Return the unit whose cap has the least left, None without any."""
        spent = self.today(wall_s).cost
        return max(
            (unit for unit, _ in self._limited()),
            key=lambda unit: spent.amount(unit) / self.caps[unit],
            default=None,
        )

    def ends_wall_s(self, wall_s: float) -> float:
        """Return when today ends and all caps begin anew."""
        return self._calendar(wall_s).to_wall_s

    def depth(self, wall_s: float) -> float:
        """Return how far spending is beyond the day's pace: 0 on it, 1 where what is kept is gone, too."""
        day = self._calendar(wall_s)
        spent = self.today(wall_s).cost.plus(self._reserved)
        return max(
            (
                (spent.amount(unit) - _paced(cap, day.passed(wall_s))) / (KEPT * cap)
                for unit, cap in self._limited()
            ),
            default=-math.inf,
        )

    # -- private ------------------------------------------------------------------------------------------------

    def _limited(self) -> list[tuple[Unit, float]]:
        return [(unit, cap) for unit, cap in self.caps.items() if cap > 0]

    def _opens_s(
        self,
        unit: Unit,
        cap: float,
        spent: Cost,
        cost: Cost,
        day: Day,
        wall_s: float,
        *,
        new: bool,
        refilled: bool,
    ) -> float:
        amount = cost.amount(unit)
        if not amount:
            return wall_s
        kept = KEPT * cap if new else 0.0
        needed = spent.amount(unit) + self._reserved.amount(unit) + amount - kept
        if needed <= _paced(cap, day.passed(wall_s)):
            return wall_s
        if refilled:
            needed += REFILL * cap
        if needed > _paced(cap, 1.0):
            return day.to_wall_s
        part = needed / ((1 - KEPT) * cap) - HEAD_START
        return max(wall_s, day.from_wall_s + part * (day.to_wall_s - day.from_wall_s))


def _paced(cap: float, passed: float) -> float:
    """Return what may have been spent when a part of the day is over, apart from what is kept."""
    return (1 - KEPT) * cap * min(1.0, passed + HEAD_START)
