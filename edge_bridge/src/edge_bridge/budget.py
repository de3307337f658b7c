"""How much processor time the continuous decoding of all cameras together may take. Pure."""

import threading

SHARE = 0.6
"""Of all cores: the rest is for the key frames of the quiet cameras, for reading, encoding and sending."""


class Budget:
    """Admits cameras to continuous decoding while there is time left; called from any thread."""

    def __init__(self, cores: int, *, share: float = SHARE) -> None:
        """Start with nobody admitted."""
        self._most_ms_per_s = 1000 * cores * share
        self._lock = threading.Lock()
        self._costs: dict[object, float] = {}

    def admit(self, who: object, cost_ms_per_s: float) -> bool:
        """Return whether this one may decode every picture; the only one always may."""
        with self._lock:
            others = sum(cost for other, cost in self._costs.items() if other is not who)
            if others and others + cost_ms_per_s > self._most_ms_per_s:
                self._costs.pop(who, None)
                return False
            self._costs[who] = cost_ms_per_s
            return True

    def release(self, who: object) -> None:
        """Give the time of one back."""
        with self._lock:
            self._costs.pop(who, None)

    @property
    def spent_ms_per_s(self) -> float:
        """Return what those admitted are taken to cost."""
        with self._lock:
            return sum(self._costs.values())
