"""What the messages say of one camera: its settings, how it fares, and how far its frames have come."""

from dataclasses import dataclass

from .area import POLYGONS, Polygon
from .checks import (
    COUNT,
    KEY,
    NAME,
    RATE,
    SEQUENCE,
    boolean,
    integer,
    one_of,
    optional,
    real,
    record,
    text,
)
from .limits import URL_MAX
from .record import Record, wire
from .vocabulary import DecodeMode, PacingReason, Source, StreamState, Transport
from .wire_error import WireError


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters(Record):
    """A bridge's cumulative counts of one camera in one epoch, and how many frames wait unacknowledged."""

    sampled: int = wire(COUNT)
    replaced: int = wire(COUNT, default=0)
    overflowed: int = wire(COUNT, default=0)
    withdrawn: int = wire(COUNT, default=0)
    unacknowledged: int = wire(COUNT, default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraHello(Record):
    """What a bridge knows of one camera of this epoch when it connects."""

    camera: str = wire(KEY)
    counters: Counters = wire(record(Counters))
    active: bool = wire(boolean, default=False)
    acknowledged: int = wire(COUNT, default=0)
    """Frames of this epoch acknowledged so far, by whatever run."""
    settled: int = wire(COUNT, default=0)
    """``Received.settled`` as last told."""
    run_id: str = wire(NAME, default="")
    """The run of Home Assistant that ``acknowledged`` and ``settled`` belong to; empty before the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received(Record):
    """What Home Assistant has received of one camera of the bridge's epoch: sequences 0 mean none."""

    camera: str = wire(KEY)
    live: int = wire(SEQUENCE, default=0)
    replay: int = wire(SEQUENCE, default=0)
    settled: int = wire(COUNT, default=0)
    """Frames of this epoch with an outcome; those that earlier runs settled or lost are included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraConfig(Record):
    """The capture settings of one camera."""

    number: int = wire(integer(1, 2**16 - 1))
    camera: str = wire(KEY)
    source: Source = wire(one_of(Source))
    url: str = wire(text(URL_MAX), default="")
    username: str = wire(text(256), default="")
    password: str = wire(text(256), default="", shown=False)
    transport: Transport = wire(one_of(Transport, Transport.TCP), default=Transport.TCP)
    rate_fps: float = wire(real(0.1, 10), default=1.0)
    quiet_interval_s: float = wire(real(0.1, 3600), default=10.0)
    height_px: int = wire(integer(120, 2160), default=480)
    quality: int = wire(integer(30, 95), default=70)
    masks: tuple[Polygon, ...] = wire(POLYGONS, default=())
    """What must never leave the bridge: painted over before a picture is encoded."""
    zones: tuple[Polygon, ...] = wire(POLYGONS, default=())
    """Where activity counts; everywhere if there are none."""
    ignored: tuple[Polygon, ...] = wire(POLYGONS, default=())
    """Where activity does not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraStatus(Record):
    """How one camera fares: rates are those since the last status."""

    camera: str = wire(KEY)
    state: StreamState = wire(one_of(StreamState, StreamState.CONNECTING))
    error: WireError | None = wire(optional(record(WireError)), default=None)
    source_fps: float = wire(RATE, default=0.0)
    sent_fps: float = wire(RATE, default=0.0)
    bytes_per_s: float = wire(real(0, 1e10), default=0.0)
    decode_ms: float = wire(real(0, 1e6), default=0.0)
    key_interval_s: float | None = wire(optional(real(0, 1e6)), default=None)
    codec: str = wire(NAME, default="")
    width: int = wire(integer(0, 2**16 - 1), default=0)
    height: int = wire(integer(0, 2**16 - 1), default=0)
    mode: DecodeMode = wire(one_of(DecodeMode, DecodeMode.KEYS), default=DecodeMode.KEYS)
    cpu_ms_per_s: float = wire(real(0, 1e6), default=0.0)
    """Processor time per second that reading, decoding and encoding this camera take."""
    age_ms: float | None = wire(optional(real(0, 1e9)), default=None)
    """From capture to the socket, of the last live frame."""
    skipped: int = wire(COUNT, default=0)
    """Pictures that were due to be decoded and gave way, since the bridge started."""
    pacing_step: int = wire(integer(0, 100), default=0)
    """How far rate, size and quality are turned down; 0 is what was asked for."""
    pacing_reason: PacingReason = wire(
        one_of(PacingReason, PacingReason.NONE), default=PacingReason.NONE
    )
    counters: Counters = wire(record(Counters), default=Counters(sampled=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraError(Record):
    """Why a camera cannot be configured."""

    camera: str = wire(KEY)
    error: WireError = wire(record(WireError))
