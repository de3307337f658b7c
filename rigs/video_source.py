"""What a simulated camera can show: coded pictures on a timeline, at present from a file."""

from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final, Protocol, override

import av

from rigs.elementary_stream import (
    Codec,
    Payloads,
    is_delimiter,
    is_parameter_set,
    packetize,
    read_extradata,
    split_nals,
)

_CODECS: Final = {"h264": Codec.H264, "hevc": Codec.H265}


class SourceError(Exception):
    """A file that no camera could show; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessUnit:
    """One coded picture, ready to be sent."""

    shown_s: float
    """Presentation time on the source's timeline."""
    key: bool
    payloads: Payloads


class VideoSource(Protocol):
    """An endless series of coded pictures, each with the moment it is due."""

    codec: Codec
    width_px: int
    height_px: int
    parameter_sets: tuple[bytes, ...]

    def index_at(self, timeline_s: float) -> int:
        """Return the index of the first picture due at or after this moment."""

    def due_s(self, index: int) -> float:
        """Return when a picture is due on the source's timeline."""

    async def unit(self, index: int) -> AccessUnit:
        """Return the picture; a live source draws it now."""

    def wish_key(self) -> None:
        """Ask for a key picture soon; a file has them where it has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Packet:
    due_s: float
    shown_s: float
    key: bool
    payloads: Payloads


class FileSource(VideoSource):
    """A clip held in memory as RTP payloads: looped for ever, never coded anew."""

    def __init__(self, path: Path) -> None:
        """Read the clip; blocking. Raises SourceError where it is not H.264 or H.265."""
        try:
            with av.open(str(path)) as container:
                self._read(container, path)
        except (av.FFmpegError, OSError) as error:
            raise SourceError(f"{path}: not a readable video ({error.strerror})") from error
        self._due = [packet.due_s for packet in self._packets]
        step_s = median(b - a for a, b in zip(self._due, self._due[1:], strict=False))
        self.duration_s: Final = self._due[-1] + step_s

    def _read(self, container: av.container.InputContainer, path: Path) -> None:
        if not container.streams.video:
            raise SourceError(f"{path}: no video in it")
        stream = container.streams.video[0]
        context = stream.codec_context
        if (codec := _CODECS.get(context.name)) is None:
            raise SourceError(f"{path}: {context.name} is neither H.264 nor H.265")
        self.codec = codec
        self.width_px, self.height_px = context.width, context.height
        self.parameter_sets, length_size = read_extradata(codec, context.extradata or b"")
        rate = float(stream.average_rate or 25)
        unit_s = float(stream.time_base or 1 / 90000)
        packets: list[_Packet] = []
        for packet in container.demux(stream):
            if not packet.size:
                continue
            nals = split_nals(bytes(packet), length_size)
            if not self.parameter_sets:
                self.parameter_sets = tuple(n for n in nals if is_parameter_set(codec, n))
            counted_s = len(packets) / rate
            due_s = counted_s if packet.dts is None else packet.dts * unit_s
            packets.append(
                _Packet(
                    due_s=due_s,
                    shown_s=due_s if packet.pts is None else packet.pts * unit_s,
                    key=packet.is_keyframe,
                    payloads=self._payloads(nals, key=packet.is_keyframe),
                )
            )
        self._packets = _from_first_key(packets)
        if len(self._packets) < 2:
            raise SourceError(f"{path}: fewer than two pictures")

    def _payloads(self, nals: list[bytes], *, key: bool) -> Payloads:
        nals = [nal for nal in nals if not is_delimiter(self.codec, nal)]
        if key and not any(is_parameter_set(self.codec, nal) for nal in nals):
            nals = [*self.parameter_sets, *nals]
        return packetize(self.codec, nals)

    @override
    def index_at(self, timeline_s: float) -> int:
        rounds, within_s = divmod(max(0.0, timeline_s), self.duration_s)
        return int(rounds) * len(self._due) + bisect_left(self._due, within_s)

    @override
    def due_s(self, index: int) -> float:
        rounds, at = divmod(index, len(self._due))
        return rounds * self.duration_s + self._due[at]

    @override
    async def unit(self, index: int) -> AccessUnit:
        rounds, at = divmod(index, len(self._packets))
        packet = self._packets[at]
        return AccessUnit(
            shown_s=rounds * self.duration_s + packet.shown_s,
            key=packet.key,
            payloads=packet.payloads,
        )

    @override
    def wish_key(self) -> None:
        return


def _from_first_key(packets: list[_Packet]) -> list[_Packet]:
    """Drop what comes before the first key picture and let the timeline begin at 0."""
    while packets and not packets[0].key:
        packets.pop(0)
    if not packets:
        return packets
    start_s = packets[0].due_s
    return [
        _Packet(
            due_s=packet.due_s - start_s,
            shown_s=packet.shown_s - start_s,
            key=packet.key,
            payloads=packet.payloads,
        )
        for packet in packets
    ]
