"""Which pictures are kept: every test feeds capture times, no clock runs."""

from collections.abc import Iterable
import itertools

import pytest

from edge_bridge.sampler import PreRoll, Rates, Sampler

SECOND_US = 1_000_000
QUIET = Rates(active_fps=1, quiet_interval_s=10)


def times(fps: float, start_s: float, end_s: float) -> list[int]:
    """Return the capture times of a camera."""
    return [
        round(start_s * SECOND_US + number * SECOND_US / fps)
        for number in range(round((end_s - start_s) * fps))
    ]


def kept(
    sampler: Sampler, captured: Iterable[int], *, active: bool = False, gop: int | None = None
) -> list[float]:
    """Return the seconds of the pictures that are kept; with ``gop``, every so-manieth is a key frame."""
    return [
        captured_us / SECOND_US
        for number, captured_us in enumerate(captured)
        if sampler.offer(captured_us, key=gop is not None and number % gop == 0, active=active).keep
    ]


def test_quiet_camera_sends_its_first_picture_and_then_one_per_interval() -> None:
    """The first picture comes at once, the others every ten seconds, give or take the key-frame tolerance."""
    taken = kept(Sampler(QUIET), times(25, 0, 61), gop=50)
    assert taken == [0, 10, 20, 30, 40, 50, 60]


def test_quiet_camera_prefers_a_key_frame_near_the_time() -> None:
    """A key frame within the tolerance is taken instead of the picture that is due."""
    captured = times(10, 0, 40)
    sampler = Sampler(QUIET)
    keys = {round(seconds * SECOND_US) for seconds in (0, 9.6, 21.3, 30.0)}
    taken = [
        at / SECOND_US for at in captured if sampler.offer(at, key=at in keys, active=False).keep
    ]
    assert taken == [0, 9.6, 21.3, 30.0]


def test_quiet_camera_without_key_frames_still_sends() -> None:
    """Where no key frame comes within the tolerance, any picture is taken."""
    taken = kept(Sampler(QUIET), times(10, 0, 30))
    assert taken == [0, 12, 22]


@pytest.mark.parametrize("fps", [5, 7, 15, 25, 30])
def test_schedule_does_not_drift(fps: float) -> None:
    """Whatever the camera's rate, a minute of activity holds a picture a second, and never fewer."""
    sampler = Sampler(QUIET)
    captured = times(fps, 0, 63)
    taken = kept(sampler, captured, active=True)
    after_burst = [at for at in taken if at >= 3]
    assert len(after_burst) == 60
    worst = max(after - before for before, after in itertools.pairwise(after_burst))
    assert worst <= 1 + 1.001 / fps


def test_onset_is_sent_at_once_and_the_first_seconds_come_twice_as_fast() -> None:
    """The picture of the onset is kept, then two a second for three seconds, then one."""
    sampler = Sampler(QUIET)
    kept(sampler, times(10, 0, 5))
    assert kept(sampler, times(10, 5, 12), active=True) == [
        5,
        5.5,
        6,
        6.5,
        7,
        7.5,
        8.5,
        9.5,
        10.5,
        11.5,
    ]


def test_onset_asks_for_the_preroll_only_after_quiet() -> None:
    """An onset within the tail of the last activity has sent all there is."""
    sampler = Sampler(QUIET)
    assert not sampler.offer(0, key=True, active=False).onset
    assert sampler.offer(5 * SECOND_US, key=False, active=True).onset
    sampler.offer(8 * SECOND_US, key=False, active=False)
    again = sampler.offer(10 * SECOND_US, key=False, active=True)
    assert again.keep
    assert not again.onset


def test_active_rate_goes_on_for_six_seconds_of_quiet() -> None:
    """The closing look finds a picture of each of the six seconds after the last movement."""
    sampler = Sampler(QUIET)
    kept(sampler, times(10, 0, 10), active=True)
    taken = kept(sampler, times(10, 10, 40))
    assert [at for at in taken if at < 16.1] == [10.5, 11.5, 12.5, 13.5, 14.5, 15.5]
    assert [at for at in taken if at >= 16.1] == [27.5, 37.5]


def test_watch_raises_the_rate_for_its_seconds() -> None:
    """Someone who looks gets the wanted rate, and not longer than wanted."""
    sampler = Sampler(QUIET)
    kept(sampler, times(10, 0, 1))
    sampler.watch(SECOND_US, rate_fps=2, seconds=3)
    taken = kept(sampler, times(10, 1, 20))
    assert [at for at in taken if at < 4] == [1, 1.5, 2, 2.5, 3, 3.5]
    assert [at for at in taken if at >= 4] == [15.5]


def test_watch_never_lowers_a_rate() -> None:
    """A slow watcher does not slow an active camera down."""
    sampler = Sampler(QUIET)
    sampler.watch(0, rate_fps=0.1, seconds=60)
    assert len(kept(sampler, times(10, 0, 10), active=True)) == 13


def test_quiet_rate_may_be_the_active_rate() -> None:
    """Profile `always` sets the quiet interval to the active one: a picture a second for ever."""
    taken = kept(Sampler(Rates(active_fps=1, quiet_interval_s=1)), times(25, 0, 30), gop=25)
    assert taken == list(range(30))


def test_gap_is_not_caught_up() -> None:
    """After a minute without pictures one is kept, not sixty."""
    sampler = Sampler(QUIET)
    kept(sampler, times(10, 0, 10), active=True)
    assert kept(sampler, times(10, 70, 73), active=True) == [70, 71, 72]


def test_new_rates_take_effect_with_the_next_picture() -> None:
    """A changed setting needs no new sampler."""
    sampler = Sampler(QUIET)
    kept(sampler, times(10, 0, 4), active=True)
    sampler.rates = Rates(active_fps=5, quiet_interval_s=10)
    assert len(kept(sampler, times(10, 4, 6), active=True)) == 10


def test_preroll_keeps_young_frames_in_order() -> None:
    """What is older than five seconds is not of this visit."""
    preroll: PreRoll[str] = PreRoll()
    for second in range(8):
        assert preroll.wants(second * SECOND_US, interval_us=SECOND_US)
        preroll.put(second * SECOND_US, f"key {second}")
    assert preroll.take(8 * SECOND_US) == ("key 3", "key 4", "key 5", "key 6", "key 7")
    assert preroll.take(8 * SECOND_US) == ()


def test_preroll_wants_no_more_than_the_active_rate() -> None:
    """A camera that sends only key frames does not fill the pre-roll with one second."""
    preroll: PreRoll[str] = PreRoll()
    preroll.put(0, "key")
    assert not preroll.wants(400_000, interval_us=SECOND_US)
    assert preroll.wants(SECOND_US, interval_us=SECOND_US)
