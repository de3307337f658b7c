"""Time as the pipeline sees it: one seam, so that tests let hours pass in milliseconds."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
import time
from typing import Protocol, override


class Clock(Protocol):
    """A monotonic clock, the wall clock, and timers on the monotonic one."""

    def monotonic(self) -> float:
        """Return seconds that never jump."""
        ...

    def wall(self) -> float:
        """Return seconds since the epoch (UTC)."""
        ...

    def call_at(self, when_s: float, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back at ``when_s`` of the monotonic clock; return what cancels it."""
        ...


class SystemClock(Clock):
    """The machine's clocks and the running loop's timers."""

    @override
    def monotonic(self) -> float:
        return time.monotonic()

    @override
    def wall(self) -> float:
        return time.time()

    @override
    def call_at(self, when_s: float, callback: Callable[[], None]) -> Callable[[], None]:
        delay_s = max(0.0, when_s - time.monotonic())
        return asyncio.get_running_loop().call_later(delay_s, callback).cancel


@dataclass(frozen=True, slots=True)
class Now:
    """One moment on both clocks."""

    s: float
    wall_s: float

    @classmethod
    def of(cls, clock: Clock) -> Now:
        """Read both clocks."""
        return cls(clock.monotonic(), clock.wall())

    def wall_at(self, at_s: float) -> float:
        """Return the wall time of another monotonic moment."""
        return self.wall_s - (self.s - at_s)

    def at(self, wall_s: float) -> float:
        """Return the monotonic moment of a wall time, which may lie before this process."""
        return self.s - (self.wall_s - wall_s)


async def wait(event: asyncio.Event, clock: Clock, until_s: float | None) -> None:
    """Return when the event is set or ``until_s`` has come; None waits for the event alone."""
    if event.is_set():
        return
    cancel = None if until_s is None else clock.call_at(until_s, event.set)
    try:
        await event.wait()
    finally:
        if cancel is not None:
            cancel()
