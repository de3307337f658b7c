"""The data that travels between the parts of the pipeline: frozen, without behaviour beyond small derivations.

Times in ``_s`` without another word are seconds of Home Assistant's monotonic clock; ``_wall_s`` are seconds since
the epoch (UTC), fixed once when a frame is received.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .claim import Drift, LedgerEntry
from .rule import Rule, RuleState
from .vocabulary import EndReason, Label, Look, Origin, Phase, Profile, ThreatLevel, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A moving part of the picture, as fractions of its width and height from the upper left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """One thing that a bridge's detector named, and where."""

    label: Label
    score: float
    box: Region


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One JPEG with its capture time, as received."""

    camera: str
    epoch: str
    sequence: int
    captured_s: float
    captured_wall_s: float
    received_s: float
    width: int
    height: int
    key: bool = False
    replay: bool = False
    active: bool = False
    doubtful: bool = False
    preroll: bool = False
    activity: int = 0
    """How much moves, 0 to 255."""
    novelty: int = 0
    """How different from the frame sent before, 0 to 255."""
    jpeg: bytes = field(repr=False)

    @property
    def identity(self) -> tuple[str, int]:
        """Return what tells this frame from all others of its camera: epoch and sequence."""
        return (self.epoch, self.sequence)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityState:
    """The bridge's verdict on a camera at one moment."""

    active: bool
    since_s: float
    received_s: float
    score: float = 0.0
    regions: tuple[Region, ...] = ()
    detections: tuple[Detection, ...] = ()
    """What the bridge's detector saw of it in at least two of three looks; empty without one."""

    @property
    def labels(self) -> frozenset[Label]:
        """Return what the detector named."""
        return frozenset(detection.label for detection in self.detections)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From the capture of the first to the capture of the last picture that a text rests on."""

    from_s: float
    to_s: float
    from_wall_s: float
    to_wall_s: float

    @property
    def seconds(self) -> float:
        """Return its length."""
        return self.to_s - self.from_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrative:
    """A sentence, the span it covers and who wrote it."""

    camera: str
    text: str
    span: Span
    frames: int
    look: Look
    provider: str
    event_id: str | None
    published_wall_s: float
    latency_s: float
    """From the last picture it rests on to the words; the wall clock may jump between the two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A visit, as published at one of its phases."""

    id: str
    camera: str
    phase: Phase
    span: Span
    labels: frozenset[Label] = frozenset()
    labelled: bool = False
    verdict: Verdict | None = None
    narrative: str | None = None
    origin: Origin = Origin.ACTIVITY
    reason: EndReason | None = None
    continues: str | None = None
    closed: bool = False
    """Words that came after the end."""
    late: bool = False
    """A visit of the past, told in one piece after an outage."""
    frames: int = 0
    """Pictures its newest words rest on; at ``started`` those that confirmed it."""
    provider: str | None = None
    """Who wrote the words."""
    rule: str | None = None
    """The key of the rule that came true in it last."""
    sign: bool = False
    """Writing in its pictures gave orders to whoever reads it."""
    threat_level: ThreatLevel = ThreatLevel.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why the last request brought no words."""

    code: str
    """A value of errors.Fault."""
    message: str
    """For people, without a secret in it."""
    at_wall_s: float
    look: Look


PERMIT_S = 10.0
"""Sensors of different makes tell of the same person seconds apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraSettings:
    """What a user chose for one camera, as far as the pipeline cares."""

    title: str
    profile: Profile = Profile.BALANCED
    enabled: bool = True
    """The narration switch."""
    interval_s: float = 5.0
    """Between looks while active in ``live``, and between all looks in ``always``."""
    frames_per_chunk: int = 5
    """Up to twice as many only while a gap over 1.2 s is left in the span."""
    rules: tuple[Rule, ...] = ()
    only_for: frozenset[Label] = frozenset()
    """An event needs one of these, named by the bridge's detector or by the model; none: all that moves."""
    instructions: str = ""
    """What the residents want told, and how."""
    language: str = ""
    """Of what is told, as BCP 47 has it; empty is English."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """When an entity that events need was on last."""

    from_s: float = float("inf")
    to_s: float = float("-inf")
    """Infinite while it is on."""

    def near(self, at_s: float) -> bool:
        """Return whether it was on about then."""
        return self.from_s <= at_s + PERMIT_S and self.to_s >= at_s - PERMIT_S


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraMemory:
    """What survives a restart: the story so far and the event that was open."""

    narratives: tuple[tuple[float, str], ...] = ()
    """(wall seconds, text), oldest first."""
    open_event: Event | None = None
    last_event: Event | None = None
    """The last that ended, for ``continues``."""
    rules: Mapping[str, RuleState] = field(default_factory=dict)
    ledger: tuple[LedgerEntry, ...] = ()
    """Who and what was there."""
    writings: tuple[str, ...] = ()
    """What was read in the last pictures, so that it stays out of prompts."""
    drift: Drift = field(default_factory=Drift)
