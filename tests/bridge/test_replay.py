"""The ring and its account: the sum of fates holds whatever happens."""

from collections.abc import Callable
from dataclasses import dataclass, field
import gc

from hypothesis import given, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
import pytest

from edge_bridge.protocol.camera import Received
from edge_bridge.protocol.messages import Limits
from edge_bridge.protocol.vocabulary import FrameFlag
from edge_bridge.replay import Outgoing, ReplayRing
from edge_bridge.sampler import SampledFrame

SECOND_US = 1_000_000
JPEG = b"\xff\xd8" + bytes(996) + b"\xff\xd9"


def frame(
    captured_us: int = 0, *, preroll: bool = False, active: bool = False, jpeg: bytes = JPEG
) -> SampledFrame:
    """Return a frame of about a kilobyte."""
    return SampledFrame(
        flags=(FrameFlag.PREROLL if preroll else FrameFlag(0))
        | (FrameFlag.ACTIVE if active else FrameFlag(0)),
        captured_us=captured_us,
        width=2,
        height=2,
        jpeg=jpeg,
    )


BEGAN_US = 5 * SECOND_US
"""Connections begin here, long after what was sampled at 0."""
NOW_US = 10 * SECOND_US
"""Long enough after that for replays to go."""


def sent(ring: ReplayRing, now_us: int = NOW_US) -> list[Outgoing]:
    """Take all that may be sent now."""
    return list(iter(lambda: ring.next(now_us), None))


def sequences(outgoing: list[Outgoing], *, replay: bool = False) -> list[int]:
    """Return the sequences of the live or of the replayed frames."""
    return [entry.sequence for entry in outgoing if entry.replay is replay]


def outage_of(count: int) -> ReplayRing:
    """Return a ring that sampled so many frames before its connection began."""
    ring = ReplayRing()
    for number in range(count):
        ring.add("front", frame(number), number)
    ring.connect((), "run", Limits(), BEGAN_US)
    return ring


def connected(**limits: int) -> ReplayRing:
    """Return a ring with a connection."""
    ring = ReplayRing()
    ring.connect((), "run", Limits(**limits), BEGAN_US)
    return ring


def test_newest_wins_while_the_socket_is_busy() -> None:
    """A frame that was not sent gives way to the next one and is counted."""
    ring = connected()
    for number in range(5):
        ring.add("front", frame(number), number)
    assert sequences(sent(ring)) == [5]
    counters = ring.counters("front")
    assert (counters.sampled, counters.replaced, counters.unacknowledged) == (5, 4, 1)


def test_preroll_goes_before_the_onset_and_gives_way_to_nothing() -> None:
    """The seconds before an onset are sent in capture order, then the newest frame."""
    ring = connected()
    for number in range(3):
        ring.add("front", frame(number, preroll=True), number)
    ring.add("front", frame(3), 3)
    ring.add("front", frame(4), 4)
    assert sequences(sent(ring, SECOND_US)) == [1, 2, 3, 5]
    assert ring.counters("front").replaced == 1


def test_long_outage_leaves_nothing_but_what_is_replayed() -> None:
    """Of frames that grew too old while Home Assistant was away, not even a trace stays in memory."""
    ring = ReplayRing()
    gc.collect()
    before = len(gc.get_objects())
    for second in range(20_000):
        ring.add("front", frame(second * SECOND_US), second * SECOND_US)
    gc.collect()
    assert len(gc.get_objects()) - before < 5_000
    ring.connect((), "run", Limits(), BEGAN_US)
    assert sequences(sent(ring), replay=True)[0] == 20_000 - 300


def test_cameras_take_turns() -> None:
    """A camera with much pre-roll does not keep another one waiting."""
    ring = connected()
    for number in range(4):
        ring.add("front", frame(number, preroll=True), number)
    ring.add("back", frame(9, preroll=True), 9)
    assert [entry.camera for entry in sent(ring, SECOND_US)][:2] == ["front", "back"]


