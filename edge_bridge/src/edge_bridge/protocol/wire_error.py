"""An error as it travels: a code of a closed list and its parameters, never a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Self

from .checks import one_of, real, text
from .limits import PRINTABLE_MAX
from .record import ProtocolError, Record, printable, wire
from .vocabulary import ErrorCode


def _params(value: Any, name: str) -> dict[str, int | float | str]:
    if not isinstance(value, Mapping) or len(value) > 8:
        raise ProtocolError(name, "not an object of at most 8 parameters")
    checked: dict[str, int | float | str] = {}
    for key, entry in value.items():
        text(32, 1)(key, name)
        if isinstance(entry, str):
            checked[key] = text(PRINTABLE_MAX)(entry, f"{name}.{key}")
        else:
            checked[key] = real(-1e15, 1e15)(entry, f"{name}.{key}")
    return checked


@dataclass(frozen=True, slots=True, kw_only=True)
class WireError(Record):
    """An error as a code and its parameters; a code that this version does not know reads as ``internal``."""

    code: ErrorCode = wire(one_of(ErrorCode, ErrorCode.INTERNAL))
    params: Mapping[str, int | float | str] = wire(_params, default=MappingProxyType({}))

    @classmethod
    def of(cls, code: ErrorCode, **params: float | str) -> Self:
        """Build an error; text parameters are cut to what the wire allows."""
        return cls(
            code=code,
            params={
                key: printable(entry) if isinstance(entry, str) else entry
                for key, entry in params.items()
            },
        )
