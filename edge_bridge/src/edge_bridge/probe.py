"""What a camera's stream is like: opened once, watched for a few seconds, closed."""

from contextlib import suppress
from dataclasses import dataclass
import time

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from .encoder import Encoder, Jpeg
from .errors import CaptureError
from .protocol.area import Polygon
from .protocol.limits import MAX_FRAME_BYTES
from .protocol.messages import Probed
from .protocol.vocabulary import ErrorCode
from .source import StreamSource
from .stream import READ_TIMEOUT_S, Coding, open_stream, packets_of, rate_of
from .stream_failure import classify

WATCH_S = 6.0
"""Two key frames of most cameras come in this time."""
SECOND_SESSION_S = 2.0
"""For the second open that shows whether a camera allows one."""
SEEN_PACKETS = 5
SUB_STREAM_PX = 1440
"""Above this height decoding costs more than any picture sent is worth."""
PREVIEW_HEIGHT_PX = 480
PREVIEW_QUALITY = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Probing:
    """The outcome of one probe."""

    answer: Probed
    preview: Jpeg | None = None


def probe(
    number: int, source: StreamSource, encoder: Encoder, *, masks: tuple[Polygon, ...] = ()
) -> Probing:
    """Probe in the calling thread; what masks hide is not in the preview."""
    started = time.monotonic()
    try:
        container = open_stream(source, audio=True, talk_s=READ_TIMEOUT_S)
    except CaptureError as error:
        return failed(number, error)
    try:
        look = _Look(container, started)
        look.watch()
        return _succeeded(number, look, source, encoder, masks)
    except CaptureError as error:
        return failed(number, error)
    except (av.FFmpegError, OSError, ValueError) as error:
        return failed(
            number,
            classify(error, source, elapsed_s=time.monotonic() - started, timeout_s=READ_TIMEOUT_S),
        )
    finally:
        container.close()


def failed(number: int, error: CaptureError) -> Probing:
    """Return the outcome of a probe that found no stream."""
    return Probing(answer=Probed(id=number, error=error.error))


class _Look:
    """Some seconds of an open stream."""

    def __init__(self, container: InputContainer, started_s: float) -> None:
        self.container = container
        self.stream: VideoStream = container.streams.video[0]
        self._coding = Coding.of(self.stream)
        self._decoder = self._coding.decoder()
        self.audio = bool(container.streams.audio)
        self.picture: VideoFrame | None = None
        self.first_frame_ms = 0.0
        self.packets = 0
        self._started_s = started_s
        self._dated = 0
        self._first_s = self._last_s = 0.0
        self._keys_s: list[float] = []
        self._undated_key = False
        """The packet before was a key frame without a time, as the first of a stream often is."""

    def watch(self) -> None:
        """Read until two key frames came or time is up; raise CaptureError where no picture came."""
        for packet in packets_of(self.container):
            self._take(packet)
            if time.monotonic() - self._started_s > WATCH_S or len(self._keys_s) >= 2:
                break
        if self.picture is None:
            codec = self.stream.codec_context.name if self.packets else ""
            raise CaptureError(
                ErrorCode.CODEC_UNSUPPORTED if codec else ErrorCode.NO_VIDEO, codec=codec
            )

    @property
    def key_interval_s(self) -> float | None:
        """Seconds between the two key frames."""
        return round(self._keys_s[1] - self._keys_s[0], 2) if len(self._keys_s) >= 2 else None

    @property
    def fps(self) -> float:
        """The rate that was seen; the announced one, which is often the clock's, where too little was."""
        span_s = self._last_s - self._first_s
        if self._dated >= SEEN_PACKETS and span_s > 0:
            return round((self._dated - 1) / span_s, 1)
        return round(rate_of(self.stream), 2)

    def _take(self, packet: av.Packet[VideoStream]) -> None:
        self.packets += 1
        # The stream's own time, for the packets of a burst all arrive at once.
        if packet.pts is not None and packet.time_base:
            at_s = float(packet.pts * packet.time_base)
            if self._undated_key and self.fps:
                self._keys_s.append(at_s - 1 / self.fps)
            self._undated_key = False
            self._dated += 1
            self._first_s = self._first_s or at_s
            self._last_s = at_s
            if packet.is_keyframe:
                self._keys_s.append(at_s)
        elif packet.is_keyframe:
            self._undated_key = True
        if self.picture is not None:
            return
        with suppress(av.error.InvalidDataError):
            for frame in self._decoder.decode(
                self._coding.whole(packet) if packet.is_keyframe else packet
            ):
                self.picture = frame
                self.first_frame_ms = round((time.monotonic() - self._started_s) * 1000, 1)


def _succeeded(
    number: int,
    look: _Look,
    source: StreamSource,
    encoder: Encoder,
    masks: tuple[Polygon, ...],
) -> Probing:
    picture = look.picture
    if picture is None:
        return failed(number, CaptureError(ErrorCode.NO_VIDEO))
    return Probing(
        answer=Probed(
            id=number,
            codec=look.stream.codec_context.name,
            width=picture.width,
            height=picture.height,
            fps=look.fps,
            key_interval_s=look.key_interval_s,
            audio=look.audio,
            first_frame_ms=look.first_frame_ms,
            one_session=_refuses_a_second(source),
            sub_stream=picture.height > SUB_STREAM_PX,
        ),
        preview=encoder.jpeg(
            picture,
            height_px=PREVIEW_HEIGHT_PX,
            quality=PREVIEW_QUALITY,
            most_bytes=MAX_FRAME_BYTES,
            masks=masks,
        ),
    )


def _refuses_a_second(source: StreamSource) -> bool:
    try:
        open_stream(source, timeout_s=SECOND_SESSION_S).close()
    except CaptureError:
        return True
    return False
