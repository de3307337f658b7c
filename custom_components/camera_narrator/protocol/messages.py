"""The text messages, how one is read, and the version that two sides agree on."""

from collections.abc import Mapping
from dataclasses import dataclass
import json
from typing import Any, ClassVar

from .area import POLYGONS, Detection, Polygon, Region, detections
from .camera import CameraConfig, CameraError, CameraHello, CameraStatus, Received
from .checks import (
    CLOCK_US,
    COUNT,
    ID,
    KEY,
    NAME,
    RATE,
    boolean,
    integer,
    list_of,
    one_of,
    optional,
    real,
    record,
    text,
)
from .frame import Frame
from .limits import (
    MAX_CAMERAS,
    MAX_FRAME_BYTES,
    MAX_REGIONS,
    MAX_TEXT_BYTES,
    PROTOCOL_MAX,
    PROTOCOL_MIN,
    URL_MAX,
    WINDOW_FRAMES,
)
from .record import Message, ProtocolError, Record, Unknown, printable, wire
from .vocabulary import Capability, Transport
from .wire_error import WireError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits(Record):
    """What Home Assistant accepts on this connection."""

    max_frame_bytes: int = wire(integer(1024, MAX_FRAME_BYTES), default=MAX_FRAME_BYTES)
    window_frames: int = wire(integer(1, 4096), default=WINDOW_FRAMES)


def _capabilities(value: Any, name: str) -> tuple[Capability, ...]:
    texts = list_of(text(32, 1), 32)(value, name)
    return tuple(Capability(text) for text in texts if text in Capability)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello(Message):
    """The bridge's first message."""

    type: ClassVar[str] = "hello"
    protocol_min: int = wire(integer(1, 1000))
    protocol_max: int = wire(integer(1, 1000))
    version: str = wire(NAME)
    bridge: str = wire(ID)
    epoch: str = wire(ID)
    name: str = wire(NAME, default="")
    capabilities: tuple[Capability, ...] = wire(_capabilities, default=())
    clock_us: int = wire(CLOCK_US)
    cameras: tuple[CameraHello, ...] = wire(list_of(record(CameraHello), MAX_CAMERAS), default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome(Message):
    """Home Assistant's answer to a hello it accepts."""

    type: ClassVar[str] = "welcome"
    protocol: int = wire(integer(1, 1000))
    run_id: str = wire(ID)
    limits: Limits = wire(record(Limits), default=Limits())
    mqtt_prefix: str = wire(text(128), default="")
    revision: int = wire(COUNT)
    cameras: tuple[CameraConfig, ...] = wire(list_of(record(CameraConfig), MAX_CAMERAS), default=())
    received: tuple[Received, ...] = wire(list_of(record(Received), MAX_CAMERAS), default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse(Message):
    """Home Assistant's last word: why, and whether another try makes sense."""

    type: ClassVar[str] = "refuse"
    error: WireError = wire(record(WireError))
    retry: bool = wire(boolean, default=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configure(Message):
    """The complete list of cameras this bridge shall capture from now on."""

    type: ClassVar[str] = "configure"
    revision: int = wire(COUNT)
    cameras: tuple[CameraConfig, ...] = wire(list_of(record(CameraConfig), MAX_CAMERAS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured(Message):
    """The bridge has taken a configuration over."""

    type: ClassVar[str] = "configured"
    revision: int = wire(COUNT)
    errors: tuple[CameraError, ...] = wire(list_of(record(CameraError), MAX_CAMERAS), default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe(Message):
    """Try a camera's address; ``id`` comes back in the answer and as the sequence of the preview."""

    type: ClassVar[str] = "probe"
    id: int = wire(integer(1, 2**32 - 1))
    url: str = wire(text(URL_MAX, 1))
    username: str = wire(text(256), default="")
    password: str = wire(text(256), default="", shown=False)
    transport: Transport = wire(one_of(Transport, Transport.TCP), default=Transport.TCP)
    masks: tuple[Polygon, ...] = wire(POLYGONS, default=())
    """Painted over in the preview too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed(Message):
    """What a probe found: ``error``, or the rest. A preview, if any, was sent before this message."""

    type: ClassVar[str] = "probed"
    id: int = wire(integer(1, 2**32 - 1))
    error: WireError | None = wire(optional(record(WireError)), default=None)
    codec: str = wire(NAME, default="")
    width: int = wire(integer(0, 2**16 - 1), default=0)
    height: int = wire(integer(0, 2**16 - 1), default=0)
    fps: float = wire(RATE, default=0.0)
    key_interval_s: float | None = wire(optional(real(0, 1e6)), default=None)
    """Seconds between key frames, or None where the probe saw only one."""
    audio: bool = wire(boolean, default=False)
    first_frame_ms: float = wire(real(0, 1e6), default=0.0)
    one_session: bool = wire(boolean, default=False)
    """The camera refused a second session while the first was open."""
    sub_stream: bool = wire(boolean, default=False)
    """The picture is so large that the camera's sub stream is the better choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity(Message):
    """The bridge's verdict on one camera: a state, not an edge, repeated every 2 s while active."""

    type: ClassVar[str] = "activity"
    camera: str = wire(KEY)
    active: bool = wire(boolean)
    since_us: int = wire(CLOCK_US)
    score: float = wire(real(0, 1), default=0.0)
    regions: tuple[Region, ...] = wire(list_of(record(Region), MAX_REGIONS), default=())
    labels: tuple[Detection, ...] = wire(detections, default=())
    """What the bridge's detector sees of it; always empty without one."""
    revision: int = wire(COUNT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack(Message):
    """What has arrived, so that the bridge may trim its ring and send on."""

    type: ClassVar[str] = "ack"
    cameras: tuple[Received, ...] = wire(list_of(record(Received), MAX_CAMERAS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch(Message):
    """Someone looks: send this camera at least this often for some seconds."""

    type: ClassVar[str] = "watch"
    camera: str = wire(KEY)
    rate_fps: float = wire(real(0.1, 10))
    seconds: float = wire(real(0, 3600))


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Message):
    """The bridge's own state; sent every 10 s, on a change of any camera's state and before a clean end."""

    type: ClassVar[str] = "status"
    cameras: tuple[CameraStatus, ...] = wire(list_of(record(CameraStatus), MAX_CAMERAS), default=())
    cpu_percent: float = wire(real(0, 1e5), default=0.0)
    memory_bytes: int = wire(COUNT, default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping(Message):
    """Ask for the peer's clock; either side may."""

    type: ClassVar[str] = "ping"
    id: int = wire(COUNT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pong(Message):
    """The answer to a ping, with the answering side's monotonic clock in µs."""

    type: ClassVar[str] = "pong"
    id: int = wire(COUNT)
    clock_us: int = wire(CLOCK_US)


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
    return Unknown(type=printable(kind)) if known is None else known.read(value, kind)


def negotiate(hello: Hello) -> int | None:
    """Return the highest version both sides speak, or None."""
    version = min(hello.protocol_max, PROTOCOL_MAX)
    return version if version >= max(hello.protocol_min, PROTOCOL_MIN) else None
