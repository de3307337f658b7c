"""Which camera's picture the detector looks at next, and when it may. Pure."""

from dataclasses import dataclass

LOOK_US = 450_000
"""Between two looks at one camera: two a second, with room for jitter."""
PENDING_MOST = 8
"""Pictures that wait, of all cameras: 25 MB of 4K each at worst."""
BURST_S = 0.5
"""Processor time that idle seconds save up, for an onset at several cameras at once."""
NEVER = -(2**63)


@dataclass(slots=True, eq=False)
class Eye:
    """When a camera's pictures were offered and looked at; goes with the camera."""

    offered_us: int = NEVER
    """By capture time."""
    looked_us: int = NEVER

    def due(self, captured_us: int) -> bool:
        """Return whether it is time to offer another."""
        return captured_us - self.offered_us >= LOOK_US


class LookQueue[L]:
    """One place for each eye; the newest picture wins, and whoever has not looked for longest comes first."""

    def __init__(self) -> None:
        """Start empty."""
        self._pending: dict[Eye, L] = {}
        self.skipped = 0
        """Pictures that were due and gave way to others."""

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._pending)

    def offer(self, eye: Eye, look: L, captured_us: int) -> None:
        """Let a picture wait."""
        eye.offered_us = captured_us
        self.skipped += eye in self._pending
        self._pending[eye] = look
        if len(self._pending) > PENDING_MOST:
            del self._pending[max(self._pending, key=_looked_us)]
            self.skipped += 1

    def take(self, now_us: int) -> L | None:
        """Return the next picture to look at."""
        if not self._pending:
            return None
        eye = min(self._pending, key=_looked_us)
        eye.looked_us = now_us
        return self._pending.pop(eye)

    def forget(self, eye: Eye) -> None:
        """Look at nothing more of a camera that is gone."""
        self._pending.pop(eye, None)


class Allowance:
    """Processor time that looks may take, as a share of one core; it is saved up for a moment, and no longer."""

    def __init__(self, cores: float, now_s: float) -> None:
        """Start with a burst's worth."""
        self._cores = cores
        self._saved_s = BURST_S
        self._at_s = now_s

    def wait_s(self, now_s: float) -> float:
        """Return how long to wait before the next look, 0 for not at all."""
        self._saved_s = min(BURST_S, self._saved_s + self._cores * max(0.0, now_s - self._at_s))
        self._at_s = now_s
        return max(0.0, -self._saved_s / self._cores)

    def spend(self, cpu_s: float) -> None:
        """Take off what a look took."""
        self._saved_s -= cpu_s


def _looked_us(eye: Eye) -> int:
    return eye.looked_us
