"""Pictures made smaller. Pure, for the executor."""

from io import BytesIO

from PIL import Image, UnidentifiedImageError

QUALITY = 70
"""Of what is encoded again: at half the size nothing is left that a higher one would keep."""


def shrunk(jpegs: tuple[bytes, ...], height_px: int) -> tuple[bytes, ...]:
    """Return pictures of at most this height; what is low enough, or no picture at all, stays as it is."""
    return tuple(_shrunk(jpeg, height_px) for jpeg in jpegs)


def _shrunk(jpeg: bytes, height_px: int) -> bytes:
    try:
        with Image.open(BytesIO(jpeg)) as picture:
            if picture.height <= height_px:
                return jpeg
            width_px = max(1, round(picture.width * height_px / picture.height))
            # The decoder itself halves where it can, which leaves a quarter of the work.
            picture.draft("RGB", (width_px, height_px))
            small = picture.resize((width_px, height_px), Image.Resampling.BILINEAR)
    except UnidentifiedImageError, OSError, ValueError, SyntaxError:
        return jpeg
    file = BytesIO()
    small.convert("RGB").save(file, "JPEG", quality=QUALITY)
    return file.getvalue()
