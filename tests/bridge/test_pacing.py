"""The controller on simulated lines: how old pictures arrive, who keeps theirs, and whether it settles."""

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

from hypothesis import given, settings, strategies as st
import pytest

from edge_bridge.pacing import (
    LADDER,
    PATIENCE_US,
    QUIET_STEPS,
    Crowd,
    Pace,
    Pacing,
    Pressure,
    Step,
)
from edge_bridge.protocol.camera import CameraConfig
from edge_bridge.protocol.vocabulary import PacingReason, Source
from tests.bridge.simulated_link import SECOND_US, SimulatedLink, SimulatedSource

NARROW = 25_000
"""200 kbit/s in bytes a second."""
LOOK_US = 500_000
OVERTAKEN = Pressure(active=Crowd(left=2, overtaken=1), arrived_us=10**12)
LATE = Pressure(lag_us=2 * SECOND_US, arrived_us=10**12)
CLEAR = Pressure(active=Crowd(left=2), arrived_us=10**12)


def active(count: int, **settings: object) -> list[SimulatedSource]:
    """Return cameras in front of which something moves all the time."""
    return [SimulatedSource(f"active{number}", active=True, **settings) for number in range(count)]  # type: ignore[arg-type]


def quiet(count: int) -> list[SimulatedSource]:
    """Return cameras in front of which nothing moves."""
    return [SimulatedSource(f"quiet{number}") for number in range(count)]


def p95(sorted_values: list[float]) -> float:
    """Return what 95 of 100 values do not exceed."""
    return sorted_values[int(0.95 * len(sorted_values))]


def looks(pacing: Pacing, pressure: Pressure, seconds: float, since_us: int = 0) -> int:
    """Let it feel the same for some time; return when that ends."""
    for number in range(1, round(seconds * SECOND_US) // LOOK_US + 1):
        pacing.look(since_us + number * LOOK_US, pressure)
    return since_us + round(seconds * SECOND_US)


@pytest.mark.parametrize("rate_fps", [1.0, 2.0])
@pytest.mark.parametrize("full_bytes", [20_000, 30_000, 48_000])
def test_eight_active_cameras_share_200_kbit_s_and_stay_young(
    rate_fps: float, full_bytes: int
) -> None:
    """The age from capture to arrival is 2 s or less in 95 of 100, the first seconds included, and all get through."""
    link = SimulatedLink(active(8, rate_fps=rate_fps, full_bytes=full_bytes), bytes_per_s=NARROW)
    link.run(60)
    assert p95(link.ages_s()) <= 2.0
    got = Counter(arrival.camera for arrival in link.arrivals)
    assert len(got) == 8
    assert max(got.values()) - min(got.values()) <= 2
    assert min(got.values()) >= 60 / 8


@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=8),
    st.floats(1.0, 4.0),
    st.integers(15_000, 60_000),
)
@settings(max_examples=15, deadline=None)
def test_whatever_the_cameras_pictures_stay_young_and_nobody_starves(
    phases: list[int], rate_fps: float, full_bytes: int
) -> None:
    """However the cameras' clocks lie, and whatever their pictures weigh."""
    sources = active(len(phases), rate_fps=rate_fps, full_bytes=full_bytes)
    for source, phase in zip(sources, phases, strict=True):
        source.phase_us = phase * 10_000
    link = SimulatedLink(sources, bytes_per_s=NARROW)
    link.run(30)
    assert p95(link.ages_s(since_s=15)) <= 2.0
    got = Counter(arrival.camera for arrival in link.arrivals)
    assert min(got[source.name] for source in sources) >= 0.8 * max(got.values()) - 2


def test_a_line_that_takes_everything_and_keeps_it_is_found_out() -> None:
    """Where only acknowledgements tell, pictures are young again after the first flood."""
    link = SimulatedLink(active(8), bytes_per_s=NARROW, hides=True)
    link.run(90)
    assert p95(link.ages_s(since_s=45)) <= 2.0
    assert link.pacing.step > 0