def test_window_bounds_what_is_on_the_wire() -> None:
    """No more than the window goes out unacknowledged; an acknowledgement makes room."""
    ring = connected(window_frames=2)
    for number in range(4):
        ring.add("front", frame(number, preroll=True), number)
    assert sequences(sent(ring, SECOND_US)) == [1, 2]
    ring.acknowledge([Received(camera="front", live=1)], SECOND_US)
    assert sequences(sent(ring, SECOND_US)) == [3]


def test_outage_is_replayed_oldest_first_and_never_before_a_live_frame() -> None:
    """What was sampled without a connection goes again as replay, live frames ahead of it."""
    ring = ReplayRing()
    for number in range(3):
        ring.add("front", frame(number), number)
    ring.connect((), "run", Limits(), BEGAN_US)
    first = ring.next(NOW_US)
    ring.add("front", frame(3), 3)
    assert first is not None
    assert (first.sequence, first.replay) == (1, True)
    assert sequences(sent(ring)) == [4]
    ring.acknowledge([Received(camera="front", live=4, replay=1)], NOW_US)
    assert sequences(sent(ring), replay=True) == [2, 3]


def test_replay_begins_with_one_frame_and_never_has_many_on_the_wire() -> None:
    """What comes in time lets one more go at once, up to eight."""
    ring = outage_of(100)
    flights = []
    for _ in range(6):
        flights.append(len(sent(ring)))
        ring.acknowledge([Received(camera="front", replay=100)], NOW_US)
    assert flights == [1, 2, 4, 8, 8, 8]


def test_replay_leaves_the_first_seconds_of_a_connection_to_what_happens_now() -> None:
    """The line shows what it takes with live frames first."""
    ring = outage_of(3)
    now_us = BEGAN_US + SECOND_US
    assert sent(ring, now_us) == []
    ring.add("front", frame(now_us), now_us)
    assert sequences(sent(ring, now_us)) == [4]


def test_what_was_chosen_just_before_a_connection_is_live_unless_it_was_sent() -> None:
    """Nobody waits for the next picture; what went out on an earlier connection goes as replay."""
    ring = ReplayRing()
    for second in (1, 2, 5):
        ring.add("front", frame(second), second * SECOND_US)
    ring.connect((), "run", Limits(), BEGAN_US)
    assert [(entry.sequence, entry.replay) for entry in sent(ring, BEGAN_US)] == [(3, False)]
    ring.connect((), "run", Limits(), BEGAN_US)
    assert sent(ring, BEGAN_US) == []


def test_replay_that_came_late_leaves_the_wire_to_live_frames() -> None:
    """On a slow line a replayed frame takes at most a tenth of the time."""
    ring = outage_of(3)
    assert sequences(sent(ring), replay=True) == [1]
    arrived_us = NOW_US + 2 * SECOND_US
    ring.acknowledge([Received(camera="front", replay=1)], arrived_us)
    assert sent(ring, arrived_us + 17 * SECOND_US) == []
    assert sequences(sent(ring, arrived_us + 18 * SECOND_US), replay=True) == [2]


def test_preroll_that_waited_gives_way_to_what_happens_now() -> None:
    """On a slow line the seconds before an onset do not keep the onset waiting."""
    ring = connected()
    ring.add("front", frame(0, preroll=True), 0)
    ring.add("front", frame(1, preroll=True), 0)
    ring.add("front", frame(2), 0)
    assert sequences(sent(ring, 2 * SECOND_US)) == [3]
    assert ring.counters("front").replaced == 2


def test_pressure_tells_active_cameras_from_quiet_ones_and_begins_anew() -> None:
    """Overtaken and waiting frames are told once; what still waits is told again."""
    ring = connected(window_frames=1)
    ring.add("blocks", frame(0), 0)
    sent(ring, 0)
    for second in (1, 2):
        ring.add("quiet", frame(second), second * SECOND_US)
        ring.add("active", frame(second, active=True), second * SECOND_US)
    pressure = ring.pressure(5 * SECOND_US)
    assert (pressure.active.overtaken, pressure.active.waited_us) == (1, 3 * SECOND_US)
    assert (pressure.quiet.overtaken, pressure.lag_us) == (1, 5 * SECOND_US)
    again = ring.pressure(6 * SECOND_US)
    assert (again.active.overtaken, again.active.waited_us) == (0, 4 * SECOND_US)


