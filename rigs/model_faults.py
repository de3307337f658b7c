"""What a model server does wrong on purpose, as a script of faults."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from rigs.model_request import ModelRequest


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
