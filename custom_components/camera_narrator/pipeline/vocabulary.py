"""The closed lists of words that modules, wire and UI share."""

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
    AUDIT = "audit"
    """The same pictures again, without what is known."""

    @property
    def story(self) -> bool:
        """Whether its accepted answer consumes the pictures: all but a user's question and an audit."""
        return self not in (Look.QUESTION, Look.AUDIT)


class Phase(StrEnum):
    """Where in its life an event is."""

    STARTED = "started"
    UPDATED = "updated"
    ENDED = "ended"


class EndReason(StrEnum):
    """Why an event ended."""

    GONE = "gone"
    """The last look saw who was there leave."""
    QUIET = "quiet"
    INTERRUPTED = "interrupted"
    RESTARTED = "restarted"
    DISABLED = "disabled"
    CONTINUED = "continued"


class Verdict(StrEnum):
    """What the words say of an event: something is there, or nothing is."""

    SUBJECT = "subject"
    NOTHING = "nothing"


class ThreatLevel(StrEnum):
    """How much attention a visit deserves, the least first."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


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
    FALLBACK = "fallback"
    """The second model server writes."""
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
    MODEL = "model"
