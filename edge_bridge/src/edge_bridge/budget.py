"""How much processor time the continuous decoding of all cameras together may take. Pure."""

from enum import IntEnum
import threading

SHARE = 0.6
"""Of all cores: the rest is for the key frames of the quiet cameras, for reading, encoding and sending."""


class Claim(IntEnum):
    """Why a camera is to be decoded continuously; a higher one is served before a lower one."""

    RARE_KEYS = 0
    """Its key frames are too far apart."""
    SUSPICION = 1
    ACTIVITY = 2


class Budget:
    """Admits cameras to continuous decoding while there is time left; called from any thread."""

    def __init__(self, cores: int, *, share: float = SHARE) -> None:
        """Start with nobody admitted."""
        self._most_ms_per_s = 1000 * cores * share
        self._lock = threading.Lock()
        self._shares: dict[object, tuple[Claim, float]] = {}

    def admit(self, who: object, cost_ms_per_s: float, claim: Claim = Claim.SUSPICION) -> bool:
        """Return whether this one may decode every picture, or go on; among equals the only one always may.

        Whoever has a lower claim counts for nothing here, and loses its share when it asks the next time.
        """
        with self._lock:
            others = sum(
                cost
                for other, (its_claim, cost) in self._shares.items()
                if other is not who and its_claim >= claim
            )
            if others and others + cost_ms_per_s > self._most_ms_per_s:
                self._shares.pop(who, None)
                return False
            self._shares[who] = claim, cost_ms_per_s
            return True

    def release(self, who: object) -> None:
        """Give the time of one back."""
        with self._lock:
            self._shares.pop(who, None)

    @property
    def spent_ms_per_s(self) -> float:
        """Return what those admitted are taken to cost."""
        with self._lock:
            return sum(cost for _, cost in self._shares.values())
