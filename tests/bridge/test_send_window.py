"""What may be on the way: bounded by the time it takes."""

from edge_bridge.send_window import (
    FIRST_BYTES,
    IN_TIME_US,
    LEAST_BYTES,
    ROUND_TRIP_MOST_US,
    UNSENT_BYTES,
    SendWindow,
)

SECOND_US = 1_000_000


def test_one_frame_may_always_go_where_nothing_is_on_the_way() -> None:
    """Even what the system still holds of other messages keeps a first frame from nothing."""
    assert SendWindow().opens(0, unsent_bytes=10**6)


def test_what_the_system_holds_unsent_closes_it() -> None:
    """The next frame stays where a newer one can take its place."""
    window = SendWindow()
    window.sent(("front", 1), 40_000, 0)
    assert window.opens(0, unsent_bytes=UNSENT_BYTES)
    assert not window.opens(0, unsent_bytes=UNSENT_BYTES + 1)


def test_an_old_frame_on_the_way_closes_it_until_that_is_acknowledged() -> None:
    """The age of the oldest bounds the wait of all that comes after it; the line's own round trip is granted."""
    window = SendWindow(round_trip_us=100_000)
    window.sent(("front", 1), 1000, 0)
    assert window.opens(IN_TIME_US + 100_000)
    assert not window.opens(IN_TIME_US + 100_001)
    assert window.acknowledged(("front", 1), SECOND_US) == SECOND_US
    assert window.opens(SECOND_US)


def test_late_flight_narrows_it_once_and_timely_ones_widen_it() -> None:
    """A line that hides its buffers is found out by the time that acknowledgements take."""
    window = SendWindow()
    for number in range(10):
        window.sent(("front", number), 20_000, 0)
    for number in range(10):
        window.acknowledged(("front", number), 2 * IN_TIME_US)
    assert flies(window, 2 * IN_TIME_US) == 10
    for number in range(10):
        window.acknowledged(("back", number), 2 * IN_TIME_US + 1000)
    assert flies(window, 3 * SECOND_US) == 13


def flies(window: SendWindow, now_us: int) -> int:
    """Return how many frames of a kilobyte the window lets fly, and let them."""
    count = 0
    while window.opens(now_us):
        window.sent(("back", count), 1000, now_us)
        count += 1
    return count


def test_it_never_closes_for_good() -> None:
    """However late everything comes, a small frame and the next may fly together."""
    window = SendWindow()
    for second in range(100):
        window.sent(("front", second), 5000, second * SECOND_US)
        window.acknowledged(("front", second), (second + 2) * SECOND_US)
    assert flies(window, 200 * SECOND_US) == -(-LEAST_BYTES // 1000)


def test_greeting_of_a_busy_home_assistant_is_no_round_trip() -> None:
    """A slow welcome counts up to a second, and any quicker answer corrects it."""
    window = SendWindow(round_trip_us=9 * SECOND_US)
    assert window.round_trip_us == ROUND_TRIP_MOST_US
    window.sent(("front", 1), 1000, 0)
    window.acknowledged(("front", 1), 30_000)
    assert window.round_trip_us == 30_000


def test_a_good_line_takes_an_onset_at_once() -> None:
    """Eight pictures of many cameras go out before anything is acknowledged."""
    window = SendWindow()
    assert flies(window, 0) >= 8 * 48
    assert FIRST_BYTES >= 8 * 48_000


def test_lag_is_that_of_live_frames_and_is_told_once() -> None:
    """A replayed frame may take its time; one that is still on its way is told again."""
    window = SendWindow()
    window.sent(("front", 1), 1000, 0, live=False)
    window.sent(("front", 2), 1000, SECOND_US, chosen_us=7)
    assert window.take_lag_us(3 * SECOND_US) == 2 * SECOND_US
    window.acknowledged(("front", 1), 4 * SECOND_US)
    window.acknowledged(("front", 2), 4 * SECOND_US)
    assert (window.take_lag_us(5 * SECOND_US), window.arrived_us) == (3 * SECOND_US, 7)
    assert window.take_lag_us(5 * SECOND_US) == 0


def test_next_connection_begins_with_what_was_found_out() -> None:
    """A line that was narrow before an outage is not flooded after it, and widens quickly where it has changed."""
    before = SendWindow()
    before.sent(("front", 1), 20_000, 0)
    before.acknowledged(("front", 1), 2 * IN_TIME_US)
    after = SendWindow(most_bytes=before.most_bytes)
    assert flies(after, 0) == 10
    for number in range(10):
        after.acknowledged(("back", number), 1000)
    assert flies(after, 2000) == 20
