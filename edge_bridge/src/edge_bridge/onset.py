"""Something may have begun: is it something that stays in view and goes on moving? Pure.

A lamp that is switched on, a digit that changes and a damaged picture move once. Rain, and an insect at the lamp, are
somewhere else before a tenth of a second has passed. What walks or drives covers its place for longer, and goes on.
"""

import numpy as np

from .blocks import Grid, Mask, around, evened, means
from .scene import Look

LASTS_US = 110_000
"""The fourth picture at 25 fps, the second where pictures are farther apart: a moth has left its place by then."""
DOUBTFUL_US = 400_000
DOUBTFUL_LOOKS = 6
"""Damage smears on until the next key frame: pictures after a loss must agree for longer."""
MISSED_US = 200_000
"""Without movement for so long it has ended: a foot rests between two steps, what is far away moves a pixel in this."""
PATIENCE_US = 1_500_000
"""What has not convinced in this time is no onset."""
STILL_US = 600_000
"""What a key frame showed for the first time has so long to move."""
GOES_ON = 0.6
"""Of the threshold of movement: since the first look less time has passed than what that is made for."""


class Onset:
    """One suspicion, from the first look that raised it."""

    def __init__(
        self, look: Look, captured_us: int, *, doubtful: bool, still: bool = False
    ) -> None:
        """Begin with a look in which something is live, or with a ``still`` one in which it only stands."""
        self._first = look
        self._since_us = captured_us
        self._lasting: Mask = look.standing.copy()
        self._doubtful = doubtful
        self._looks = 1
        self._moved_us = captured_us
        self._still = still
        self.ended = False
        """It was nothing."""
        self.blocks: Mask = look.live.copy()
        """Where something was live."""
        self.moved: Grid = np.zeros(look.live.shape, np.float32)
        """The most that each block has changed since the first look."""

    def offer(self, look: Look, captured_us: int, *, doubtful: bool) -> bool:
        """Take the next look; return whether it is confirmed."""
        self._doubtful = self._doubtful or doubtful
        self._looks += 1
        self._lasting &= look.standing
        age_us = captured_us - self._since_us
        if look.live.any():
            self._moved_us = captured_us
            self._still = False
            self.blocks |= look.live
        still_us = captured_us - self._moved_us
        if age_us > PATIENCE_US or still_us > (STILL_US if self._still else MISSED_US):
            self.ended = True
            return False
        changed = means(np.abs(evened(look.levels - self._first.levels)))
        self.moved = np.maximum(self.moved, changed)
        least_us = DOUBTFUL_US if self._doubtful else LASTS_US
        if age_us < least_us or (self._doubtful and self._looks < DOUBTFUL_LOOKS):
            return False
        lasting = self._lasting & (around(look.live) > 0)
        if not lasting.any():
            # What was there first has gone: if this is something, it begins here.
            self._restart(look, captured_us)
            return False
        going_on = (changed > look.moved_least * GOES_ON) & (around(lasting) > 0)
        return bool(going_on.any())

    def _restart(self, look: Look, captured_us: int) -> None:
        if not look.live.any():
            return
        self._first = look
        self._since_us = captured_us
        self._lasting = look.standing.copy()
        self._looks = 1
