"""The activity detector: is something going on in front of this camera? Pure; numbers and capture times only."""

from dataclasses import dataclass
import math

import numpy as np

from .encoder import Plane
from .protocol import Region
from .regions import grouped
from .scene import Mask, Scene

ANALYSIS_US = 95_000
"""At most ten looks a second: 100 ms with room for jitter."""
ON_LOOKS = 2
"""One look alone may be a damaged picture or the jump of quality at a key frame."""
ON_US = 1_000_000
"""Looks farther apart are not of one movement."""
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
        """Start quiet."""
        self.verdict = Verdict(active=False, since_us=0)
        self._scene = Scene()
        self._looked_us: int | None = None
        self._looks = 0
        self._moved_us = 0

    def due(self, captured_us: int) -> bool:
        """Return whether a picture captured then is worth a look."""
        return self._looked_us is None or captured_us - self._looked_us >= ANALYSIS_US

    def observe(self, plane: Plane, captured_us: int) -> Verdict:
        """Look at one plane and return the verdict."""
        if self._looked_us is not None and captured_us - self._looked_us > ON_US:
            # A camera that gave no pictures was not quiet: nobody knows.
            self._moved_us += captured_us - self._looked_us
        self._looked_us = captured_us
        before = self.verdict
        live = self._scene.moving(plane, captured_us, hold=HOLD if before.active else 1.0)
        if live is None or not live.any():
            # A picture that cannot tell begins nothing.
            self._looks = 0
            live = None
        else:
            self._looks = self._looks + 1 if captured_us - self._moved_us <= ON_US else 1
            self._moved_us = captured_us
        active = captured_us - self._moved_us < OFF_US if before.active else self._looks >= ON_LOOKS
        self.verdict = Verdict(
            active=active,
            since_us=before.since_us
            if active == before.active and before.since_us
            else captured_us,
            score=_score(live) if active and live is not None else 0.0,
            regions=grouped(live) if active and live is not None else (),
        )
        return self.verdict


def _score(live: Mask) -> float:
    # A person far away is a hundredth of the picture: the root lets them show beside a lorry.
    return min(1.0, 2 * math.sqrt(np.count_nonzero(live) / live.size))
