"""The bounded buffer: what it keeps, what it lets go, and under which name."""

from custom_components.camera_narrator.pipeline.buffer import (
    AGE_MAX_S,
    LINGER_S,
    RECENT,
    FrameBuffer,
)
from custom_components.camera_narrator.pipeline.chunk import span_of
from custom_components.camera_narrator.pipeline.models import Frame
from custom_components.camera_narrator.pipeline.outcomes import Outcomes
from custom_components.camera_narrator.pipeline.tally import EPOCHS_MAX, Fate, Tally
from tests.pipeline.fakes import a_frame


class Filled:
    """A buffer and its tally, fed by hand."""

    def __init__(self, *frames: Frame, bytes_max: int = 10_000) -> None:
        self.tally = Tally()
        self.buffer = FrameBuffer(self.tally, bytes_max=bytes_max)
        for frame in frames:
            self.add(frame)

    def add(self, frame: Frame) -> None:
        """Let a frame come at the moment of its capture."""
        assert self.tally.arrive(frame)
        self.buffer.add(frame, frame.captured_s)

    @property
    def outcomes(self) -> Outcomes:
        """Return the counters."""
        return self.tally.outcomes("epoch")

    @property
    def times(self) -> list[float]:
        """Return when the eligible frames were captured."""
        return [frame.captured_s for frame in self.buffer.eligible()]


def frames(*times: float, active: bool = True, size_bytes: int = 100) -> list[Frame]:
    """Return frames captured at these times, in this order."""
    return [
        a_frame(number, at_s, active=active, size_bytes=size_bytes)
        for number, at_s in enumerate(times, 1)
    ]


def test_it_orders_by_capture_time() -> None:
    """Pre-roll comes after frames that were captured later."""
    filled = Filled(*frames(5, 3, 4))
    assert filled.times == [3, 4, 5]
    latest = filled.buffer.latest
    assert latest is not None
    assert latest.captured_s == 5


def test_an_accepted_request_settles_its_whole_span() -> None:
    """Pictures are analysed, the other frames of the span not selected, those outside stay."""
    sent = frames(1, 2, 3, 4, 5)
    filled = Filled(*sent)
    pictures = (sent[1], sent[3])
    filled.buffer.depart(pictures)
    assert filled.outcomes.in_flight == 2
    assert filled.times == [1, 3, 5]
    filled.buffer.accept(pictures, span_of(pictures))
    assert filled.outcomes == Outcomes(received=5, analysed=2, not_selected=1, buffered=2)
    assert filled.times == [5], "what lies before a span told is never told after it"


def test_a_quiet_frame_within_a_told_span_is_not_selected() -> None:
    """It was asked about, if not shown; frames in a request keep their own fate."""
    sent = frames(1, 2, 3, 4, active=False)
    filled = Filled(*sent)
    filled.buffer.depart(sent[1:2])
    filled.buffer.cover(span_of((sent[0], sent[2])))
    assert filled.outcomes == Outcomes(received=4, not_selected=2, in_flight=1, buffered=1)
    filled.buffer.accept(sent[1:2], span_of(sent[1:2]))
    assert filled.outcomes == Outcomes(received=4, not_selected=2, analysed=1, buffered=1)


def test_frames_of_a_failed_request_are_eligible_again_until_they_leave() -> None:
    """A failure is counted when the frame leaves the buffer, and only then."""
    sent = frames(1, 2)
    filled = Filled(*sent)
    filled.buffer.depart(sent)
    filled.buffer.give_back(sent, failed=True)
    assert filled.times == [1, 2]
    assert filled.outcomes.failed == 0
    filled.buffer.expire(1 + AGE_MAX_S)
    assert filled.outcomes == Outcomes(received=2, failed=1, buffered=1)


def test_frames_of_a_cancelled_request_did_not_fail() -> None:
    """Pre-emption leaves no mark on a frame."""
    sent = frames(1)
    filled = Filled(*sent)
    filled.buffer.depart(sent)
    filled.buffer.give_back(sent, failed=False)
    filled.buffer.expire(1 + AGE_MAX_S)
    assert filled.outcomes == Outcomes(received=1, evicted=1)


def test_frames_in_a_request_do_not_expire() -> None:
    """A slow answer still finds its pictures."""
    sent = frames(1)
    filled = Filled(*sent)
    filled.buffer.depart(sent)
    filled.buffer.expire(1000)
    assert filled.outcomes.in_flight == 1
    assert filled.buffer.expires_s is None
    filled.buffer.accept(sent, span_of(sent))
    assert filled.outcomes == Outcomes(received=1, analysed=1)