def test_welcome_trims_exactly_what_the_last_connection_brought() -> None:
    """Live up to the one sequence, replay up to the other; the rest goes again."""
    ring = ReplayRing()
    ring.add("front", frame(1), 1)
    ring.add("front", frame(2), 2)
    ring.connect((), "run", Limits(), BEGAN_US)
    sent(ring)
    ring.add("front", frame(3), 3)
    sent(ring)
    ring.disconnect()
    # The second frame and nothing else has not got there.
    ring.connect([Received(camera="front", live=3, replay=1, settled=2)], "run", Limits(), BEGAN_US)
    assert [(entry.sequence, entry.replay) for entry in sent(ring)] == [(2, True)]
    hello = ring.hello("front", active=False)
    assert (hello.acknowledged, hello.settled, hello.run_id) == (2, 2, "run")


def test_acknowledged_and_settled_keep_the_run_they_belong_to() -> None:
    """A new run that says nothing of a camera does not take over the old run's figures."""
    ring = connected()
    ring.add("front", frame(), 0)
    sent(ring)
    ring.acknowledge([Received(camera="front", live=1, settled=1)], NOW_US)
    ring.connect((), "another run", Limits(), BEGAN_US)
    hello = ring.hello("front", active=True)
    assert (hello.acknowledged, hello.settled, hello.run_id, hello.active) == (1, 1, "run", True)


def test_size_is_bounded_and_the_oldest_goes_first() -> None:
    """Beyond its size the ring drops the oldest frames and counts them on their camera."""
    ring = ReplayRing(most_bytes=3500)
    for number in range(5):
        ring.add("front" if number < 4 else "back", frame(number), number)
    assert ring.size_bytes == 3000
    assert ring.counters("front").overflowed == 2
    assert ring.counters("back").overflowed == 0
    ring.connect((), "run", Limits(), BEGAN_US)
    replayed = []
    while (entry := ring.next(NOW_US)) is not None:
        replayed.append((entry.camera, entry.sequence))
        ring.acknowledge([Received(camera=entry.camera, replay=entry.sequence)], NOW_US)
    assert replayed == [
        ("front", 3),
        ("front", 4),
        ("back", 1),
    ]


def test_age_is_bounded() -> None:
    """What is older than five minutes tells no story any more."""
    ring = ReplayRing()
    ring.add("front", frame(0), 0)
    ring.add("front", frame(200 * SECOND_US), 200 * SECOND_US)
    ring.make_room(301 * SECOND_US)
    assert ring.counters("front").overflowed == 1
    assert ring.counters("front").unacknowledged == 1


def test_frame_on_its_way_is_not_lost_twice() -> None:
    """One whose bytes had to go counts by what became of it: arrived, or overflowed."""
    ring = ReplayRing(most_bytes=1500)
    ring.connect((), "run", Limits(), BEGAN_US)
    ring.add("front", frame(1), 1)
    sent(ring)
    ring.add("front", frame(2), 2)
    sent(ring)
    ring.add("front", frame(3), 3)
    sent(ring)
    assert ring.counters("front").overflowed == 0
    ring.disconnect()
    ring.connect([Received(camera="front", live=1)], "run", Limits(), BEGAN_US)
    counters = ring.counters("front")
    assert (counters.overflowed, ring.hello("front", active=False).acknowledged) == (1, 1)
    assert sequences(sent(ring), replay=True) == [3]


def test_withdrawn_camera_gives_up_what_waits_and_lets_the_rest_arrive() -> None:
    """Removing a camera counts its waiting frames; those on the wire are decided by their acknowledgement."""
    ring = connected()
    ring.add("front", frame(1), 1)
    sent(ring)
    ring.add("front", frame(2), 2)
    ring.withdraw("front")
    assert (ring.counters("front").withdrawn, ring.counters("front").unacknowledged) == (1, 1)
    ring.acknowledge([Received(camera="front", live=1)], NOW_US)
    assert ring.counters("front").unacknowledged == 0
    assert sent(ring) == []


