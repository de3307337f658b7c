"""What can be said of a small luma plane block by block. Pure."""

from typing import Final

import numpy as np
import numpy.typing as npt

from .encoder import BLOCK_PX

type Levels = npt.NDArray[np.float32]
"""Luma 0 to 255, (height, width), whole blocks."""
type Grid = npt.NDArray[np.float32]
"""One number a block, (rows, columns)."""
type Mask = npt.NDArray[np.bool_]
"""One answer a block, (rows, columns)."""

GLARE: Final = 235.0
"""A block so bright has lost its texture to the light, not to something before it."""


def grid_of(plane: Levels) -> tuple[int, int]:
    """Return the rows and columns of blocks of a plane."""
    return plane.shape[0] // BLOCK_PX, plane.shape[1] // BLOCK_PX


def means(plane: Levels) -> Grid:
    """Return each block's mean."""
    rows, columns = grid_of(plane)
    # In two steps along memory: three times as fast as one mean over both axes.
    lines = np.add.reduce(plane.reshape(rows, BLOCK_PX, plane.shape[1]), axis=1)
    total: Grid = np.add.reduce(lines.reshape(rows, columns, BLOCK_PX), axis=2)
    total /= BLOCK_PX * BLOCK_PX
    return total


def evened(difference: Levels) -> Levels:
    """Take the common change out: what a cloud does to the whole picture."""
    return difference - common(difference)


def common(difference: Levels) -> np.float32:
    """Return the change that half the picture exceeds."""
    sample = difference[::4, ::4].ravel()
    middle = sample.size // 2
    # Its own type: a Python float would do as well, a double would make every plane one.
    return np.float32(np.partition(sample, middle)[middle])


def envelope(plane: Levels) -> tuple[Levels, Levels]:
    """Return the least and the greatest level around each pixel, a pixel far."""
    padded = np.pad(plane, 1, mode="edge")
    low = np.minimum(np.minimum(padded[:-2], padded[1:-1]), padded[2:])
    high = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
    return (
        np.minimum(np.minimum(low[:, :-2], low[:, 1:-1]), low[:, 2:]),
        np.maximum(np.maximum(high[:, :-2], high[:, 1:-1]), high[:, 2:]),
    )


def outside(plane: Levels, bounds: tuple[Levels, Levels]) -> Levels:
    """Return how far each pixel lies outside of its bounds."""
    low, high = bounds
    beyond: Levels = np.maximum(plane - high, low - plane)
    np.maximum(beyond, np.float32(0), out=beyond)
    return beyond


def restructured(plane: Levels, before: Levels) -> Grid:
    """Return by how much each block's texture is another one, in levels.

    Light that falls on a scene, or is taken from it, scales what is there and adds a level or a slope: that is all
    taken out. What stands before the scene has edges of its own and hides those behind it.
    """
    now, then = _textures(plane), _textures(before)
    shared = np.maximum(np.einsum("bp,bp->b", now, then), 0)
    shared *= shared
    now_power = np.einsum("bp,bp->b", now, now)
    then_power = np.einsum("bp,bp->b", then, then)
    gained = now_power - shared / (then_power + 1)
    lost = then_power - shared / (now_power + 1)
    lost[means(plane).ravel() > GLARE] = 0
    power = np.maximum(np.maximum(gained, lost), 0) / (BLOCK_PX * BLOCK_PX)
    changed: Grid = np.sqrt(power).reshape(grid_of(plane))
    return changed


def around(mask: Mask) -> npt.NDArray[np.int8]:
    """Count the true blocks among each block and its eight neighbours."""
    rows, columns = mask.shape
    padded = np.zeros((rows + 2, columns + 2), np.int8)
    padded[1:-1, 1:-1] = mask
    across = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    total: npt.NDArray[np.int8] = across[:-2] + across[1:-1] + across[2:]
    return total


def fitted(mask: Mask, shape: tuple[int, int]) -> Mask:
    """Return a mask in another grid's shape."""
    if mask.shape == shape:
        return mask
    rows = np.arange(shape[0]) * mask.shape[0] // shape[0]
    columns = np.arange(shape[1]) * mask.shape[1] // shape[1]
    resampled: Mask = mask[np.ix_(rows, columns)]
    return resampled


def _textures(plane: Levels) -> Levels:
    """Return each block's pixels, (blocks, pixels), without their level and slope."""
    rows, columns = grid_of(plane)
    pixels = (
        plane.reshape(rows, BLOCK_PX, columns, BLOCK_PX)
        .transpose(0, 2, 1, 3)
        .reshape(rows * columns, BLOCK_PX * BLOCK_PX)
    )
    smooth = np.matmul(np.matmul(pixels, _SLOPES.T), _SLOPES)
    textures: Levels = np.subtract(pixels, smooth, dtype=np.float32)
    return textures


def _slopes() -> Levels:
    ramp = np.arange(BLOCK_PX, dtype=np.float32) - (BLOCK_PX - 1) / 2
    down, right = np.meshgrid(ramp, ramp, indexing="ij")
    rows = np.stack([np.ones_like(down), down, right]).reshape(3, -1)
    unit: Levels = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


_SLOPES: Final = _slopes()
"""A level and a slope down and to the right, each of length one, (3, pixels)."""
