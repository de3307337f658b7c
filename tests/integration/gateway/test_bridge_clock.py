"""The clock of a bridge: right within the network's noise, and never out of order."""

from hypothesis import given, strategies as st
import pytest

from custom_components.camera_narrator.bridge_clock import KEPT_BENDS, SLEW, BridgeClock

AHEAD_S = 5000.0
"""The bridge's clock is so far ahead of Home Assistant's."""


def _us(local_s: float) -> int:
    return round((local_s + AHEAD_S) * 1e6)


def _pong(clock: BridgeClock, at_s: float, *, there_s: float, back_s: float) -> None:
    clock.correct(clock_us=_us(at_s), sent_s=at_s - there_s, received_s=at_s + back_s)


def test_the_hello_is_the_first_guess() -> None:
    """Before any pong, the hello's clock is taken as of its arrival."""
    clock = BridgeClock(clock_us=_us(100.0), now_s=100.3)
    assert clock.local_s(_us(100.0), now_s=101.0) == pytest.approx(100.3)
    assert clock.round_trip_s is None


def test_pongs_before_the_first_frame_count_at_once() -> None:
    """A hello that was late on its way does no harm where pongs come before frames."""
    clock = BridgeClock(clock_us=_us(100.0), now_s=102.0)
    _pong(clock, 102.0, there_s=0.01, back_s=0.01)
    assert clock.local_s(_us(102.5), now_s=103.0) == pytest.approx(102.5, abs=0.001)
    assert clock.round_trip_s == pytest.approx(0.02)


def test_a_held_up_pong_counts_little() -> None:
    """The median of the quickest shrugs off pongs that waited behind a picture on one way only."""
    clock = BridgeClock(clock_us=_us(100.0), now_s=100.0)
    for number in range(20):
        slow = number % 3 == 0
        _pong(clock, 100.0 + number, there_s=0.01, back_s=2.0 if slow else 0.01)
    assert clock.local_s(_us(121.0), now_s=122.0) == pytest.approx(121.0, abs=0.001)


def test_corrections_are_slewed() -> None:
    """Once frames have times, an offset moves by 50 ms per second and no faster."""
    clock = BridgeClock(clock_us=_us(100.0), now_s=101.0)
    before = clock.local_s(_us(100.0), now_s=200.0)
    _pong(clock, 101.0, there_s=0.01, back_s=0.01)
    assert before == pytest.approx(101.0)
    assert clock.local_s(_us(101.0), now_s=200.0) == pytest.approx(102.0)
    assert clock.local_s(_us(111.0), now_s=200.0) == pytest.approx(112.0 - 10 * SLEW)
    assert clock.local_s(_us(121.0), now_s=200.0) == pytest.approx(121.0)


def test_a_bridge_that_slept_is_taken_at_its_word() -> None:
    """A monotonic clock stands still while its machine sleeps; nobody waits hours for the offset to follow."""
    clock = BridgeClock(clock_us=_us(100.0), now_s=100.0)
    before = clock.local_s(_us(100.0), now_s=100.0)
    for number in range(8):
        woken_s = 3700.0 + number
        clock.correct(clock_us=_us(101.0 + number), sent_s=woken_s, received_s=woken_s)
    assert clock.local_s(_us(120.0), now_s=4000.0) == pytest.approx(3719.0)
    assert clock.local_s(_us(100.0), now_s=4000.0) == before


def test_nothing_is_captured_in_the_future() -> None:
    """A bridge whose clock runs ahead shows as just now."""
    clock = BridgeClock(clock_us=_us(100.0), now_s=100.0)
    assert clock.local_s(_us(500.0), now_s=101.0) == 101.0


@given(
    hello_late_s=st.floats(0, 10),
    pongs=st.lists(st.tuples(st.floats(0, 3), st.floats(0, 3)), max_size=KEPT_BENDS * 2),
    captures=st.lists(st.floats(0, 600), min_size=2, max_size=20),
)
def test_order_never_changes(
    hello_late_s: float, pongs: list[tuple[float, float]], captures: list[float]
) -> None:
    """Whatever pongs say between, and however late a frame comes, a later capture is never dated earlier."""
    clock = BridgeClock(clock_us=_us(0.0), now_s=hello_late_s)
    clock.local_s(_us(0.0), now_s=10.0)
    for number, (there_s, back_s) in enumerate(pongs):
        _pong(clock, number * 4.0, there_s=there_s, back_s=back_s)
    dated = [clock.local_s(_us(at_s), now_s=10_000.0) for at_s in sorted(captures)]
    assert dated == sorted(dated)


@given(data=st.data())
def test_order_holds_while_pongs_come(data: st.DataObject) -> None:
    """Frames and pongs in turn: each frame is dated once, and not before the frame captured before it."""
    clock = BridgeClock(clock_us=_us(0.0), now_s=data.draw(st.floats(0, 5)))
    at_s, last_s = 0.0, -1e9
    for _ in range(data.draw(st.integers(1, 40))):
        at_s += data.draw(st.floats(0, 12))
        if data.draw(st.booleans()):
            there_s, back_s = data.draw(st.floats(0, 2)), data.draw(st.floats(0, 2))
            _pong(clock, at_s, there_s=there_s, back_s=back_s)
        else:
            dated_s = clock.local_s(_us(at_s), now_s=at_s + 1000)
            assert dated_s >= last_s - 1e-9
            last_s = dated_s
