"""Checks of single values: each takes a decoded JSON value and the name of its field."""

from enum import StrEnum
from typing import Any

from .limits import PRINTABLE_MAX
from .record import Check, ProtocolError, Record


def integer(low: int, high: int) -> Check:
    """Return the check of a whole number."""

    def check(value: Any, name: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ProtocolError(name, f"not a whole number between {low} and {high}")
        return value

    return check


def real(low: float, high: float) -> Check:
    """Return the check of a number; whole ones become floats."""

    def check(value: Any, name: str) -> float:
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not low <= value <= high
        ):
            raise ProtocolError(name, f"not a number between {low} and {high}")
        return float(value)

    return check


def boolean(value: Any, name: str) -> bool:
    """Check a truth value."""
    if not isinstance(value, bool):
        raise ProtocolError(name, "neither true nor false")
    return value


def text(most: int, least: int = 0) -> Check:
    """Return the check of a printable text and its length."""

    def check(value: Any, name: str) -> str:
        if not isinstance(value, str) or not least <= len(value) <= most or not value.isprintable():
            raise ProtocolError(name, f"not a printable text of {least} to {most} characters")
        return value

    return check


def one_of[E: StrEnum](kind: type[E], unknown: E | None = None) -> Check:
    """Return the check of a closed list; an unknown word is an error, or reads as ``unknown``."""

    def check(value: Any, name: str) -> E:
        if isinstance(value, str) and value in kind:
            return kind(value)
        if unknown is None or not isinstance(value, str):
            raise ProtocolError(name, "not one of the known values")
        return unknown

    return check


def list_of(item: Check, most: int) -> Check:
    """Return the check of a list, by the check of its items."""

    def check(value: Any, name: str) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or len(value) > most:
            raise ProtocolError(name, f"not a list of at most {most}")
        return tuple(item(entry, f"{name}[{index}]") for index, entry in enumerate(value))

    return check


def optional(inner: Check) -> Check:
    """Return the check of a value that may be null."""
    return lambda value, name: None if value is None else inner(value, name)


def record[R: Record](kind: type[R]) -> Check:
    """Return the check of a record within a record."""

    def check(value: Any, name: str) -> R:
        return kind.read(value, name)

    return check


COUNT = integer(0, 2**48)
SEQUENCE = integer(0, 2**32 - 1)
CLOCK_US = integer(0, 2**63)
KEY = text(PRINTABLE_MAX, 1)
ID = text(PRINTABLE_MAX, 1)
NAME = text(PRINTABLE_MAX)
RATE = real(0, 1000)
