"""Records: JSON objects whose dataclass fields each carry the check of what the peer may say."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import cache
import json
from typing import Any, ClassVar, Self

from .limits import PRINTABLE_MAX

type Check = Callable[[Any, str], Any]
"""Takes a decoded JSON value and the name of its field; returns the value or raises ProtocolError."""


class ProtocolError(ValueError):
    """A message is malformed; ``field`` names what is wrong, without quoting the peer's bytes."""

    def __init__(self, field_name: str, problem: str) -> None:
        """Name the field and the problem."""
        super().__init__(f"{field_name}: {problem}")
        self.field = field_name


class Record:
    """A JSON object whose dataclass fields each carry their check."""

    __slots__ = ()

    @classmethod
    def read(cls, value: Any, name: str = "message") -> Self:
        """Build the record from decoded JSON; raise ProtocolError naming the first bad field."""
        if not isinstance(value, Mapping):
            raise ProtocolError(name, "not an object")
        given: dict[str, Any] = {}
        for part in fields_of(cls):
            if part.name in value:
                given[part.name] = part.metadata["check"](value[part.name], f"{name}.{part.name}")
            elif part.default is MISSING:
                raise ProtocolError(f"{name}.{part.name}", "missing")
        return cls(**given)

    def written(self) -> dict[str, Any]:
        """Return the record as what json.dumps takes."""
        return {name: _plain(getattr(self, name)) for name in _names_of(type(self))}  # type: ignore[arg-type]  # classes hash


class Message(Record):
    """A text message; ``type`` is its tag on the wire."""

    __slots__ = ()
    type: ClassVar[str]

    def dumps(self) -> str:
        """Return the message as its JSON text."""
        return json.dumps({"type": self.type, **self.written()}, separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A message of a type that this version does not know: ignored and counted."""

    type: str


def wire(check: Check, *, default: Any = MISSING, shown: bool = True) -> Any:
    """Declare a field by its check; one that is not ``shown`` stays out of the repr."""
    return field(default=default, repr=shown, metadata={"check": check})


@cache
def _names_of(kind: type[Record]) -> tuple[str, ...]:
    return tuple(part.name for part in fields_of(kind))


def fields_of(kind: type[Record]) -> tuple[Field[Any], ...]:
    """Return the dataclass fields of a record."""
    return fields(kind)  # type: ignore[arg-type]  # every Record is a dataclass


def printable(text: str) -> str:
    """Return a peer's text as one that may travel and be logged."""
    return "".join(char if char.isprintable() else " " for char in text)[:PRINTABLE_MAX]


def _plain(value: Any) -> Any:
    if type(value) in (int, str):  # most are, and acknowledgements are told often
        return value
    if isinstance(value, Record):
        return value.written()
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, Mapping):
        return dict(value)
    return value
