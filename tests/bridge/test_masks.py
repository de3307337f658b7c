"""Masks are burnt in: what lies behind them is in nothing that is made of a picture."""

import av
from av.video.reformatter import Colorspace
from hypothesis import given, settings, strategies as st
import numpy as np
from PIL import Image, ImageDraw
import pytest

from edge_bridge.encoder import Encoder, Jpeg, novelty
from edge_bridge.protocol.area import Polygon
from tests.bridge.test_encoder import decoded

CORNERS = st.tuples(st.floats(0, 1), st.floats(0, 1))
POLYGONS = st.lists(CORNERS, min_size=3, max_size=6).map(tuple)
WINDOW: Polygon = ((0.31, 0.22), (0.64, 0.2), (0.66, 0.57), (0.3, 0.6))
DOOR: Polygon = ((0.8, 0.4), (1, 0.4), (1, 1), (0.8, 1))
SIZES = [(640, 360), (642, 362), (1920, 1080), (704, 576), (320, 240)]
FORMATS = ["yuv420p", "yuvj420p", "yuv422p", "yuv444p", "nv12", "gray"]


def behind(masks: tuple[Polygon, ...], width: int, height: int) -> np.ndarray:
    """Return the pixels of a picture that masks touch, by another painter's account."""
    image = Image.new("1", (width, height))
    for mask in masks:
        corners = [(x * width - 0.5, y * height - 0.5) for x, y in mask]
        ImageDraw.Draw(image).polygon(corners, fill=1, outline=1)
    return np.asarray(image)


def pair(
    masks: tuple[Polygon, ...], width: int, height: int, pixels: str = "yuv420p"
) -> tuple[av.VideoFrame, av.VideoFrame]:
    """Return two pictures of noise: behind the masks one is dark red, the other bright and restless."""
    noise = np.random.default_rng(1)
    hidden = behind(masks, width, height)
    front = noise.integers(0, 255, (height, width, 3), np.uint8)
    other = noise.integers(180, 255, (height, width, 3), np.uint8)
    frames = [
        av.VideoFrame.from_ndarray(np.where(hidden[..., None], content, front), format="rgb24")
        for content in (np.array((90, 0, 0), np.uint8), other)
    ]
    first, second = (frame.reformat(format=pixels) for frame in frames)
    return first, second


def encoded(frame: av.VideoFrame, masks: tuple[Polygon, ...], height_px: int = 480) -> Jpeg:
    """Return a frame as JPEG."""
    jpeg = Encoder().jpeg(frame, height_px=height_px, quality=95, most_bytes=10**7, masks=masks)
    assert jpeg is not None
    return jpeg


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("height_px", [178, 360, 480])
def test_nothing_behind_a_mask_is_in_the_jpeg(size: tuple[int, int], height_px: int) -> None:
    """Two pictures that differ behind the masks alone become the same bytes; without masks they do not."""
    masks = (WINDOW, DOOR)
    first, second = pair(masks, *size)
    assert encoded(first, masks, height_px).data == encoded(second, masks, height_px).data
    assert encoded(first, (), height_px).data != encoded(second, (), height_px).data


@pytest.mark.parametrize("pixels", FORMATS)
@pytest.mark.parametrize("space", [Colorspace.ITU601, Colorspace.ITU709])
def test_no_format_of_a_camera_bleeds(pixels: str, space: Colorspace) -> None:
    """However a camera shares colours among pixels, and whatever matrix it says it has."""
    first, second = pair((WINDOW,), 640, 480, pixels)
    for frame in (first, second):
        frame.colorspace = space
    assert encoded(first, (WINDOW,), 360).data == encoded(second, (WINDOW,), 360).data


@settings(max_examples=40, deadline=None)
@given(st.lists(POLYGONS, min_size=1, max_size=3).map(tuple), st.sampled_from([178, 240, 480]))
def test_no_shape_of_a_mask_bleeds(masks: tuple[Polygon, ...], height_px: int) -> None:
    """Any polygon, however thin and wherever."""
    first, second = pair(masks, 426, 240)
    assert encoded(first, masks, height_px).data == encoded(second, masks, height_px).data


def test_hidden_is_black_and_the_rest_is_shown() -> None:
    """The masked part is black, a little beyond it the picture is what it was."""
    frame = av.VideoFrame.from_ndarray(np.full((360, 640, 3), (200, 40, 40), np.uint8))
    shown = decoded(encoded(frame.reformat(format="yuv420p"), (DOOR,), 360).data).astype(int)
    assert shown[150:, 520:].max() <= 8
    assert np.abs(shown[:, :496] - (200, 40, 40)).max() <= 12
    assert np.abs(shown[:128] - (200, 40, 40)).max() <= 12


@pytest.mark.parametrize("size", [(300, 300), (640, 360), (301, 173)])
def test_the_detector_of_things_does_not_see_behind_masks(size: tuple[int, int]) -> None:
    """What is looked at for people and vehicles is the same whatever lies behind, and black there."""
    first, second = (Encoder().rgb(frame, *size, (WINDOW,)) for frame in pair((WINDOW,), 1280, 720))
    assert first.shape == (size[1], size[0], 3)
    assert (first == second).all()
    assert first[size[1] * 2 // 5, size[0] // 2].max() == 0
    assert Encoder().rgb(pair((WINDOW,), 1280, 720)[0], *size).max() > 0


def test_the_small_plane_does_not_tell_what_happens_behind_masks() -> None:
    """Neither activity nor the novelty of a frame speaks of what is hidden."""
    encoder = Encoder()
    frames = pair((WINDOW,), 1280, 720)
    first, second = (encoder.luma(frame, (WINDOW,)) for frame in frames)
    assert (first == second).all()
    assert novelty(second, first) == 0
    assert novelty(*(encoder.luma(frame) for frame in frames)) > 50


def test_other_masks_of_the_same_size_are_not_mixed_up() -> None:
    """What is kept from one camera's masks serves no other's."""
    encoder = Encoder()
    frame = pair((WINDOW,), 640, 360)[0]
    for masks in ((WINDOW,), (DOOR,), (), (WINDOW, DOOR), (WINDOW,)):
        assert (encoder.rgb(frame, 64, 36, masks) == Encoder().rgb(frame, 64, 36, masks)).all()
        dark = encoder.rgb(frame, 64, 36, masks).max(axis=2) == 0
        assert dark[14, 30] == (WINDOW in masks)
        assert dark[30, 60] == (DOOR in masks)
