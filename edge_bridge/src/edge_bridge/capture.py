"""A camera's stream as pictures.

A thread per camera reads and decodes. It tries again for ever, on its own: what happens to one camera never
reaches another. Only the reader closes its container, because libav offers no way to interrupt a blocked read;
a stopped reader therefore ends by itself, at the latest with the timeout of its read.
"""

from dataclasses import dataclass
import logging
import threading
import time
from typing import Protocol

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from .errors import CaptureError
from .pace import Pace
from .protocol import ErrorCode, StreamState, WireError
from .source import StreamSource
from .stream import READ_TIMEOUT_S, decoder_of, open_stream
from .stream_failure import classify

_LOGGER = logging.getLogger(__name__)

RETRY_FIRST_S = 0.5
RETRY_MOST_S = 30.0
"""A camera that was off for a night is back within half a minute, and a wrong password is not a flood."""
GOOD_S = 10.0
"""A stream that gave pictures for so long works: its next failure starts with the first delay again."""
BROKEN_PACKETS = 12
BROKEN_S = 1.0
"""So many undecodable packets in a row over so long are not damage on the way but another codec."""
FIRST_PICTURE_S = 30.0
"""Longer than the key-frame interval of any camera seen; packets without a picture until then are not understood."""

UNTIMED_SCHEMES = frozenset({"http", "https"})
"""What comes by them comes in bursts, or counts its pictures instead of telling their time: no pace to be held to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One decoded picture."""

    frame: VideoFrame
    captured_us: int
    """Monotonic clock when the packet that completes the picture arrived."""
    key: bool
    doubtful: bool
    """Data was lost before it and no key frame has come since."""
    decode_us: int


class Sink(Protocol):
    """Who takes a camera's pictures and states; every method runs on the reader's thread."""

    def picture(self, picture: Picture) -> None:
        """Take one picture."""

    def state_changed(self, state: StreamState, error: WireError | None) -> None:
        """Take a change of the stream's state."""


def monotonic_us() -> int:
    """Return the bridge's clock in µs."""
    return time.monotonic_ns() // 1000


class Capture:
    """One camera's reader; ``start`` and ``stop`` belong to the event loop, the sink to the reader's thread."""

    def __init__(self, camera: str, source: StreamSource, sink: Sink) -> None:
        """Prepare the reader of one camera; nothing is opened yet."""
        self._camera = camera
        self._source = source
        self._sink = sink
        self._stopped = threading.Event()
        # A daemon: a read that blocks must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=f"capture {camera}", daemon=True)

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def stop(self) -> None:
        """Have the reader end by itself, without waiting for it; the sink hears nothing more."""
        self._stopped.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the reader's end; return whether it came in time."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        retry_s = RETRY_FIRST_S
        self._tell(StreamState.CONNECTING, None)
        last_code: ErrorCode | None = None
        while not self._stopped.is_set():
            reader = _Reader(self._camera, self._source, self._sink, self._stopped)
            try:
                error = reader.read()
            except Exception:
                # A mistake of our own must not end the camera: it shows as its state, and the next try may do.
                _LOGGER.exception("Camera %s: an unexpected error", self._camera)
                error = CaptureError(ErrorCode.INTERNAL)
            if self._stopped.is_set():
                return
            if reader.good_for_s >= GOOD_S:
                retry_s = RETRY_FIRST_S
            # The first of a kind is news, its repetitions are not.
            news = reader.streamed or error.error.code is not last_code
            _LOGGER.log(
                logging.WARNING if news else logging.DEBUG,
                "Camera %s: %s; next try in %.1f s",
                self._camera,
                error,
                retry_s,
            )
            last_code = error.error.code
            self._tell(StreamState.FAILED, error.error)
            self._stopped.wait(retry_s)
            retry_s = min(retry_s * 2, RETRY_MOST_S)
            # What failed holds on to its decoder by the frames of its traceback.
            del error, reader

    def _tell(self, state: StreamState, error: WireError | None) -> None:
        if not self._stopped.is_set():
            self._sink.state_changed(state, error)


