"""What of a picture differs from how the scene usually looks, and moves. Pure; numbers and capture times only.

Per block of the small luma plane, the picture is compared with a slowly learning background (what stands before it)
and with the plane of a moment ago (what moves). The background is learned from key frames seconds apart as well as
from every picture. Three things keep out what is no visitor:

- a pixel is only different where no background pixel next to it looks like it: leaves sway, cameras tremble and
  key frames sharpen the picture by less;
- somewhere a texture must have changed, not only its level, contrast or slope: light does just that;
- the thresholds follow what each block usually does: a clock in the picture or the gain of the night is noise soon.

What differs and moves no more, a parked car or the place where one stood, is learned.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from .blocks import (
    Grid,
    Levels,
    Mask,
    around,
    common,
    envelope,
    evened,
    grid_of,
    means,
    outside,
    restructured,
)
from .encoder import BLOCK_PX, Plane

MOVED_AGO_US = 350_000
"""A slow walker moves a pixel of the small plane in this time."""
WARM_UP_US = 1_000_000
"""The first pictures after opening are often grey or damaged, and the scene's unrest is not known yet."""

DIFFERENT = 4.0
"""Least mean difference of a block from its background, of 255: the contrast of a dark coat at dusk."""
MOVED = 4.0
"""Least mean difference of a block from a moment ago."""
RESTRUCTURED = 4.0
"""Least change of texture near what is different: a quarter of the step at an edge."""
UNREST_FACTOR = 3.5
"""So many times its usual unrest must a block show."""
RESTRUCTURED_FACTOR = 2.5
"""Noise changes textures as much as it moves pixels; edges do more."""
BRIGHTER_MOST = 3.0
"""A pale jacket in the dark is brighter still, and its edges are steeper than what a beam brings out."""
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
UNREST_FORGETTING_S = 180.0
"""Wind comes in gusts and a clock's minute once a minute: what a block has done it may do again."""
UNREST_DISMISSED_SHARE = 0.25
"""Of what was looked into and found to be nothing; no more, for it may have been somebody who hesitated."""

JUMP_SHARE = 0.6
"""Most blocks brighter, or most darker: no visitor is that large and that even."""
JUMP_STEP = 5.0
JUMP_REST_US = 700_000
"""A camera's exposure settles so long after a switch."""
RECENT_US = 3_000_000
"""After a gap the plane of a moment ago says nothing."""
FORGET_US = 60_000_000
"""After so long without pictures the background may be of another time of day."""
ENVELOPE_US = 400_000
"""The background hardly changes in this time; its envelope costs as much as all the rest of a look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one picture shows."""

    levels: Levels
    standing: Mask
    """Before the background: different from it, by more than light."""
    live: Mask
    """Standing, and moved since a moment ago."""
    moved_least: Grid
    """By how much a block has to change to have moved."""


