"""Decoded pictures -> JPEG, small luma planes and RGB, in memory only; called on the cameras' threads.

Whatever is made of a picture here, its masks are painted over before anyone sees it.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
import math
import threading

from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
import numpy as np
import numpy.typing as npt
import simplejpeg

from .areas import CELL_PX, Mask, painted
from .protocol.area import Polygon

type Plane = npt.NDArray[np.uint8]
"""Luma, (height, width)."""
type Pixels = npt.NDArray[np.uint8]
"""Red, green and blue, (height, width, 3)."""

PLANE_WIDTH_PX = 160
"""A person who fills a tenth of the picture's height is still a block wide here."""
BLOCK_PX = 8
"""Planes are whole blocks wide and high."""
QUALITY_LEAST = 30
"""Below this a JPEG shows its blocks more than the scene."""
QUALITY_STEP = 15
IDLE_SCALERS = 8
"""A scaler keeps about 15 MB of state for one pair of sizes: cameras share them, and few lie idle."""
PAINTED_KEPT = 64
"""Masks in the form of a picture's size: 0.1 MB each at 480p, and at most some milliseconds to make again."""
BLACK = 0
GREY = 128
"""Of a colour plane: no colour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jpeg:
    """An encoded picture."""

    width: int
    height: int
    data: bytes = field(repr=False)


class Encoder:
    """Scales and encodes for all cameras; safe to call from any thread."""

    def __init__(self) -> None:
        """Start without scalers; they are made as they are needed."""
        self._scalers = _Scalers()

    def luma(self, frame: VideoFrame, masks: tuple[Polygon, ...] = ()) -> Plane:
        """Return the picture's small luma plane, in which nothing happens behind masks."""
        height = round(frame.height * PLANE_WIDTH_PX / frame.width / BLOCK_PX) * BLOCK_PX
        height = min(max(height, 2 * BLOCK_PX), PLANE_WIDTH_PX * 2)
        with self._scalers.borrow(frame, PLANE_WIDTH_PX, height, "gray") as scaler:
            scaled = scaler.reformat(
                frame,
                PLANE_WIDTH_PX,
                height,
                "gray",
                interpolation=Interpolation.FAST_BILINEAR,
                dst_color_range=ColorRange.JPEG,
                threads=1,
            )
        plane = _plane(scaled, 0, PLANE_WIDTH_PX)
        if (cells := _cells(masks, PLANE_WIDTH_PX, height)) is not None:
            _paint(plane, cells, BLACK)
        return plane

    def rgb(
        self, frame: VideoFrame, width: int, height: int, masks: tuple[Polygon, ...] = ()
    ) -> Pixels:
        """Return the picture's pixels at a size, whatever its shape, black behind masks."""
        with self._scalers.borrow(frame, width, height, "rgb24") as scaler:
            scaled = scaler.reformat(
                frame, width, height, "rgb24", interpolation=Interpolation.AREA, threads=1
            )
        pixels = _plane(scaled, 0, 3 * width).reshape(height, width, 3)
        if (cells := _cells(masks, width, height)) is not None:
            _paint(pixels, cells, BLACK)
        return pixels

    def jpeg(
        self,
        frame: VideoFrame,
        *,
        height_px: int,
        quality: int,
        most_bytes: int,
        masks: tuple[Polygon, ...] = (),
    ) -> Jpeg | None:
        """Encode, scaled down to the height and below the size; None where no quality is small enough.

        What lies behind a mask is in none of the bytes: the same picture with something else there gives the same JPEG.
        """
        height = max(2, min(height_px, frame.height) // 2 * 2)
        width = max(2, round(frame.width * height / frame.height / 2) * 2)
        # JPEG is BT.601 at full range. Most cameras say nothing of either, and mean BT.601.
        other = frame.colorspace in {Colorspace.ITU709.value, Colorspace.BT2020.value}
        with self._scalers.borrow(frame, width, height, "yuv420p") as scaler:
            scaled = scaler.reformat(
                frame,
                width,
                height,
                "yuv420p",
                dst_colorspace=Colorspace.ITU601 if other else None,
                interpolation=Interpolation.AREA,
                dst_color_range=ColorRange.JPEG,
                threads=1,
            )
        planes = (
            _plane(scaled, 0, width),
            _plane(scaled, 1, width // 2),
            _plane(scaled, 2, width // 2),
        )
        if (cells := _cells(masks, width, height)) is not None:
            for plane, value in zip(planes, (BLACK, GREY, GREY), strict=True):
                _paint(plane, cells, value)
        for tried in _qualities(quality):
            data: bytes = simplejpeg.encode_jpeg_yuv_planes(*planes, quality=tried)
            if len(data) <= most_bytes:
                return Jpeg(width=width, height=height, data=data)
        return None


def novelty(plane: Plane, before: Plane | None) -> int:
    """Return how different two planes look, 0 to 255; a picture without one before it is all new."""
    if before is None or before.shape != plane.shape:
        return 255
    difference = np.abs(plane.astype(np.int16) - before.astype(np.int16))
    # A person far away changes little of the picture: the mean alone would hide them, so the changed part counts.
    changed = difference > 24
    share = float(np.count_nonzero(changed)) / difference.size
    return min(255, round(255 * math.sqrt(share)))


class _Scalers:
    """Scalers by the pair of formats that they are set up for, each used by one thread at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: OrderedDict[tuple[object, ...], list[VideoReformatter]] = OrderedDict()

    @contextmanager
    def borrow(
        self, frame: VideoFrame, width: int, height: int, pixels: str
    ) -> Iterator[VideoReformatter]:
        key = (frame.width, frame.height, frame.format.name, width, height, pixels)
        with self._lock:
            idle = self._idle.pop(key, [])
            scaler = idle.pop() if idle else VideoReformatter()
            if idle:
                self._idle[key] = idle
        try:
            yield scaler
        finally:
            with self._lock:
                self._idle.setdefault(key, []).append(scaler)
                self._idle.move_to_end(key)
                while sum(map(len, self._idle.values())) > IDLE_SCALERS:
                    self._idle.popitem(last=False)


@lru_cache(PAINTED_KEPT)
def _cells(masks: tuple[Polygon, ...], width: int, height: int) -> Mask | None:
    """Return what is painted of a picture of that size, one answer a cell: a colour plane's pixels."""
    pixels = painted(masks, width=width, height=height)
    return None if pixels is None else pixels[::CELL_PX, ::CELL_PX].copy()


def _paint(plane: Plane | Pixels, cells: Mask, value: int) -> None:
    """Paint a plane over: a colour plane has a pixel a cell, the others have CELL_PX each way."""
    if plane.shape == cells.shape:
        plane[cells] = value
        return
    for row in range(CELL_PX):
        for column in range(CELL_PX):
            part = plane[row::CELL_PX, column::CELL_PX]
            # A picture of odd size ends within its last cell.
            part[cells[: part.shape[0], : part.shape[1]]] = value


def _plane(frame: VideoFrame, index: int, width: int) -> Plane:
    plane = frame.planes[index]
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    # A copy: the scaler's memory goes back to libav.
    return np.ascontiguousarray(rows[: plane.height, :width]).copy()


def _qualities(quality: int) -> Iterator[int]:
    while quality > QUALITY_LEAST:
        yield quality
        quality -= QUALITY_STEP
    yield QUALITY_LEAST
