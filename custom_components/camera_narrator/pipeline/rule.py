"""A condition in plain words, its answers and what is known of it."""

from dataclasses import dataclass

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
