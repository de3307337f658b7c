"""Short coded streams in memory, as cameras send them."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
from av.packet import Packet as AvPacket
from av.video.stream import VideoStream
import numpy as np

from edge_bridge.stream import Coding

FPS = 25
STEP_US = 1_000_000 // FPS
START_US = 100_000_000


@dataclass(frozen=True)
class Stream:
    """A coded stream: every picture is one shade, 2 levels brighter than the one before."""

    coding: Coding
    packets: tuple[AvPacket[VideoStream], ...]

    def timed(self, start_us: int = START_US) -> Iterator[tuple[AvPacket[VideoStream], int]]:
        """Return the packets with the times at which a camera would send them."""
        for number, packet in enumerate(self.packets):
            yield packet, start_us + number * STEP_US


def coded(
    pictures: int,
    *,
    group: int,
    codec: str = "libx264",
    width: int = 320,
    height: int = 240,
    shade: int = 20,
    between: int = 0,
    refresh: bool = False,
) -> Stream:
    """Return a stream in Annex B with its parameter sets in front of each key frame.

    ``between`` pictures are sent after a later one that they refer to; with ``refresh`` H.264 has no key frames after the
    first, but refreshes its pictures bit by bit.
    """
    encoder = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FPS), Fraction(FPS)
    settings = f"keyint={group}:min-keyint={group}:scenecut=0:bframes={between}"
    if codec == "libx264":
        settings += f":intra-refresh={int(refresh)}"
        encoder.options = {"preset": "veryfast", "tune": "zerolatency", "x264-params": settings}
    else:
        extra = ":repeat-headers=1:log-level=none"
        encoder.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "x265-params": settings + extra,
        }
    packets: list[AvPacket[VideoStream]] = []
    for number in range(pictures):
        luma = (shade + 2 * number) % 220
        picture = np.full((height * 3 // 2, width), 128, np.uint8)
        picture[:height] = luma
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    copies = []
    for packet in packets:
        copy = AvPacket(bytes(packet))
        copy.pts, copy.dts = packet.pts, packet.dts
        copy.time_base = packet.time_base
        copy.is_keyframe = packet.is_keyframe
        copies.append(copy)
    name = {"libx264": "h264", "libx265": "hevc"}[codec]
    return Stream(coding=Coding(codec=name, parameters=b""), packets=tuple(copies))
