"""Pictures made smaller, and several on one sheet. Pure, for the executor."""

from collections.abc import Sequence
from io import BytesIO
import math

from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError

QUALITY = 70
"""Of what is encoded again: at half the size nothing is left that a higher one would keep."""
STRIP_PX = 22
"""Above each picture of a sheet, for its number: nothing of the picture is covered."""
GAP_PX = 4
"""Between the pictures of a sheet."""
BLACK, GREY, WHITE = (0, 0, 0), (90, 90, 90), (255, 255, 255)

MOST_PIXELS = 4096 * 4096
"""No bridge sends larger ones; decoding must not cost Home Assistant its memory."""

UNREADABLE = (
    UnidentifiedImageError,
    OSError,
    ValueError,
    SyntaxError,
    Image.DecompressionBombError,
)
"""What is raised of what is no picture, half of one, or one that claims to be larger than any."""


def shrunk(jpegs: tuple[bytes, ...], height_px: int) -> tuple[bytes, ...]:
    """Return pictures of at most this height; what is low enough, or no picture at all, stays as it is."""
    return tuple(_shrunk(jpeg, height_px) for jpeg in jpegs)


def sheet(jpegs: Sequence[bytes], *, first: int, edge_px: int) -> bytes:
    """Return pictures side by side, row by row, each below its number, counted from ``first``; no edge is longer.

    What cannot be read is a grey place, so that the numbers of the others hold.
    """
    pictures = [_opened(jpeg) for jpeg in jpegs]
    columns, rows = grid(len(pictures))
    width_px = max((picture.width for picture in pictures if picture is not None), default=320)
    height_px = max((picture.height for picture in pictures if picture is not None), default=180)
    scale = min(
        1.0,
        (edge_px - (columns - 1) * GAP_PX) / columns / width_px,
        (edge_px - (rows - 1) * GAP_PX - rows * STRIP_PX) / rows / height_px,
    )
    wide, high = max(1, int(width_px * scale)), max(1, int(height_px * scale))
    across, down = wide + GAP_PX, high + STRIP_PX + GAP_PX
    page = Image.new("RGB", (columns * across - GAP_PX, rows * down - GAP_PX), BLACK)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(STRIP_PX - 4)
    for place, picture in enumerate(pictures):
        left, top = place % columns * across, place // columns * down
        draw.text((left + 4, top), str(first + place), fill=WHITE, font=font)
        if picture is None:
            draw.rectangle((left, top + STRIP_PX, left + wide, top + STRIP_PX + high), fill=GREY)
            continue
        size = (
            max(1, int(picture.width * scale)),
            max(1, int(picture.height * scale)),
        )
        page.paste(picture.resize(size, Image.Resampling.BILINEAR), (left, top + STRIP_PX))
    return _encoded(page)


def grid(count: int) -> tuple[int, int]:
    """Return the columns and rows of a sheet: pictures are wider than high, so it has at least as many rows."""
    columns = max(1, math.isqrt(count))
    return columns, math.ceil(count / columns)


def _opened(jpeg: bytes) -> Image.Image | None:
    try:
        with Image.open(BytesIO(jpeg)) as picture:
            _check(picture)
            return picture.convert("RGB")
    except UNREADABLE:
        return None


def _shrunk(jpeg: bytes, height_px: int) -> bytes:
    try:
        with Image.open(BytesIO(jpeg)) as picture:
            _check(picture)
            if picture.height <= height_px:
                return jpeg
            width_px = max(1, round(picture.width * height_px / picture.height))
            # The decoder itself halves where it can, which leaves a quarter of the work.
            picture.draft("RGB", (width_px, height_px))
            small = picture.resize((width_px, height_px), Image.Resampling.BILINEAR)
    except UNREADABLE:
        return jpeg
    return _encoded(small.convert("RGB"))


def _check(picture: Image.Image) -> None:
    """Raise ValueError before a picture is decoded that is larger than any should be."""
    if picture.width * picture.height > MOST_PIXELS:
        raise ValueError("the picture is too large")


def _encoded(picture: Image.Image) -> bytes:
    file = BytesIO()
    picture.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()
