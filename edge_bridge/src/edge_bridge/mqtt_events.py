"""What a client of an MQTT broker tells: how its connection fares, and what became of its messages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """The broker has accepted this client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnected:
    """There is no connection; the client tries again by itself."""

    problem: str
    refused: bool = False
    """The broker answers and does not want this client."""
    another_version: bool = False
    """It may know another version of MQTT."""
    ended: bool = False
    """What came was no MQTT, and this client tries no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A message on the topic that was asked for."""

    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Listened:
    """All that is retained on the topic that was asked for has been heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The broker has taken a message."""

    number: int
    problem: str | None = None


type Event = Connected | Disconnected | Heard | Listened | Written
