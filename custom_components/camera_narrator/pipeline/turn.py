"""One request's place in the hub's queue: how urgent it is, what it may cost, and what came of it."""

import asyncio
from collections.abc import Callable
from enum import IntEnum
from typing import Protocol

from .errors import ProviderError
from .minute import Entry
from .spending import NOTHING, Cost
from .vocabulary import Look


class Urgency(IntEnum):
    """Who goes first; lower is sooner."""

    OPEN_EVENT = 0
    ONSET = 1
    CLOSING = 2
    HEARTBEAT = 3
    CATCH_UP = 4
    AUDIT = 5

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
            case Look.HEARTBEAT | Look.RULE:
                return cls.HEARTBEAT
            case Look.CATCH_UP:
                return cls.CATCH_UP
            case Look.AUDIT:
                return cls.AUDIT


class Queue(Protocol):
    """Where turns wait."""

    def enter(self, turn: Turn) -> None:
        """Let a turn wait."""

    def leave(self, turn: Turn) -> None:
        """Take a turn back, granted or not."""

    def review(self) -> None:
        """Look again whose turn it is."""


def _costless() -> Cost:
    return NOTHING


class Turn:
    """``async with`` waits for it and holds it."""

    def __init__(
        self,
        queue: Queue,
        camera: str,
        urgency: Urgency,
        *,
        new: bool = True,
        estimate: Callable[[], Cost] = _costless,
        understudy: bool = False,
        patience_s: float | None = None,
    ) -> None:
        """``new`` may spend what is kept for new events; with an ``understudy`` it need not wait for long.

        ``patience_s``: with a second model server it need not even wait that long, new or not.
        """
        self.camera = camera
        self.urgency = urgency
        self.new = new
        self.estimate = estimate
        self.understudy = understudy
        self.patience_s = patience_s
        self.since_s = 0.0
        """When it began to wait."""
        self.new_since_s: float | None = None
        """When it began to wait as a new one."""
        self.number = 0
        self.granted = asyncio.Event()
        self.declined: ProviderError | None = None
        """Why the provider shall not be asked: the understudy is, and no place is held."""
        self.reserved = NOTHING
        self.used: Cost | None = None
        """What it has cost, once that is known."""
        self.entries: tuple[Entry, Entry] | None = None
        """Its requests and tokens in the minute's windows."""
        self._queue = queue

    @property
    def serves(self) -> bool:
        """Return whether there is something to ask: nothing was reserved where nothing was wanted any more."""
        return self.declined is not None or bool(self.reserved.requests)

    def hurry(self, urgency: Urgency, *, new: bool = True) -> None:
        """Become more urgent while waiting, or one of a new event."""
        if urgency >= self.urgency and (self.new or not new):
            return
        self.urgency = min(self.urgency, urgency)
        self.new = self.new or new
        self._queue.review()

    async def __aenter__(self) -> None:
        self._queue.enter(self)
        try:
            await self.granted.wait()
        except BaseException:
            self._queue.leave(self)
            raise

    async def __aexit__(self, *_: object) -> None:
        self._queue.leave(self)