def test_quiet_cameras_give_up_theirs_first() -> None:
    """With one active camera on a line for two or three it keeps its picture, the previews get small and few."""
    link = SimulatedLink(active(1) + quiet(60), bytes_per_s=60_000)
    link.run(120)
    assert link.pacing.step <= QUIET_STEPS + 1
    got = Counter(arrival.camera for arrival in link.arrivals)
    assert got["active0"] >= 115
    assert all(got[f"quiet{number}"] >= 2 for number in range(60))


def test_previews_alone_cost_active_cameras_nothing() -> None:
    """A hundred quiet cameras on a narrow line turn down their own previews and nothing else."""
    link = SimulatedLink(quiet(100), bytes_per_s=NARROW)
    link.run(180)
    assert 0 < link.pacing.step <= QUIET_STEPS
    assert len({arrival.camera for arrival in link.arrivals}) == 100


def test_a_wide_line_is_never_turned_down() -> None:
    """Twelve active and fifty quiet cameras on 100 Mbit/s send what they were asked for."""
    link = SimulatedLink(active(12, full_bytes=48_000) + quiet(50), bytes_per_s=12_500_000)
    link.run(60)
    assert link.steps == [(0.0, 0)]
    assert p95(link.ages_s()) <= 0.6


def test_it_climbs_when_the_line_is_wide_again_and_falls_when_it_is_not() -> None:
    """All is back within a minute, and young again within seconds of the next drop."""
    link = SimulatedLink(active(8), bytes_per_s=NARROW)
    link.run(30)
    assert link.pacing.step == len(LADDER) - 1
    link.bytes_per_s = 2_500_000
    link.run(60)
    assert link.pacing.step == 0
    assert link.pacing.reason is PacingReason.NONE
    link.bytes_per_s = NARROW
    link.run(30)
    assert p95(link.ages_s(since_s=95)) <= 2.0


@pytest.mark.parametrize("bytes_per_s", [25_000, 60_000, 125_000, 200_000])
def test_it_settles(bytes_per_s: float) -> None:
    """On a line that takes a step and not the next, the higher one is tried ever more seldom."""
    link = SimulatedLink(active(6), bytes_per_s=bytes_per_s)
    link.run(600)
    late = [second for second, _ in link.steps if second > 300]
    assert len(late) <= 6
    assert p95(link.ages_s()) <= 2.0


def test_after_an_outage_live_frames_come_first_and_replay_in_their_pauses() -> None:
    """A minute without a line, then live within a second; what was missed comes when there is room."""
    sources = active(4)
    link = SimulatedLink(sources, bytes_per_s=NARROW)
    link.run(30)
    link.disconnect()
    link.run(60, online=False)
    link.connect()
    back_us = link.now_us
    link.run(20)
    live = [arrival for arrival in link.arrivals if arrival.at_us > back_us and not arrival.replay]
    assert live[0].at_us - back_us <= 1.5 * SECOND_US
    assert p95(link.ages_s(since_s=back_us / SECOND_US)) <= 2.0
    for source in sources:
        source.active = False
    link.run(200)
    assert sum(arrival.replay for arrival in link.arrivals) >= 60
    counters = [link.ring.counters(source.name) for source in sources]
    assert all(told.overflowed == 0 for told in counters)


def test_replay_keeps_live_frames_young() -> None:
    """With a camera active all the time on a line with room, both arrive: the live frames as young as ever."""
    link = SimulatedLink(active(1), bytes_per_s=NARROW)
    link.run(20)
    link.disconnect()
    link.run(30, online=False)
    link.connect()
    back_s = link.now_us / SECOND_US
    link.run(120)
    assert any(arrival.replay for arrival in link.arrivals)
    assert p95(link.ages_s(since_s=back_s)) <= 2.0
    assert link.ages_s(since_s=back_s)[-1] <= 3.0


def test_a_line_that_stands_still_is_no_slow_line() -> None:
    """While nothing arrives at all, one step is made and no more: the outage's pictures stay worth a look."""
    pacing = Pacing()
    for number in range(60):
        stalled = Pressure(lag_us=number * LOOK_US, arrived_us=0)
        pacing.look(number * LOOK_US, stalled)
    assert pacing.step == 1
    assert pacing.reason is PacingReason.ACKNOWLEDGEMENTS


