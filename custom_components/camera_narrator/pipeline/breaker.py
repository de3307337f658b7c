"""Failures in a row: how long to leave a server alone, and since when it has been away. Pure."""

from .errors import Fault, ProviderError
from .vocabulary import Restraint

BACKOFF_FIRST_S = 1.0
BACKOFF_MAX_S = 60.0
"""A server that comes back is found within a minute; one that stays away costs a request a minute."""
HOLD_MAX_S = 3600.0
"""Servers that ask for more mean a date by it or a day's quota; one request an hour finds out."""
ACCOUNT_S = 900.0
"""An account that is used up is filled by hand; a quarter of an hour later the words are back by themselves."""


class Breaker:
    """Closed while requests are answered; after a failure one at a time tries, further and further apart."""

    def __init__(self) -> None:
        """Begin closed."""
        self.failures = 0
        self.restraint = Restraint.NONE
        """What the last failure was about."""
        self.since_s: float | None = None
        """When the first failure of the row was."""

    def failed(self, error: ProviderError, now_s: float) -> float | None:
        """Take a failure; return how long no request may start, None where waiting does not help."""
        if error.retry_after_s is not None:
            wait_s = min(error.retry_after_s, HOLD_MAX_S)
        elif error.fault is Fault.RATE_LIMITED and not error.retryable:
            wait_s = ACCOUNT_S
        elif error.retryable:
            wait_s = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2.0 ** min(self.failures, 10))
        else:
            return None
        if self.since_s is None:
            self.since_s = now_s
        self.failures += 1
        self.restraint = _restraint(error)
        return wait_s

    def answered(self) -> None:
        """Close it."""
        self.failures = 0
        self.restraint = Restraint.NONE
        self.since_s = None


def _restraint(error: ProviderError) -> Restraint:
    if error.fault is not Fault.RATE_LIMITED:
        return Restraint.AWAY
    return Restraint.RATE if error.retryable else Restraint.ACCOUNT