def test_withdrawn_frame_that_never_arrived_is_withdrawn() -> None:
    """The next welcome decides over a removed camera's frames on the wire."""
    ring = connected()
    ring.add("front", frame(1), 1)
    sent(ring)
    ring.withdraw("front")
    ring.connect((), "run", Limits(), BEGAN_US)
    assert ring.counters("front").withdrawn == 1


def test_frame_above_the_limit_is_never_sent() -> None:
    """One that was encoded before the limit was known is dropped and counted."""
    ring = ReplayRing()
    ring.add("front", frame(jpeg=b"\xff\xd8" + bytes(5000) + b"\xff\xd9"), 0)
    ring.connect((), "run", Limits(max_frame_bytes=1024), BEGAN_US)
    assert sent(ring) == []
    assert ring.counters("front").replaced == 1


def test_sequence_goes_on_when_a_camera_comes_back() -> None:
    """A camera removed and added again never repeats a sequence of its epoch."""
    ring = connected()
    ring.add("front", frame(), 0)
    ring.withdraw("front")
    ring.add("front", frame(), 0)
    assert sequences(sent(ring)) == [2]


def test_skipped_frames_count_as_replaced() -> None:
    """Frames that gave way before they reached the ring are part of the sum and take their sequences."""
    ring = connected()
    ring.skip("front", 2)
    ring.add("front", frame(), 0)
    assert sequences(sent(ring)) == [3]
    assert ring.counters("front").replaced == 2


@dataclass
class _Receiver:
    """Home Assistant as far as the ring sees it: what arrived on the last connection."""

    live: dict[str, int] = field(default_factory=dict)
    replay: dict[str, int] = field(default_factory=dict)
    arrived: set[tuple[str, int]] = field(default_factory=set)
    wire: list[Outgoing] = field(default_factory=list)

    def take(self, count: int) -> None:
        """Let frames arrive, in the order of the wire."""
        for entry in self.wire[:count]:
            highest = self.replay if entry.replay else self.live
            assert entry.sequence > highest.get(entry.camera, 0), "sequences must rise"
            highest[entry.camera] = entry.sequence
            self.arrived.add((entry.camera, entry.sequence))
        del self.wire[:count]

    def received(self) -> list[Received]:
        """Return what an acknowledgement says."""
        return [
            Received(
                camera=camera, live=self.live.get(camera, 0), replay=self.replay.get(camera, 0)
            )
            for camera in sorted(self.live | self.replay)
        ]


CAMERAS = st.sampled_from(["front", "back"])