def test_quiet_frames_that_nobody_asked_about_are_gated() -> None:
    """Age is no reason of its own for a quiet camera."""
    filled = Filled(*frames(1, active=False))
    assert filled.buffer.expires_s == 1 + AGE_MAX_S + LINGER_S
    filled.buffer.expire(1 + AGE_MAX_S)
    assert filled.outcomes == Outcomes(received=1, gated=1)


def test_a_frame_whose_moment_is_told_settles_on_arrival() -> None:
    """A late arrival within an accepted span is never shown."""
    sent = frames(1, 5)
    filled = Filled(*sent)
    filled.buffer.depart(sent)
    filled.buffer.accept(sent, span_of(sent))
    filled.add(a_frame(3, 3))
    assert filled.outcomes == Outcomes(received=3, analysed=2, not_selected=1)
    assert filled.buffer.covers(3)
    assert not filled.buffer.covers(6)


def test_it_thins_the_least_missed_frames_first() -> None:
    """Quiet before active, then the least novel; the first and the last stay."""
    sent = [
        a_frame(1, 1, active=False, novelty=0, size_bytes=1000),
        a_frame(2, 2, active=True, novelty=50, size_bytes=1000),
        a_frame(3, 3, active=True, novelty=20, size_bytes=1000),
        a_frame(4, 4, active=False, novelty=90, size_bytes=1000),
        a_frame(5, 5, active=True, novelty=10, size_bytes=1000),
        a_frame(6, 6, active=True, novelty=10, size_bytes=1000),
    ]
    filled = Filled(*sent, bytes_max=4000)
    assert filled.times == [1, 2, 3, 6]
    assert filled.buffer.size_bytes == 4000
    assert filled.outcomes == Outcomes(received=6, evicted=1, gated=1, buffered=4)


def test_it_holds_its_bytes_even_where_only_the_ends_are_left() -> None:
    """The newest frame stays, whatever the size."""
    filled = Filled(*frames(1, 2, 3, size_bytes=4000), bytes_max=5000)
    assert filled.times == [3]


def test_frames_in_flight_are_not_thinned() -> None:
    """What the model looks at is not taken away, even over the limit."""
    sent = frames(1, 2, size_bytes=4000)
    filled = Filled(*sent, bytes_max=8000)
    filled.buffer.depart(sent)
    filled.add(a_frame(3, 3, size_bytes=4000))
    assert filled.outcomes == Outcomes(received=3, in_flight=2, buffered=1)


def test_withdrawing_gives_every_frame_its_outcome() -> None:
    """In a request: failed; waiting: evicted."""
    sent = frames(1, 2, 3)
    filled = Filled(*sent)
    filled.buffer.depart(sent[:1])
    filled.buffer.withdraw()
    assert filled.outcomes == Outcomes(received=3, failed=1, evicted=2)
    assert filled.buffer.latest is None
    filled.buffer.give_back(sent[:1], failed=True)
    assert filled.outcomes == Outcomes(received=3, failed=1, evicted=2)


def test_the_newest_frames_stay_for_the_live_view() -> None:
    """Consumed frames can still be looked at, a bounded number of them."""
    sent = frames(*range(1, RECENT + 3))
    filled = Filled(*sent)
    filled.buffer.depart(sent)
    filled.buffer.accept(sent, span_of(sent))
    assert [frame.captured_s for frame in filled.buffer.recent] == list(range(3, RECENT + 3))


def test_duplicates_and_rejections_are_counted_apart() -> None:
    """A duplicate is no frame received; a rejected one is, with its outcome."""
    tally = Tally()
    assert tally.arrive(a_frame(1, 1))
    assert not tally.arrive(a_frame(1, 1))
    tally.reject("epoch")
    tally.resend(a_frame(1, 1))
    assert tally.outcomes("epoch") == Outcomes(
        received=2, rejected=1, buffered=1, duplicates=1, resent=1
    )
    assert tally.outcomes("epoch").settled == tally.settled("epoch") == 1
    assert tally.outcomes("unknown").settled == tally.settled("unknown") == 0
    assert tally.outcomes("unknown") == Outcomes()


def test_only_the_newest_epochs_are_listed() -> None:
    """A bridge that dies all the time costs no memory."""
    tally = Tally()
    for number in range(EPOCHS_MAX + 1):
        tally.arrive(a_frame(1, 1, epoch=f"epoch {number}"))
    assert tally.outcomes("epoch 0") == Outcomes()
    assert tally.outcomes("epoch 1").received == 1
    tally.settle("epoch 1", Fate.GATED)
    assert tally.outcomes("epoch 1").buffered == 0
