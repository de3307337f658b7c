"""One camera of the simulator: a source on a clock, its viewers, and what goes wrong."""

import asyncio
import contextlib
from dataclasses import dataclass
from enum import StrEnum
import random
import time
from typing import Final

from rigs.elementary_stream import Payloads, sdp_format
from rigs.rtp_leg import PacketFaults, RtpLeg, rtp_clock
from rigs.video_source import AccessUnit, VideoSource

_LATE_S: Final = 1.0
"""A camera this far behind its clock skips pictures instead of sending old ones."""


class Refusal(StrEnum):
    """How DESCRIBE can be refused."""

    NOT_FOUND = "404"
    UNAUTHORIZED = "401"
    UNAVAILABLE = "503"
    HANG = "hang"


@dataclass(slots=True, kw_only=True)
class Faults(PacketFaults):
    """Everything that can be wrong with a camera; all of it can be changed while it runs."""

    freeze: bool = False
    """No more packets, the TCP connection stays."""
    stuck: bool = False
    """The last key picture again and again."""
    rate_bytes_s: float | None = None
    """The most that leaves the camera."""
    describe_delay_s: float = 0.0
    """How long DESCRIBE takes."""
    refuse: Refusal | None = None
    """What DESCRIBE answers instead of the description."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a viewer has to know."""

    user: str
    password: str
    digest: bool = True
    """Digest if true, else Basic."""


class SimulatedCamera:
    """Plays a source to all its viewers on one clock, which the first viewer starts."""

    def __init__(
        self,
        name: str,
        source: VideoSource,
        *,
        credentials: Credentials | None = None,
        shift_s: float = 0.0,
    ) -> None:
        """Name the mount path; `shift_s` is where in the clip the clock starts."""
        self.name: Final = name
        self.credentials: Final = credentials
        self.faults = Faults()
        self.source = source
        self.bytes_sent = 0
        self.pictures_sent = 0
        self._legs: set[RtpLeg] = set()
        self._connections: set[asyncio.StreamWriter] = set()
        self._started_at_s: float | None = None
        self._origin_s = shift_s
        self._rtp_start_s = random.uniform(0, 10_000)
        self._revision = 0
        self._last_key: Payloads | None = None
        self._free_at_s = 0.0
        self._task: asyncio.Task[None] | None = None
        self._sent = asyncio.Event()

    @property
    def viewers(self) -> int:
        """How many are watching."""
        return sum(leg.playing for leg in self._legs)

    @property
    def position_s(self) -> float:
        """Where on the source's timeline the camera is; it goes on without viewers."""
        return self._elapsed_s() + self._origin_s

    def seek(self, timeline_s: float) -> None:
        """Go on from another place of the source; the stream clock stays continuous."""
        self._origin_s = timeline_s - self._elapsed_s()
        self._revision += 1

    def jump(self, seconds: float) -> None:
        """Let the stream clock alone jump, as cameras do that set their time."""
        self._rtp_start_s += seconds

    def swap(self, source: VideoSource) -> None:
        """Show another source in mid-stream: another size or codec, without telling."""
        self.source = source
        self._last_key = None
        self.seek(0.0)

    def kick(self) -> None:
        """Abort every connection to this camera."""
        for writer in list(self._connections):
            writer.transport.abort()

    def connect(self, writer: asyncio.StreamWriter) -> None:
        """Remember a connection that asked for this camera."""
        self._connections.add(writer)

    def disconnect(self, writer: asyncio.StreamWriter) -> None:
        """Forget a connection."""
        self._connections.discard(writer)

    def add(self, leg: RtpLeg) -> None:
        """Add a viewer that has not said PLAY yet."""
        self._legs.add(leg)

    def play(self, leg: RtpLeg) -> None:
        """Let a viewer have pictures from the next key picture on."""
        if self._started_at_s is None:
            self._started_at_s = time.monotonic()
        leg.playing = leg.waits_for_key = True
        self.source.wish_key()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._pump(), name=f"camera {self.name}")

    def remove(self, leg: RtpLeg) -> None:
        """Drop a viewer."""
        leg.playing = False
        leg.carrier.close()
        self._legs.discard(leg)

    async def until_sent(self, pictures: int) -> None:
        """Wait until this many pictures have gone out in all."""
        while self.pictures_sent < pictures:
            self._sent.clear()
            await self._sent.wait()

    async def close(self) -> None:
        """Stop sending."""
        self.kick()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def describe(self, host: str) -> str:
        """Return the session description (SDP)."""
        codec = self.source.codec
        lines = (
            "v=0",
            f"o=- 1 1 IN IP4 {host}",
            f"s={self.name}",
            "c=IN IP4 0.0.0.0",
            "t=0 0",
            "a=control:*",
            "a=range:npt=now-",
            "m=video 0 RTP/AVP 96",
            f"a=rtpmap:96 {codec}/90000",
            f"a=fmtp:96 {sdp_format(codec, self.source.parameter_sets)}",
            "a=control:track",
        )
        return "".join(f"{line}\r\n" for line in lines)

    async def _pump(self) -> None:
        while self.viewers:
            revision, source = self._revision, self.source
            index = source.index_at(self.position_s)
            while self.viewers and revision == self._revision:
                ahead_s = source.due_s(index) - self.position_s
                if ahead_s < -_LATE_S:
                    index = source.index_at(self.position_s)
                    self._wait_for_key()
                    continue
                # Even a picture that is due yields once, or a late camera would starve others.
                await asyncio.sleep(max(0.0, ahead_s))
                if revision == self._revision:
                    await self._send(await source.unit(index))
                    index += 1

    async def _send(self, unit: AccessUnit) -> None:
        faults = self.faults
        if unit.key:
            self._last_key = unit.payloads
        if faults.freeze:
            self._wait_for_key()
            return
        payloads, key = unit.payloads, unit.key
        if faults.stuck and self._last_key is not None:
            payloads, key = self._last_key, True
        if faults.rate_bytes_s:
            size_bytes = sum(map(len, payloads))
            self._free_at_s = max(self._free_at_s, time.monotonic())
            self._free_at_s += size_bytes / faults.rate_bytes_s
            await asyncio.sleep(self._free_at_s - time.monotonic())
        rtp_time = self._rtp_time(unit.shown_s)
        for leg in [leg for leg in self._legs if leg.playing]:
            if leg.carrier.congested():
                leg.waits_for_key = True
            elif key or not leg.waits_for_key:
                leg.waits_for_key = False
                self.bytes_sent += leg.send(payloads, rtp_time, faults)
                self.pictures_sent += 1
                self._sent.set()

    def _wait_for_key(self) -> None:
        for leg in self._legs:
            leg.waits_for_key = True
        self.source.wish_key()

    def _elapsed_s(self) -> float:
        return 0.0 if self._started_at_s is None else time.monotonic() - self._started_at_s

    def _rtp_time(self, shown_s: float) -> int:
        return rtp_clock(shown_s - self._origin_s + self._rtp_start_s)