class Scene:
    """Remembers how one camera's scene usually looks."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._background: Levels = np.zeros((0, 0), np.float32)
        self._envelope: tuple[Levels, Levels] = (self._background, self._background)
        self._envelope_us = 0
        self._unrest: Grid = np.zeros((0, 0), np.float32)
        self._usual: Grid = np.zeros((0, 0), np.float32)
        self._recent: deque[tuple[int, Levels]] = deque()
        self._seen_us = 0
        self._trusted_us = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Return the rows and columns of blocks; none before the first picture."""
        return self._unrest.shape[0], self._unrest.shape[1]

    def glance(self, plane: Plane, captured_us: int) -> Look | None:
        """Return what a picture seconds after the last shows, all that stands in it taken as live; None: can't tell."""
        current = plane.astype(np.float32)
        since_us, self._seen_us = captured_us - self._seen_us, captured_us
        if self._begins_anew(current, captured_us, since_us):
            return None
        self._refresh(captured_us, at_once=True)
        different, standing = self._standing(current, 1.0)
        self._recent.clear()
        self._recent.append((captured_us, current))
        self._learn_background(current, standing, np.zeros_like(standing), since_us / 1e6)
        self._learn_usual(different, standing, since_us / 1e6)
        if not self._trusted():
            return None
        return Look(
            levels=current,
            standing=standing,
            live=_grouped(standing, different, DIFFERENT),
            moved_least=np.maximum(MOVED, UNREST_FACTOR * self._unrest),
        )

    def look(
        self, plane: Plane, captured_us: int, *, hold: float, doubtful: bool = False
    ) -> Look | None:
        """Return what a picture that follows the last one shows; None where it cannot tell.

        ``hold`` scales the thresholds down while something is known to move. Of a doubtful picture nothing is learned.
        """
        current = plane.astype(np.float32)
        since_us, self._seen_us = captured_us - self._seen_us, captured_us
        if self._begins_anew(current, captured_us, since_us):
            return None
        if since_us > RECENT_US or not self._recent:
            self._recent.clear()
            self._recent.append((captured_us, current))
            return None
        self._refresh(captured_us)
        moved = means(np.abs(evened(current - self._recent[0][1])))
        different, standing = self._standing(current, hold)
        least = np.maximum(MOVED, UNREST_FACTOR * self._unrest)
        live = _grouped(standing & (moved > least * hold), moved, least)
        self._remember(captured_us, current)
        if not doubtful:
            self._learn_background(current, standing, live, since_us / 1e6)
            self._learn_usual(different, standing, since_us / 1e6)
            self._learn_unrest(moved, live, since_us / 1e6)
        if not self._trusted():
            return None
        return Look(levels=current, standing=standing, live=live, moved_least=least)

    def dismiss(self, blocks: Mask, moved: Grid) -> None:
        """Learn that what these blocks did was nothing."""
        if blocks.shape == self._unrest.shape:
            risen = np.minimum(moved, UNREST_MOST) * UNREST_DISMISSED_SHARE
            self._unrest = np.where(blocks, np.maximum(self._unrest, risen), self._unrest)

    def _trusted(self) -> bool:
        return self._seen_us >= self._trusted_us

    def _begins_anew(self, current: Levels, captured_us: int, since_us: int) -> bool:
        if self._background.shape != current.shape or since_us > FORGET_US:
            self._learn_anew(current, captured_us, rest_us=WARM_UP_US)
            return True
        if self._recent and self._jumped(current):
            self._learn_anew(current, captured_us, rest_us=JUMP_REST_US)
            return True
        return False

    def _jumped(self, current: Levels) -> bool:
        steps = means(current - self._recent[-1][1])
        most = steps.size * JUMP_SHARE
        rising, falling = (
            int(np.count_nonzero(steps > JUMP_STEP)),
            int(np.count_nonzero(steps < -JUMP_STEP)),
        )
        return max(rising, falling) > most

    def _learn_anew(self, current: Levels, captured_us: int, *, rest_us: int) -> None:
        shape = grid_of(current)
        if self._unrest.shape != shape:
            self._unrest = np.full(shape, UNREST_FIRST, np.float32)
            self._usual = np.full(shape, UNREST_FIRST, np.float32)
        self._background = current.copy()
        self._refresh(captured_us, at_once=True)
        self._recent.clear()
        self._recent.append((captured_us, current))
        self._trusted_us = captured_us + rest_us

    def _refresh(self, captured_us: int, *, at_once: bool = False) -> None:
        if at_once or not 0 <= captured_us - self._envelope_us < ENVELOPE_US:
            self._envelope = envelope(self._background)
            self._envelope_us = captured_us

    def _remember(self, captured_us: int, current: Levels) -> None:
        self._recent.append((captured_us, current))
        while len(self._recent) > 2 and captured_us - self._recent[1][0] >= MOVED_AGO_US:
            self._recent.popleft()

    def _standing(self, current: Levels, hold: float) -> tuple[Grid, Mask]:
        """Return how different each block is, and where that is something before the background."""
        level = common(current - self._background)
        different = means(outside(current - level, self._envelope))
        standing = different > np.maximum(DIFFERENT, UNREST_FACTOR * self._usual) * hold
        if standing.any():
            least = np.maximum(RESTRUCTURED, RESTRUCTURED_FACTOR * self._unrest) * hold
            edges = restructured(current, self._background) > least * self._brighter(current)
            standing &= around(edges & (around(standing) > 0)) > 0
        return different, standing

    def _brighter(self, current: Levels) -> Grid:
        """Return how many times brighter each block is: light shows textures that the dark had swallowed."""
        now, then = means(current), means(self._background)
        brighter: Grid = np.clip((now + 1) / (then + 1), 1, BRIGHTER_MOST)
        return brighter

    def _learn_background(
        self, current: Levels, standing: Mask, live: Mask, elapsed_s: float
    ) -> None:
        near = around(live) > 0
        shares = np.where(
            near,
            _share(elapsed_s, MOVING_LEARNING_S),
            np.where(
                standing, _share(elapsed_s, PARKED_LEARNING_S), _share(elapsed_s, QUIET_LEARNING_S)
            ),
        ).astype(np.float32)
        rows, columns = shares.shape
        blocks = (current - self._background).reshape(rows, BLOCK_PX, columns, BLOCK_PX)
        blocks *= shares[:, None, :, None]
        self._background += blocks.reshape(current.shape)

    def _learn_usual(self, different: Grid, standing: Mask, elapsed_s: float) -> None:
        # Where something stands, only what its background does beside it is known.
        time_s = UNREST_LEARNING_S if self._trusted() else UNREST_FIRST_LEARNING_S
        self._usual = _followed(self._usual, different, standing, elapsed_s, time_s)

    def _learn_unrest(self, moved: Grid, live: Mask, elapsed_s: float) -> None:
        time_s = UNREST_LEARNING_S if self._trusted() else UNREST_FIRST_LEARNING_S
        self._unrest = _followed(self._unrest, moved, around(live) > 0, elapsed_s, time_s)


def _followed(usual: Grid, now: Grid, held: Mask, elapsed_s: float, time_s: float) -> Grid:
    """Return what a block usually does after one more picture; slowly where something is held before it."""
    target = np.minimum(now, UNREST_MOST)
    rising = _share(elapsed_s, time_s)
    falling = _share(elapsed_s, max(time_s, UNREST_FORGETTING_S) if time_s > 1 else time_s)
    held_share = _share(elapsed_s, min(UNREST_MOVING_LEARNING_S, time_s * 4))
    shares = np.where(held, held_share, np.where(target > usual, rising, falling))
    followed: Grid = usual + (target - usual) * shares.astype(np.float32)
    return followed


def _grouped(mask: Mask, strength: Grid, least: Grid | float) -> Mask:
    """Leave single blocks out, but for the strongest."""
    if not mask.any():
        return mask
    return mask & ((strength > least * np.float32(STRONG_FACTOR)) | (around(mask) > 1))


def _share(elapsed_s: float, time_s: float) -> float:
    return 1 - float(np.exp(-elapsed_s / time_s))
