"""How much may be on the way to Home Assistant: bounded by how long it takes, not by a guess of the link's rate. Pure.

What is handed to the system can no longer give way to something newer. So a frame is handed over only while those
before it arrive in time: the system holds little that is unsent, the oldest unacknowledged frame is young, and the
bytes on the way are no more than what was acknowledged in time before.
"""

from dataclasses import dataclass

type Key = tuple[str, int]
"""Camera and sequence."""

IN_TIME_US = 450_000
"""From the socket to the acknowledgement, beside the round trip: Home Assistant may wait 100 ms before it says so, and
another third of a second lies in buffers on the way. With less a slow link would stand idle between two frames."""
UNSENT_BYTES = 4096
"""The system has work for a sixth of a second at 200 kbit/s; more of it would only grow old there."""
ROUND_TRIP_MOST_US = 1_000_000
"""A longer one is a Home Assistant that was busy at the start, not a line."""
FIRST_BYTES = 2**19
"""Eight pictures of 480p, after which Home Assistant acknowledges at once: on a good line an onset is not held up."""
GROWTH = 4
"""Once a flight was late, the window grows by this part of what is in time: a quarter more per flight."""
LEAST_BYTES = 8192
"""A picture and the beginning of the next, of those that are sent when it is narrow."""
MOST_BYTES = 2**24
"""Nobody keeps more for sending."""


@dataclass(frozen=True, slots=True)
class _Flight:
    sent_us: int
    chosen_us: int
    size_bytes: int
    flown_bytes: int
    """What was on the way with it, itself included."""
    live: bool


class SendWindow:
    """What one connection has on the way."""

    def __init__(self, round_trip_us: int = 0, *, most_bytes: int = FIRST_BYTES) -> None:
        """Begin with nothing on the way; the round trip of the greeting bounds that of the line."""
        self.round_trip_us = min(round_trip_us, ROUND_TRIP_MOST_US)
        self.arrived_us = 0
        """When the newest acknowledged frame was chosen for sending."""
        self._flying: dict[Key, _Flight] = {}
        """In the order of the wire."""
        self._flying_bytes = 0
        self.most_bytes = min(most_bytes, FIRST_BYTES)
        """What may be on the way: the next connection begins with what this one has found out."""
        self._cut_us = 0
        self._narrow = False
        """Whether the bytes on the way kept something waiting since the last acknowledgement."""
        self._lag_us = 0

    @property
    def in_time_us(self) -> int:
        """How long a frame may take until it is acknowledged."""
        return IN_TIME_US + self.round_trip_us

    def opens(self, now_us: int, *, unsent_bytes: int = 0) -> bool:
        """Return whether another frame may be handed over; one always may where nothing is on the way."""
        if not self._flying:
            return True
        if unsent_bytes > UNSENT_BYTES or self._oldest_us(now_us) > self.in_time_us:
            return False
        if self._flying_bytes >= self.most_bytes:
            self._narrow = True
            return False
        return True

    def sent(
        self, key: Key, size_bytes: int, now_us: int, *, chosen_us: int = 0, live: bool = True
    ) -> None:
        """Take note of a frame that is handed over."""
        self._flying_bytes += size_bytes
        self._flying[key] = _Flight(now_us, chosen_us, size_bytes, self._flying_bytes, live)

    def acknowledged(self, key: Key, now_us: int) -> int:
        """Take note of one that has arrived; return how long that took, the telling included."""
        flight = self._flying.pop(key)
        self._flying_bytes -= flight.size_bytes
        self.arrived_us = max(self.arrived_us, flight.chosen_us)
        took_us = now_us - flight.sent_us
        if flight.live:
            self._lag_us = max(self._lag_us, took_us)
        if took_us > self.in_time_us:
            if flight.sent_us >= self._cut_us:
                # Once per flight: what was handed over before the last cut says nothing of it.
                in_time_bytes = flight.flown_bytes * self.in_time_us // took_us
                self.most_bytes = max(LEAST_BYTES, min(self.most_bytes // 2, in_time_bytes))
                self._cut_us = now_us
        elif self._narrow:
            growth_bytes = flight.size_bytes // (GROWTH if self._cut_us else 1)
            self.most_bytes = min(MOST_BYTES, self.most_bytes + growth_bytes)
        if not self._flying:
            self._narrow = False
        self.round_trip_us = min(self.round_trip_us, took_us)
        return took_us

    def take_lag_us(self, now_us: int) -> int:
        """Return the longest that a live frame took since the last call, or has been on its way so far."""
        sent_us = next((flight.sent_us for flight in self._flying.values() if flight.live), now_us)
        lag_us, self._lag_us = max(self._lag_us, now_us - sent_us), 0
        return lag_us

    def _oldest_us(self, now_us: int) -> int:
        return now_us - next(iter(self._flying.values())).sent_us if self._flying else 0
