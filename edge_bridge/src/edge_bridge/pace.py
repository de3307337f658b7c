"""Whether a reader keeps up with its stream, or must skip to a later key frame. Pure.

What a reader is too slow for waits in the buffers of the sockets, and every picture comes older by that. The stream's
own time tells: it passes as fast as the clock, so a packet that comes late against the timeliest one has waited.
"""

BEHIND_S = 1.0
"""Older pictures are no longer live."""
PATIENCE_S = 1.0
"""A network that stood still for a moment is made up for in less: decoding is several times as fast as the stream."""
SETTLED_S = 0.5
"""A key frame so young is worth going on with; before an older one, newer ones wait."""
DRAINED_S = 2.0
"""Reading without decoding empties any buffer in this time."""
DRAINING = 1.5
"""What was buffered comes at least so many times as fast as the clock; what is live does not."""
SKIP_MOST_S = 12.0
"""Longer than the key-frame interval of most cameras. Some never send a key frame after the first."""
DRIFT = 0.001
"""The clock of a camera is off by a tenth of this at most."""
BACK_S = 1.0
"""So far back goes no reordering: the stream's time began anew."""


class Pace:
    """Judges one stream's packets as they are read; those it skips are not to be decoded."""

    def __init__(self) -> None:
        """Know nothing of the stream's time yet."""
        self.skipping = False
        self._offset_s: float | None = None
        """Clock less stream time of the timeliest packet."""
        self._stream_s = self._clock_s = 0.0
        self._late_since_s: float | None = None
        self._patience_s = PATIENCE_S
        self._skip_stream_s = self._skip_clock_s = 0.0

    def skips(self, stream_s: float, clock_s: float, *, key: bool) -> bool:
        """Return whether the packet with this time of the stream, read at this time of the clock, is given up."""
        late_s = self._late_s(stream_s, clock_s)
        if self.skipping:
            self.skipping = self._goes_on(late_s, stream_s, clock_s, key=key)
        elif self._is_behind(late_s, clock_s):
            self.skipping = True
            self._skip_stream_s, self._skip_clock_s = stream_s, clock_s
        return self.skipping

    def _late_s(self, stream_s: float, clock_s: float) -> float:
        offset_s = clock_s - stream_s
        if self._offset_s is None or stream_s < self._stream_s - BACK_S:
            self._offset_s = offset_s
        else:
            drifted_s = self._offset_s + DRIFT * (clock_s - self._clock_s)
            self._offset_s = min(drifted_s, offset_s)
        self._stream_s, self._clock_s = stream_s, clock_s
        return offset_s - self._offset_s

    def _is_behind(self, late_s: float, clock_s: float) -> bool:
        if late_s <= BEHIND_S:
            self._late_since_s = None
            return False
        if self._late_since_s is None:
            self._late_since_s = clock_s
        return clock_s - self._late_since_s >= self._patience_s

    def _goes_on(self, late_s: float, stream_s: float, clock_s: float, *, key: bool) -> bool:
        skipped_s = clock_s - self._skip_clock_s
        if not key and skipped_s < SKIP_MOST_S:
            return True
        self._late_since_s = None
        if late_s <= SETTLED_S:
            self._patience_s = PATIENCE_S
            return False
        if skipped_s < DRAINED_S or stream_s - self._skip_stream_s > DRAINING * skipped_s:
            return True
        # Nothing was buffered: the stream's time does not pass as the clock does. Such a stream is believed less.
        self._offset_s = clock_s - stream_s
        self._patience_s *= 2
        return False
