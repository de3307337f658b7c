"""What a model server does wrong on purpose, as a script of faults."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from enum import StrEnum
import math
import time
from typing import Any, Self

from rigs.model_request import ModelRequest


class LimitStyle(StrEnum):
    """The ways in which servers say when to come back."""

    SILENT = "silent"
    """Not at all."""
    SECONDS = "seconds"
    MILLISECONDS = "milliseconds"
    """OpenAI's own header beside the seconds, which are rounded up."""
    DATE = "date"
    """A date of HTTP beside the server's own clock."""
    RESET_DURATION = "reset_duration"
    """OpenAI's and Groq's: what is left, and durations such as 1m30s until it is back."""
    RESET_EPOCH = "reset_epoch"
    """OpenRouter's and Overshoot's: the moment in ms or s since 1970."""
    ANTHROPIC = "anthropic"
    """Its own header names, a moment in RFC 3339, and its own body."""
    GEMINI = "gemini"
    """Nothing in the headers; RetryInfo in the body."""


class FaultKind(StrEnum):
    """Everything that has been seen to go wrong."""

    STATUS = "status"
    """An HTTP error instead of an answer."""
    SLOW = "slow"
    """The first token comes after `seconds`."""
    STALL = "stall"
    """After `tokens` tokens nothing more comes for `seconds`."""
    CUT = "cut"
    """After `tokens` tokens the connection is aborted."""
    HANG = "hang"
    """Not even headers for `seconds`."""
    PROSE = "prose"
    """A sentence where JSON was asked for."""
    HALF_JSON = "half_json"
    """The JSON ends in the middle, with a normal end of the stream."""
    EMPTY = "empty"
    """An answer without content."""
    REASONING_ONLY = "reasoning_only"
    """Thoughts, but no content."""
    REFUSAL = "refusal"
    """The model refuses in the field for that."""
    HTML = "html"
    """A proxy's page with status 200."""
    REJECT_JSON_SCHEMA = "reject_json_schema"
    """400 where response_format is json_schema."""
    REJECT_STRICT = "reject_strict"
    """400 where the schema is strict."""
    REJECT_JSON_OBJECT = "reject_json_object"
    """400 where response_format is json_object."""
    IGNORE_SCHEMA = "ignore_schema"
    """A sentence wherever response_format is given, as servers do that do not know it."""
    REJECT_PICTURES = "reject_pictures"
    """400 where there are pictures."""
    LIE = "lie"
    """The wrong colour and the wrong shape."""
    HALLUCINATE = "hallucinate"
    """A subject that nobody can see, told with confidence."""
    UNCRITICAL = "uncritical"
    """The truth of the pictures, but what notes say wrongly is not contradicted."""
    GULLIBLE = "gullible"
    """What notes and ledger say is told again, whatever the pictures show."""
    OBEY = "obey"
    """A sign in the picture is taken for an instruction: nothing is reported."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """One entry of the script."""

    kind: FaultKind
    times: int | None = 1
    """How many requests it meets; None until it is cleared."""
    seconds: float = 60.0
    tokens: int = 1
    status: int = 500
    code: str = "server_error"
    """The error's code in the body, such as insufficient_quota."""
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    """The whole error's body, where a server has a shape of its own."""
    schema_name: str = ""
    """Only requests with this schema; empty for all."""
    camera: int | None = None
    """Only requests that show the camera of this number; None for all."""

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read one entry; raises ValueError or TypeError where it is none."""
        return cls(**{**data, "kind": FaultKind(data["kind"])})

    @classmethod
    def rate_limited(
        cls, *, times: int | None = 1, camera: int | None = None, **headers: str
    ) -> Self:
        """429 with these headers (`retry_after="3"`, `retry_after_ms="1500"`)."""
        return cls(
            kind=FaultKind.STATUS,
            times=times,
            camera=camera,
            status=429,
            code="rate_limit_exceeded",
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )

    @classmethod
    def overloaded(cls, status: int = 503, *, times: int | None = 1) -> Self:
        """503 as Ollama's full queue, 529 as Anthropic's overload: neither says when to come back."""
        return cls(kind=FaultKind.STATUS, times=times, status=status, code="overloaded_error")

    @classmethod
    def limited_as(cls, style: LimitStyle, wait_s: float, *, times: int | None = 1) -> Self:
        """429 in the way that one family of servers says it."""
        headers, body = _limit(style, wait_s, time.time())
        fault = cls(
            kind=FaultKind.STATUS,
            times=times,
            status=429,
            code="rate_limit_exceeded",
            headers=headers,
        )
        fault.body = body
        return fault

    def meets(self, request: ModelRequest) -> bool:
        """Whether this request is one it is for."""
        if self.times == 0 or self.schema_name not in {"", request.schema_name}:
            return False
        if self.camera is not None and self.camera not in {code.camera for code in request.codes}:
            return False
        match self.kind:
            case FaultKind.REJECT_JSON_SCHEMA:
                return request.rung.startswith("json_schema")
            case FaultKind.REJECT_STRICT:
                return request.rung.endswith("strict")
            case FaultKind.REJECT_JSON_OBJECT:
                return request.rung == "json_object"
            case FaultKind.IGNORE_SCHEMA:
                return request.response_format is not None
            case FaultKind.REJECT_PICTURES:
                return bool(request.pictures)
            case _:
                return True


class Script:
    """Faults in the order in which they are tried."""

    def __init__(self) -> None:
        """Start without any."""
        self._faults: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        """Append faults."""
        self._faults += faults

    def clear(self) -> None:
        """Forget all."""
        self._faults.clear()

    def take(self, request: ModelRequest) -> Fault | None:
        """Return the fault that meets this request, counting it down."""
        for fault in self._faults:
            if fault.meets(request):
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None


def _limit(
    style: LimitStyle, wait_s: float, now_s: float
) -> tuple[dict[str, str], dict[str, Any] | None]:
    """Return headers and body of a 429."""
    whole_s = math.ceil(wait_s)
    match style:
        case LimitStyle.SILENT:
            return {}, None
        case LimitStyle.SECONDS:
            return {"retry-after": str(whole_s)}, None
        case LimitStyle.MILLISECONDS:
            return {"retry-after-ms": str(round(wait_s * 1000)), "retry-after": str(whole_s)}, None
        case LimitStyle.DATE:
            told_s = math.floor(now_s)  # a date knows no parts of a second
            return {
                "date": formatdate(told_s, usegmt=True),
                "retry-after": formatdate(told_s + whole_s, usegmt=True),
            }, None
        case LimitStyle.RESET_DURATION:
            minutes, seconds = divmod(wait_s, 60)
            duration = f"{minutes:.0f}m{seconds:g}s" if minutes else f"{seconds:g}s"
            return {
                "x-ratelimit-limit-requests": "10",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": duration,
            }, None
        case LimitStyle.RESET_EPOCH:
            return {
                "x-ratelimit-limit": "10",
                "x-ratelimit-remaining": "0",
                "x-ratelimit-reset": str(round((now_s + wait_s) * 1000)),
            }, None
        case LimitStyle.ANTHROPIC:
            until = datetime.fromtimestamp(now_s + wait_s, UTC).isoformat(timespec="seconds")
            error = {"type": "rate_limit_error", "message": "This request would exceed your limit"}
            return {
                "retry-after": str(whole_s),
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": until.replace("+00:00", "Z"),
            }, {"type": "error", "error": error}
        case LimitStyle.GEMINI:
            info = {
                "@type": "type.googleapis.com/google.rpc.RetryInfo",
                "retryDelay": f"{wait_s:g}s",
            }
            text = "You exceeded your current quota"
            error_of_google = {"code": 429, "message": text, "status": "RESOURCE_EXHAUSTED"}
            return {}, {"error": {**error_of_google, "details": [info]}}
