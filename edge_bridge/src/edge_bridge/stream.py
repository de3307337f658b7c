"""Opening a stream: what is asked of libav. The only file that does."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
import time
from typing import cast

import av
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer
from av.packet import Packet as AvPacket
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from .errors import CaptureError
from .protocol.vocabulary import ErrorCode
from .source import StreamSource
from .stream_failure import classify

# libav prints addresses with their passwords.
av.logging.set_level(None)

READ_TIMEOUT_S = 5.0
"""Silence after which a stream counts as gone: longer than the gap of a slow camera, short for a person waiting."""
TALK_TIMEOUTS = 2
"""So many times as long may a camera talk without letting itself be opened: libav's own timeout begins anew with each
byte, of a server that is none as of a camera."""
RATE_MOST_FPS = 240.0
"""Streams that do not know their rate announce their clock's, 90000."""
LOW_DELAY = 1 << 19
"""AV_CODEC_FLAG_LOW_DELAY: a packet in, its picture out."""
FORMATS = "mpegts,flv,live_flv,mpjpeg,mjpeg,jpeg_pipe,mov,matroska,h264,hevc,avi,asf,ogg,hls,aac"
"""What cameras send over HTTP, RTMP and SRT. What else libav recognises by its content are lists of other addresses, and
descriptions of sessions to listen for."""
START_CODE = b"\0\0\1"
HEAD_BYTES = 512
"""Parameter sets stand in front of a key frame, after a delimiter and messages at most."""

_PARAMETER_SETS = {"h264": (7, 0), "hevc": (33, 1)}
"""Per codec that has them: the type of a sequence parameter set, and where in a unit's first byte a type stands."""
_PARAMETER_TYPES = {"h264": frozenset({7, 8}), "hevc": frozenset({32, 33, 34})}


