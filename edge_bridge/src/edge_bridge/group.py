"""The packets since the last key frame: what a decoder needs to catch up with a stream. Pure."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from av.packet import Packet as AvPacket
from av.video.stream import VideoStream

MOST_BYTES = 6 * 2**20
"""Ten seconds of a 4 Mbit/s stream with room for its key frame: longer groups are not worth their memory."""
MOST_PACKETS = 750
"""Half a minute at 25 pictures a second; a catch-up through more of them is slower than any event is patient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One coded picture of a stream, as Annex B where its codec knows that."""

    av: AvPacket[VideoStream] = field(repr=False)
    key: bool
    captured_us: int
    """Monotonic clock when it arrived."""
    size: int
    """In bytes."""
    doubtful: bool = False
    """Something was lost between the last key frame and this packet."""


class Group:
    """Holds one camera's packets from its last key frame on, while they fit."""

    def __init__(self) -> None:
        """Start without a key frame."""
        self._packets: deque[Packet] = deque()
        self._size_bytes = 0

    def __len__(self) -> int:
        """Return how many packets a catch-up would have to decode; 0 where it is not possible."""
        return len(self._packets)

    def __iter__(self) -> Iterator[Packet]:
        """Return the packets, the key frame first."""
        return iter(self._packets)

    def fits(self, packet: Packet) -> bool:
        """Return whether one more packet can be held."""
        return len(self._packets) < MOST_PACKETS and self._size_bytes + packet.size <= MOST_BYTES

    def add(self, packet: Packet) -> None:
        """Take the next packet: a key frame begins anew, one that does not fit ends the group."""
        if packet.key:
            self.clear()
        elif not self._packets:
            return
        elif not self.fits(packet):
            self.clear()
            return
        self._packets.append(packet)
        self._size_bytes += packet.size

    def clear(self) -> None:
        """Forget it: nothing can be caught up with before the next key frame."""
        self._packets.clear()
        self._size_bytes = 0
