"""An event loop whose time jumps to the next timer: hours pass in seconds, and in the right order."""

import asyncio
from collections.abc import Callable, Coroutine
import selectors
from typing import Any, Final, override

from custom_components.camera_narrator.pipeline.clock import Clock

WALL_S: Final = 1_700_000_000.0
"""Wall clock at the beginning of every rehearsal."""


class StandstillError(Exception):
    """Everybody waits and no timer runs: the rehearsal would never end."""


class _Jump(selectors.DefaultSelector):
    now_s = 0.0

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise StandstillError
        self.now_s += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Sleeps by jumping. Sockets and threads never get a turn."""

    def __init__(self) -> None:
        """Start at zero."""
        self._jump = _Jump()
        super().__init__(self._jump)

    @override
    def time(self) -> float:
        return self._jump.now_s


class VirtualClock(Clock):
    """The pipeline's clock on such a loop."""

    @override
    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    @override
    def wall(self) -> float:
        return self.monotonic() + WALL_S

    @override
    def call_at(self, when_s: float, callback: Callable[[], None]) -> Callable[[], None]:
        return asyncio.get_running_loop().call_at(when_s, callback).cancel


def rehearse[T](play: Coroutine[Any, Any, T]) -> T:
    """Run something in virtual time to its end."""
    return asyncio.run(play, loop_factory=VirtualLoop)


async def until(at_s: float) -> None:
    """Sleep until a moment of the loop's time."""
    await asyncio.sleep(max(0.0, at_s - asyncio.get_running_loop().time()))
