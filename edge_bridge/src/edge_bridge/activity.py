"""The activity detector: does something move in this picture? Pure; numbers and capture times only.

Per block of the small luma plane, the picture is compared with a slowly learning background (what is different
from how it usually looks) and with the plane of a moment ago (what moves). Something is going on where a group of
neighbouring blocks differs from the background and moves. What differs and moves no more, a parked car or the
place where one stood, is learned. The thresholds follow the noise of each block, so a clock in the picture or
the gain of the night is noise after a while. Brightness alone is not activity: the common change is taken out, and
a picture most of which changes in one direction is a switch, after which the background is learned anew.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .encoder import BLOCK_PX, Plane
from .protocol import Region
from .regions import grouped

type Grid = npt.NDArray[np.float32]
"""One number a block, (rows, columns)."""

ANALYSIS_US = 95_000
"""At most ten looks a second: 100 ms with room for jitter."""
MOVED_AGO_US = 350_000
"""A slow walker moves a pixel of the small plane in this time."""
ON_LOOKS = 2
"""One look alone may be a damaged picture or the jump of quality at a key frame."""
OFF_US = 1_800_000
"""People stop between steps; lights in a hallway should not."""
WARM_UP_US = 400_000
"""The first pictures after opening are often grey or damaged."""

DIFFERENT = 7.0
"""Least mean difference of a block from its background, of 255: the contrast of a dark coat at dusk."""
MOVED = 4.0
"""Least mean difference of a block from a moment ago."""
NOISE_FACTOR = 3.5
"""So many times its usual unrest must a block show."""
NOISE_MOST = 12.0
"""Traffic that never stops must not become noise."""
HOLD_FACTOR = 0.7
"""While active, less is enough: no flicker at the threshold."""
STRONG_FACTOR = 2.0
"""A single block counts where it is so far beyond its threshold."""

QUIET_LEARNING_S = 6.0
MOVING_LEARNING_S = 40.0
"""A person who lingers must not become the wall."""
PARKED_LEARNING_S = 4.0
"""A parked car is forgotten after some ten seconds: its contrast falls below the threshold in 2 to 3 of these."""
NOISE_LEARNING_S = 10.0
NOISE_MOVING_LEARNING_S = 60.0
"""A tree in the wind becomes noise within minutes, a visit does not."""

JUMP_SHARE = 0.6
"""Most blocks brighter, or most darker: no visitor is that large and that even."""
JUMP_STEP = 5.0
JUMP_REST_US = 700_000
"""A camera's exposure settles so long after a switch."""
GAP_US = 3_000_000
"""After a gap the plane of a moment ago says nothing."""
FORGET_US = 60_000_000
"""After so long without pictures the background may be of another time of day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one look at a picture says."""

    active: bool
    since_us: int
    """Capture time at which ``active`` became what it is."""
    score: float = 0.0
    """Size of what moves, 0 to 1."""
    regions: tuple[Region, ...] = ()


