"""Which camera's picture the detector looks at next, and when it may. Pure."""

from collections.abc import Hashable
from dataclasses import dataclass, field

LOOK_US = 450_000
"""Between two looks at one camera: two a second, with room for jitter."""
PENDING_MOST = 8
"""Pictures that wait, of all cameras: 25 MB of 4K each at worst."""
BURST_S = 0.5
"""Processor time that idle seconds save up, for an onset at several cameras at once."""
NEVER = -(2**63)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait[L]:
    """A picture that waits, and when its camera was looked at before."""

    look: L = field(repr=False)
    before_us: int


class LookQueue[L]:
    """One place for each camera; the newest picture wins, and whoever was not looked at for longest comes first."""

    def __init__(self) -> None:
        """Start empty."""
        self._pending: dict[Hashable, Wait[L]] = {}
        self._offered_us: dict[Hashable, int] = {}
        self._looked_us: dict[Hashable, int] = {}
        self.skipped = 0
        """Pictures that were due and gave way to others."""

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._pending)

    def due(self, camera: Hashable, captured_us: int) -> bool:
        """Return whether it is time for another look at a camera."""
        return captured_us - self._offered_us.get(camera, NEVER) >= LOOK_US

    def offer(self, camera: Hashable, look: L, captured_us: int) -> None:
        """Let a picture wait."""
        self._offered_us[camera] = captured_us
        self.skipped += camera in self._pending
        self._pending[camera] = Wait(look=look, before_us=self._looked_us.get(camera, NEVER))
        if len(self._pending) > PENDING_MOST:
            del self._pending[
                max(self._pending, key=lambda waiting: self._pending[waiting].before_us)
            ]
            self.skipped += 1

    def take(self, now_us: int) -> L | None:
        """Return the next picture to look at."""
        if not self._pending:
            return None
        camera = min(self._pending, key=lambda waiting: self._pending[waiting].before_us)
        self._looked_us[camera] = now_us
        return self._pending.pop(camera).look

    def forget(self, camera: Hashable) -> None:
        """Take note that a camera is gone."""
        for table in (self._pending, self._offered_us, self._looked_us):
            table.pop(camera, None)


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
