"""Why a stream could not be opened or went on no longer: libav's errors as wire codes."""

import errno
import socket

import av

from .errors import CaptureError
from .protocol.vocabulary import ErrorCode
from .source import StreamSource

_TLS_SCHEMES = frozenset({"rtsps", "https"})

_REDIRECTED = frozenset({"http", "https", "rtsp", "rtsps"})
"""Schemes whose servers may name another address."""

_TIMEOUT_SHARE = 0.8
"""libav reports a server that never answers as invalid data after the timeout; this near to it, it was one."""

_BY_TYPE: tuple[tuple[type[BaseException], ErrorCode], ...] = (
    (av.error.HTTPUnauthorizedError, ErrorCode.UNAUTHORIZED),
    (av.error.HTTPForbiddenError, ErrorCode.UNAUTHORIZED),
    (av.error.HTTPNotFoundError, ErrorCode.NOT_FOUND),
    (av.error.HTTPError, ErrorCode.REFUSED),
    (av.error.HTTPClientError, ErrorCode.REFUSED),
    (av.error.ProtocolNotFoundError, ErrorCode.SCHEME_NOT_ALLOWED),
    (av.error.DecoderNotFoundError, ErrorCode.CODEC_UNSUPPORTED),
    (av.error.PatchWelcomeError, ErrorCode.CODEC_UNSUPPORTED),
    (av.error.EOFError, ErrorCode.STREAM_ENDED),
    (ConnectionRefusedError, ErrorCode.REFUSED),
    (ConnectionError, ErrorCode.STREAM_ENDED),
    (TimeoutError, ErrorCode.TIMEOUT),
    (av.error.ExitError, ErrorCode.TIMEOUT),
    (FileNotFoundError, ErrorCode.NOT_FOUND),
)

_AWAY = frozenset(
    {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL}
)


def classify(
    error: BaseException, source: StreamSource, *, elapsed_s: float, timeout_s: float
) -> CaptureError:
    """Return the error as one with a wire code; ``elapsed_s`` is how long the failed call took."""
    if isinstance(error, CaptureError):
        return error
    for kind, code in _BY_TYPE:
        if isinstance(error, kind):
            return CaptureError(code)
    if isinstance(error, av.error.ArgumentError) and source.scheme in _REDIRECTED:
        # All that libav says of a redirect out of the schemes it may follow.
        return CaptureError(ErrorCode.SCHEME_NOT_ALLOWED)
    if elapsed_s >= timeout_s * _TIMEOUT_SHARE:
        return CaptureError(ErrorCode.TIMEOUT)
    if isinstance(error, av.error.InvalidDataError):
        return CaptureError(ErrorCode.NOT_A_VIDEO)
    if isinstance(error, OSError) and error.errno in _AWAY:
        return CaptureError(ErrorCode.UNREACHABLE)
    if isinstance(error, OSError) and error.errno == errno.EIO:
        return CaptureError(_input_output(source))
    return CaptureError(ErrorCode.INTERNAL, kind=type(error).__name__)


def _input_output(source: StreamSource) -> ErrorCode:
    # libav says the same EIO for a name that does not resolve and for a handshake that fails.
    if source.scheme not in _TLS_SCHEMES:
        return ErrorCode.UNREACHABLE
    try:
        socket.getaddrinfo(source.host, None)
    except OSError:
        return ErrorCode.UNREACHABLE
    return ErrorCode.TLS
