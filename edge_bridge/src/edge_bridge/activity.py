"""The activity detector: is something going on in front of this camera? Pure; numbers and capture times only."""

from dataclasses import dataclass
import math

import numpy as np

from .blocks import Mask, around, fitted
from .encoder import Plane
from .onset import Onset
from .protocol.area import Region
from .regions import grouped
from .scene import Look, Scene

ANALYSIS_US = 95_000
"""At most ten looks a second: 100 ms with room for jitter."""
CLOSE_US = 25_000
"""While it is open whether something has begun: every picture up to 40 a second."""
CLOSE_FOR_US = 12_000_000
"""So long after decoding set in every picture is looked at: longer than the longest catch-up."""
GAP_US = 1_500_000
"""A camera that gave no pictures for so long was not quiet: nobody knows. Longer than the second, and its jitter, between
the pictures of the slowest streams that can be followed."""
OFF_US = 1_800_000
"""People stop between steps; the lights of a hallway should not."""
HOLD = 0.7
"""While active, less is enough: no flicker at the threshold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the looks at a camera's pictures say so far."""

    active: bool
    since_us: int
    """Capture time at which ``active`` became what it is."""
    score: float = 0.0
    """Size of what moves, 0 to 1."""
    regions: tuple[Region, ...] = ()


class ActivityDetector:
    """Watches one camera's small luma planes."""

    def __init__(self) -> None:
        """Start quiet, watching everything."""
        self.verdict = Verdict(active=False, since_us=0)
        self.watched: Mask | None = None
        """The blocks in which activity counts, (rows, columns); None: all."""
        self._scene = Scene()
        self._looked_us: int | None = None
        self._glanced = False
        self._following_us = 0
        self._after_gap = False
        self._onset: Onset | None = None
        self._stood: Mask | None = None
        """Where something stood in the last glance, while there is nothing but glances."""
        self._moved_us = 0

    def due(self, captured_us: int, *, past: bool = False) -> bool:
        """Return whether a picture captured then is worth a look; ``past``: it only leads up to what begins now."""
        if self._looked_us is None:
            return True
        since_us = captured_us - self._looked_us
        follows = captured_us - self._following_us < CLOSE_FOR_US
        close = self._onset is not None or (follows and not past)
        if self.verdict.active or not close:
            return since_us >= ANALYSIS_US
        return since_us >= CLOSE_US

    def confirming(self) -> bool:
        """Return whether the last looks leave it open that something has begun: go on decoding."""
        return self._onset is not None and not self.verdict.active

    def glance(self, plane: Plane, captured_us: int, *, alone: bool = False) -> bool:
        """Look at a picture that stands for itself, seconds after the last; return whether to decode on from here.

        ``alone``: nobody can, for other cameras take all the time there is. Then what stands in two of these pictures in
        a row, in different places, is activity: later than it might be, never not at all.
        """
        if self.verdict.active:
            # Pictures do not follow each other any more: nobody knows what happens between them.
            self.observe(plane, captured_us)
            return self.verdict.active
        if self._looked_us is not None and captured_us <= self._looked_us:
            return self.confirming()
        self._looked_us = captured_us
        self._glanced = True
        self._onset = None
        look = self._scene.glance(plane, captured_us)
        self.verdict = Verdict(active=False, since_us=self.verdict.since_us or captured_us)
        if look is None or not (counted := self._only_counted(look)).live.any():
            self._stood = None
            return False
        before, self._stood = self._stood, counted.live if alone else None
        if alone and before is not None and (counted.live & (around(before) == 0)).any():
            self._moved_us = captured_us
            self.verdict = _active(counted.live, captured_us)
            return True
        self._onset = Onset(counted, captured_us, doubtful=False, still=True)
        return True

    def observe(self, plane: Plane, captured_us: int, *, doubtful: bool = False) -> Verdict:
        """Look at a picture that follows the last one and return the verdict."""
        if self._looked_us is not None and captured_us <= self._looked_us:
            return self.verdict
        since_us = captured_us - (self._looked_us or 0)
        if self._glanced or since_us > GAP_US:
            self._following_us = captured_us
            self._glanced = False
        if since_us > GAP_US:
            # One gap is no quiet. Where gap follows gap, as with key frames alone, some of each is, or it never ended.
            self._moved_us += since_us - (GAP_US if self._after_gap else 0)
            self._onset = None
        self._after_gap = since_us > GAP_US
        self._looked_us = captured_us
        before = self.verdict
        look = self._scene.look(
            plane, captured_us, hold=HOLD if before.active else 1.0, doubtful=doubtful
        )
        if before.active:
            active = self._goes_on(look, captured_us)
        else:
            active = self._begins(look, captured_us, doubtful=doubtful)
        live = None if look is None else self._counted(look.live)
        shown = live if active and live is not None and live.any() else None
        self.verdict = Verdict(
            active=active,
            since_us=before.since_us
            if active == before.active and before.since_us
            else captured_us,
            score=0.0 if shown is None else _score(shown),
            regions=() if shown is None else grouped(shown),
        )
        return self.verdict

    def _goes_on(self, look: Look | None, captured_us: int) -> bool:
        if look is not None and self._counted(look.live).any():
            self._moved_us = captured_us
        return captured_us - self._moved_us < OFF_US

    def _begins(self, look: Look | None, captured_us: int, *, doubtful: bool) -> bool:
        if look is None:
            # A picture that cannot tell begins nothing.
            self._onset = None
            return False
        look = self._only_counted(look)
        if self._onset is None:
            if look.live.any():
                self._onset = Onset(look, captured_us, doubtful=doubtful)
            return False
        onset = self._onset
        if onset.offer(look, captured_us, doubtful=doubtful):
            self._onset = None
            self._moved_us = captured_us
            return True
        if onset.ended:
            self._scene.dismiss(onset.blocks, onset.moved)
            self._onset = None
        return False

    def _counted(self, mask: Mask) -> Mask:
        return mask if self.watched is None else mask & fitted(self.watched, mask.shape)

    def _only_counted(self, look: Look) -> Look:
        if self.watched is None:
            return look
        return Look(
            levels=look.levels,
            standing=self._counted(look.standing),
            live=self._counted(look.live),
            moved_least=look.moved_least,
        )


def _active(live: Mask, since_us: int) -> Verdict:
    return Verdict(active=True, since_us=since_us, score=_score(live), regions=grouped(live))


def _score(live: Mask) -> float:
    # A person far away is a hundredth of the picture: the root lets them show beside a lorry.
    return min(1.0, 2 * math.sqrt(np.count_nonzero(live) / live.size))
