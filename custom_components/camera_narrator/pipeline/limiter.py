"""The hub's only way to its provider: a few turns at a time, in order of urgency, none while the server says wait."""

import asyncio
from enum import IntEnum
from itertools import count

from .clock import Clock
from .errors import ProviderError
from .models import Look

BACKOFF_FIRST_S = 1.0
BACKOFF_MAX_S = 60.0
"""A server that comes back is found within a minute; one that stays away costs a request a minute."""
HOLD_MAX_S = 3600.0
"""Servers that ask for more mean a date by it or a day's quota; one request an hour finds out."""
AGEING_S = 15.0
"""Each such wait raises a turn by one class, so that a busy camera starves no other for more than a minute."""


class Urgency(IntEnum):
    """Who goes first; lower is sooner."""

    OPEN_EVENT = 0
    ONSET = 1
    CLOSING = 2
    HEARTBEAT = 3
    CATCH_UP = 4

    @classmethod
    def of(cls, look: Look, *, event_open: bool) -> Urgency:
        """Return how urgent a look is; outside of an event the plain timer's is but a glance."""
        match look:
            case Look.QUESTION:
                return cls.OPEN_EVENT
            case Look.ONSET:
                return cls.OPEN_EVENT if event_open else cls.ONSET
            case Look.SCHEDULE | Look.NOVELTY:
                return cls.OPEN_EVENT if event_open else cls.HEARTBEAT
            case Look.CLOSING:
                return cls.CLOSING
            case Look.HEARTBEAT:
                return cls.HEARTBEAT
            case Look.CATCH_UP:
                return cls.CATCH_UP


class Turn:
    """One request's place: ``async with`` waits for it and holds it."""

    def __init__(self, limiter: Limiter, camera: str, urgency: Urgency) -> None:
        self.camera = camera
        self.urgency = urgency
        self.since_s = 0.0
        self.number = 0
        self.granted = asyncio.Event()
        self._limiter = limiter

    def hurry(self, urgency: Urgency) -> None:
        """Become more urgent while waiting."""
        self.urgency = min(self.urgency, urgency)

    async def __aenter__(self) -> None:
        self._limiter.enter(self)
        try:
            await self.granted.wait()
        except BaseException:
            self._limiter.leave(self)
            raise

    async def __aexit__(self, *_: object) -> None:
        self._limiter.leave(self)


class Limiter:
    """Concurrency, Retry-After, back-off and fairness for all cameras of one hub."""

    def __init__(self, *, concurrency: int, clock: Clock) -> None:
        self._concurrency = concurrency
        self._clock = clock
        self._waiting: list[Turn] = []
        self._in_flight = 0
        self._held_until_s: float | None = None
        self._release_hold = _nothing
        self._failures = 0
        self._numbers = count()
        self._served: dict[str, int] = {}

    def change(self, *, concurrency: int) -> None:
        """Let more or fewer requests fly from now on."""
        self._concurrency = concurrency
        self._grant()

    def turn(self, camera: str, urgency: Urgency) -> Turn:
        """Return a turn to be waited for and held by ``async with``."""
        return Turn(self, camera, urgency)

    def enter(self, turn: Turn) -> None:
        """Let a turn wait; for Turn alone."""
        turn.since_s, turn.number = self._clock.monotonic(), next(self._numbers)
        self._waiting.append(turn)
        self._grant()

    def leave(self, turn: Turn) -> None:
        """Take a turn back, granted or not; for Turn alone."""
        if turn.granted.is_set():
            self._in_flight -= 1
        else:
            self._waiting.remove(turn)
        self._grant()

    def hold(self, retry_after_s: float) -> None:
        """Let no request start for that long: the server's own word, and for the whole hub."""
        until_s = self._clock.monotonic() + min(retry_after_s, HOLD_MAX_S)
        if self._held_until_s is None or until_s > self._held_until_s:
            self._release_hold()
            self._held_until_s = until_s
            self._release_hold = self._clock.call_at(until_s, self._held_long_enough)

    def release(self) -> None:
        """Forget what a provider said and how it failed: another one is asked from now on."""
        self._release_hold()
        self._failures = 0
        self._held_long_enough()

    def failed(self, error: ProviderError) -> None:
        """Note a request without an answer: wait as told, or back off where waiting may help."""
        if error.retry_after_s is not None:
            self._failures += 1
            self.hold(error.retry_after_s)
        elif error.retryable:
            self.hold(min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2.0 ** min(self._failures, 10)))
            self._failures += 1

    def answered(self) -> None:
        """Note that the provider is well."""
        self._failures = 0

    @property
    def held_until_s(self) -> float | None:
        """Return until when no request starts, or None."""
        return self._held_until_s

    @property
    def waiting(self) -> int:
        """Return how many cameras wait for a turn."""
        return len(self._waiting)

    @property
    def in_flight(self) -> int:
        """Return how many requests are on their way."""
        return self._in_flight

    # -- private ------------------------------------------------------------------------------------------------

    def _held_long_enough(self) -> None:
        self._held_until_s = None
        self._grant()

    def _grant(self) -> None:
        # After a failure one request tries alone: a server that is still away is not met by all cameras at once.
        slots = 1 if self._failures else self._concurrency
        while self._held_until_s is None and self._waiting and self._in_flight < slots:
            turn = min(self._waiting, key=self._rank)
            self._waiting.remove(turn)
            self._in_flight += 1
            self._served[turn.camera] = turn.number
            turn.granted.set()

    def _rank(self, turn: Turn) -> tuple[float, int, int]:
        """Order by urgency, raised by waiting; among equals the camera whose last turn is longest ago."""
        waited_s = self._clock.monotonic() - turn.since_s
        return (turn.urgency - waited_s // AGEING_S, self._served.get(turn.camera, -1), turn.number)


def _nothing() -> None:
    """Stand for the cancelling of a hold that was never made."""
