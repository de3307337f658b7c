"""The wire messages between a bridge and Home Assistant, version 1.

This file exists twice, byte for byte: in the integration (the canonical copy) and in the bridge. The two are
installed on different days, so what keeps them together is the negotiated version and the golden vectors, not
the import. Standard library only.

Text frames are JSON objects tagged by ``type``; binary frames are a 22-byte header and a JPEG:

    kind 1 | flags 1 | camera 2 | sequence 4 | captured_us 8 | width 2 | height 2 | activity 1 | novelty 1

Everything malformed raises :exc:`ProtocolError`, which names the field. Unknown keys are ignored, unknown types
are returned as :class:`Unknown`, and every length has a limit.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from enum import IntFlag, StrEnum
import json
import struct
from types import MappingProxyType
from typing import Any, ClassVar, Self

PROTOCOL_MIN = 1
PROTOCOL_MAX = 1
PATH = "/api/camera_narrator/bridge"

MAX_TEXT_BYTES = 2 * 2**20
"""A text message: 256 cameras of configuration, or one frame of MAX_FRAME_BYTES as base64, with room."""
MAX_FRAME_BYTES = 2**20
"""One JPEG; a noisy 1280x720 picture at quality 95 is about 0.25 MB."""
MAX_CAMERAS = 256
"""Cameras of one bridge; a small box decodes the key frames of fewer."""
MAX_REGIONS = 16
"""Moving regions of one activity state; more of them is noise."""
WINDOW_FRAMES = 64
"""Frames a bridge may have unacknowledged on the wire: 3 s of 12 cameras at the onset rate of 2 a second."""
MAX_DETECTIONS = 16
"""Named things of one activity state; a street holds fewer that matter."""
MAX_POLYGONS = 16
"""Areas of one kind of one camera."""
MAX_CORNERS = 32
"""Of one area; more of them no one types."""
PRINTABLE_MAX = 64
"""Characters of a name or of a text parameter of an error."""
URL_MAX = 2048

HEADER = struct.Struct(">BBHIQHHBB")
KIND_FRAME = 1
KIND_PREVIEW = 2


class ProtocolError(ValueError):
    """A message is malformed; ``field`` names what is wrong, without quoting the peer's bytes."""

    def __init__(self, field_name: str, problem: str) -> None:
        """Name the field and the problem."""
        super().__init__(f"{field_name}: {problem}")
        self.field = field_name


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


# -- checks: each takes a decoded JSON value and a field name, and returns the value or raises ProtocolError ----

type Check = Callable[[Any, str], Any]


def _integer(low: int, high: int) -> Check:
    def check(value: Any, name: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ProtocolError(name, f"not a whole number between {low} and {high}")
        return value

    return check


def _number(low: float, high: float) -> Check:
    def check(value: Any, name: str) -> float:
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not low <= value <= high
        ):
            raise ProtocolError(name, f"not a number between {low} and {high}")
        return float(value)

    return check


