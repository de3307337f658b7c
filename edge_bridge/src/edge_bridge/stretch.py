"""One stretch of continuous decoding: from its catch-up until nobody wants every picture any more. Pure."""

from collections import deque
from collections.abc import Iterable

from av.video.codeccontext import VideoCodecContext

from .group import MOST_PACKETS, Packet

BEHIND_US = 1_000_000
"""Older pictures are no longer live: what waits so long is given up for the next key frame."""
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
        self.stay_until_us = captured_us + CONFIRM_US
        self._patient_until_us = patient_until_us
        self._waiting = deque(group)
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
        return self._to_last_key() if len(self._waiting) > MOST_PACKETS else 0

    def hint(self, captured_us: int) -> None:
        """Take note that the sizes of packets speak for it too."""
        self.hinted = True
        self.stay_until_us = captured_us + CONFIRM_US

    def take(self) -> Packet | None:
        """Return the next packet to decode."""
        return self._waiting.popleft() if self._waiting else None

    def give_up(self, now_us: int) -> int:
        """Go on at the last key frame where decoding is behind; return how many packets were given up."""
        late = (
            bool(self._waiting)
            and now_us > self._patient_until_us
            and now_us - self._waiting[0].captured_us > BEHIND_US
        )
        return self._to_last_key() if late else 0

    def _to_last_key(self) -> int:
        count = len(self._waiting)
        keys = [number for number, packet in enumerate(self._waiting) if packet.key]
        self._needs_key = not keys
        for _ in range(keys[-1] if keys else count):
            self._waiting.popleft()
        # What the decoder still refers to is of before the gap.
        self.decoder = None
        return count - len(self._waiting)
