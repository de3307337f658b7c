"""One viewer's share of a simulated camera's stream: RTP and RTCP over TCP or UDP."""

import asyncio
from dataclasses import dataclass
import random
import struct
import time
from typing import Final, Protocol, override

from rigs.elementary_stream import Payloads

_PAYLOAD_TYPE: Final = 96
_CLOCK_HZ: Final = 90_000
_REPORT_EVERY_S: Final = 5.0
"""How often a sender report goes out: the usual interval of RFC 3550."""
_NTP_EPOCH_S: Final = 2_208_988_800
_BACKLOG_LIMIT_BYTES: Final = 2_000_000
"""What may wait in one viewer's socket; beyond it pictures are skipped up to the next key."""


class Carrier(Protocol):
    """How packets reach the viewer."""

    def send(self, packet: bytes, *, control: bool) -> int:
        """Send one packet and return the bytes it takes on the wire."""

    def congested(self) -> bool:
        """Whether the viewer reads too slowly."""

    def close(self) -> None:
        """Give back what belongs to this carrier alone."""


class InterleavedCarrier(Carrier):
    """Packets between the RTSP answers, on the same TCP connection."""

    def __init__(self, writer: asyncio.StreamWriter, channel: int) -> None:
        """Use this channel for RTP and the next for RTCP."""
        self._writer = writer
        self._channel = channel

    @override
    def send(self, packet: bytes, *, control: bool) -> int:
        if self._writer.is_closing():
            return 0
        header = struct.pack(">cBH", b"$", self._channel + control, len(packet))
        self._writer.write(header + packet)
        return len(header) + len(packet)

    @override
    def congested(self) -> bool:
        return self._writer.transport.get_write_buffer_size() > _BACKLOG_LIMIT_BYTES

    @override
    def close(self) -> None:
        return


class DatagramCarrier(Carrier):
    """Packets on a pair of UDP sockets."""

    def __init__(
        self, sockets: tuple[asyncio.DatagramTransport, ...], host: str, port: int
    ) -> None:
        """Send RTP to this port and RTCP to the next."""
        self._sockets = sockets
        self._host, self._port = host, port
        self.ports: Final = [s.get_extra_info("sockname")[1] for s in sockets]

    @classmethod
    async def open(cls, local_host: str, host: str, port: int) -> DatagramCarrier:
        """Bind two free ports and aim them at the viewer."""
        loop = asyncio.get_running_loop()
        opened = [
            await loop.create_datagram_endpoint(
                asyncio.DatagramProtocol, local_addr=(local_host, 0)
            )
            for _ in range(2)
        ]
        return cls(tuple(transport for transport, _ in opened), host, port)

    @override
    def send(self, packet: bytes, *, control: bool) -> int:
        self._sockets[control].sendto(packet, (self._host, self._port + control))
        return len(packet)

    @override
    def congested(self) -> bool:
        return False

    @override
    def close(self) -> None:
        for transport in self._sockets:
            transport.close()


@dataclass(slots=True, kw_only=True)
class PacketFaults:
    """What happens to single packets on their way."""

    drop: float = 0.0
    """Share of packets that never arrive."""
    corrupt: float = 0.0
    """Share of packets that arrive with eight bytes changed."""


class RtpLeg:
    """One viewer: numbers the packets, reports the clock, waits for a key picture first."""

    def __init__(self, session: str, carrier: Carrier) -> None:
        """Start paused; `playing` is set by PLAY."""
        self.session: Final = session
        self.carrier: Final = carrier
        self.ssrc: Final = random.randrange(1 << 32)
        self.sequence = random.randrange(1 << 16)
        self.playing = False
        self.waits_for_key = True
        self._packets = 0
        self._octets = 0
        self._reported_at_s = float("-inf")

    def send(self, payloads: Payloads, rtp_time: int, faults: PacketFaults) -> int:
        """Send one picture and return the bytes it took on the wire."""
        wire_bytes = self._report(rtp_time)
        for number, payload in enumerate(payloads, 1):
            self.sequence = self.sequence + 1 & 0xFFFF
            if faults.drop and random.random() < faults.drop:
                continue
            damaged = faults.corrupt and random.random() < faults.corrupt
            marker = 0x80 if number == len(payloads) else 0
            header = struct.pack(
                ">BBHII", 0x80, _PAYLOAD_TYPE | marker, self.sequence, rtp_time, self.ssrc
            )
            wire_bytes += self.carrier.send(
                header + (_corrupted(payload) if damaged else payload), control=False
            )
            self._packets += 1
            self._octets += len(payload)
        return wire_bytes

    def _report(self, rtp_time: int) -> int:
        """Send a sender report where one is due: wall clock and stream clock side by side."""
        if (now_s := time.monotonic()) - self._reported_at_s < _REPORT_EVERY_S:
            return 0
        self._reported_at_s = now_s
        wall_s = time.time() + _NTP_EPOCH_S
        seconds, fraction = int(wall_s), int(wall_s % 1 * (1 << 32))
        report = struct.pack(
            ">BBHIIIIII",
            *(0x80, 200, 6, self.ssrc, seconds & 0xFFFFFFFF, fraction, rtp_time),
            *(self._packets & 0xFFFFFFFF, self._octets & 0xFFFFFFFF),
        )
        return self.carrier.send(report, control=True)


def rtp_clock(time_s: float) -> int:
    """Convert seconds to the 32-bit clock of a video stream."""
    return int(time_s * _CLOCK_HZ) & 0xFFFFFFFF


def _corrupted(payload: bytes) -> bytes:
    if len(payload) < 20:
        return payload
    changed = bytearray(payload)
    for _ in range(8):
        changed[random.randrange(3, len(changed))] ^= random.randrange(1, 256)
    return bytes(changed)