def open_stream(
    source: StreamSource,
    *,
    audio: bool = False,
    timeout_s: float = READ_TIMEOUT_S,
    talk_s: float | None = None,
) -> InputContainer:
    """Open a stream; raise CaptureError. ``audio`` lists its audio streams too.

    ``talk_s`` bounds each read even while the other side talks, at a price: libav then asks Python for the time at every
    turn, which is a fifth of what reading costs.
    """
    source.check()
    started = time.monotonic()
    try:
        container = av.open(
            source.full_url(),
            mode="r",
            options=_options(source, audio=audio, timeout_s=timeout_s),
            timeout=(TALK_TIMEOUTS * timeout_s, talk_s),
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        # From None: libav's own text holds the address and its password.
        raise classify(
            error, source, elapsed_s=time.monotonic() - started, timeout_s=timeout_s
        ) from None
    if not container.streams.video:
        container.close()
        raise CaptureError(ErrorCode.NO_VIDEO)
    return container


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """How a stream's pictures are coded: what a decoder must know before the first one."""

    codec: str
    """libav's name of it."""
    parameters: bytes = field(repr=False)
    """Parameter sets announced with the stream, as Annex B where the codec has that; else what its container gave."""
    apart: bytes = field(default=b"", repr=False)
    """Where the pictures alone do not tell a decoder everything, what tells it: such streams share no decoder."""

    @classmethod
    def of(cls, stream: VideoStream) -> Coding:
        """Return a stream's coding; raise CaptureError where nobody here decodes it."""
        context = stream.codec_context
        if context is None:
            raise CaptureError(ErrorCode.CODEC_UNSUPPORTED)
        parameters = bytes(context.extradata or b"")
        annexb = context.name in _PARAMETER_SETS
        return cls(
            codec=context.name,
            # What is not Annex B goes through a filter that puts them in front of each key frame.
            parameters=b"" if annexb and _is_boxed(parameters) else parameters,
            apart=b"" if annexb else parameters,
        )

    def decoder(self, *, key_frames_only: bool = False) -> VideoCodecContext:
        """Return a decoder for whole key frames and what follows them; it works in the calling thread without delay.

        Raises CaptureError.

        Not the stream's own: that one and its container hold each other, so after each end its megabytes would wait
        for the garbage collector, which a program that makes as little garbage as this one seldom runs.

        With ``key_frames_only`` the filter that smooths the edges of blocks is left out, a tenth to a third of the time.
        It differs by 50 to 58 dB at 480 lines (JPEG at quality 70: 41 to 46), and of key frames nothing carries it on.
        """
        decoder = av.CodecContext.create(self.codec, "r")
        if not isinstance(decoder, VideoCodecContext):
            raise CaptureError(ErrorCode.CODEC_UNSUPPORTED)
        if self.apart:
            decoder.extradata = self.apart
        decoder.thread_type = "NONE"
        decoder.thread_count = 1
        decoder.flags |= LOW_DELAY
        if key_frames_only:
            decoder.options = {"skip_loop_filter": "all"}
        return decoder

    def learned(self, packet: AvPacket[VideoStream]) -> Coding:
        """Return it with the parameter sets that stand in front of this key frame: later ones may come without."""
        if self.codec not in _PARAMETER_SETS:
            return self
        found = self._parameter_sets(bytes(memoryview(packet)[:HEAD_BYTES]))
        return self if found in {b"", self.parameters} else replace(self, parameters=found)

    def whole(self, packet: AvPacket[VideoStream]) -> AvPacket[VideoStream]:
        """Return a key frame that a decoder understands without having seen anything before."""
        if (
            not self.parameters
            or self.apart
            or self._has_parameters(bytes(memoryview(packet)[:HEAD_BYTES]))
        ):
            return packet
        whole = cast("AvPacket[VideoStream]", AvPacket(self.parameters + bytes(packet)))
        whole.pts, whole.dts = packet.pts, packet.dts
        whole.time_base = packet.time_base
        whole.is_keyframe = True
        return whole

    def _parameter_sets(self, head: bytes) -> bytes:
        """Return the parameter sets that are whole here, empty where one kind of them is not among them."""
        if not self._has_parameters(head):
            return b""
        shift = _PARAMETER_SETS[self.codec][1]
        # What follows the last start code may go on beyond the head.
        units = [unit for unit in head.split(START_CODE)[1:-1] if unit]
        kept = [
            (kind, unit)
            for unit in units
            if (kind := unit[0] >> shift & (0x3F if shift else 0x1F))
            in _PARAMETER_TYPES[self.codec]
        ]
        if {kind for kind, _ in kept} != _PARAMETER_TYPES[self.codec]:
            return b""
        return b"".join(START_CODE + unit for _, unit in kept)

    def _has_parameters(self, head: bytes) -> bool:
        wanted, shift = _PARAMETER_SETS[self.codec]
        at = head.find(START_CODE)
        while 0 <= at < len(head) - 3:
            if head[at + 3] >> shift & (0x3F if shift else 0x1F) == wanted:
                return True
            at = head.find(START_CODE, at + 3)
        return False


def packets_of(container: InputContainer) -> Iterator[AvPacket[VideoStream]]:
    """Read the packets of a container's first video stream, as Annex B where its codec has that form; blocking."""
    stream = container.streams.video[0]
    boxes = _annexb_filter(stream)
    for packet in container.demux(stream):
        if not packet.size:
            continue
        if boxes is None:
            yield packet
        else:
            yield from boxes.filter(packet)


def _annexb_filter(stream: VideoStream) -> BitStreamFilterContext | None:
    context = stream.codec_context
    name = "" if context is None else context.name
    if name not in _PARAMETER_SETS or not _is_boxed(bytes(context.extradata or b"")):
        return None
    return BitStreamFilterContext(f"{name}_mp4toannexb", stream)


def _is_boxed(extradata: bytes) -> bool:
    """Return whether these are the parameters of an MP4 or FLV: their version instead of a start code."""
    return extradata[:1] == b"\x01"


def rate_of(stream: VideoStream) -> float:
    """Return the frame rate that the stream announces, 0 where it announces none."""
    rate = float(stream.average_rate or stream.guessed_rate or 0)
    return rate if rate <= RATE_MOST_FPS else 0.0


def _options(source: StreamSource, *, audio: bool, timeout_s: float) -> dict[str, str]:
    # The timeout is libav's own, in µs. `nobuffer` would throw the probed packets away, the first key frame among them.
    timeout_us = str(int(timeout_s * 1_000_000))
    if source.scheme in {"rtsp", "rtsps"}:
        options = {
            "rtsp_transport": source.transport.value,
            "analyzeduration": "0",
            "probesize": "32",
            "fpsprobesize": "0",
            "timeout": timeout_us,
            # Nothing that an answer names may lead libav to a file.
            "protocol_whitelist": "rtp,rtsp,rtsps,srtp,tcp,udp,tls,crypto,http,https",
        }
        if not audio:
            options["allowed_media_types"] = "video"
        return options
    return {
        # Here libav finds the container's format by its content; half a second of it is plenty.
        "analyzeduration": "500000",
        "fpsprobesize": "0",
        "rw_timeout": timeout_us,
        "protocol_whitelist": "http,https,httpproxy,tcp,udp,tls,crypto,rtmp,srt,hls",
        "format_whitelist": FORMATS,
    }
