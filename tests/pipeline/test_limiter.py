"""Turns of one hub."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from custom_components.camera_narrator.pipeline.breaker import HOLD_MAX_S
from custom_components.camera_narrator.pipeline.errors import Fault, ProviderError
from custom_components.camera_narrator.pipeline.fairness import AGEING_S
from custom_components.camera_narrator.pipeline.limiter import Limiter
from custom_components.camera_narrator.pipeline.minute import WINDOW_S
from custom_components.camera_narrator.pipeline.pace import FORGET_S
from custom_components.camera_narrator.pipeline.request import Quota, Usage
from custom_components.camera_narrator.pipeline.spending import Cost
from custom_components.camera_narrator.pipeline.terms import Terms
from custom_components.camera_narrator.pipeline.turn import Turn, Urgency
from custom_components.camera_narrator.pipeline.vocabulary import Look, Restraint, Saving
from tests.pipeline.fakes import FakeClock
from tests.pipeline.looks import a_look

AWAY = ProviderError(Fault.UNREACHABLE, "away", retryable=True)


class Queue:
    """Cameras that want turns; each holds its turn until released."""

    def __init__(self, concurrency: int = 1) -> None:
        self.clock = FakeClock()
        self.limiter = Limiter(clock=self.clock, terms=Terms(concurrency=concurrency))
        self.served: list[str] = []
        self.cost = Cost(requests=1)
        self.turns: dict[str, Turn] = {}
        self._release: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def want(self, camera: str, urgency: Urgency = Urgency.OPEN_EVENT) -> None:
        """Let a camera wait for a turn."""
        self._release[camera] = asyncio.Event()
        cost = self.cost
        self.turns[camera] = self.limiter.turn(camera, urgency, estimate=lambda: cost)
        self._tasks[camera] = asyncio.create_task(self._hold(camera, self.turns[camera]))
        await self.clock.settle()

    async def _hold(self, camera: str, turn: Turn) -> None:
        async with turn:
            self.served.append(camera)
            await self._release[camera].wait()

    async def release(self, camera: str) -> None:
        """Let a camera give its turn back."""
        self._release[camera].set()
        await self.clock.settle()

    async def cancel(self, camera: str) -> None:
        """Let a camera go away."""
        self._tasks[camera].cancel()
        await self.clock.settle()

    async def close(self) -> None:
        """End all."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)


@asynccontextmanager
async def queued(concurrency: int = 1) -> AsyncIterator[Queue]:
    """Run a queue for the block; nothing is left behind."""
    queue = Queue(concurrency)
    try:
        yield queue
    finally:
        await queue.close()
        assert (queue.limiter.waiting, queue.limiter.in_flight) == (0, 0)


async def test_no_more_fly_than_allowed() -> None:
    """Concurrency holds, and a change of it works at once."""
    async with queued(2) as queue:
        for camera in "abc":
            await queue.want(camera)
        assert queue.served == ["a", "b"]
        assert (queue.limiter.in_flight, queue.limiter.waiting) == (2, 1)
        queue.limiter.change(Terms(concurrency=3))
        await queue.clock.settle()
        assert queue.served == ["a", "b", "c"]


async def test_the_most_urgent_goes_first() -> None:
    """Open event, onset, closing, heartbeat, catch-up; raising a waiting turn counts."""
    async with queued() as queue:
        await queue.want("busy")
        for urgency in reversed(Urgency):
            await queue.want(urgency.name, urgency)
        queue.turns["HEARTBEAT"].hurry(Urgency.OPEN_EVENT)
        queue.turns["CLOSING"].hurry(Urgency.CATCH_UP)
        await queue.release("busy")
        for _ in range(4):
            await queue.release(queue.served[-1])
        assert queue.served[1:] == ["HEARTBEAT", "OPEN_EVENT", "ONSET", "CLOSING", "CATCH_UP"]


async def test_among_equals_who_waited_longest_for_a_turn() -> None:
    """A camera that asks all the time does not push another back."""
    async with queued() as queue:
        await queue.want("busy")
        await queue.want("other")
        await queue.release("busy")
        await queue.want("busy")
        await queue.want("third")
        await queue.release("other")
        assert queue.served == ["busy", "other", "third"]


async def test_nobody_starves() -> None:
    """Each quarter of a minute raises a turn by one class."""
    async with queued() as queue:
        await queue.want("busy")
        await queue.want("patient", Urgency.CATCH_UP)
        await queue.clock.advance(AGEING_S * 5)
        await queue.want("urgent", Urgency.OPEN_EVENT)
        await queue.release("busy")
        assert queue.served[-1] == "patient"


