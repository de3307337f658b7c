"""The labeller: what the model is given, and where what it says lies in the picture; the model itself is played."""

from pathlib import Path

from av.video.frame import VideoFrame
import numpy as np
import pytest

from edge_bridge.encoder import Encoder, Pixels
from edge_bridge.labels import Labeller, window
from edge_bridge.protocol.area import Region
from edge_bridge.protocol.vocabulary import Label
from edge_bridge.ssd import Floats

WIDTH, HEIGHT = 640, 360
MIDDLE = 1911
"""The anchor in the middle, a square of 0.95."""
PERSON = 4
FACE = Region(x=0.7, y=0.1, width=0.1, height=0.2)


class FakeNetwork:
    """Sees a person in the middle, 0.2 wide and 0.5 high, and keeps what it was shown."""

    def __init__(self) -> None:
        self.shown: list[Pixels] = []
        self.size = (0.2, 0.5)
        self.middle = (0.5, 0.5)

    def run(self, pixels: Pixels) -> tuple[Floats, Floats]:
        """Return the same for every picture."""
        self.shown.append(pixels.copy())
        boxes = np.zeros((1917, 4), np.float32)
        classes = np.full((1917, 24), -20, np.float32)
        shift = [10 * (place - 0.5) / 0.95 for place in self.middle]
        stretch = [5 * np.log(length / 0.95) for length in self.size]
        boxes[MIDDLE] = (shift[1], shift[0], stretch[1], stretch[0])
        classes[MIDDLE, PERSON] = 2
        return boxes, classes


@pytest.fixture
def network() -> FakeNetwork:
    return FakeNetwork()


@pytest.fixture
def labeller(network: FakeNetwork) -> Labeller:
    return Labeller(Encoder(), Path("model"), load=lambda _: network)


def picture() -> VideoFrame:
    """Red on the left, blue on the right, darker towards the bottom."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:, : WIDTH // 2, 0] = pixels[:, WIDTH // 2 :, 2] = 250
    pixels = (pixels * np.linspace(1, 0.2, HEIGHT)[:, None, None]).astype(np.uint8)
    return VideoFrame.from_ndarray(pixels, format="rgb24")


def test_the_model_sees_the_whole_picture(labeller: Labeller, network: FakeNetwork) -> None:
    """Squeezed into its square, red, green and blue in this order; its boxes are fractions of the picture."""
    [person] = labeller.detect(picture())
    [shown] = network.shown
    assert shown.shape == (300, 300, 3)
    red, blue = shown[5, 50], shown[5, 250]
    assert (red > 150).tolist() == [True, False, False]
    assert (blue > 150).tolist() == [False, False, True]
    assert shown[295, 50, 0] < 80
    assert person.label is Label.PERSON
    assert person.score == 0.88
    assert person.box == Region(
        x=pytest.approx(0.4, abs=1e-3),
        y=pytest.approx(0.25, abs=1e-3),
        width=pytest.approx(0.2, abs=1e-3),
        height=pytest.approx(0.5, abs=1e-3),
    )


def test_it_looks_from_near_where_little_moves(labeller: Labeller, network: FakeNetwork) -> None:
    """Around the focus the picture is three times as large; the box lies where the person is in the whole."""
    [person] = labeller.detect(picture(), focus=(FACE,))
    [shown] = network.shown
    assert shown.shape == (300, 300, 3)
    assert shown[..., 0].max() < 60, "nothing of the red half"
    assert person.box == Region(
        x=pytest.approx(0.75 - 0.2 / 6, abs=2e-3),
        y=pytest.approx(0.2 - 0.5 / 6, abs=2e-3),
        width=pytest.approx(0.2 / 3, abs=1e-3),
        height=pytest.approx(0.5 / 3, abs=1e-3),
    )


def test_what_the_window_cuts_is_looked_at_from_further_back(
    labeller: Labeller, network: FakeNetwork
) -> None:
    """A person who goes on beyond the window's edge is taken from the whole picture; at the picture's edge nothing is cut."""
    network.size = (0.2, 0.99)
    [person] = labeller.detect(picture(), focus=(Region(x=0.7, y=0.4, width=0.1, height=0.2),))
    assert len(network.shown) == 2
    assert person.box.height == pytest.approx(0.99, abs=1e-3)
    network.size = (0.2, 1.2)
    network.shown.clear()
    tall = Region(x=0.3, y=0.0, width=0.1, height=0.05)
    labeller.detect(picture(), focus=(tall,))
    assert len(network.shown) == 2, "its feet are cut"
    network.size, network.middle = (0.2, 0.9), (0.5, 0.4)
    network.shown.clear()
    [person] = labeller.detect(picture(), focus=(tall,))
    assert len(network.shown) == 1, "its head is at the edge of the picture itself"
    assert person.box.y == 0


def test_what_is_masked_is_not_looked_at(labeller: Labeller, network: FakeNetwork) -> None:
    """Behind a mask it is black, from far and from near."""
    left_half = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
    labeller.detect(picture(), masks=(left_half,))
    labeller.detect(picture(), masks=(left_half,), focus=(Region(x=0, y=0, width=0.1, height=0.1),))
    far, near = network.shown
    assert far[:, :150].max() == 0
    assert far[:, 160:].max() > 200
    assert near.max() == 0


def test_window_holds_the_focus() -> None:
    """As near as the focus with its margin allows, inside the picture, and not larger than its pixels are worth."""
    assert window((), longer_px=1920) == (1, 0, 0)
    for focus in (FACE, Region(x=0, y=0.8, width=0.3, height=0.2)):
        nearer, left, top = window((focus,), longer_px=1920)
        assert nearer > 1
        assert 0 <= left <= focus.x
        assert focus.x + focus.width <= left + 1 / nearer <= 1 + 1e-9
        assert 0 <= top <= focus.y
        assert focus.y + focus.height <= top + 1 / nearer <= 1 + 1e-9
    assert window((FACE,), longer_px=1920)[0] == 3
    assert window((FACE,), longer_px=320)[0] == 2
    assert window((FACE,), longer_px=160)[0] == 1
    assert window((FACE, Region(x=0, y=0, width=0.1, height=0.1)), longer_px=1920) == (1, 0, 0)
