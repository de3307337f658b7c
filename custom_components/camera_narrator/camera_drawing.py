"""A camera's picture with its areas drawn into it; for the executor, in memory."""

import io
import logging

from PIL import Image, ImageDraw, ImageFont

from .camera_areas import Areas
from .pictures import MOST_PIXELS
from .protocol.area import Polygon
from .protocol.limits import MAX_FRAME_BYTES

_LOGGER = logging.getLogger(__name__)

GREEN = (40, 200, 80)
YELLOW = (250, 200, 30)
BLACK = (0, 0, 0)
GREY = (150, 150, 150)
WHITE = (255, 255, 255)
TINT = 70
"""Of 255: the picture stays visible below a zone."""
HATCH_PX = 12
LINE_PX = 2
TICKS = 10
"""One each 10 %, so that corners can be read off the picture."""
QUALITY = 85


def drawn(jpeg: bytes, areas: Areas) -> bytes:
    """Return the picture with a ruler and the areas: watched green, ignored yellow, hidden black and hatched.

    What is no picture is returned as it is: the browser will say so.
    """
    try:
        image = Image.open(io.BytesIO(jpeg), formats=["JPEG"])
        if image.width * image.height > MOST_PIXELS:
            return jpeg
        picture = image.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        _LOGGER.debug("A picture of %d bytes cannot be drawn into: %s", len(jpeg), error)
        return jpeg
    for zone in areas.zones:
        picture = _tinted(picture, zone, GREEN)
    for area in areas.ignored:
        picture = _tinted(picture, area, YELLOW)
    for mask in areas.masks:
        picture = _hidden(picture, mask)
    _rule(picture)
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=QUALITY)
    return written.getvalue() if written.tell() <= MAX_FRAME_BYTES else jpeg


def _tinted(picture: Image.Image, area: Polygon, colour: tuple[int, int, int]) -> Image.Image:
    veil = Image.new("L", picture.size, 0)
    corners = _pixels(picture, area)
    ImageDraw.Draw(veil).polygon(corners, fill=TINT)
    picture = Image.composite(Image.new("RGB", picture.size, colour), picture, veil)
    ImageDraw.Draw(picture).polygon(corners, outline=colour, width=LINE_PX)
    return picture


def _hidden(picture: Image.Image, mask: Polygon) -> Image.Image:
    hatched = Image.new("RGB", picture.size, BLACK)
    pencil = ImageDraw.Draw(hatched)
    for left in range(-picture.height, picture.width, HATCH_PX):
        pencil.line((left, picture.height, left + picture.height, 0), fill=GREY)
    inside = Image.new("L", picture.size, 0)
    corners = _pixels(picture, mask)
    ImageDraw.Draw(inside).polygon(corners, fill=255)
    picture = Image.composite(hatched, picture, inside)
    ImageDraw.Draw(picture).polygon(corners, outline=GREY, width=LINE_PX)
    return picture


def _rule(picture: Image.Image) -> None:
    """Draw per cents along the upper and the left edge."""
    pencil = ImageDraw.Draw(picture)
    font = ImageFont.load_default(max(9, picture.height // 36))
    tick_px = max(4, picture.height // 60)
    for tick in range(1, TICKS):
        x, y = picture.width * tick // TICKS, picture.height * tick // TICKS
        label = str(100 * tick // TICKS)
        pencil.line((x, 0, x, tick_px), fill=WHITE, width=LINE_PX)
        pencil.line((0, y, tick_px, y), fill=WHITE, width=LINE_PX)
        for place, anchor in (((x, tick_px), "ma"), ((tick_px + 2, y), "lm")):
            pencil.text(place, label, WHITE, font, anchor=anchor, stroke_width=1, stroke_fill=BLACK)


def _pixels(picture: Image.Image, area: Polygon) -> list[tuple[float, float]]:
    return [(x * (picture.width - 1), y * (picture.height - 1)) for x, y in area]