async def test_retry_after_holds_the_whole_hub() -> None:
    """No camera starts before; a shorter word does not shorten it; then one tries alone."""
    async with queued(3) as queue:
        queue.limiter.failed(
            ProviderError(Fault.RATE_LIMITED, "later", retryable=True, retry_after_s=30)
        )
        queue.limiter.hold(5)
        assert queue.limiter.held_until_s == 1030
        for camera in "ab":
            await queue.want(camera)
        await queue.clock.advance(29.9)
        assert queue.served == []
        await queue.clock.advance(0.1)
        assert queue.served == ["a"]
        assert queue.limiter.held_until_s is None
        queue.limiter.answered()
        await queue.release("a")
        assert queue.served == ["a", "b"]


async def test_nobody_is_held_for_longer_than_an_hour() -> None:
    """A date in place of seconds, or a day's quota, is looked at again after an hour, by one request."""
    async with queued(concurrency=2) as queue:
        queue.limiter.failed(
            ProviderError(Fault.RATE_LIMITED, "later", retryable=True, retry_after_s=1.79e9)
        )
        for camera in ("door", "yard"):
            await queue.want(camera)
        await queue.clock.advance(HOLD_MAX_S - 1)
        assert queue.served == []
        await queue.clock.advance(1)
        assert queue.served == ["door"]


async def test_another_provider_begins_afresh() -> None:
    """Neither a hold nor the failures of the one before count: all turns are granted at once."""
    async with queued(concurrency=2) as queue:
        queue.limiter.failed(
            ProviderError(Fault.RATE_LIMITED, "later", retryable=True, retry_after_s=60)
        )
        for camera in ("door", "yard"):
            await queue.want(camera)
        queue.limiter.release()
        await queue.clock.settle()
        assert queue.served == ["door", "yard"]
        queue.limiter.failed(AWAY)
        assert queue.limiter.held_until_s == queue.clock.monotonic() + 1


async def test_back_off_doubles_up_to_a_minute() -> None:
    """Without the server's word the pauses grow, until it answers."""
    async with queued() as queue:
        pauses = []
        for _ in range(8):
            queue.limiter.failed(AWAY)
            until_s = queue.limiter.held_until_s
            assert until_s is not None
            pauses.append(until_s - queue.clock.monotonic())
            await queue.clock.advance(pauses[-1])
        assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
        queue.limiter.answered()
        queue.limiter.failed(AWAY)
        assert queue.limiter.held_until_s == queue.clock.monotonic() + 1


async def test_what_waiting_does_not_help_holds_nobody() -> None:
    """A refused key is no reason to pause."""
    async with queued() as queue:
        queue.limiter.failed(ProviderError(Fault.UNAUTHORIZED, "no", retryable=False))
        assert queue.limiter.held_until_s is None


async def test_who_goes_away_leaves_no_turn_behind() -> None:
    """Cancelled while waiting or while holding, the place is free."""
    async with queued() as queue:
        await queue.want("a")
        await queue.want("b")
        await queue.want("c")
        await queue.cancel("b")
        await queue.cancel("a")
        assert queue.served == ["a", "c"]


async def test_a_refusal_without_a_date_halves_the_pace() -> None:
    """What went through in a minute is halved, then rises by one with each answer, until it is forgotten."""
    async with queued() as queue:
        for number in range(8):
            await queue.want(f"{number}")
            await queue.release(f"{number}")
        queue.limiter.failed(ProviderError(Fault.RATE_LIMITED, "slower", retryable=True))
        assert queue.limiter.per_minute == 4
        await queue.clock.advance(1)
        await queue.want("next")
        assert queue.served[-1] == "7", "a quarter of a minute lies between two starts"
        await queue.clock.advance(14)
        assert queue.served[-1] == "next"
        queue.limiter.answered()
        assert queue.limiter.per_minute == 5
        await queue.clock.advance(FORGET_S)
        queue.limiter.answered()
        assert queue.limiter.per_minute is None


async def test_refusals_together_halve_it_once() -> None:
    """Three requests that flew at the same time are one piece of news."""
    async with queued(concurrency=3) as queue:
        for camera in "abcdefgh":
            await queue.want(camera)
            await queue.release(camera)
        for _ in range(3):
            queue.limiter.failed(ProviderError(Fault.RATE_LIMITED, "slower", retryable=True))
        assert queue.limiter.per_minute == 4


