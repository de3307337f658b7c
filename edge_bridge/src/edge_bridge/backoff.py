"""How long to wait before the next try to reach Home Assistant. Pure."""

from collections.abc import Callable

from .errors import Cause

FIRST_S = 0.5
"""A restarting Home Assistant answers a second before the integration is loaded: the first tries come close."""
FIRST_TRIES = 4
GROWTH = 1.5
MOST_S = 5.0
"""A router that restarts is back in a minute: nobody waits longer than this after that."""
JITTER = 0.2
"""The share by which tries of many bridges spread."""
SILENT_S = 0.5
SILENT_LIFE_S = 180.0
"""A line that comes back is used again within a second; asking an empty line so often costs nobody anything. A router
that restarts takes less, and what stays away for longer may be waited for as for all else."""
FORBIDDEN_FIRST_S = 120.0
FORBIDDEN_MOST_S = 3600.0
"""A refusal stays until a person changes something; asking often only fills logs."""
PAIRING_S = 2.0
PAIRING_LIFE_S = 900.0
"""The dialog that shows a new token is open for so long, and its reader wants to see the bridge appear."""

ANNOUNCED_S = 30.0
"""Home Assistant shows a bridge that announced itself until somebody adds it, maybe tomorrow, and then waits for it."""


class Backoff:
    """Remembers how often a try has failed, and how."""

    def __init__(
        self, started_s: float, random: Callable[[], float], *, announced: bool = False
    ) -> None:
        """Begin with the process's life; ``random`` gives 0 to 1."""
        self._announced = announced
        self._started_s = started_s
        self._random = random
        self._tries = 0
        self._refusals = 0
        self._answered = False
        self._silent_since_s: float | None = None

    def connected(self) -> None:
        """Start anew: a connection stood."""
        self._tries = self._refusals = 0

    def delay_s(self, cause: Cause, now_s: float) -> float:
        """Return the seconds until the next try."""
        starting = cause is Cause.NOT_READY and not self._answered
        self._answered = cause is Cause.NOT_READY
        if cause is not Cause.SILENT:
            self._silent_since_s = None
        elif self._silent_since_s is None:
            self._silent_since_s = now_s
        pairing = cause is Cause.UNAUTHORIZED and now_s - self._started_s < PAIRING_LIFE_S
        if pairing:
            seconds = PAIRING_S
        elif cause is Cause.UNAUTHORIZED and self._announced:
            seconds = ANNOUNCED_S
        elif cause in {Cause.UNAUTHORIZED, Cause.FORBIDDEN}:
            seconds = min(FORBIDDEN_MOST_S, FORBIDDEN_FIRST_S * 2**self._refusals)
            self._refusals = min(self._refusals + 1, 10)
        elif self._silent_since_s is not None and now_s - self._silent_since_s < SILENT_LIFE_S:
            seconds = SILENT_S
        else:
            if starting:
                self._tries = 0  # the long waits were for the time when nothing answered
            self._tries = min(self._tries + 1, 20)
            seconds = min(MOST_S, FIRST_S * GROWTH ** max(0, self._tries - FIRST_TRIES))
        return seconds * (1 - JITTER * self._random())
