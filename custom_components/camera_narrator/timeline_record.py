"""What goes into the timeline, and what comes out of it."""

from dataclasses import dataclass, field

from .pipeline.looked import Looked
from .pipeline.models import Event
from .pipeline.vocabulary import Label


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseRecord:
    """A phase of an event as it was published."""

    camera: str
    """The camera's subentry, as everywhere in the timeline: its key may be another camera's one day."""
    at_wall_s: float
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRecord:
    """An answered request."""

    camera: str
    looked: Looked


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRecord:
    """The picture that decided an event."""

    camera: str
    event_id: str
    taken_wall_s: float
    width: int
    height: int
    jpeg: bytes = field(repr=False)


type Record = PhaseRecord | LookRecord | PictureRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How long and how much is kept, as of one moment."""

    from_wall_s: float
    """What ended before goes."""
    size_bytes: int
    cameras: frozenset[str]
    """What belongs to any other goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which events are wanted, newest first."""

    cameras: tuple[str, ...]
    from_wall_s: float
    to_wall_s: float
    labels: frozenset[Label] = frozenset()
    """One of these; none: any event."""
    text: str = ""
    """What its words contain, in upper or lower case."""
    limit: int = 100
    details: bool = False
    """With phases and looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastPhase:
    """A phase of a stored event."""

    at_wall_s: float
    phase: str
    labels: tuple[str, ...]
    narrative: str | None
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PastLook:
    """A look of a stored event."""

    at_wall_s: float
    look: str
    frames: int
    provider: str
    labels: tuple[str, ...]
    narrative: str
    input_tokens: int | None
    output_tokens: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastEvent:
    """A stored event, its words the last that were told of it."""

    id: str
    camera: str
    from_wall_s: float
    to_wall_s: float
    ended: bool
    labels: tuple[str, ...]
    verdict: str | None
    narrative: str | None
    origin: str
    reason: str | None
    continues: str | None
    late: bool
    frames: int
    provider: str | None
    threat_level: str
    rule: str | None
    picture: bool
    """Whether one is kept."""
    phases: tuple[PastPhase, ...] = ()
    looks: tuple[PastLook, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PastNote:
    """What was said once, in words that may go into a prompt."""

    at_wall_s: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recollection:
    """What is kept of a while, oldest first."""

    notes: tuple[PastNote, ...] = ()
    pictures: tuple[PictureRecord, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much is kept."""

    size_bytes: int
    """In use; the file may be larger for a while."""
    file_bytes: int
    events: int
    pictures: int
    oldest_wall_s: float | None
