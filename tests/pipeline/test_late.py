"""Frames of an outage."""

from itertools import pairwise

from custom_components.camera_narrator.pipeline.late import KEEP_S, LATE_MAX, REPLAY_S, LateFrames
from custom_components.camera_narrator.pipeline.outcomes import Outcomes
from custom_components.camera_narrator.pipeline.tally import Tally
from tests.pipeline.fakes import a_frame


class Outage:
    """Late frames and their tally."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.late = LateFrames(self.tally)
        self.sequence = 0

    def add(self, *times: float, active: bool = True, received_s: float = 100.0) -> None:
        """Let frames come late."""
        for at_s in times:
            self.sequence += 1
            frame = a_frame(self.sequence, at_s, active=active, received_s=received_s, replay=True)
            assert self.tally.arrive(frame)
            self.late.add(frame)

    @property
    def outcomes(self) -> Outcomes:
        """Return the counters."""
        return self.tally.outcomes("epoch")


def test_quiet_late_frames_are_gated_at_once() -> None:
    """Only what moved while the link was down is worth words."""
    outage = Outage()
    outage.add(1, 2, active=False)
    outage.late.complete()
    assert not outage.late.ready(1000)
    assert not outage.late.outdated(1000)
    assert outage.late.deadline_s(1000) is None
    assert outage.outcomes == Outcomes(received=2, gated=2)


def test_ten_frames_are_kept_spread_over_the_outage() -> None:
    """Thinning takes the frame that leaves the smallest hole; the ends stay."""
    outage = Outage()
    outage.add(*range(1, 31))
    kept = [frame.captured_s for frame in outage.late.depart()]
    assert len(kept) == LATE_MAX
    assert (kept[0], kept[-1]) == (1, 30)
    assert max(after - before for before, after in pairwise(kept)) <= 6
    assert outage.outcomes == Outcomes(received=30, in_flight=10, buffered=20)
    outage.late.accept()
    assert outage.outcomes == Outcomes(received=30, analysed=10, not_selected=20)


def test_the_end_of_the_replay_or_thirty_seconds_make_them_ready() -> None:
    """A replay that never ends is asked about all the same."""
    outage = Outage()
    outage.add(1)
    assert not outage.late.ready(100)
    assert outage.late.deadline_s(100) == 100 + REPLAY_S
    assert outage.late.ready(100 + REPLAY_S)
    assert outage.late.deadline_s(100 + REPLAY_S) == 100 + KEEP_S
    outage.late.complete()
    assert outage.late.ready(100)


def test_a_failed_catch_up_may_be_tried_again_and_given_up() -> None:
    """The pictures wait for another try; given up, they have failed."""
    outage = Outage()
    outage.add(*range(1, 13))
    outage.late.complete()
    outage.late.depart()
    outage.late.give_back(failed=True)
    assert outage.late.ready(100)
    assert outage.outcomes == Outcomes(received=12, buffered=12)
    assert outage.late.outdated(100 + KEEP_S)
    outage.late.drop()
    assert outage.outcomes == Outcomes(received=12, failed=10, evicted=2)


def test_a_cancelled_catch_up_did_not_fail() -> None:
    """Narration may start anew while it is under way."""
    outage = Outage()
    outage.add(1, 2)
    outage.late.depart()
    outage.late.give_back(failed=False)
    assert outage.late.ready(100)
    outage.late.drop()
    assert outage.outcomes == Outcomes(received=2, evicted=2)


def test_a_new_outage_joins_a_failed_catch_up() -> None:
    """At most ten pictures together; those that failed and are thinned have failed."""
    outage = Outage()
    outage.add(*range(1, 11))
    outage.late.complete()
    outage.late.depart()
    outage.add(50, 51, received_s=200)
    outage.late.give_back(failed=True)
    assert outage.outcomes == Outcomes(received=12, failed=2, buffered=10)
    assert len(outage.late.depart()) == LATE_MAX
    outage.late.accept()
    assert outage.outcomes == Outcomes(received=12, failed=2, analysed=10)


def test_frames_that_come_during_the_catch_up_are_the_next_ones() -> None:
    """An accepted catch-up settles its own frames only."""
    outage = Outage()
    outage.add(1, 2)
    outage.late.complete()
    outage.late.depart()
    outage.add(*range(50, 62), received_s=200)
    outage.late.accept()
    assert outage.outcomes == Outcomes(received=14, analysed=2, buffered=12)
    assert not outage.late.ready(200)
    outage.late.complete()
    assert outage.late.ready(200)


def test_withdrawing_settles_everything() -> None:
    """In a request: failed; the rest evicted."""
    outage = Outage()
    outage.add(*range(1, 13))
    outage.late.depart()
    outage.add(50)
    outage.late.withdraw()
    assert outage.outcomes == Outcomes(received=13, failed=10, evicted=3)


def test_frames_of_an_open_visit_are_handed_over() -> None:
    """What turns out to belong to the live story leaves; the rest stays late."""
    outage = Outage()
    outage.add(*range(1, 13))
    assert [frame.captured_s for frame in outage.late.release(11)] == [11, 12]
    assert outage.outcomes.buffered == 12
    assert outage.late.ready(100 + REPLAY_S)
    outage.late.release(0)
    assert outage.outcomes == Outcomes(received=12, evicted=2, buffered=10)
    assert not outage.late.ready(100 + REPLAY_S)