def _boolean(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise ProtocolError(name, "neither true nor false")
    return value


def _text(most: int, least: int = 0) -> Check:
    def check(value: Any, name: str) -> str:
        if not isinstance(value, str) or not least <= len(value) <= most or not value.isprintable():
            raise ProtocolError(name, f"not a printable text of {least} to {most} characters")
        return value

    return check


def _one_of[E: StrEnum](kind: type[E], unknown: E | None = None) -> Check:
    def check(value: Any, name: str) -> E:
        if isinstance(value, str) and value in kind:
            return kind(value)
        if unknown is None or not isinstance(value, str):
            raise ProtocolError(name, "not one of the known values")
        return unknown

    return check


def _list_of(item: Check, most: int) -> Check:
    def check(value: Any, name: str) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or len(value) > most:
            raise ProtocolError(name, f"not a list of at most {most}")
        return tuple(item(entry, f"{name}[{index}]") for index, entry in enumerate(value))

    return check


def _capabilities(value: Any, name: str) -> tuple[Capability, ...]:
    texts = _list_of(_text(32, 1), 32)(value, name)
    return tuple(Capability(text) for text in texts if text in Capability)


def _params(value: Any, name: str) -> dict[str, int | float | str]:
    if not isinstance(value, Mapping) or len(value) > 8:
        raise ProtocolError(name, "not an object of at most 8 parameters")
    checked: dict[str, int | float | str] = {}
    for key, entry in value.items():
        _text(32, 1)(key, name)
        if isinstance(entry, str):
            checked[key] = _text(PRINTABLE_MAX)(entry, f"{name}.{key}")
        else:
            checked[key] = _number(-1e15, 1e15)(entry, f"{name}.{key}")
    return checked


def _polygon(value: Any, name: str) -> tuple[tuple[float, float], ...]:
    """Check the corners of an area, each as fractions of the picture's width and height."""
    coordinate = _number(0, 1)
    if not isinstance(value, list | tuple) or not 3 <= len(value) <= MAX_CORNERS:
        raise ProtocolError(name, f"not a list of 3 to {MAX_CORNERS} corners")
    corners: list[tuple[float, float]] = []
    for corner in value:
        if not isinstance(corner, list | tuple) or len(corner) != 2:
            raise ProtocolError(name, "a corner is not two numbers")
        corners.append((coordinate(corner[0], name), coordinate(corner[1], name)))
    return tuple(corners)


def _optional(inner: Check) -> Check:
    return lambda value, name: None if value is None else inner(value, name)


def _record[R: Record](kind: type[R]) -> Check:
    def check(value: Any, name: str) -> R:
        return kind.read(value, name)

    return check


def _wire(check: Check, *, default: Any = MISSING) -> Any:
    if default is MISSING:
        return field(metadata={"check": check})
    return field(default=default, metadata={"check": check})


_COUNT = _integer(0, 2**48)
_SEQUENCE = _integer(0, 2**32 - 1)
_CLOCK_US = _integer(0, 2**63)
_KEY = _text(PRINTABLE_MAX, 1)
_ID = _text(PRINTABLE_MAX, 1)
_NAME = _text(PRINTABLE_MAX)
_RATE = _number(0, 1000)


_POLYGONS = _list_of(_polygon, MAX_POLYGONS)

type Polygon = tuple[tuple[float, float], ...]
"""Corners (x, y) as fractions of the picture's width and height from the upper left; it closes by itself."""


class Record:
    """A JSON object whose dataclass fields each carry their check."""

    __slots__ = ()

    @classmethod
    def read(cls, value: Any, name: str = "message") -> Self:
        """Build the record from decoded JSON; raise ProtocolError naming the first bad field."""
        if not isinstance(value, Mapping):
            raise ProtocolError(name, "not an object")
        given: dict[str, Any] = {}
        for part in _fields(cls):
            if part.name in value:
                given[part.name] = part.metadata["check"](value[part.name], f"{name}.{part.name}")
            elif part.default is MISSING:
                raise ProtocolError(f"{name}.{part.name}", "missing")
        return cls(**given)

    def written(self) -> dict[str, Any]:
        """Return the record as what json.dumps takes."""
        return {part.name: _plain(getattr(self, part.name)) for part in _fields(type(self))}


def _fields(kind: type[Record]) -> tuple[Field[Any], ...]:
    return fields(kind)  # type: ignore[arg-type]  # every Record is a dataclass


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.written()
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, Mapping):
        return dict(value)
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class WireError(Record):
    """An error as a code and its parameters; a code that this version does not know reads as ``internal``."""

    code: ErrorCode = _wire(_one_of(ErrorCode, ErrorCode.INTERNAL))
    params: Mapping[str, int | float | str] = _wire(_params, default=MappingProxyType({}))

    @classmethod
    def of(cls, code: ErrorCode, **params: float | str) -> Self:
        """Build an error; text parameters are cut to what the wire allows."""
        return cls(
            code=code,
            params={
                key: _printable(entry) if isinstance(entry, str) else entry
                for key, entry in params.items()
            },
        )


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)[:PRINTABLE_MAX]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters(Record):
    """A bridge's cumulative counts of one camera in one epoch, and how many frames wait unacknowledged."""

    sampled: int = _wire(_COUNT)
    replaced: int = _wire(_COUNT, default=0)
    overflowed: int = _wire(_COUNT, default=0)
    withdrawn: int = _wire(_COUNT, default=0)
    unacknowledged: int = _wire(_COUNT, default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Region(Record):
    """A moving part of the picture, as fractions of its width and height from the upper left corner."""

    x: float = _wire(_number(0, 1))
    y: float = _wire(_number(0, 1))
    width: float = _wire(_number(0, 1))
    height: float = _wire(_number(0, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection(Record):
    """One thing that a detector named, and where."""

    label: Label = _wire(_one_of(Label))
    score: float = _wire(_number(0, 1))
    box: Region = _wire(_record(Region))


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraHello(Record):
    """What a bridge knows of one camera of this epoch when it connects."""

    camera: str = _wire(_KEY)
    counters: Counters = _wire(_record(Counters))
    active: bool = _wire(_boolean, default=False)
    acknowledged: int = _wire(_COUNT, default=0)
    """Frames of this epoch acknowledged so far, by whatever run."""
    settled: int = _wire(_COUNT, default=0)
    """``Received.settled`` as last told."""
    run_id: str = _wire(_NAME, default="")
    """The run of Home Assistant that ``acknowledged`` and ``settled`` belong to; empty before the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received(Record):
    """What Home Assistant has received of one camera of the bridge's epoch: sequences 0 mean none."""

    camera: str = _wire(_KEY)
    live: int = _wire(_SEQUENCE, default=0)
    replay: int = _wire(_SEQUENCE, default=0)
    settled: int = _wire(_COUNT, default=0)
    """Frames of this epoch with an outcome; those that earlier runs settled or lost are included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraConfig(Record):
    """The capture settings of one camera."""

    number: int = _wire(_integer(1, 2**16 - 1))
    camera: str = _wire(_KEY)
    source: Source = _wire(_one_of(Source))
    url: str = _wire(_text(URL_MAX), default="")
    username: str = _wire(_text(256), default="")
    password: str = field(default="", repr=False, metadata={"check": _text(256)})
    transport: Transport = _wire(_one_of(Transport, Transport.TCP), default=Transport.TCP)
    rate_fps: float = _wire(_number(0.1, 10), default=1.0)
    quiet_interval_s: float = _wire(_number(0.1, 3600), default=10.0)
    height_px: int = _wire(_integer(120, 2160), default=480)
    quality: int = _wire(_integer(30, 95), default=70)
    masks: tuple[Polygon, ...] = _wire(_POLYGONS, default=())
    """What must never leave the bridge: painted over before a picture is encoded."""
    zones: tuple[Polygon, ...] = _wire(_POLYGONS, default=())
    """Where activity counts; everywhere if there are none."""
    ignored: tuple[Polygon, ...] = _wire(_POLYGONS, default=())
    """Where activity does not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraStatus(Record):
    """How one camera fares: rates are those since the last status."""

    camera: str = _wire(_KEY)
    state: StreamState = _wire(_one_of(StreamState, StreamState.CONNECTING))
    error: WireError | None = _wire(_optional(_record(WireError)), default=None)
    source_fps: float = _wire(_RATE, default=0.0)
    sent_fps: float = _wire(_RATE, default=0.0)
    bytes_per_s: float = _wire(_number(0, 1e10), default=0.0)
    decode_ms: float = _wire(_number(0, 1e6), default=0.0)
    key_interval_s: float | None = _wire(_optional(_number(0, 1e6)), default=None)
    codec: str = _wire(_NAME, default="")
    width: int = _wire(_integer(0, 2**16 - 1), default=0)
    height: int = _wire(_integer(0, 2**16 - 1), default=0)
    mode: DecodeMode = _wire(_one_of(DecodeMode, DecodeMode.KEYS), default=DecodeMode.KEYS)
    cpu_ms_per_s: float = _wire(_number(0, 1e6), default=0.0)
    """Processor time per second that reading, decoding and encoding this camera take."""
    age_ms: float | None = _wire(_optional(_number(0, 1e9)), default=None)
    """From capture to the socket, of the last live frame."""
    skipped: int = _wire(_COUNT, default=0)
    """Pictures that were due to be decoded and gave way, since the bridge started."""
    pacing_step: int = _wire(_integer(0, 100), default=0)
    """How far rate, size and quality are turned down; 0 is what was asked for."""
    pacing_reason: PacingReason = _wire(
        _one_of(PacingReason, PacingReason.NONE), default=PacingReason.NONE
    )
    counters: Counters = _wire(_record(Counters), default=Counters(sampled=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits(Record):
    """What Home Assistant accepts on this connection."""

    max_frame_bytes: int = _wire(_integer(1024, MAX_FRAME_BYTES), default=MAX_FRAME_BYTES)
    window_frames: int = _wire(_integer(1, 4096), default=WINDOW_FRAMES)


def _detections(value: Any, name: str) -> tuple[Detection, ...]:
    """Check what a detector named; labels of a newer bridge are passed over."""
    known = value
    if isinstance(value, list | tuple):
        known = [
            entry
            for entry in value
            if not (
                isinstance(entry, Mapping)
                and isinstance(label := entry.get("label"), str)
                and label not in Label
            )
        ]
    checked: tuple[Detection, ...] = _list_of(_record(Detection), MAX_DETECTIONS)(known, name)
    return checked


class Message(Record):
    """A text message; ``type`` is its tag on the wire."""

    __slots__ = ()
    type: ClassVar[str]

    def dumps(self) -> str:
        """Return the message as its JSON text."""
        return json.dumps({"type": self.type, **self.written()}, separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello(Message):
    """The bridge's first message."""

    type: ClassVar[str] = "hello"
    protocol_min: int = _wire(_integer(1, 1000))
    protocol_max: int = _wire(_integer(1, 1000))
    version: str = _wire(_NAME)
    bridge: str = _wire(_ID)
    epoch: str = _wire(_ID)
    name: str = _wire(_NAME, default="")
    capabilities: tuple[Capability, ...] = _wire(_capabilities, default=())
    clock_us: int = _wire(_CLOCK_US)
    cameras: tuple[CameraHello, ...] = _wire(
        _list_of(_record(CameraHello), MAX_CAMERAS), default=()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome(Message):
    """Home Assistant's answer to a hello it accepts."""

    type: ClassVar[str] = "welcome"
    protocol: int = _wire(_integer(1, 1000))
    run_id: str = _wire(_ID)
    limits: Limits = _wire(_record(Limits), default=Limits())
    mqtt_prefix: str = _wire(_text(128), default="")
    revision: int = _wire(_COUNT)
    cameras: tuple[CameraConfig, ...] = _wire(
        _list_of(_record(CameraConfig), MAX_CAMERAS), default=()
    )
    received: tuple[Received, ...] = _wire(_list_of(_record(Received), MAX_CAMERAS), default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse(Message):
    """Home Assistant's last word: why, and whether another try makes sense."""

    type: ClassVar[str] = "refuse"
    error: WireError = _wire(_record(WireError))
    retry: bool = _wire(_boolean, default=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configure(Message):
    """The complete list of cameras this bridge shall capture from now on."""

    type: ClassVar[str] = "configure"
    revision: int = _wire(_COUNT)
    cameras: tuple[CameraConfig, ...] = _wire(_list_of(_record(CameraConfig), MAX_CAMERAS))


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraError(Record):
    """Why a camera cannot be configured."""

    camera: str = _wire(_KEY)
    error: WireError = _wire(_record(WireError))


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured(Message):
    """The bridge has taken a configuration over."""

    type: ClassVar[str] = "configured"
    revision: int = _wire(_COUNT)
    errors: tuple[CameraError, ...] = _wire(_list_of(_record(CameraError), MAX_CAMERAS), default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe(Message):
    """Try a camera's address; ``id`` comes back in the answer and as the sequence of the preview."""

    type: ClassVar[str] = "probe"
    id: int = _wire(_integer(1, 2**32 - 1))
    url: str = _wire(_text(URL_MAX, 1))
    username: str = _wire(_text(256), default="")
    password: str = field(default="", repr=False, metadata={"check": _text(256)})
    transport: Transport = _wire(_one_of(Transport, Transport.TCP), default=Transport.TCP)
    masks: tuple[Polygon, ...] = _wire(_POLYGONS, default=())
    """Painted over in the preview too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed(Message):
    """What a probe found: ``error``, or the rest. A preview, if any, was sent before this message."""

    type: ClassVar[str] = "probed"
    id: int = _wire(_integer(1, 2**32 - 1))
    error: WireError | None = _wire(_optional(_record(WireError)), default=None)
    codec: str = _wire(_NAME, default="")
    width: int = _wire(_integer(0, 2**16 - 1), default=0)
    height: int = _wire(_integer(0, 2**16 - 1), default=0)
    fps: float = _wire(_RATE, default=0.0)
    key_interval_s: float | None = _wire(_optional(_number(0, 1e6)), default=None)
    """Seconds between key frames, or None where the probe saw only one."""
    audio: bool = _wire(_boolean, default=False)
    first_frame_ms: float = _wire(_number(0, 1e6), default=0.0)
    one_session: bool = _wire(_boolean, default=False)
    """The camera refused a second session while the first was open."""
    sub_stream: bool = _wire(_boolean, default=False)
    """The picture is so large that the camera's sub stream is the better choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity(Message):
    """The bridge's verdict on one camera: a state, not an edge, repeated every 2 s while active."""

    type: ClassVar[str] = "activity"
    camera: str = _wire(_KEY)
    active: bool = _wire(_boolean)
    since_us: int = _wire(_CLOCK_US)
    score: float = _wire(_number(0, 1), default=0.0)
    regions: tuple[Region, ...] = _wire(_list_of(_record(Region), MAX_REGIONS), default=())
    labels: tuple[Detection, ...] = _wire(_detections, default=())
    """What the bridge's detector sees of it; always empty without one."""
    revision: int = _wire(_COUNT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack(Message):
    """What has arrived, so that the bridge may trim its ring and send on."""

    type: ClassVar[str] = "ack"
    cameras: tuple[Received, ...] = _wire(_list_of(_record(Received), MAX_CAMERAS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch(Message):
    """Someone looks: send this camera at least this often for some seconds."""

    type: ClassVar[str] = "watch"
    camera: str = _wire(_KEY)
    rate_fps: float = _wire(_number(0.1, 10))
    seconds: float = _wire(_number(0, 3600))


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Message):
    """The bridge's own state; sent every 10 s, on a change of any camera's state and before a clean end."""

    type: ClassVar[str] = "status"
    cameras: tuple[CameraStatus, ...] = _wire(
        _list_of(_record(CameraStatus), MAX_CAMERAS), default=()
    )
    cpu_percent: float = _wire(_number(0, 1e5), default=0.0)
    memory_bytes: int = _wire(_COUNT, default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping(Message):
    """Ask for the peer's clock; either side may."""

    type: ClassVar[str] = "ping"
    id: int = _wire(_COUNT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pong(Message):
    """The answer to a ping, with the answering side's monotonic clock in µs."""

    type: ClassVar[str] = "pong"
    id: int = _wire(_COUNT)
    clock_us: int = _wire(_CLOCK_US)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame(Message):
    """One JPEG with its capture time; kind 2 is a probe's preview.

    ``captured_us`` is the bridge's monotonic clock when the packet that completes the picture arrived. ``activity``
    and ``novelty`` (against the frame sent before) are 0 to 255. The same message travels as binary or, for simple
    clients, as JSON with ``jpeg`` in base64.
    """

    type: ClassVar[str] = "frame"
    kind: int = _wire(_integer(KIND_FRAME, KIND_PREVIEW), default=KIND_FRAME)
    flags: FrameFlag = field(
        default=FrameFlag(0),
        metadata={"check": lambda v, n: FrameFlag(_integer(0, 255)(v, n) & 31)},
    )
    camera: int = _wire(_integer(0, 2**16 - 1))
    sequence: int = _wire(_SEQUENCE)
    captured_us: int = _wire(_CLOCK_US)
    width: int = _wire(_integer(0, 2**16 - 1), default=0)
    height: int = _wire(_integer(0, 2**16 - 1), default=0)
    activity: int = _wire(_integer(0, 255), default=0)
    novelty: int = _wire(_integer(0, 255), default=0)
    jpeg: bytes = field(repr=False, metadata={"check": lambda v, n: _jpeg(_base64(v, n), n)})

    def pack(self) -> bytes:
        """Return the frame as its binary message."""
        return (
            HEADER.pack(
                self.kind,
                self.flags,
                self.camera,
                self.sequence,
                self.captured_us,
                self.width,
                self.height,
                self.activity,
                self.novelty,
            )
            + self.jpeg
        )

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read a binary message; raise ProtocolError naming the field."""
        if len(data) < HEADER.size:
            raise ProtocolError("frame", f"shorter than its header of {HEADER.size} bytes")
        kind, flags, camera, sequence, captured_us, width, height, activity, novelty = (
            HEADER.unpack_from(data)
        )
        if kind not in (KIND_FRAME, KIND_PREVIEW):
            raise ProtocolError("frame.kind", "neither a frame nor a preview")
        return cls(
            kind=kind,
            flags=FrameFlag(flags & 31),
            camera=camera,
            sequence=sequence,
            captured_us=_CLOCK_US(captured_us, "frame.captured_us"),
            width=width,
            height=height,
            activity=activity,
            novelty=novelty,
            jpeg=_jpeg(data[HEADER.size :], "frame.jpeg"),
        )

    def written(self) -> dict[str, Any]:
        """Return the frame as what json.dumps takes, the picture in base64."""
        plain = {part.name: getattr(self, part.name) for part in _fields(type(self))}
        return {
            **plain,
            "flags": int(self.flags),
            "jpeg": base64.b64encode(self.jpeg).decode("ascii"),
        }


def _base64(value: Any, name: str) -> bytes:
    if not isinstance(value, str):
        raise ProtocolError(name, "not base64")
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ProtocolError(name, "not base64") from error


def _jpeg(data: bytes, name: str) -> bytes:
    if len(data) > MAX_FRAME_BYTES:
        raise ProtocolError(name, f"longer than {MAX_FRAME_BYTES} bytes")
    if not data.startswith(b"\xff\xd8") or not data.endswith(b"\xff\xd9"):
        raise ProtocolError(name, "not a whole JPEG")
    return data


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A message of a type that this version does not know: ignored and counted."""

    type: str


MESSAGES: Mapping[str, type[Message]] = {
    kind.type: kind
    for kind in (
        Hello,
        Welcome,
        Refuse,
        Configure,
        Configured,
        Probe,
        Probed,
        Activity,
        Ack,
        Watch,
        Status,
        Ping,
        Pong,
        Frame,
    )
}


def parse(data: str | bytes) -> Message | Unknown:
    """Read a text message; raise ProtocolError for what is not one."""
    if len(data) > MAX_TEXT_BYTES:
        raise ProtocolError("message", f"longer than {MAX_TEXT_BYTES} bytes")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("message", "not JSON") from error
    if not isinstance(value, dict) or not isinstance(kind := value.get("type"), str):
        raise ProtocolError("message.type", "missing")
    known = MESSAGES.get(kind)
    return Unknown(type=_printable(kind)) if known is None else known.read(value, kind)


def negotiate(hello: Hello) -> int | None:
    """Return the highest version both sides speak, or None."""
    version = min(hello.protocol_max, PROTOCOL_MAX)
    return version if version >= max(hello.protocol_min, PROTOCOL_MIN) else None
