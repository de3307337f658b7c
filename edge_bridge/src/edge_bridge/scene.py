"""What of a picture differs from how the scene usually looks, and moves. Pure; numbers and capture times only.

Per block of the small luma plane, the picture is compared with a slowly learning background (what is different from
how it usually looks) and with the plane of a moment ago (what moves). What differs and moves no more, a parked car or
the place where one stood, is learned. The thresholds follow the unrest of each block, so a clock in the picture or the
gain of the night is noise after a while. Brightness alone is not movement: the common change is taken out, and a
picture most of which changes in one direction is a switch, after which the background is learned anew.
"""

from collections import deque

import numpy as np
import numpy.typing as npt

from .encoder import BLOCK_PX, Plane

type Levels = npt.NDArray[np.float32]
"""Luma 0 to 255, (height, width)."""
type Grid = npt.NDArray[np.float32]
"""One number a block, (rows, columns)."""
type Mask = npt.NDArray[np.bool_]
"""One answer a block, (rows, columns)."""

MOVED_AGO_US = 350_000
"""A slow walker moves a pixel of the small plane in this time."""
WARM_UP_US = 1_000_000
"""The first pictures after opening are often grey or damaged, and the scene's unrest is not known yet."""

DIFFERENT = 7.0
"""Least mean difference of a block from its background, of 255: the contrast of a dark coat at dusk."""
MOVED = 4.0
"""Least mean difference of a block from a moment ago."""
UNREST_FACTOR = 3.5
"""So many times its usual unrest must a block show."""
UNREST_FIRST = 1.0
UNREST_MOST = 12.0
"""Traffic that never stops must not become noise."""
STRONG_FACTOR = 3.0
"""A single block counts where it is so far beyond its threshold: not a ticking clock, not an insect far away."""

QUIET_LEARNING_S = 6.0
MOVING_LEARNING_S = 40.0
"""A person who lingers must not become the wall."""
PARKED_LEARNING_S = 4.0
"""A parked car is forgotten after some ten seconds: its contrast falls below the threshold in 2 to 3 of these."""
UNREST_LEARNING_S = 10.0
UNREST_FIRST_LEARNING_S = 1.0
"""While warming up: edges that shake and clocks show what they do within the first second."""
UNREST_MOVING_LEARNING_S = 40.0
"""A tree in the wind becomes noise within a minute or two, a visit does not."""

JUMP_SHARE = 0.6
"""Most blocks brighter, or most darker: no visitor is that large and that even."""
JUMP_STEP = 5.0
JUMP_REST_US = 700_000
"""A camera's exposure settles so long after a switch."""
GAP_US = 3_000_000
"""After a gap the plane of a moment ago says nothing."""
FORGET_US = 60_000_000
"""After so long without pictures the background may be of another time of day."""


