"""Opening a stream: what is asked of libav. The only file that does."""

import time

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from .errors import CaptureError
from .protocol import ErrorCode
from .source import StreamSource
from .stream_failure import classify

# libav prints addresses with their passwords.
av.logging.set_level(None)

READ_TIMEOUT_S = 5.0
"""Silence after which a stream counts as gone: longer than the gap of a slow camera, short for a person waiting."""
TALK_TIMEOUTS = 2
"""So many times as long may a camera talk without a picture, or without letting itself be opened: libav's own timeout
begins anew with each byte, of a camera that only reports its clock as of a server that is none."""
RATE_MOST_FPS = 240.0
"""Streams that do not know their rate announce their clock's, 90000."""
LOW_DELAY = 1 << 19
"""AV_CODEC_FLAG_LOW_DELAY: a packet in, its picture out."""


def open_stream(
    source: StreamSource, *, audio: bool = False, timeout_s: float = READ_TIMEOUT_S
) -> InputContainer:
    """Open a stream; raise CaptureError. ``audio`` lists its audio streams too."""
    source.check()
    started = time.monotonic()
    try:
        container = av.open(
            source.full_url(),
            mode="r",
            options=_options(source, audio=audio, timeout_s=timeout_s),
            timeout=TALK_TIMEOUTS * timeout_s,
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


def video_of(container: InputContainer) -> VideoStream:
    """Return the first video stream, set to decode in the calling thread without delay."""
    stream = container.streams.video[0]
    context = stream.codec_context
    if context is None:
        raise CaptureError(ErrorCode.CODEC_UNSUPPORTED)
    context.thread_type = "NONE"
    context.thread_count = 1
    context.flags |= LOW_DELAY
    return stream


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
    }