@pytest.mark.parametrize(
    ("pressure", "step", "reason"),
    [
        (OVERTAKEN, QUIET_STEPS, PacingReason.SEND_BUFFER),
        (
            Pressure(active=Crowd(left=1, overtaken=5), arrived_us=10**12),
            QUIET_STEPS + 2,
            PacingReason.SEND_BUFFER,
        ),
        (Pressure(active=Crowd(waited_us=2 * SECOND_US)), QUIET_STEPS, PacingReason.SEND_BUFFER),
        (Pressure(quiet=Crowd(left=3, overtaken=9)), 1, PacingReason.SEND_BUFFER),
        (Pressure(lag_us=3 * SECOND_US), 2, PacingReason.ACKNOWLEDGEMENTS),
        (LATE, 1, PacingReason.ACKNOWLEDGEMENTS),
        (Pressure(lag_us=2 * SECOND_US, round_trip_us=SECOND_US), 0, PacingReason.NONE),
        (CLEAR, 0, PacingReason.NONE),
    ],
)
def test_first_step_and_its_reason(pressure: Pressure, step: int, reason: PacingReason) -> None:
    """The harder it presses, the deeper the first step; a long line is not a slow one."""
    pacing = Pacing()
    pacing.look(LOOK_US, pressure)
    assert (pacing.step, pacing.reason) == (step, reason)


def test_a_step_that_failed_is_tried_later_and_one_that_held_makes_up_for_it() -> None:
    """The wait before the next try doubles, and begins anew once a step has proved itself."""

    def next_rise(pacing: Pacing, since_us: int) -> float:
        step, now_us = pacing.step, since_us
        while pacing.step >= step:
            now_us += LOOK_US
            pacing.look(now_us, CLEAR)
        return (now_us - since_us) / SECOND_US

    pacing = Pacing()
    now_us = looks(pacing, LATE, 10)
    waits = []
    for _ in range(4):
        waits.append(next_rise(pacing, now_us))
        now_us += round(waits[-1] * SECOND_US)
        now_us = looks(pacing, LATE, 1.5, now_us)
    assert waits == [5.5, 10.5, 20.5, 40.5]
    # One that stays clear for half a minute has proved itself; the one tried after it has not.
    now_us = looks(pacing, CLEAR, 81 + 32, now_us)
    now_us = looks(pacing, LATE, 1.5, now_us)
    assert next_rise(pacing, now_us) == 2 * PATIENCE_US / SECOND_US + 0.5


def test_replay_waits_for_calm() -> None:
    """Two seconds after the last pressure there is room for more than live frames."""
    pacing = Pacing()
    assert pacing.calm(0)
    pacing.look(LOOK_US, OVERTAKEN)
    assert not pacing.calm(LOOK_US + SECOND_US)
    assert pacing.calm(LOOK_US + 2 * SECOND_US)


def _weights(of: Callable[[Step], Pace]) -> list[tuple[float, ...]]:
    return [
        (of(step).height_px, of(step).quality, of(step).rate_fps, -of(step).stretch)
        for step in LADDER
    ]


@pytest.mark.parametrize("of", [lambda step: step.active, lambda step: step.quiet])
def test_every_step_asks_for_no_more_than_the_one_before(of: Callable[[Step], Pace]) -> None:
    """The ladder only goes down, for active and for quiet cameras."""
    weights = _weights(of)
    assert all(
        low <= high
        for above, below in pairwise(weights)
        for low, high in zip(below, above, strict=True)
    )


def test_no_step_asks_an_active_camera_for_less_than_a_picture_a_second() -> None:
    """Less often is left to the newest-wins place: what is chosen just before its turn is young."""
    assert min(step.active.rate_fps for step in LADDER) == 1.0
    assert LADDER[QUIET_STEPS].active == LADDER[0].active


def test_a_camera_that_asks_for_little_is_not_paced() -> None:
    """The status tells of a step only where it takes something away."""
    small = CameraConfig(
        number=1, camera="small", source=Source.RTSP, height_px=240, quality=30, rate_fps=0.5
    )
    assert not LADDER[-1].active.restricts(small, active=True)
    assert LADDER[-1].quiet.restricts(small, active=False)
    assert not LADDER[1].active.restricts(small, active=True)
