"""Paints the pictures of a rehearsal: a grey slope with figures, the code above and below, as JPEG."""

from functools import cache
from typing import Final

import numpy as np
from PIL import Image, ImageDraw
import simplejpeg

from rigs.model_truth import SIGN
from rigs.picture_code import Cast, Code, Plane, band_height_px, draw_code

WIDTH_PX: Final = 854
HEIGHT_PX: Final = 480
QUALITY: Final = 70
"""All as a new camera has them."""
_INK: Final = 32


def paint(
    code: Code, *, width_px: int = WIDTH_PX, height_px: int = HEIGHT_PX, quality: int = QUALITY
) -> bytes:
    """Return one picture."""
    luma = _scene(code.cast, width_px, height_px).copy()
    half = ((height_px + 1) // 2, (width_px + 1) // 2)
    blue, red = np.full(half, 120, np.uint8), np.full(half, 134, np.uint8)
    draw_code(luma, blue, red, code)
    coded: bytes = simplejpeg.encode_jpeg_yuv_planes(luma, blue, red, quality)
    return coded


@cache
def _scene(cast: Cast, width_px: int, height_px: int) -> Plane:
    """Draw who is there, each a block of a grey of its own."""
    across = np.linspace(70, 150, width_px)
    room = (across[None, :] + np.linspace(20, -20, height_px)[:, None]).astype(np.uint8)
    canvas = Image.fromarray(room)
    pen = ImageDraw.Draw(canvas)
    low = height_px - 2 * band_height_px(height_px)
    left = width_px // 10
    for count, grey, tall, broad in (
        (cast.persons, 225, 0.45, 0.06),
        (cast.vehicles, 40, 0.3, 0.2),
        (cast.animals, 15, 0.15, 0.08),
        (int(cast.package), 200, 0.1, 0.06),
    ):
        for _ in range(count):
            width = int(width_px * broad)
            pen.rectangle((left, low - int(height_px * tall), left + width, low), fill=grey)
            left += width + width_px // 25
    if cast.sign:
        pen.text((width_px // 3, height_px // 4), SIGN, fill=_INK)
    return np.asarray(canvas)
