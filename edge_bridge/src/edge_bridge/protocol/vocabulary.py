"""The closed lists of words that travel."""

from enum import IntFlag, StrEnum


class ErrorCode(StrEnum):
    """The closed list of codes that travel on the wire."""

    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not_found"
    NO_VIDEO = "no_video"
    NOT_A_VIDEO = "not_a_video"
    CODEC_UNSUPPORTED = "codec_unsupported"
    TLS = "tls"
    SCHEME_NOT_ALLOWED = "scheme_not_allowed"
    STREAM_ENDED = "stream_ended"
    CODEC_CHANGED = "codec_changed"
    PROTOCOL_UNSUPPORTED = "protocol_unsupported"
    MALFORMED = "malformed"
    OVER_LIMIT = "over_limit"
    REPLACED = "replaced"
    REVOKED = "revoked"
    WITHDRAWN = "withdrawn"
    IN_USE = "in_use"
    INTERNAL = "internal"


class Capability(StrEnum):
    """What a bridge can do; an unknown capability of a newer bridge is ignored."""

    PROBE = "probe"
    ACTIVITY = "activity"
    BINARY = "binary"
    BASE64 = "base64"
    MASKS = "masks"
    """Burns masks into its pictures; a camera that has some is given to no bridge without it."""
    LABELS = "labels"
    """Names what moves, by a detector of its own."""


class Label(StrEnum):
    """What a detector recognises."""

    PERSON = "person"
    VEHICLE = "vehicle"
    ANIMAL = "animal"
    PACKAGE = "package"


class Source(StrEnum):
    """Where a camera's pictures come from."""

    RTSP = "rtsp"
    PUSHED = "pushed"


class Transport(StrEnum):
    """How RTP travels from the camera to the bridge."""

    TCP = "tcp"
    UDP = "udp"


class StreamState(StrEnum):
    """What the bridge's capture of a camera is doing."""

    CONNECTING = "connecting"
    STREAMING = "streaming"
    FAILED = "failed"


class DecodeMode(StrEnum):
    """Which of a camera's pictures its bridge decodes."""

    KEYS = "keys"
    CONTINUOUS = "continuous"


class PacingReason(StrEnum):
    """Why a bridge sends less of a camera than it was asked to."""

    NONE = "none"
    ACKNOWLEDGEMENTS = "acknowledgements"
    """They lag behind what was sent."""
    SEND_BUFFER = "send_buffer"
    """The link takes less than is offered."""


class FrameFlag(IntFlag):
    """The flags of a frame's header."""

    KEY = 1
    REPLAY = 2
    ACTIVE = 4
    DOUBTFUL = 8
    PREROLL = 16