class Scene:
    """Remembers how one camera's scene usually looks."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._background: Levels = np.zeros((0, 0), np.float32)
        self._unrest: Grid = np.zeros((0, 0), np.float32)
        self._recent: deque[tuple[int, Levels]] = deque()
        self._seen_us = 0
        self._trusted_us = 0

    def moving(self, plane: Plane, captured_us: int, *, hold: float) -> Mask | None:
        """Return the blocks in which something moves; None where this picture cannot tell.

        ``hold`` scales the thresholds down while something is known to move.
        """
        current = plane.astype(np.float32)
        since_us, self._seen_us = captured_us - self._seen_us, captured_us
        if self._background.shape != current.shape or since_us > FORGET_US:
            self._learn_anew(current, captured_us, rest_us=WARM_UP_US)
            return None
        if since_us > GAP_US or not self._recent:
            self._recent.clear()
            self._recent.append((captured_us, current))
            return None
        if self._jumped(current):
            self._learn_anew(current, captured_us, rest_us=JUMP_REST_US)
            return None
        moved = _means(np.abs(_evened(current - self._recent[0][1])))
        different = _means(np.abs(_evened(current - self._background)))
        self._remember(captured_us, current)
        foreground, live = self._judge(different, moved, hold)
        self._learn(current, moved, foreground, live, since_us / 1_000_000)
        return live if self._trusted() else None

    def _trusted(self) -> bool:
        return self._seen_us >= self._trusted_us

    def _jumped(self, current: Levels) -> bool:
        steps = _means(current - self._recent[-1][1])
        most = steps.size * JUMP_SHARE
        rising, falling = (
            int(np.count_nonzero(steps > JUMP_STEP)),
            int(np.count_nonzero(steps < -JUMP_STEP)),
        )
        return max(rising, falling) > most

    def _learn_anew(self, current: Levels, captured_us: int, *, rest_us: int) -> None:
        shape = (current.shape[0] // BLOCK_PX, current.shape[1] // BLOCK_PX)
        if self._unrest.shape != shape:
            self._unrest = np.full(shape, UNREST_FIRST, np.float32)
        self._background = current.copy()
        self._recent.clear()
        self._recent.append((captured_us, current))
        self._trusted_us = captured_us + rest_us

    def _remember(self, captured_us: int, current: Levels) -> None:
        self._recent.append((captured_us, current))
        while len(self._recent) > 2 and captured_us - self._recent[1][0] >= MOVED_AGO_US:
            self._recent.popleft()

    def _judge(self, different: Grid, moved: Grid, hold: float) -> tuple[Mask, Mask]:
        usual = UNREST_FACTOR * self._unrest
        foreground = different > np.maximum(DIFFERENT, usual) * hold
        least = np.maximum(MOVED, usual)
        moving = foreground & (moved > least * hold)
        if not moving.any():
            return foreground, moving
        strong = moved > least * STRONG_FACTOR
        return foreground, moving & (strong | (_around(moving) > 1))

    def _learn(
        self, current: Levels, moved: Grid, foreground: Mask, live: Mask, elapsed_s: float
    ) -> None:
        near = _around(live) > 0 if live.any() else live
        parked = np.where(
            foreground, _share(elapsed_s, PARKED_LEARNING_S), _share(elapsed_s, QUIET_LEARNING_S)
        )
        shares = np.where(near, _share(elapsed_s, MOVING_LEARNING_S), parked).astype(np.float32)
        blocks = (current - self._background).reshape(*_blocks(current))
        blocks *= shares[:, None, :, None]
        self._background += blocks.reshape(current.shape)
        slow_s, fast_s = UNREST_MOVING_LEARNING_S, UNREST_LEARNING_S
        if not self._trusted():
            slow_s = fast_s = UNREST_FIRST_LEARNING_S
        shares = np.where(near, _share(elapsed_s, slow_s), _share(elapsed_s, fast_s)).astype(
            np.float32
        )
        self._unrest += (np.minimum(moved, UNREST_MOST) - self._unrest) * shares


def _share(elapsed_s: float, time_s: float) -> float:
    return 1 - float(np.exp(-elapsed_s / time_s))


def _blocks(plane: Levels) -> tuple[int, int, int, int]:
    return plane.shape[0] // BLOCK_PX, BLOCK_PX, plane.shape[1] // BLOCK_PX, BLOCK_PX


def _evened(difference: Levels) -> Levels:
    """Take the common change out: what a cloud does to the whole picture."""
    sample = difference[::4, ::4].ravel()
    middle = sample.size // 2
    return difference - float(np.partition(sample, middle)[middle])


def _means(plane: Levels) -> Grid:
    rows, high, columns, wide = _blocks(plane)
    # In two steps along memory: three times as fast as one mean over both axes.
    lines = np.add.reduce(plane.reshape(rows, high, plane.shape[1]), axis=1)
    means: Grid = np.add.reduce(lines.reshape(rows, columns, wide), axis=2)
    means /= high * wide
    return means


def _around(mask: Mask) -> npt.NDArray[np.int8]:
    """Count the true blocks among each block and its eight neighbours."""
    rows, columns = mask.shape
    padded = np.zeros((rows + 2, columns + 2), np.int8)
    padded[1:-1, 1:-1] = mask
    across = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    total: npt.NDArray[np.int8] = across[:-2] + across[1:-1] + across[2:]
    return total
