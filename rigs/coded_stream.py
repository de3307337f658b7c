"""Pictures -> packets, coded the way a surveillance camera codes them; in memory only."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import av
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream
import numpy as np
import numpy.typing as npt

type Luma = npt.NDArray[np.uint8]
"""(height, width)."""

WIDTH_PX: Final = 640
HEIGHT_PX: Final = 360
"""The small stream of most cameras; the detector looks at 160 x 88 of whatever size."""
FPS: Final = 25
_KBITS_CBR: Final = 512
"""What cameras are set to at this size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """How a camera is set."""

    constant_rate: bool
    gop: int

    @property
    def name(self) -> str:
        """Return it in a word, as labels have it."""
        return f"{'cbr' if self.constant_rate else 'vbr'}{self.gop}"


CODINGS: Final = {
    coding.name: coding
    for coding in (
        Coding(constant_rate=False, gop=50),
        Coding(constant_rate=True, gop=50),
        Coding(constant_rate=False, gop=250),
        Coding(constant_rate=True, gop=250),
    )
}


class CodedStream:
    """One camera's encoder: no B pictures, one reference, no key pictures but those on time."""

    def __init__(self, coding: Coding, *, rate_factor: float = 1.0) -> None:
        """Start with the first picture to come; ``rate_factor`` scales what bits there are."""
        codec = av.CodecContext.create("libx264", "w")
        assert isinstance(codec, VideoCodecContext)  # noqa: S101  # narrows what libav's types leave open
        codec.width, codec.height, codec.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        codec.time_base, codec.framerate = Fraction(1, FPS), Fraction(FPS)
        kbits = round(_KBITS_CBR * rate_factor)
        rate = (
            f"bitrate={kbits}:vbv-maxrate={kbits}:vbv-bufsize={kbits}"
            if coding.constant_rate
            else f"crf=26:vbv-maxrate={4 * kbits}:vbv-bufsize={4 * kbits}"
        )
        codec.options = {
            "preset": "superfast",
            "tune": "zerolatency",
            "x264-params": f"{rate}:keyint={coding.gop}:min-keyint={coding.gop}"
            ":aq-mode=0:scenecut=0:ref=1:bframes=0:threads=1:sliced-threads=0",
        }
        self._codec = codec
        self._number = 0
        self._planes = np.full((HEIGHT_PX * 3 // 2, WIDTH_PX), 128, np.uint8)

    def encode(self, luma: Luma, chroma: Luma | None = None) -> list[Packet[VideoStream]]:
        """Code the next picture; chroma is both planes as rows under the luma, kept until it is given anew."""
        self._planes[:HEIGHT_PX] = luma
        if chroma is not None:
            self._planes[HEIGHT_PX:] = chroma
        frame = av.VideoFrame.from_ndarray(self._planes, format="yuv420p")
        frame.pts, frame.time_base = self._number, Fraction(1, FPS)
        self._number += 1
        return list(self._codec.encode(frame))
