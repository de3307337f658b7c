"""Opening a stream: what is asked of libav. The only file that does."""

import time

import av
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
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


def decoder_of(stream: VideoStream) -> VideoCodecContext:
    """Return a decoder for a stream that works in the calling thread without delay; raise CaptureError.

    Not the stream's own: that one and its container hold each other, so after each end its megabytes would wait for the
    garbage collector, which a program that makes as little garbage as this one seldom runs.
    """
    context = stream.codec_context
    if context is None:
        raise CaptureError(ErrorCode.CODEC_UNSUPPORTED)
    decoder = av.CodecContext.create(context.name, "r")
    if not isinstance(decoder, VideoCodecContext):
        raise CaptureError(ErrorCode.CODEC_UNSUPPORTED)
    decoder.extradata = context.extradata
    decoder.thread_type = "NONE"
    decoder.thread_count = 1
    decoder.flags |= LOW_DELAY
    return decoder


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
