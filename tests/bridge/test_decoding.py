"""The decoder threads: who goes next, and what a mistake costs; and the budget of continuous decoding."""

from collections.abc import Iterator
from dataclasses import dataclass, field
import threading
import time
from typing import override

from av.packet import Packet
from hypothesis import given, strategies as st
import numpy as np
import pytest
import simplejpeg

from edge_bridge.budget import Budget
from edge_bridge.cadence import Cadence
from edge_bridge.decoding import DECODERS_MOST, URGENT_IN_A_ROW, Decoders, DecoderWorkers
from edge_bridge.stream import Coding


@dataclass(eq=False)
class Job:
    """A camera with slices to do."""

    name: str
    log: list[str]
    slices: int = 1
    urgent: bool = False
    fails: bool = False
    done: threading.Event = field(default_factory=threading.Event)
    threads: set[int] = field(default_factory=set)
    busy: threading.Lock = field(default_factory=threading.Lock)

    def work(self, decoders: Decoders) -> bool:
        """Do one."""
        assert self.busy.acquire(blocking=False), "two threads at one camera"
        self.threads.add(threading.get_ident())
        self.log.append(self.name)
        self.slices -= 1
        self.busy.release()
        if self.fails:
            self.done.set()
            raise RuntimeError("a mistake")
        if self.slices <= 0:
            self.done.set()
        return self.slices > 0


@pytest.fixture
def workers() -> Iterator[DecoderWorkers]:
    """One thread, so that the order is one."""
    one = DecoderWorkers(1)
    yield one
    one.stop()
    one.join(time.monotonic() + 10)


def test_cameras_take_turns(workers: DecoderWorkers) -> None:
    """Whoever has more to do waits for the others after each slice."""
    log: list[str] = []
    jobs = [Job("a", log, slices=3), Job("b", log, slices=2), Job("c", log)]
    for job in jobs:
        workers.ready(job)
        workers.ready(job)
    workers.start()
    assert all(job.done.wait(5) for job in jobs)
    assert log == ["a", "b", "c", "a", "b", "a"]


def test_where_something_happens_goes_first_and_starves_nobody(workers: DecoderWorkers) -> None:
    """Urgent cameras come first, a quiet one after some of them."""
    log: list[str] = []
    quiet = Job("quiet", log)
    busy = Job("busy", log, slices=3 * URGENT_IN_A_ROW, urgent=True)
    workers.ready(quiet)
    workers.ready(busy)
    workers.start()
    assert busy.done.wait(5)
    assert log.index("quiet") == URGENT_IN_A_ROW


def test_mistake_with_one_camera_is_not_that_of_the_others(
    workers: DecoderWorkers, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told with its trace, and the thread goes on."""
    log: list[str] = []
    bad, good = Job("bad", log, fails=True), Job("good", log)
    workers.start()
    workers.ready(bad)
    workers.ready(good)
    assert good.done.wait(5)
    assert "a mistake" in caplog.text


def test_many_threads_never_share_a_camera() -> None:
    """However often it is said to be ready, one thread at a time works for it, and nothing is forgotten."""
    log: list[str] = []
    many = DecoderWorkers(4)
    many.start()
    jobs = [Job(str(number), log, slices=200) for number in range(3)]
    for _ in range(50):
        for job in jobs:
            many.ready(job)
    assert all(job.done.wait(10) for job in jobs)
    many.stop()
    many.join(time.monotonic() + 10)
    assert all(log.count(job.name) >= 200 for job in jobs)
    assert many.longest_s == 0


def test_an_end_waits_no_longer_than_it_is_told() -> None:
    """A decoder that hangs is left to itself, and the others have ended."""
    release = threading.Event()

    class Hanging(Job):
        """Works until it is let go."""

        @override
        def work(self, decoders: Decoders) -> bool:
            self.done.set()
            return not release.wait(60)

    job = Hanging("hanging", [])
    two = DecoderWorkers(2)
    two.start()
    two.ready(job)
    assert job.done.wait(10)
    two.stop()
    two.join(time.monotonic() + 0.01)
    assert any(thread.is_alive() for thread in two._threads)
    release.set()
    two.join(time.monotonic() + 10)
    assert not any(thread.is_alive() for thread in two._threads)


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(1, 400), st.booleans()), max_size=40))
def test_budget_is_never_overspent_by_more_than_one(
    steps: list[tuple[int, float, bool]],
) -> None:
    """Whoever is admitted first may always go on; others only while there is time for them."""
    budget = Budget(1, share=0.5)
    for who, cost_ms, leaves in steps:
        if leaves:
            budget.release(who)
            continue
        before = budget.spent_ms_per_s
        if budget.admit(who, cost_ms) and budget.spent_ms_per_s > 500:
            assert before == 0 or budget.spent_ms_per_s == cost_ms
    for who in range(6):
        budget.release(who)
    assert budget.spent_ms_per_s == 0


def test_cadence_tells_rate_keys_and_gaps() -> None:
    """A missing picture is seen by the stream's time; a clock that jumps is not a loss."""
    cadence = Cadence()
    missing = [
        number
        for number, stream_s in enumerate([n / 25 for n in range(60) if n != 40])
        if cadence.offer(stream_s, 1_000_000 + number * 40_000, key=number % 25 == 0)
    ]
    assert missing == [40]
    assert cadence.fps == pytest.approx(25, rel=0.1)
    assert cadence.key_interval_s == pytest.approx(1.0)
    assert not cadence.offer(3600.0, 4_000_000, key=False)
    assert not cadence.offer(None, 4_040_000, key=False)
    assert not cadence.offer(10.0, 4_080_000, key=False)
    assert cadence.overdue(2_000_000 + 10_000_000)


def test_streams_that_share_no_decoder_do_not_pile_them_up() -> None:
    """Each opening of such a stream may bring another description; a worker keeps the decoders used last."""
    picture = simplejpeg.encode_jpeg(np.full((16, 16, 3), 90, np.uint8))
    decoders = Decoders()
    for number in range(3 * DECODERS_MOST):
        coding = Coding(codec="mjpeg", parameters=b"", apart=bytes([number]))
        assert decoders.key_picture(coding, Packet(picture)) is not None
    assert len(decoders._decoders) == DECODERS_MOST