class RingMachine(RuleBasedStateMachine):
    """Any order of samples, acknowledgements, losses, outages and removals."""

    @initialize(most=st.sampled_from([1500, 4000, 10**9]))
    def begin(self, most: int) -> None:
        """Start with a small or a large ring."""
        self.ring = ReplayRing(most_bytes=most, most_age_us=50)
        self.receiver = _Receiver()
        self.online = False
        self.now = NOW_US

    @rule(camera=CAMERAS, preroll=st.booleans(), gap=st.integers(0, 20))
    def sample(self, camera: str, preroll: bool, gap: int) -> None:
        """A camera chooses a frame."""
        self.now += gap
        self.ring.add(camera, frame(self.now, preroll=preroll), self.now)

    @rule(camera=CAMERAS, count=st.integers(1, 3))
    def skip(self, camera: str, count: int) -> None:
        """Frames give way before they reach the ring."""
        self.ring.skip(camera, count)

    @precondition(lambda self: self.online)
    @rule(count=st.integers(1, 6))
    def send(self, count: int) -> None:
        """The socket takes some frames."""
        for _ in range(count):
            if (entry := self.ring.next(self.now)) is not None:
                self.receiver.wire.append(entry)
        assert len(self.receiver.wire) <= 12

    @precondition(lambda self: self.online)
    @rule(count=st.integers(0, 6), tell=st.booleans())
    def arrive(self, count: int, tell: bool) -> None:
        """Some frames arrive, and perhaps that is told."""
        self.receiver.take(count)
        if tell:
            self.ring.acknowledge(self.receiver.received(), self.now)

    @rule(lost=st.integers(0, 12))
    def break_off(self, lost: int) -> None:
        """The connection ends; some of what is on the wire still arrives."""
        if self.online:
            self.receiver.take(max(0, len(self.receiver.wire) - lost))
            self.receiver.wire.clear()
        self.ring.disconnect()
        self.online = False

    @precondition(lambda self: not self.online)
    @rule(new_run=st.booleans())
    def connect(self, new_run: bool) -> None:
        """A connection begins: with the same run, or with one that knows nothing."""
        if new_run:
            self.receiver = _Receiver()
        self.ring.connect(self.receiver.received(), "run", Limits(window_frames=12), BEGAN_US)
        self.receiver.live, self.receiver.replay = {}, {}
        self.online = True

    @rule(camera=CAMERAS)
    def withdraw(self, camera: str) -> None:
        """A camera is removed."""
        self.ring.withdraw(camera)

    @invariant()
    def every_frame_has_one_fate(self) -> None:
        """The sum holds, and the ring stays within its size."""
        for camera in self.ring.cameras:
            hello = self.ring.hello(camera, active=False)
            counters = hello.counters
            assert counters.sampled == (
                counters.replaced
                + counters.overflowed
                + counters.withdrawn
                + counters.unacknowledged
                + hello.acknowledged
            )
        assert self.ring.size_bytes >= 0

    def teardown(self) -> None:
        """At rest, what was acknowledged is what arrived, and nothing waits."""
        if not hasattr(self, "ring"):
            return
        receiver = self.receiver
        before = sum(
            self.ring.hello(camera, active=False).acknowledged for camera in self.ring.cameras
        )
        known = len(receiver.arrived)
        self.ring.connect(receiver.received(), "run", Limits(window_frames=12), BEGAN_US)
        receiver.wire.clear()
        receiver.live, receiver.replay = {}, {}
        while (entry := self.ring.next(self.now)) is not None:
            receiver.wire.append(entry)
            receiver.take(1)
            self.ring.acknowledge(receiver.received(), self.now)
        assert all(self.ring.counters(camera).unacknowledged == 0 for camera in self.ring.cameras)
        assert self.ring.size_bytes == 0
        assert len(receiver.arrived) >= known
        assert before <= sum(
            self.ring.hello(camera, active=False).acknowledged for camera in self.ring.cameras
        )


TestRing = RingMachine.TestCase


@given(st.lists(st.integers(1, 3000), max_size=40))
def test_size_is_what_the_frames_weigh(sizes: list[int]) -> None:
    """The ring's own count of its bytes is the sum of its frames, within the bound."""
    ring = ReplayRing(most_bytes=10_000)
    for number, size in enumerate(sizes):
        ring.add("front", frame(number, jpeg=bytes(size)), number)
    ring.connect((), "run", Limits(window_frames=4096, max_frame_bytes=2**20), BEGAN_US)
    weights = 0
    while (entry := ring.next(NOW_US)) is not None:
        weights += len(entry.frame.jpeg)
        ring.acknowledge([Received(camera="front", replay=entry.sequence)], NOW_US)
    assert ring.size_bytes == 0
    assert weights <= 10_000


@pytest.mark.parametrize(
    "end", [ReplayRing.disconnect, lambda ring: ring.connect((), "run", Limits(), BEGAN_US)]
)
def test_nothing_is_sent_twice_on_one_connection(end: Callable[[ReplayRing], None]) -> None:
    """A frame goes once as live, and again only on another connection."""
    ring = connected()
    ring.add("front", frame(), 0)
    assert len(sent(ring)) == 1
    assert sent(ring) == []
    end(ring)
    ring.connect((), "run", Limits(), BEGAN_US)
    assert sequences(sent(ring), replay=True) == [1]
