"""Pictures: size, colours, limits, and how new one is."""

import io

import av
from av.video.reformatter import ColorRange, Colorspace
import numpy as np
from PIL import Image
import pytest

from edge_bridge.encoder import Encoder, novelty

COLOURS = {
    "red": (200, 40, 40),
    "green": (40, 160, 60),
    "blue": (40, 60, 200),
    "white": (250, 250, 250),
    "black": (6, 6, 6),
}


def picture(width: int, height: int, colour: tuple[int, int, int] = (90, 120, 60)) -> av.VideoFrame:
    """Return a camera's picture of one colour, in limited range as cameras send it."""
    rgb = np.full((height, width, 3), colour, np.uint8)
    return av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")


def decoded(data: bytes) -> np.ndarray:
    """Return a JPEG's pixels, (height, width, 3)."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.mark.parametrize(
    ("size", "height_px", "wanted"),
    [
        ((1920, 1080), 480, (854, 480)),
        ((640, 360), 480, (640, 360)),
        ((2688, 1520), 720, (1274, 720)),
        ((854, 481), 480, (852, 480)),
        ((720, 1280), 480, (270, 480)),
    ],
)
def test_size_is_even_and_never_larger_than_the_source(
    size: tuple[int, int], height_px: int, wanted: tuple[int, int]
) -> None:
    """Scaled down to the height, never up, its shape kept."""
    jpeg = Encoder().jpeg(picture(*size), height_px=height_px, quality=70, most_bytes=10**6)
    assert jpeg is not None
    assert (jpeg.width, jpeg.height) == wanted
    assert decoded(jpeg.data).shape == (wanted[1], wanted[0], 3)


@pytest.mark.parametrize("colour", COLOURS.values(), ids=COLOURS)
@pytest.mark.parametrize("space", [Colorspace.ITU601, Colorspace.ITU709])
@pytest.mark.parametrize("span", [ColorRange.MPEG, ColorRange.JPEG])
def test_colours_survive(colour: tuple[int, int, int], space: Colorspace, span: ColorRange) -> None:
    """Whatever matrix and range a camera says it has: nothing washed out, no wrong hue."""
    rgb = np.full((240, 320, 3), colour, np.uint8)
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(
        format="yuv420p", dst_colorspace=space, dst_color_range=span
    )
    frame.colorspace, frame.color_range = space, span
    jpeg = Encoder().jpeg(frame, height_px=120, quality=90, most_bytes=10**6)
    assert jpeg is not None
    shown = decoded(jpeg.data)[60, 80].astype(int)
    assert np.abs(shown - colour).max() <= 8
    luma = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
    assert abs(float(Encoder().luma(frame).mean()) - luma) < 16


def test_size_limit_lowers_the_quality_and_then_gives_up() -> None:
    """A limit is kept; one that no quality meets gives no picture."""
    noise = np.random.default_rng(3).integers(0, 255, (480, 640, 3)).astype(np.uint8)
    frame = av.VideoFrame.from_ndarray(noise, format="rgb24").reformat(format="yuv420p")
    encoder = Encoder()
    free = encoder.jpeg(frame, height_px=480, quality=90, most_bytes=10**6)
    assert free is not None
    limited = encoder.jpeg(frame, height_px=480, quality=90, most_bytes=len(free.data) // 2)
    assert limited is not None
    assert len(limited.data) <= len(free.data) // 2
    assert encoder.jpeg(frame, height_px=480, quality=90, most_bytes=1024) is None


@pytest.mark.parametrize("size", [(1920, 1080), (640, 480), (720, 1280), (4000, 100)])
def test_luma_planes_are_whole_blocks(size: tuple[int, int]) -> None:
    """Whatever the picture's shape, its plane is 160 wide and divides into blocks."""
    plane = Encoder().luma(picture(*size, colour=(255, 255, 255)))
    assert plane.shape[1] == 160
    assert plane.shape[0] % 8 == 0
    assert plane.min() >= 250


def test_novelty_grows_with_what_changed() -> None:
    """Nothing, a person, everything; and a first picture is all new."""
    before = np.full((88, 160), 100, np.uint8)
    person = before.copy()
    person[20:50, 40:52] = 20
    assert novelty(before, None) == 255
    assert novelty(before, before + 3) == 0
    assert 20 < novelty(person, before) < 100
    assert novelty(before + 90, before) == 255
    assert novelty(before, np.zeros((120, 160), np.uint8)) == 255
