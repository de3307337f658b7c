"""A request to a provider and its answer, in neutral parts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .claim import Claims
from .models import ActivityState, Frame, Span
from .rule import Rule, RuleAnswer
from .vocabulary import Label, Look


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
    """What an answer cost; None where the server does not say."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    requests: int = 1
    """Those before the one that was answered were refused a field, or answered out of shape."""


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
    sign: bool = False
    """Whether writing in the pictures gives orders: what the answer denies counts for nothing then."""
    rules: Mapping[str, RuleAnswer] = field(default_factory=dict)
    """The answers to the rules that were asked, by key."""
    claims: Claims | None = None
    """Who and what is there by it; None where it lists nobody."""
    of_pictures: bool = True
    """Whether it was read from the pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """An answer as far as it has come: complete top-level fields, and with the last one the analysis."""

    fields: Mapping[str, object]
    sentence: str = ""
    """The first of the narrative, while more of it comes."""
    analysis: Analysis | None = None
    usage: Usage = Usage()
    quota: Quota | None = None

    @property
    def final(self) -> bool:
        """Whether the answer is complete."""
        return self.analysis is not None
