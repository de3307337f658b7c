"""Limits and caps hold whatever cameras want, whenever they want it, whatever requests turn out to cost."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from hypothesis import given, settings, strategies as st

from custom_components.camera_narrator.pipeline.errors import Fault, ProviderError
from custom_components.camera_narrator.pipeline.fairness import AGEING_S
from custom_components.camera_narrator.pipeline.limiter import Limiter
from custom_components.camera_narrator.pipeline.minute import WINDOW_S
from custom_components.camera_narrator.pipeline.spending import Cost, Unit
from custom_components.camera_narrator.pipeline.terms import Terms
from custom_components.camera_narrator.pipeline.turn import Turn, Urgency
from tests.pipeline.fakes import FakeClock

LONGEST_S = 20.0
"""Of a request here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One request that a camera wants, and what becomes of it."""

    camera: str
    after_s: float
    urgency: Urgency
    new: bool
    tokens: int
    takes_s: float
    error: float
    """What it has cost, as a part of the estimate."""
    fails: bool


@dataclass(slots=True, kw_only=True)
class Start:
    """A request that left."""

    camera: str
    at_s: float
    tokens: int
    used: int | None = None
    """What it has cost, once that is known."""
    known: int = 0
    """What was known of the minute before it when it left, itself included."""


wishes = st.lists(
    st.builds(
        Wish,
        camera=st.sampled_from("abcde"),
        after_s=st.floats(0, 30),
        urgency=st.sampled_from(Urgency),
        new=st.booleans(),
        tokens=st.integers(100, 4000),
        takes_s=st.floats(0, LONGEST_S),
        error=st.floats(0.3, 1.9),
        fails=st.booleans(),
    ),
    max_size=25,
)


def _same(cost: Cost) -> Cost:
    return cost


class Yard:
    """Cameras with wishes, one after the other each; what left and what it cost."""

    def __init__(self, terms: Terms) -> None:
        self.clock = FakeClock()
        self.limiter = Limiter(clock=self.clock, terms=terms)
        self.starts: list[Start] = []
        self.spent_usd: list[float] = []
        self.errors_usd: list[float] = []

    async def live(self, plan: Sequence[Wish], *, seconds: float = 3600.0) -> None:
        """Let all wishes come, and time pass."""
        tasks = [
            asyncio.create_task(self._camera([wish for wish in plan if wish.camera == camera]))
            for camera in sorted({wish.camera for wish in plan})
        ]
        await self.clock.advance(seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (self.limiter.waiting, self.limiter.in_flight) == (0, 0)

    async def _camera(self, plan: Sequence[Wish]) -> None:
        for wish in plan:
            await self._sleep(wish.after_s)
            cost = Cost(requests=1, tokens=wish.tokens, usd=wish.tokens / 1000)
            turn = self.limiter.turn(
                wish.camera, wish.urgency, new=wish.new, estimate=partial(_same, cost)
            )
            async with turn:
                await self._ask(turn, wish, cost)

    async def _ask(self, turn: Turn, wish: Wish, cost: Cost) -> None:
        start = Start(camera=wish.camera, at_s=self.clock.monotonic(), tokens=cost.tokens)
        self.starts.append(start)
        start.known = sum(
            other.tokens if other.used is None else other.used
            for other in self.starts
            if other.at_s > start.at_s - 60.0
        )
        await self._sleep(wish.takes_s)
        if wish.fails:
            refused = ProviderError(Fault.RATE_LIMITED, "slower", retryable=True)
            self.limiter.failed(refused, turn)
            start.used = 0
            return
        self.limiter.answered()
        usd = cost.usd * wish.error
        turn.used = Cost(requests=1, tokens=round(cost.tokens * wish.error), usd=usd)
        start.used = turn.used.tokens
        self.spent_usd.append(usd)
        self.errors_usd.append(max(0.0, usd - cost.usd))

    async def _sleep(self, seconds: float) -> None:
        waited = asyncio.Event()
        self.clock.call_at(self.clock.monotonic() + seconds, waited.set)
        await waited.wait()


@settings(max_examples=40, deadline=None)
@given(plan=wishes, requests=st.integers(1, 12), tokens=st.integers(4000, 20_000))
def test_no_minute_holds_more_than_its_limits(plan: list[Wish], requests: int, tokens: int) -> None:
    """Any window of a minute holds at most so many requests, and none leaves that brings too many tokens into it.

    Those are what is known when it leaves: the count of what has ended, the estimate of what flies.
    """

    async def run() -> Yard:
        yard = Yard(Terms(concurrency=3, requests_per_minute=requests, tokens_per_minute=tokens))
        await yard.live(plan)
        return yard

    starts = asyncio.run(run()).starts
    for first in starts:
        window = [start for start in starts if first.at_s <= start.at_s < first.at_s + 60.0]
        assert len(window) <= requests
        assert first.known <= tokens


@settings(max_examples=40, deadline=None)
@given(plan=wishes, cap_usd=st.floats(1.0, 30.0))
def test_money_goes_over_the_cap_by_one_estimates_error_at_most(
    plan: list[Wish], cap_usd: float
) -> None:
    """Three requests in flight whose estimates err by up to nine tenths cost the cap and one error at most."""

    async def run() -> Yard:
        yard = Yard(Terms(concurrency=3, caps={Unit.USD: cap_usd}))
        await yard.live([wish for wish in plan if not wish.fails])
        return yard

    yard = asyncio.run(run())
    assert sum(yard.spent_usd) <= cap_usd + max(yard.errors_usd, default=0.0) + 1e-9


@settings(max_examples=30, deadline=None)
@given(takes_s=st.floats(1.0, LONGEST_S), busy=st.integers(1, 4))
def test_nobody_starves(takes_s: float, busy: int) -> None:
    """Beside cameras with events that never end, a glance waits for its ageing and the turns before it, no longer."""

    def wish(camera: str, urgency: Urgency) -> Wish:
        return Wish(
            camera=camera,
            after_s=0.0,
            urgency=urgency,
            new=False,
            tokens=1000,
            takes_s=takes_s,
            error=1.0,
            fails=False,
        )

    async def run() -> Yard:
        yard = Yard(Terms(concurrency=1))
        plan = [wish(f"busy {n}", Urgency.OPEN_EVENT) for n in range(busy) for _ in range(400)]
        await yard.live([*plan, wish("quiet", Urgency.CATCH_UP)], seconds=600.0)
        return yard

    starts = asyncio.run(run()).starts
    (quiet,) = [start.at_s for start in starts if start.camera == "quiet"]
    waited_s = quiet - 1000.0
    # All busy ones age alike while they wait for each other: that many turns more.
    assert waited_s <= AGEING_S * (len(Urgency) + 1) + (busy + 1) * takes_s + busy * AGEING_S


def test_the_window_is_longer_than_the_minute() -> None:
    """What leaves a little late and arrives a little early must not fall into one minute of the server."""
    assert WINDOW_S > 60.0