class _Reader:
    """One session with a camera, from open to close, on the reader's thread."""

    def __init__(
        self, camera: str, source: StreamSource, sink: Sink, stopped: threading.Event
    ) -> None:
        self._camera = camera
        self._source = source
        self._sink = sink
        self._stopped = stopped
        self._pace = Pace()
        self._timed = source.scheme not in UNTIMED_SCHEMES
        self._skips = 0
        self._doubtful = False
        self._failed_packets = 0
        self._opened = self._last_picture = time.monotonic()
        self.streamed = False
        self.good_for_s = 0.0

    def read(self) -> CaptureError:
        """Read until the stream fails or ends; return why."""
        try:
            container = open_stream(self._source)
        except CaptureError as error:
            return error
        waiting = time.monotonic()
        try:
            stream = container.streams.video[0]
            decoder = decoder_of(stream)
            for packet in container.demux(stream):
                if self._stopped.is_set():
                    break
                waiting = time.monotonic()
                if packet.size and not self._skip(packet, decoder):
                    self._decode(packet, decoder)
        except CaptureError as error:
            return error
        except (av.FFmpegError, OSError, ValueError) as error:
            return classify(
                error, self._source, elapsed_s=time.monotonic() - waiting, timeout_s=READ_TIMEOUT_S
            )
        finally:
            container.close()
        return CaptureError(ErrorCode.STREAM_ENDED)

    def _skip(self, packet: av.Packet[VideoStream], decoder: VideoCodecContext) -> bool:
        """Return whether the packet is given up because newer ones wait behind it."""
        ticks = packet.pts if packet.dts is None else packet.dts
        if not self._timed or ticks is None or packet.time_base is None:
            return False
        skipped = self._pace.skipping
        now = time.monotonic()
        key = packet.is_keyframe
        if self._pace.skips(float(ticks * packet.time_base), now, key=key):
            if not skipped:
                self._tell_skip()
            self._last_picture = now
            return True
        if skipped:
            # What the decoder still refers to is of before the gap.
            decoder.flush_buffers()
            self._doubtful = not key
        return False

    def _tell_skip(self) -> None:
        _LOGGER.log(
            logging.DEBUG if self._skips else logging.WARNING,
            "Camera %s: decoding falls behind the stream; going on at a later key frame",
            self._camera,
        )
        self._skips += 1

    def _decode(self, packet: av.Packet[VideoStream], decoder: VideoCodecContext) -> None:
        arrived_ns = time.monotonic_ns()
        try:
            frames = decoder.decode(packet)
        except av.error.InvalidDataError, av.error.PatchWelcomeError, av.error.UnknownError:
            self._doubtful = True
            self._failed_packets += 1
            frames = []
        decode_us = (time.monotonic_ns() - arrived_ns) // 1000
        for frame in frames:
            self._show(frame, packet, arrived_ns // 1000, decode_us)
        if not frames:
            self._judge_silence()

    def _show(
        self, frame: VideoFrame, packet: av.Packet[VideoStream], captured_us: int, decode_us: int
    ) -> None:
        if not self.streamed:
            self.streamed = True
            self._opened = time.monotonic()
            self._sink.state_changed(StreamState.STREAMING, None)
        key = bool(frame.key_frame or packet.is_keyframe)
        if frame.is_corrupt:
            self._doubtful = True
        elif key:
            self._doubtful = False
        self._failed_packets = 0
        self._last_picture = time.monotonic()
        self.good_for_s = self._last_picture - self._opened
        self._sink.picture(
            Picture(
                frame=frame,
                captured_us=captured_us,
                key=key,
                doubtful=self._doubtful,
                decode_us=decode_us,
            )
        )

    def _judge_silence(self) -> None:
        silent_s = time.monotonic() - self._last_picture
        if self.streamed and self._failed_packets >= BROKEN_PACKETS and silent_s >= BROKEN_S:
            raise CaptureError(ErrorCode.CODEC_CHANGED)
        if self.streamed and silent_s >= READ_TIMEOUT_S:
            raise CaptureError(ErrorCode.CODEC_CHANGED)
        if silent_s >= FIRST_PICTURE_S:
            raise CaptureError(ErrorCode.CODEC_UNSUPPORTED)
