"""A bridge's monotonic clock, read in seconds of Home Assistant's."""

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

SLEW = 0.05
"""The offset moves by at most 50 ms per second, so that a later capture never gets an earlier time."""
BEST_PONGS = 8
"""The median of so many pongs shrugs off a few that were held up on one way only."""
KEPT_PONGS = 32
"""Those with the smallest round trip are chosen among so many: five minutes at one ping in 10 s."""
KEPT_BENDS = 64
"""Ten minutes of corrections, twice what the bridge's ring can hold back."""
LEAP_S = 1.0
"""A bridge whose clock fell so far behind has slept; a step forward keeps the order, so it is taken at once."""
AGREEMENT_S = 0.001
"""A correction below the noise of a local network is not worth a bend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bend:
    """From `at_s` of the bridge's clock on, the offset moves from `offset_s` to `target_s`."""

    at_s: float
    offset_s: float
    target_s: float

    def offset(self, bridge_s: float) -> float:
        """Return the offset at a time of the bridge's clock."""
        reach_s = SLEW * max(0.0, bridge_s - self.at_s)
        distance_s = self.target_s - self.offset_s
        return self.offset_s + max(-reach_s, min(reach_s, distance_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pong:
    round_trip_s: float
    offset_s: float


class BridgeClock:
    """The offset of one epoch: one continuous, rising function of the bridge's time, kept over reconnects."""

    def __init__(self, *, clock_us: int, now_s: float) -> None:
        """Begin with the clock that the hello told, late by one way of the network."""
        offset_s = now_s - clock_us / 1e6
        self._pongs: deque[_Pong] = deque(maxlen=KEPT_PONGS)
        self._bends: deque[_Bend] = deque(maxlen=KEPT_BENDS)
        self._bends.append(_Bend(at_s=clock_us / 1e6, offset_s=offset_s, target_s=offset_s))
        self._used = False

    @property
    def round_trip_s(self) -> float | None:
        """Return the smallest round trip of late, or None before the first pong."""
        return min((pong.round_trip_s for pong in self._pongs), default=None)

    def correct(self, *, clock_us: int, sent_s: float, received_s: float) -> None:
        """Take a pong in: the bridge's clock, and when it was asked for and when it came."""
        bridge_s = clock_us / 1e6
        self._pongs.append(
            _Pong(
                round_trip_s=received_s - sent_s,
                offset_s=(sent_s + received_s) / 2 - bridge_s,
            )
        )
        target_s = _best(self._pongs)
        last = self._bends[-1]
        if not self._used:
            # Nothing has a time yet whose order could suffer.
            self._bends.clear()
            self._bends.append(_Bend(at_s=bridge_s, offset_s=target_s, target_s=target_s))
        elif abs(target_s - last.target_s) > AGREEMENT_S and bridge_s >= last.at_s:
            offset_s = last.offset(bridge_s)
            if target_s > offset_s + LEAP_S:
                offset_s = target_s
            self._bends.append(_Bend(at_s=bridge_s, offset_s=offset_s, target_s=target_s))

    def local_s(self, clock_us: int, *, now_s: float) -> float:
        """Return when that was on Home Assistant's monotonic clock: never later than now."""
        self._used = True
        bridge_s = clock_us / 1e6
        bend = self._bends[-1]
        if bridge_s < bend.at_s:  # what is sent again lies before the last correction
            index = bisect_right(self._bends, bridge_s, key=lambda bend: bend.at_s)
            bend = self._bends[max(0, index - 1)]
        return min(now_s, bridge_s + bend.offset(bridge_s))


def _best(pongs: Sequence[_Pong]) -> float:
    nearest = sorted(pongs, key=lambda pong: pong.round_trip_s)[:BEST_PONGS]
    return median(pong.offset_s for pong in nearest)