async def test_what_an_answer_says_is_left_is_heeded() -> None:
    """Tokens that are not left hold until the bucket has filled far enough; pictures are small for a minute."""
    async with queued() as queue:
        queue.cost = Cost(requests=1, tokens=3000)
        await queue.want("a")
        queue.limiter.answered(
            queue.turns["a"],
            quota=Quota(tokens=1000, tokens_limit=11_000, tokens_reset_s=50.0),
        )
        await queue.release("a")
        await queue.want("b")
        assert queue.served == ["a"]
        assert queue.limiter.frugal
        assert queue.limiter.standing().restraint is Restraint.RATE
        await queue.clock.advance(9.9)
        assert queue.served == ["a"]
        await queue.clock.advance(0.1)
        assert queue.served == ["a", "b"]
        await queue.clock.advance(60)
        assert not queue.limiter.frugal


@pytest.mark.parametrize(
    ("fault", "tokens"),
    [(None, 3 * 500), (Fault.BAD_ANSWER, 3 * 500), (Fault.OVERLOADED, 2 * 500)],
)
async def test_requests_sent_again_count_like_any_other(fault: Fault | None, tokens: int) -> None:
    """An answer out of shape is paid and asked for anew: the minute, the day and the server's rest hold them all."""
    async with queued() as queue:
        queue.limiter.change(Terms(concurrency=1, requests_per_minute=4))
        queue.cost = Cost(requests=1, tokens=500, usd=0.25)
        await queue.want("a")
        if fault is None:
            queue.limiter.answered(queue.turns["a"], a_look(), Usage(requests=3))
        else:
            error = ProviderError(fault, "no answer", retryable=False)
            error.requests = 3
            queue.limiter.failed(error, queue.turns["a"])
        await queue.release("a")
        spent = queue.limiter.spending.today(queue.clock.wall()).cost
        assert spent == Cost(requests=3, tokens=tokens, usd=tokens / 2000)
        assert queue.limiter.requests_last_minute == 3
        await queue.want("b")
        await queue.release("b")
        await queue.want("c")
        assert queue.served == ["a", "b"]
        await queue.clock.advance(WINDOW_S)
        assert queue.served == ["a", "b", "c"]


async def test_among_equals_who_was_given_fewest_tokens() -> None:
    """A camera that shows much gives way to one that shows little."""
    async with queued() as queue:
        queue.cost = Cost(requests=1, tokens=5000)
        await queue.want("rich")
        await queue.want("next")
        await queue.release("rich")
        queue.cost = Cost(requests=1, tokens=100)
        await queue.want("modest")
        await queue.want("rich")
        for _ in range(2):
            await queue.release(queue.served[-1])
        assert queue.served == ["rich", "next", "modest", "rich"]


async def test_who_was_away_has_saved_nothing_up() -> None:
    """A camera that comes late is served in turn with the others, not before them until it has caught up."""
    async with queued() as queue:
        queue.cost = Cost(requests=1, tokens=1000)
        for camera in ("a", "b", "a", "b", "a", "b"):
            await queue.want(camera)
            await queue.release(camera)
        queue.served.clear()
        await queue.want("a")
        await queue.want("b")
        await queue.want("late")
        await queue.release("a")
        await queue.want("a")
        for _ in range(3):
            camera = queue.served[-1]
            await queue.release(camera)
            await queue.want(camera)
        assert sorted(queue.served[1:4]) == ["a", "b", "late"]


async def test_short_waits_are_fewer_looks() -> None:
    """While the hub is held it makes do with fewer looks, and says until when."""
    async with queued() as queue:
        queue.limiter.failed(
            ProviderError(Fault.RATE_LIMITED, "later", retryable=True, retry_after_s=30)
        )
        await queue.want("a")
        standing = queue.limiter.standing()
        assert (standing.saving, standing.restraint) == (Saving.FEWER_LOOKS, Restraint.RATE)
        assert standing.until_s == 1030
        await queue.clock.advance(30)
        assert queue.limiter.standing().saving is Saving.NONE


@pytest.mark.parametrize(
    ("look", "event_open", "urgency"),
    [
        (Look.QUESTION, False, Urgency.OPEN_EVENT),
        (Look.ONSET, False, Urgency.ONSET),
        (Look.ONSET, True, Urgency.OPEN_EVENT),
        (Look.SCHEDULE, True, Urgency.OPEN_EVENT),
        (Look.SCHEDULE, False, Urgency.HEARTBEAT),
        (Look.NOVELTY, True, Urgency.OPEN_EVENT),
        (Look.CLOSING, False, Urgency.CLOSING),
        (Look.HEARTBEAT, False, Urgency.HEARTBEAT),
        (Look.CATCH_UP, True, Urgency.CATCH_UP),
    ],
)
def test_how_urgent_a_look_is(look: Look, *, event_open: bool, urgency: Urgency) -> None:
    """The order of the design."""
    assert Urgency.of(look, event_open=event_open) is urgency
