"""What can go wrong in the integration; the wire has a root of its own, protocol.ProtocolError.

* NarratorError
    * ProviderError: a request brought no usable answer
    * WebPageError, NotAsAgreedError, ThoughtsOnlyError: what providers turn into that
    * CannotAsk: a user's question could not even be put
    * ProbeFailed: a bridge cannot say how a camera answers
    * InvalidAddress: what was typed is no address of a stream
    * InvalidAreas: what was typed describes no areas of a picture
    * InvalidRules: what was typed is no list of rules
    * TooNewError, ForeignFileError: a timeline's file that is not ours to write
    * TimelineAwayError: the past cannot be read now
"""

from enum import StrEnum


class Fault(StrEnum):
    """Why a provider gave no usable answer."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    UNAUTHORIZED = "unauthorized"
    MODEL_UNKNOWN = "model_unknown"
    PICTURES_REJECTED = "pictures_rejected"
    REFUSED = "refused"
    """The model or its filter declined to answer, or the server called the request wrong."""
    OVER_BUDGET = "over_budget"
    """Nobody was asked: what today may cost is used up."""
    BAD_ANSWER = "bad_answer"
    """Empty, cut off, reasoning only, or not the agreed shape."""


class NarratorError(Exception):
    """Root of the integration's own errors."""


class ProviderError(NarratorError):
    """A request brought no usable answer.

    ``retryable`` says whether the same pictures may be tried again; ``retry_after_s`` is the server's own word on
    when, and holds for the whole hub. The text is for people and carries no secret.
    """

    requests = 1
    """How many were sent in vain; the fault is the last one's."""

    def __init__(
        self, fault: Fault, message: str, *, retryable: bool, retry_after_s: float | None = None
    ) -> None:
        """Keep what the limiter and the user need."""
        super().__init__(message)
        self.fault = fault
        self.message = message
        self.retryable = retryable
        self.retry_after_s = retry_after_s


class Obstacle(StrEnum):
    """Why a user's question could not be put."""

    NO_PICTURE = "no_picture"
    SWITCHED_OFF = "switched_off"
    BUSY = "busy"
    STOPPED = "stopped"


class CannotAsk(NarratorError):
    """A user's question could not even be put; ``obstacle`` says why, for whoever translates."""

    def __init__(self, obstacle: Obstacle) -> None:
        """Say why."""
        super().__init__(_OBSTACLES[obstacle])
        self.obstacle = obstacle


_OBSTACLES = {
    Obstacle.NO_PICTURE: "the camera has sent no picture in the last half minute",
    Obstacle.SWITCHED_OFF: "the narration of this camera is switched off",
    Obstacle.BUSY: "other questions to this camera wait already",
    Obstacle.STOPPED: "the narration of this camera has ended",
}
