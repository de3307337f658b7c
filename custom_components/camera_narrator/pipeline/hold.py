"""Somebody stands still: the bridge says quiet, the ledger says who is there. The event goes on meanwhile."""

from typing import Protocol

from .clock import Now
from .events import QUIET_S, Visits
from .gate import Gate
from .ledger import Ledger

HOLD_FPS = 1.0
"""Of a quiet camera that is looked at: the picture is a second old at most."""
HOLD_WATCH_S = 5.0
"""A request that waits for its turn still finds one."""


class Watch(Protocol):
    """Asks a camera's bridge for more frames for a while."""

    def __call__(self, *, rate_fps: float, seconds: float) -> None:
        """Ask for so many a second, for so long."""


class Hold:
    """Whether a quiet camera's event is held, and the looks meanwhile."""

    def __init__(self, gate: Gate, visits: Visits, ledger: Ledger, *, watch: Watch) -> None:
        """Hold nothing yet."""
        self.held = False
        """As keep() found it."""
        self._gate = gate
        self._visits = visits
        self._ledger = ledger
        self._watch = watch
        self._watched_s: float | None = None

    def keep(self, now: Now) -> bool:
        """Return whether somebody who does not move keeps the event open; look at them from time to time."""
        visit = self._visits.open
        self.held = (
            visit is not None and visit.quiet_s is not None and self._ledger.holds(now.wall_s)
        )
        if visit is None or visit.quiet_s is None or not self.held:
            self._gate.release()
            return False
        self._gate.hold(visit.quiet_s + QUIET_S)
        due_s = self._gate.hold_s
        if due_s is not None and now.s >= due_s and self._watched_s != due_s:
            self._watched_s = due_s
            self._watch(rate_fps=HOLD_FPS, seconds=HOLD_WATCH_S)
        return True
