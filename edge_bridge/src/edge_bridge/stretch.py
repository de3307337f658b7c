"""One stretch of continuous decoding: from its catch-up until nobody wants every picture any more. Pure."""

from collections import deque
from collections.abc import Iterable
import math

from av.video.codeccontext import VideoCodecContext

from .group import MOST_BYTES, MOST_PACKETS, Packet

BEHIND_US = 1_000_000
"""Older pictures are no longer live: what waits so long is given up for a key frame that waits behind it."""
WAITING_MOST_BYTES = 2 * MOST_BYTES
"""A whole group, and what comes while it is caught up with; where no decoder thread is free nothing else bounds it."""
CONFIRM_US = 700_000
"""So long after the packet that began it a stretch goes on without anybody wanting its pictures."""


class Stretch:
    """The packets that wait for a camera's own decoder, in their order."""

    def __init__(
        self, group: Iterable[Packet], *, captured_us: int, hinted: bool, patient_until_us: int
    ) -> None:
        """Begin with a group of pictures; until the patience ends it may be behind."""
        self.decoder: VideoCodecContext | None = None
        self.hinted = hinted
        """The sizes of packets began it, not a picture."""
        self.wanted = False
        """Whether those that follow the last picture are; a packet without a picture leaves that as it was."""
        self.confirmed = False
        """Activity was seen in it."""
        self.doubtful = False
        """Its decoder met something that it could not use, and no key frame has come since."""
        self.gave_up = False
        """Not every picture of it was looked at."""
        self.stay_until_us = captured_us + CONFIRM_US
        self._behind_us = math.inf
        """How far it was when it was last found late."""
        self._patient_until_us = patient_until_us
        self._waiting = deque(group)
        self._waiting_bytes = sum(packet.size for packet in self._waiting)
        self._needs_key = False

    @property
    def due(self) -> bool:
        """Return whether packets wait."""
        return bool(self._waiting)

    def add(self, packet: Packet) -> int:
        """Take the next packet of the stream; return how many were given up for that."""
        if self._needs_key and not packet.key:
            return 1
        self._needs_key = False
        self._waiting.append(packet)
        self._waiting_bytes += packet.size
        full = len(self._waiting) > MOST_PACKETS or self._waiting_bytes > WAITING_MOST_BYTES
        return self._to_last_key(first=1) if full else 0

    def hint(self, captured_us: int) -> None:
        """Take note that the sizes of packets speak for it too."""
        self.hinted = True
        self.stay_until_us = captured_us + CONFIRM_US

    def take(self) -> Packet | None:
        """Return the next packet to decode."""
        if not self._waiting:
            return None
        packet = self._waiting.popleft()
        self._waiting_bytes -= packet.size
        return packet

    def give_up(self, now_us: int) -> int:
        """Go on at the last key frame where decoding is behind; return how many packets were given up.

        Where none waits the next one may be seconds away: as long as the delay shrinks, going on is sooner.
        """
        if not self._waiting or now_us <= self._patient_until_us:
            return 0
        behind_us = now_us - self._waiting[0].captured_us
        if behind_us <= BEHIND_US:
            self._behind_us = math.inf
            return 0
        if behind_us < self._behind_us and not any(packet.key for packet in self._waiting):
            self._behind_us = behind_us
            self._patient_until_us = now_us + BEHIND_US
            return 0
        return self._to_last_key()

    def _to_last_key(self, *, first: int = 0) -> int:
        """Give up what waits before the last key frame, or all where none has come after so many of them."""
        count = len(self._waiting)
        keys = [
            number for number, packet in enumerate(self._waiting) if packet.key and number >= first
        ]
        self._needs_key = not keys
        self.gave_up |= not keys or keys[-1] > 0
        for _ in range(keys[-1] if keys else count):
            self.take()
        # What the decoder still refers to is of before the gap.
        self.decoder = None
        return count - len(self._waiting)
