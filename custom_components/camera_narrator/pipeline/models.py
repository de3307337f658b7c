"""The data that travels between the parts of the pipeline: frozen, without behaviour beyond small derivations.

Times in ``_s`` without another word are seconds of Home Assistant's monotonic clock; ``_wall_s`` are seconds since
the epoch (UTC), fixed once when a frame is received.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Profile(StrEnum):
    """How often to ask the model."""

    ECONOMY = "economy"
    BALANCED = "balanced"
    LIVE = "live"
    ALWAYS = "always"


class Look(StrEnum):
    """Why a chunk is sent."""

    ONSET = "onset"
    SCHEDULE = "schedule"
    NOVELTY = "novelty"
    CLOSING = "closing"
    HEARTBEAT = "heartbeat"
    RULE = "rule"
    CATCH_UP = "catch_up"
    QUESTION = "question"

    @property
    def story(self) -> bool:
        """Whether its accepted answer consumes the pictures: all but a user's question."""
        return self is not Look.QUESTION


class Phase(StrEnum):
    """Where in its life an event is."""

    STARTED = "started"
    UPDATED = "updated"
    ENDED = "ended"


class EndReason(StrEnum):
    """Why an event ended."""

    QUIET = "quiet"
    INTERRUPTED = "interrupted"
    RESTARTED = "restarted"
    DISABLED = "disabled"
    CONTINUED = "continued"


class Verdict(StrEnum):
    """What the words say of an event: something is there, or nothing is."""

    SUBJECT = "subject"
    NOTHING = "nothing"


class Label(StrEnum):
    """What a detector or a model recognised."""

    PERSON = "person"
    VEHICLE = "vehicle"
    ANIMAL = "animal"
    PACKAGE = "package"


class Saving(StrEnum):
    """How far a hub makes do with less, rung by rung."""

    NONE = "none"
    FEWER_LOOKS = "fewer_looks"
    """Looks wait and become one over the whole gap."""
    SMALLER_PICTURES = "smaller_pictures"
    BUILT_IN_WORDS = "built_in_words"
    """The built-in describer writes."""


class Restraint(StrEnum):
    """Why a hub makes do with less."""

    NONE = "none"
    RATE = "rate"
    """The server's limits, or those in the options."""
    BUDGET = "budget"
    """What a day may cost."""
    ACCOUNT = "account"
    """The account at the server is used up."""
    AWAY = "away"
    """The server brings no answers."""


class Origin(StrEnum):
    """What opened an event."""

    ACTIVITY = "activity"
    TRIGGER = "trigger"


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


# -- rules ------------------------------------------------------------------------------------------------------


RULE_VALID_S = 900.0
"""An answer older than three heartbeats of 5 minutes tells nothing of now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A condition in plain words that a user wants watched."""

    key: str
    """Made once, never changed."""
    name: str
    question: str
    """What holds or does not, such as ``a parcel lies at the door``."""
    threshold: float = 0.7
    """Answers less sure than that, 0 to 1, count for nothing."""
    needed: int = 2
    """Of the last ``of`` answers so many must agree with the newest."""
    of: int = 3
    cooldown_s: float = 300.0
    """Between two events of the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleAnswer:
    """What the model says of a rule; ``holds`` is None where it is unsure."""

    holds: bool | None
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleState:
    """What is known of a rule."""

    question: str
    """The one that was answered."""
    holds: bool | None = None
    votes: tuple[bool, ...] = ()
    """The last answers that counted, oldest first."""
    answered_wall_s: float = 0.0
    fired_wall_s: float = 0.0
    """When its last event was."""


# -- a request and its answer -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Words for the model."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A place for ``chunk.frames[index]``."""

    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheBreakpoint:
    """All parts before it are byte for byte those of the camera's last request, or a prefix of them."""


type Part = Text | Picture | CacheBreakpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """The shape of the answer, as JSON schema, under a name of its own."""

    name: str
    json_schema: Mapping[str, object]
    max_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Everything one request needs: neutral parts for a model, the activity for a describer that reads no pictures."""

    camera: str
    title: str
    look: Look
    frames: tuple[Frame, ...]
    """In capture order; never empty."""
    system: str
    parts: tuple[Part, ...]
    schema: Schema
    span: Span
    activity: tuple[ActivityState, ...] = ()
    """The states that fall into the span, oldest first; for a closing look those of the whole visit."""
    visit_s: float = 0.0
    """Seconds since the visit's onset, at the end of the span."""
    rules: tuple[Rule, ...] = ()
    """Those that are asked."""
    height_px: int | None = None
    """Larger pictures are sent at this height; None sends them as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a request cost; None where the server does not say."""

    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What a server says is left of its limits; None where it does not say."""

    requests: int | None = None
    requests_limit: int | None = None
    requests_reset_s: float | None = None
    tokens: int | None = None
    tokens_limit: int | None = None
    tokens_reset_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """The parsed answer to a chunk."""

    changed: bool
    narrative: str
    """Empty where nothing changed."""
    subject: bool | None = None
    """Whether a person, vehicle, animal or package is there; None where the provider cannot tell."""
    labels: frozenset[Label] = frozenset()
    visible_text: str = ""
    """What stands written in the pictures. It never goes into a prompt."""
    rules: Mapping[str, RuleAnswer] = field(default_factory=dict)
    """The answers to the rules that were asked, by key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """An answer as far as it has come: complete top-level fields, and with the last one the analysis."""

    fields: Mapping[str, object]
    analysis: Analysis | None = None
    usage: Usage = Usage()
    quota: Quota | None = None

    @property
    def final(self) -> bool:
        """Whether the answer is complete."""
        return self.analysis is not None


# -- what is published ------------------------------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why the last request brought no words."""

    code: str
    """A value of errors.Fault."""
    message: str
    """For people, without a secret in it."""
    at_wall_s: float
    look: Look


# -- accounting -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """How the received frames of one (epoch, camera) ended, and where the others are now."""

    received: int = 0
    """Duplicates apart."""
    rejected: int = 0
    analysed: int = 0
    failed: int = 0
    gated: int = 0
    not_selected: int = 0
    evicted: int = 0
    buffered: int = 0
    in_flight: int = 0
    duplicates: int = 0
    resent: int = 0

    @property
    def settled(self) -> int:
        """Return the number of frames with an outcome."""
        return (
            self.rejected
            + self.analysed
            + self.failed
            + self.gated
            + self.not_selected
            + self.evicted
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where every sampled frame of one (epoch, camera) is; ``lost`` is computed, so it shows what nobody counted."""

    sampled: int = 0
    replaced: int = 0
    overflowed: int = 0
    withdrawn: int = 0
    unacknowledged: int = 0
    base: int = 0
    """Settled by an earlier run of Home Assistant."""
    outcomes: Outcomes = Outcomes()

    @property
    def lost(self) -> int:
        """Return what is in no counter; exact whenever the camera is at rest."""
        bridge = self.replaced + self.overflowed + self.withdrawn + self.unacknowledged
        here = self.base + self.outcomes.settled + self.outcomes.buffered + self.outcomes.in_flight
        return self.sampled - bridge - here


PERMIT_S = 10.0
"""Sensors of different makes tell of the same person seconds apart."""

# -- settings and memory ----------------------------------------------------------------------------------------


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
