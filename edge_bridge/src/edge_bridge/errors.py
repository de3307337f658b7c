"""Everything that the bridge raises on purpose.

* BridgeError
    * SettingsError: a setting is missing or wrong; names it
    * CaptureError: a camera cannot be read; carries the code that travels on the wire
    * DialError: Home Assistant cannot be reached or refuses; says how soon another try makes sense
    * RedirectError: Home Assistant is to be found at another address
    * StateError: the state folder cannot be used
    * DetectorError: the local detector's model cannot be had
"""

from enum import Enum, auto
from typing import override

from .protocol.vocabulary import ErrorCode
from .protocol.wire_error import WireError


class BridgeError(Exception):
    """The root of the bridge's own errors."""


class SettingsError(BridgeError):
    """A setting is missing or wrong."""

    def __init__(self, key: str, problem: str) -> None:
        """Name the setting and what is wrong with it."""
        super().__init__(f"{key}: {problem}")
        self.key = key


class CaptureError(BridgeError):
    """A camera cannot be read; the text never holds its address."""

    def __init__(self, code: ErrorCode, **params: float | str) -> None:
        """Name the cause by its wire code."""
        super().__init__(code.value)
        self.error = WireError.of(code, **params)


class Cause(Enum):
    """Why there is no connection to Home Assistant: it decides how long to wait."""

    SILENT = auto()
    """Nothing answers: the line is down, or the machine."""
    UNREACHABLE = auto()
    """Something answers that is no Home Assistant, or breaks off."""
    NOT_READY = auto()
    """Home Assistant answers, and will be ready in a moment."""
    UNAUTHORIZED = auto()
    """The token is not known."""
    FORBIDDEN = auto()
    """The token is known and not accepted, or this bridge is not wanted."""
    CLOSED = auto()
    """It closed the connection in good order: it restarts."""


class DialError(BridgeError):
    """Home Assistant cannot be reached or refuses this bridge."""

    def __init__(self, cause: Cause, setting: str, problem: str) -> None:
        """Name the cause, the setting at fault and the problem in words."""
        super().__init__(f"{setting}: {problem}")
        self.cause = cause
        self.setting = setting

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, DialError) and (other.cause, str(other)) == (self.cause, str(self))

    @override
    def __hash__(self) -> int:
        return hash((self.cause, str(self)))


class RedirectError(BridgeError):
    """Home Assistant is to be found at another address."""

    def __init__(self, location: str) -> None:
        """Carry the address as it was given, which may be relative."""
        super().__init__("redirected")
        self.location = location


class StateError(BridgeError):
    """The state folder cannot be used."""


class DetectorError(BridgeError):
    """The local detector's model cannot be had."""
