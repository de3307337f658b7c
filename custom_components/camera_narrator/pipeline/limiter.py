"""The hub's only way to its provider: within its limits and the day's money, in order of urgency, fairly."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
import math

from .breaker import HOLD_MAX_S, Breaker
from .clock import Clock
from .errors import Fault, ProviderError
from .estimate import Estimator
from .fairness import Fairness
from .minute import MinuteWindow
from .pace import Pace
from .remaining import Remaining
from .request import Chunk, Quota, Usage
from .spending import NOTHING, Calendar, Cost, Spending, Spent, utc_day
from .standing import Block, Ladder, Standing, refusal
from .terms import Terms
from .turn import Turn, Urgency
from .vocabulary import Restraint, Saving

PATIENCE_S = 75.0
"""A new event's words wait this long: the buffer keeps 90 s, so that the whole gap can still be told in one look."""
SHORT_S = 60.0
"""Pictures stay small for the minute after tokens were short."""


class Limiter:
    """Concurrency, rates, money, Retry-After, back-off and fairness for all cameras of one hub."""

    def __init__(
        self,
        *,
        clock: Clock,
        terms: Terms | None = None,
        calendar: Calendar = utc_day,
        spent: Spent | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """Go on from what was spent today; ``changed`` is called when standing or spending may be others."""
        self._clock = clock
        self._terms = terms = terms or Terms()
        self._changed = changed
        self.estimator = Estimator(terms.tariff)
        self.spending = Spending(terms.caps, calendar=calendar, spent=spent or Spent())
        self._requests = MinuteWindow(terms.requests_per_minute)
        self._tokens = MinuteWindow(terms.tokens_per_minute)
        self._pace, self._breaker, self._remaining = Pace(), Breaker(), Remaining()
        self._waiting: list[Turn] = []
        self._flying: list[Turn] = []
        self._held_until_s: float | None = None
        self._wake = _nothing
        self._numbers = count()
        self._fairness = Fairness()
        self._short_until_s = float("-inf")
        self._blocked: Block | None = None
        """What the most urgent of those who wait waits for."""
        self._declined: Block | None = None
        """What the last declined turn would have waited for."""
        self._stands_in = Saving.BUILT_IN_WORDS
        """Who writes instead."""
        self._dry_until_wall_s = float("-inf")
        """A cap that was used up is left alone until it has filled a little."""
        self._ladder = Ladder()

    @property
    def terms(self) -> Terms:
        """Return what holds now."""
        return self._terms

    def change(self, terms: Terms) -> None:
        """Take other terms over; what was counted stays."""
        if terms.tariff != self._terms.tariff:
            self.estimator = Estimator(terms.tariff)
        self._terms = terms
        self._dry_until_wall_s = float("-inf")
        self.spending.caps = dict(terms.caps)
        self._requests.limit = terms.requests_per_minute
        self._tokens.limit = terms.tokens_per_minute
        self.review()

    def turn(
        self,
        camera: str,
        urgency: Urgency,
        *,
        new: bool = True,
        estimate: Callable[[], Cost] = lambda: NOTHING,
        understudy: bool = False,
        patience_s: float | None = None,
    ) -> Turn:
        """Return a turn to be waited for and held by ``async with``."""
        return Turn(
            self,
            camera,
            urgency,
            new=new,
            estimate=estimate,
            understudy=understudy,
            patience_s=patience_s,
        )

    # -- for Turn alone -----------------------------------------------------------------------------------------

    def enter(self, turn: Turn) -> None:
        """Let a turn wait; who comes back has saved nothing up by being away."""
        turn.since_s, turn.number = self._clock.monotonic(), next(self._numbers)
        busy = {other.camera for other in (*self._waiting, *self._flying)}
        self._fairness.enter(turn.camera, busy)
        self._waiting.append(turn)
        self.review()

    def leave(self, turn: Turn) -> None:
        """Take a turn back, granted or not; what nobody has settled was spent as reserved."""
        if turn in self._flying:
            self._flying.remove(turn)
            used = turn.reserved if turn.used is None else turn.used
            self.spending.settle(turn.reserved, used, self._clock.wall())
            self._correct(turn, used)
            self._fairness.serve(turn, used.tokens - turn.reserved.tokens)
        elif turn in self._waiting:
            self._waiting.remove(turn)
        self.review()

    def review(self) -> None:
        """Grant what can be granted, decline what would wait too long, and look again when that may change."""
        self._wake()
        self._wake = _nothing
        now_s = self._clock.monotonic()
        until_s = self._grant(now_s)
        if math.isfinite(until_s):
            self._wake = self._clock.call_at(max(until_s, now_s), self.review)
        self._changed()

    # -- what comes of requests ---------------------------------------------------------------------------------

    def composed(self, turn: Turn, chunk: Chunk) -> None:
        """Correct a reservation by the chunk that leaves."""
        cost = self.estimator.of(chunk)
        self.spending.settle(turn.reserved, NOTHING, self._clock.wall())
        self.spending.reserve(cost)
        self._fairness.serve(turn, cost.tokens - turn.reserved.tokens)
        self._remaining.leave(Cost(tokens=cost.tokens - turn.reserved.tokens))
        turn.reserved = cost
        self._correct(turn, cost)

    def answered(
        self,
        turn: Turn | None = None,
        chunk: Chunk | None = None,
        usage: Usage | None = None,
        quota: Quota | None = None,
    ) -> None:
        """Note that the provider is well, what it counted, and what it says is left."""
        self._breaker.answered()
        self._pace.answered(self._clock.monotonic())
        if turn is not None and chunk is not None and usage is not None:
            turn.used = self.estimator.used(chunk, usage, turn.reserved)
        if quota is not None:
            flying = NOTHING
            for other in self._flying:
                if other is not turn:
                    flying = flying.plus(other.reserved)
            self._remaining.tell(quota, flying, self._clock.monotonic())

    def failed(self, error: ProviderError, turn: Turn | None = None) -> None:
        """Note a request without an answer: wait as told, or back off where waiting may help."""
        now_s = self._clock.monotonic()
        if turn is not None:
            tried = turn.reserved.times(error.requests)
            billed = error.requests if error.fault in BILLED else error.requests - 1
            turn.used = replace(turn.reserved.times(billed), requests=tried.requests)
            self._remaining.leave(Cost(requests=tried.requests - turn.reserved.requests))
        if error.fault is Fault.RATE_LIMITED and error.retryable and error.retry_after_s is None:
            self._pace.refused(self._requests.taken(now_s), now_s)
        wait_s = self._breaker.failed(error, now_s)
        if wait_s is not None:
            self.hold(wait_s)

    def hold(self, seconds: float) -> None:
        """Let no request start for that long: the server's own word, and for the whole hub."""
        until_s = self._clock.monotonic() + min(seconds, HOLD_MAX_S)
        if self._held_until_s is None or until_s > self._held_until_s:
            self._held_until_s = until_s
        self.review()

    def release(self) -> None:
        """Forget what a provider said and how it failed: another one is asked from now on."""
        self._held_until_s = self._blocked = self._declined = None
        self._pace, self._breaker, self._remaining = Pace(), Breaker(), Remaining()
        self._short_until_s = float("-inf")
        self.review()

    # -- what others read ---------------------------------------------------------------------------------------

    @property
    def held_until_s(self) -> float | None:
        """Return until when no request starts by the server's word or its failures, or None."""
        held_s = self._held_until_s
        return held_s if held_s is not None and held_s > self._clock.monotonic() else None

    @property
    def waiting(self) -> int:
        """Return how many cameras wait for a turn."""
        return len(self._waiting)

    @property
    def in_flight(self) -> int:
        """Return how many requests are on their way."""
        return len(self._flying)

    @property
    def requests_last_minute(self) -> int:
        """Return how many requests started in the last minute."""
        return round(self._requests.taken(self._clock.monotonic()))

    @property
    def per_minute(self) -> float | None:
        """Return the pace that refusals without a date have led to, None without any."""
        return self._pace.per_minute

    @property
    def frugal(self) -> bool:
        """Return whether pictures shall be small now."""
        return self.standing().saving in (Saving.SMALLER_PICTURES, Saving.BUILT_IN_WORDS)

    def standing(self) -> Standing:
        """Return how far the hub makes do with less."""
        now_s, wall_s = self._clock.monotonic(), self._clock.wall()
        declined = self._declined
        if declined is not None and declined.until_s > now_s:
            return Standing(
                saving=self._stands_in,
                restraint=declined.restraint,
                until_s=declined.until_s,
            )
        blocked, held_s = self._blocked, self.held_until_s
        until_s = blocked.until_s if blocked is not None and blocked.until_s > now_s else held_s
        money = self._ladder.at(self.spending.depth(wall_s))
        if money is Saving.SMALLER_PICTURES:
            return Standing(saving=money, restraint=Restraint.BUDGET)
        if now_s < self._short_until_s:
            return Standing(
                saving=Saving.SMALLER_PICTURES, restraint=Restraint.RATE, until_s=until_s
            )
        if money is Saving.FEWER_LOOKS:
            return Standing(saving=money, restraint=Restraint.BUDGET)
        if blocked is not None and blocked.until_s > now_s:
            return Standing(saving=Saving.FEWER_LOOKS, restraint=blocked.restraint, until_s=until_s)
        if held_s is not None:
            return Standing(saving=Saving.FEWER_LOOKS, restraint=self._held_for, until_s=held_s)
        return Standing()

    # -- private ------------------------------------------------------------------------------------------------

    def _grant(self, now_s: float) -> float:
        """Go through those who wait, the most urgent first; return when to look again."""
        # After a failure one request tries alone: a server that is still away is not met by all cameras at once.
        slots = 1 if self._breaker.failures else self._terms.concurrency
        again_s = math.inf
        all_wait: Block | None = None
        routine_waits: Block | None = None
        self._blocked = None
        for turn in sorted(self._waiting, key=lambda turn: self._fairness.rank(turn, now_s)):
            if turn.new and turn.new_since_s is None:
                turn.new_since_s = now_s
            block = all_wait or self._shared(now_s) or (None if turn.new else routine_waits)
            cost = NOTHING
            if block is None:
                if len(self._flying) >= slots:
                    break
                cost = turn.estimate()
                if self.spending.crowded(cost, self._clock.wall()):
                    break
                block = self._own(turn, cost, now_s)
            if block is None:
                self._start(turn, cost, now_s)
                continue
            self._blocked = self._blocked or block
            if turn.new or block.restraint is not Restraint.BUDGET:
                all_wait = all_wait or block  # nobody overtakes on what it saved up for
            else:
                routine_waits = routine_waits or block
            if self._impatient(turn, block):
                self._decline(turn, block, now_s)
            else:
                again_s = min(again_s, block.until_s)
        return again_s

    def _shared(self, now_s: float) -> Block | None:
        """Return what holds all turns alike."""
        if (held_s := self.held_until_s) is not None:
            return Block(until_s=held_s, restraint=self._held_for)
        paced_s = self._pace.opens_s(now_s)
        return Block(until_s=paced_s, restraint=Restraint.RATE) if paced_s > now_s else None

    @property
    def _held_for(self) -> Restraint:
        restraint = self._breaker.restraint
        return Restraint.RATE if restraint is Restraint.NONE else restraint

    def _own(self, turn: Turn, cost: Cost, now_s: float) -> Block | None:
        """Return what one turn's cost must wait for."""
        wall_s = self._clock.wall()
        money_s = self.spending.opens_s(cost, wall_s, new=turn.new) - wall_s
        if turn.new and money_s > PATIENCE_S:
            self._dry_until_wall_s = self.spending.opens_s(cost, wall_s, new=True, refilled=True)
        money_s = max(money_s, self._dry_until_wall_s - wall_s)
        if money_s > 0:
            return Block(until_s=now_s + money_s, restraint=Restraint.BUDGET)
        tokens_s = max(
            self._tokens.opens_s(cost.tokens, now_s), self._remaining.opens_s(cost, now_s)
        )
        if tokens_s > now_s:
            self._short_until_s = now_s + SHORT_S
        until_s = max(tokens_s, self._requests.opens_s(cost.requests, now_s))
        return Block(until_s=until_s, restraint=Restraint.RATE) if until_s > now_s else None

    def _impatient(self, turn: Turn, block: Block) -> bool:
        """Return whether a new event's words would come too late to tell the whole gap."""
        if turn.patience_s is not None:
            return block.until_s > turn.since_s + turn.patience_s
        if not turn.understudy or turn.new_since_s is None:
            return False
        away_s = self._breaker.since_s
        if block.restraint is not Restraint.BUDGET and away_s is not None:
            return block.until_s > min(turn.new_since_s, away_s) + PATIENCE_S
        return block.until_s > turn.new_since_s + PATIENCE_S

    def _start(self, turn: Turn, cost: Cost, now_s: float) -> None:
        self._waiting.remove(turn)
        self._flying.append(turn)
        turn.reserved = cost
        self.spending.reserve(cost)
        turn.entries = (
            self._requests.take(cost.requests, now_s),
            self._tokens.take(cost.tokens, now_s),
        )
        self._remaining.leave(cost)
        self._pace.started(now_s)
        self._declined = None
        self._fairness.grant(turn)
        self._fairness.serve(turn, cost.tokens + 1)
        turn.granted.set()

    def _decline(self, turn: Turn, block: Block, now_s: float) -> None:
        self._waiting.remove(turn)
        self._declined = block
        self._stands_in = Saving.BUILT_IN_WORDS if turn.patience_s is None else Saving.FALLBACK
        turn.declined = refusal(block.restraint, block.until_s - now_s)
        turn.granted.set()

    def _correct(self, turn: Turn, cost: Cost) -> None:
        if turn.entries is not None:
            requests, tokens = turn.entries
            requests.amount, tokens.amount = cost.requests, cost.tokens


BILLED = frozenset({Fault.TIMEOUT, Fault.BAD_ANSWER, Fault.REFUSED})
"""The model has worked before these: what was reserved counts as spent."""


def _nothing() -> None:
    """Stand for the cancelling of a look that was never planned."""
