"""What the packets of one stream say of it: their rate, its key frames, and what was lost between them. Pure."""

import math

WEIGHT = 0.1
"""Of a new interval in the running mean: half a second of most cameras."""
GAP = 1.7
"""A picture that comes so many times later than usual is not late: one is missing before it."""
JUMP_S = 5.0
"""The clock of a stream that moves so far, or back, has been set: nothing was lost by that alone."""
SHUFFLED_PACKETS = 50
"""So long after a step back pictures count as sent in another order than they are shown: such a stream steps back many
times a second, a clock that is set does so once."""
OVERDUE = 3.0
OVERDUE_LEAST_S = 5.0
"""A key frame that is so many intervals late, and so many seconds, will not come as it used to."""


class Cadence:
    """Watches the packets of one stream as they are read."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.interval_s = 0.0
        """Running mean between two pictures; 0 until two came."""
        self.key_interval_s: float | None = None
        """Between the last two key frames."""
        self._stream_s = math.nan
        self._captured_us = 0
        self._shuffled = 0
        """Packets for which their times tell of no gap between them."""
        self._key_us: int | None = None

    def offer(self, stream_s: float | None, captured_us: int, *, key: bool) -> bool:
        """Take the next packet, with the stream's own time of it; return whether something is missing before it."""
        if key:
            if self._key_us is not None:
                self.key_interval_s = (captured_us - self._key_us) / 1_000_000
            self._key_us = captured_us
        before_s, self._stream_s = self._stream_s, math.nan if stream_s is None else stream_s
        passed_s = self._stream_s - before_s
        before_us, self._captured_us = self._captured_us, captured_us
        self._shuffled = SHUFFLED_PACKETS if -JUMP_S < passed_s < 0 else max(0, self._shuffled - 1)
        if self._shuffled:
            passed_s = (captured_us - before_us) / 1_000_000
        if math.isnan(passed_s) or not 0 < passed_s < JUMP_S:
            return False
        missing = not self._shuffled and bool(self.interval_s) and passed_s > GAP * self.interval_s
        self.interval_s += (passed_s - self.interval_s) * (WEIGHT if self.interval_s else 1)
        return missing

    @property
    def fps(self) -> float:
        """Pictures a second, 0 while unknown."""
        return 1 / self.interval_s if self.interval_s else 0.0

    def since_key_s(self, now_us: int) -> float:
        """Return how long ago the last key frame came; endless before the first."""
        return math.inf if self._key_us is None else (now_us - self._key_us) / 1_000_000

    def longest_s(self, now_us: int) -> float:
        """Return the interval between key frames as far as it is known by now."""
        since_s = self.since_key_s(now_us)
        if math.isinf(since_s):
            return 0.0
        return max(self.key_interval_s or 0.0, since_s)

    def overdue(self, now_us: int) -> bool:
        """Return whether key frames have ceased to come."""
        if self.key_interval_s is None or self._key_us is None:
            return False
        return self.since_key_s(now_us) > max(OVERDUE_LEAST_S, OVERDUE * self.key_interval_s)
