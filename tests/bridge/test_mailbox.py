"""Between the threads and the wire: one place for each thing, losses counted."""

import asyncio
from collections import deque
import threading
from typing import cast

from edge_bridge.errors import BridgeError
from edge_bridge.mailbox import PREROLL_MOST, Mailbox
from edge_bridge.meter import SPAN_US, Meter
from edge_bridge.outbox import REPLIES_MOST, Outbox
from edge_bridge.protocol.messages import Activity, Pong
from edge_bridge.protocol.vocabulary import ErrorCode, FrameFlag, StreamState
from edge_bridge.protocol.wire_error import WireError
from edge_bridge.sampler import SampledFrame


def frame(captured_us: int, *, preroll: bool = False) -> SampledFrame:
    """Return a frame of no size."""
    return SampledFrame(
        flags=FrameFlag.PREROLL if preroll else FrameFlag(0),
        captured_us=captured_us,
        width=2,
        height=2,
        jpeg=b"",
    )


def activity(camera: str, revision: int) -> Activity:
    """Return what is said of a camera."""
    return Activity(camera=camera, active=True, since_us=1, revision=revision)


class Doorbell:
    """An event loop as far as a mailbox knows it."""

    def __init__(self, *, closed: bool = False) -> None:
        self.calls: deque[object] = deque()
        self._closed = closed

    def call_soon_threadsafe(self, call: object) -> None:
        """Remember the call."""
        if self._closed:
            raise RuntimeError("Event loop is closed")
        self.calls.append(call)

    def mailbox(self) -> Mailbox:
        """Return a mailbox that rings here."""
        return Mailbox(cast(asyncio.AbstractEventLoop, self), lambda: None)


def test_newest_frame_wins_and_the_loss_is_counted() -> None:
    """However slow the loop, one frame waits; pre-roll waits apart and first."""
    bell = Doorbell()
    box = bell.mailbox()
    for number in range(3):
        box.put_frame(frame(number))
    box.put_frame(frame(9, preroll=True))
    mail = box.take()
    assert [entry.captured_us for entry in mail.frames] == [9, 2]
    assert mail.replaced == 2
    assert len(bell.calls) == 1
    assert box.take().frames == ()


def test_preroll_is_bounded() -> None:
    """A loop that stands still for several onsets loses the oldest of it, counted."""
    box = Doorbell().mailbox()
    for number in range(PREROLL_MOST + 3):
        box.put_frame(frame(number, preroll=True))
    mail = box.take()
    assert len(mail.frames) == PREROLL_MOST
    assert (mail.frames[0].captured_us, mail.replaced) == (3, 3)


def test_newest_state_and_activity_win() -> None:
    """States are not a history."""
    box = Doorbell().mailbox()
    box.put_state(StreamState.STREAMING, None)
    box.put_state(StreamState.FAILED, WireError.of(ErrorCode.TIMEOUT))
    box.put_activity(activity("front", 1))
    box.put_activity(activity("front", 2))
    box.skip()
    mail = box.take()
    assert mail.state == (StreamState.FAILED, WireError.of(ErrorCode.TIMEOUT))
    assert mail.activity == activity("front", 2)
    assert mail.replaced == 1


def test_closed_box_and_closed_loop_disturb_nobody() -> None:
    """A thread that ends late speaks into the void."""
    bell = Doorbell()
    box = bell.mailbox()
    box.close()
    box.put_frame(frame(1))
    assert not bell.calls
    Doorbell(closed=True).mailbox().put_frame(frame(1))


async def test_box_rings_the_real_loop_from_a_thread() -> None:
    """What a thread leaves is taken on the loop."""
    came = asyncio.Event()
    box = Mailbox(asyncio.get_running_loop(), came.set)
    thread = threading.Thread(target=lambda: box.put_frame(frame(5)))
    thread.start()
    await asyncio.wait_for(came.wait(), 10)
    thread.join()
    assert box.take().frames == (frame(5),)


def test_outbox_says_answers_first_and_only_the_newest_activity() -> None:
    """Answers in order, then one activity a camera; the status once."""
    outbox = Outbox()
    outbox.activity(activity("front", 1))
    outbox.activity(activity("back", 2))
    outbox.activity(activity("front", 3))
    outbox.reply(b"preview")
    outbox.reply(Pong(id=1, clock_us=2))
    outbox.status()
    said = list(iter(outbox.next_reply, None))
    assert said == [
        b"preview",
        Pong(id=1, clock_us=2).dumps(),
        activity("front", 3).dumps(),
        activity("back", 2).dumps(),
    ]
    assert outbox.take_status()
    assert not outbox.take_status()


def test_outbox_is_bounded_and_forgets_with_the_connection() -> None:
    """Answers that nobody reads are dropped, the oldest first, and counted; nothing survives its connection."""
    outbox = Outbox()
    for number in range(REPLIES_MOST + 5):
        outbox.reply(Pong(id=number, clock_us=1))
    assert outbox.dropped == 5
    assert outbox.next_reply() == Pong(id=5, clock_us=1).dumps()
    outbox.activity(activity("front", 1))
    outbox.forget("front")
    outbox.status()
    outbox.clear()
    assert outbox.next_reply() is None
    assert not outbox.take_status()


def test_meter_gives_rates_of_whole_spans() -> None:
    """Pictures, frames and bytes per second over one span; a reading in between repeats the last."""
    meter = Meter()
    meter.read(1)
    for number in range(100):
        meter.packet(number * 100_000, key=number % 20 == 0)
        meter.picture(decode_us=4000)
        meter.spent(2500)
    meter.skip(3)
    for number in range(10):
        meter.sent(1000, 1000 * number if number < 9 else None)
    early = meter.read(1_000_000)
    assert early.source_fps == 0
    measured = meter.read(10_000_001)
    assert (measured.source_fps, measured.sent_fps, measured.bytes_per_s) == (10, 1, 1000)
    assert (measured.decode_ms, measured.key_interval_s) == (4, 2)
    assert (measured.cpu_ms_per_s, measured.age_ms, measured.skipped) == (25, 8, 3)
    assert meter.read(10_000_001 + SPAN_US // 2) == measured


def test_key_interval_does_not_span_an_outage() -> None:
    """The time a camera was away is no key-frame interval."""
    meter = Meter()
    meter.read(1)
    meter.packet(0, key=True)
    meter.restarted()
    meter.packet(60_000_000, key=True)
    assert meter.read(70_000_000).key_interval_s is None


def test_every_error_has_the_one_root() -> None:
    """One name catches all that the bridge raises on purpose."""
    from edge_bridge import errors  # noqa: PLC0415  # the module is what is looked at

    raised = [
        entry
        for entry in vars(errors).values()
        if isinstance(entry, type) and issubclass(entry, Exception)
    ]
    assert len(raised) >= 5
    assert all(issubclass(entry, BridgeError) for entry in raised)
