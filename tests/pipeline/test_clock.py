"""The real clocks and the waiting on them."""

import asyncio

from custom_components.camera_narrator.pipeline.clock import Now, SystemClock, wait
from tests.pipeline.fakes import FakeClock


async def test_the_machines_clock_calls_back() -> None:
    """A timer that is due fires, a cancelled one does not."""
    clock = SystemClock()
    fired: list[str] = []
    done = asyncio.Event()
    cancel = clock.call_at(clock.monotonic(), lambda: fired.append("cancelled"))
    cancel()
    clock.call_at(clock.monotonic() - 1, lambda: fired.append("due"))
    clock.call_at(clock.monotonic() + 0.001, done.set)
    await done.wait()
    assert fired == ["due"]
    assert clock.wall() > 1_700_000_000


async def test_waiting_ends_with_the_event_or_the_time() -> None:
    """Whatever comes first; no timer is left behind."""
    clock = FakeClock()
    event = asyncio.Event()
    timed = asyncio.create_task(wait(event, clock, clock.monotonic() + 5))
    await clock.advance(4.9)
    assert not timed.done()
    await clock.advance(0.1)
    assert timed.done()
    event.clear()
    endless = asyncio.create_task(wait(event, clock, None))
    await clock.advance(1000)
    assert not endless.done()
    event.set()
    await clock.settle()
    assert endless.done()
    await wait(event, clock, clock.monotonic() + 5)


def test_moments_translate_between_the_clocks() -> None:
    """Wall time of a monotonic moment and back."""
    now = Now(100.0, 5000.0)
    assert now.wall_at(90.0) == 4990.0
    assert now.at(4990.0) == 90.0