class ActivityDetector:
    """Watches one camera's small luma planes."""

    def __init__(self) -> None:
        """Start without a background and not active."""
        self.verdict = Verdict(active=False, since_us=0)
        self._background = np.zeros((0, 0), np.float32)
        self._recent: deque[tuple[int, npt.NDArray[np.float32]]] = deque()
        self._noise: Grid = np.zeros((0, 0), np.float32)
        self._looked_us = 0
        self._trusted_us = 0
        self._looks_on = 0
        self._moved_us = 0

    def due(self, captured_us: int) -> bool:
        """Return whether a picture captured then is worth a look."""
        return not self._background.size or captured_us - self._looked_us >= ANALYSIS_US

    def observe(self, plane: Plane, captured_us: int) -> Verdict:
        """Look at one plane and return the verdict."""
        current = plane.astype(np.float32)
        if self._stale(current, captured_us):
            self._learn_anew(current, captured_us)
            return self._judge(captured_us, None)
        elapsed_s = max(0, captured_us - self._looked_us) / 1_000_000
        self._looked_us = captured_us
        if not self._recent or captured_us - self._recent[-1][0] > GAP_US:
            self._recent.clear()
            self._recent.append((captured_us, current))
            return self._judge(captured_us, None)
        different, moved, jumped = self._compare(current)
        self._remember(captured_us, current)
        if jumped:
            self._learn_anew(current, captured_us + JUMP_REST_US - WARM_UP_US)
            return self._judge(captured_us, None)
        live, foreground = self._live(different, moved)
        self._learn(current, moved, live, foreground, elapsed_s)
        return self._judge(captured_us, live if captured_us >= self._trusted_us else None)

    def _stale(self, current: npt.NDArray[np.float32], captured_us: int) -> bool:
        return self._background.shape != current.shape or captured_us - self._looked_us > FORGET_US

    def _learn_anew(self, current: npt.NDArray[np.float32], now_us: int) -> None:
        shape = (current.shape[0] // BLOCK_PX, current.shape[1] // BLOCK_PX)
        if self._noise.shape != shape:
            self._noise = np.full(shape, 1.0, np.float32)
        self._background = current.copy()
        self._recent.clear()
        self._recent.append((now_us, current))
        self._trusted_us = now_us + WARM_UP_US
        self._looked_us = min(now_us, self._looked_us) or now_us

    def _remember(self, captured_us: int, current: npt.NDArray[np.float32]) -> None:
        self._recent.append((captured_us, current))
        while len(self._recent) > 2 and captured_us - self._recent[1][0] >= MOVED_AGO_US:
            self._recent.popleft()

    def _compare(self, current: npt.NDArray[np.float32]) -> tuple[Grid, Grid, bool]:
        step = current - self._recent[-1][1]
        steps = _means(step)
        rising = float(np.mean(steps > JUMP_STEP))
        falling = float(np.mean(steps < -JUMP_STEP))
        difference = current - self._background
        difference -= np.median(difference[::2, ::2])
        change = current - self._recent[0][1]
        change -= np.median(change[::2, ::2])
        return _means(np.abs(difference)), _means(np.abs(change)), max(rising, falling) > JUMP_SHARE

    def _live(
        self, different: Grid, moved: Grid
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        hold = HOLD_FACTOR if self.verdict.active else 1.0
        noise = NOISE_FACTOR * self._noise
        least_different = np.maximum(DIFFERENT, noise) * hold
        least_moved = np.maximum(MOVED, noise) * hold
        foreground = different > least_different
        moving = foreground & (moved > least_moved)
        strong = moving & (moved > least_moved * STRONG_FACTOR)
        alone = _neighbours(moving) == 0
        return moving & (strong | ~alone), foreground

    def _learn(
        self,
        current: npt.NDArray[np.float32],
        moved: Grid,
        live: npt.NDArray[np.bool_],
        foreground: npt.NDArray[np.bool_],
        elapsed_s: float,
    ) -> None:
        near = live | (_neighbours(live) > 0)
        seconds = np.where(
            near, MOVING_LEARNING_S, np.where(foreground, PARKED_LEARNING_S, QUIET_LEARNING_S)
        )
        share = (1 - np.exp(-elapsed_s / seconds)).astype(np.float32)
        shares = share.repeat(BLOCK_PX, axis=0).repeat(BLOCK_PX, axis=1)
        self._background += (current - self._background) * shares
        seconds = np.where(near, NOISE_MOVING_LEARNING_S, NOISE_LEARNING_S)
        share = (1 - np.exp(-elapsed_s / seconds)).astype(np.float32)
        self._noise += (np.minimum(moved, NOISE_MOST) - self._noise) * share

    def _judge(self, captured_us: int, live: npt.NDArray[np.bool_] | None) -> Verdict:
        moving = live is not None and bool(live.any())
        self._looks_on = self._looks_on + 1 if moving else 0
        if moving:
            self._moved_us = captured_us
        before = self.verdict
        if before.active:
            active = captured_us - self._moved_us < OFF_US
        else:
            active = self._looks_on >= ON_LOOKS
        regions: tuple[Region, ...] = ()
        score = 0.0
        if active and moving and live is not None:
            regions = grouped(live)
            score = min(1.0, 2 * float(np.mean(live)) ** 0.5)
        self.verdict = Verdict(
            active=active,
            since_us=before.since_us
            if active == before.active and before.since_us
            else captured_us,
            score=score,
            regions=regions,
        )
        return self.verdict


def _means(plane: npt.NDArray[np.float32]) -> Grid:
    rows, columns = plane.shape[0] // BLOCK_PX, plane.shape[1] // BLOCK_PX
    means: Grid = plane.reshape(rows, BLOCK_PX, columns, BLOCK_PX).mean(
        axis=(1, 3), dtype=np.float32
    )
    return means


def _neighbours(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int8]:
    padded = np.pad(mask.astype(np.int8), 1)
    rows, columns = mask.shape
    total = -mask.astype(np.int8)
    for down in range(3):
        for right in range(3):
            total = total + padded[down : down + rows, right : right + columns]
    return total
