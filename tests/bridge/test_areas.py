"""Areas of a picture: which blocks are watched, which pixels are painted over."""

from hypothesis import given, strategies as st
import numpy as np
import pytest

from edge_bridge.areas import CELL_PX, RIM_CELLS, painted, watched_blocks
from edge_bridge.protocol.area import Polygon

ROWS, COLUMNS = 11, 20
RIM = CELL_PX * RIM_CELLS
FRACTIONS = st.floats(0, 1)
POLYGONS = st.lists(st.tuples(FRACTIONS, FRACTIONS), min_size=3, max_size=8).map(tuple)


def box(left: float, top: float, right: float, bottom: float) -> Polygon:
    """Return an upright rectangle."""
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def watched(
    *,
    zones: tuple[Polygon, ...] = (),
    ignored: tuple[Polygon, ...] = (),
    masks: tuple[Polygon, ...] = (),
) -> np.ndarray:
    """Return the watched blocks of a picture 20 blocks wide."""
    blocks = watched_blocks(zones, ignored, masks, rows=ROWS, columns=COLUMNS)
    assert blocks is not None
    assert blocks.shape == (ROWS, COLUMNS)
    return blocks


def test_without_areas_nothing_is_left_out() -> None:
    """No areas: every block counts and no pixel is painted, at no cost."""
    assert watched_blocks((), (), (), rows=ROWS, columns=COLUMNS) is None
    assert painted((), width=640, height=360) is None


def test_a_zone_leaves_out_all_else() -> None:
    """Blocks of the zone count, the others do not."""
    blocks = watched(zones=(box(0, 0, 0.5, 1),))
    assert blocks[:, :10].all()
    assert not blocks[:, 10:].any()


def test_two_zones_add_up() -> None:
    """What is in either counts."""
    blocks = watched(zones=(box(0, 0, 0.25, 1), box(0.75, 0, 1, 1)))
    assert list(blocks[0]) == [True] * 5 + [False] * 10 + [True] * 5


@given(POLYGONS)
def test_no_zone_is_too_small_to_be_watched(zone: Polygon) -> None:
    """Each zone has a block, whatever its shape."""
    assert watched(zones=(zone,)).any()
    assert watched(zones=(zone, box(0, 0, 1, 1))).all()


def test_a_zone_that_covers_four_blocks_by_a_quarter_has_all_four() -> None:
    """As large as a block, and between blocks: nothing in it goes unseen."""
    block = watched(zones=(box(1.5 / COLUMNS, 1.5 / ROWS, 2.5 / COLUMNS, 2.5 / ROWS),))
    assert block[1:3, 1:3].all()
    assert block.sum() == 4


@pytest.mark.parametrize("kind", ["ignored", "masks"])
def test_what_is_ignored_or_hidden_does_not_count(kind: str) -> None:
    """Inside a zone too; blocks that are covered by less than half stay."""
    blocks = watched(zones=(box(0, 0, 0.5, 1),), **{kind: (box(0, 0, 0.22, 1),)})
    assert list(blocks[0]) == [False] * 4 + [True] * 6 + [False] * 10


@given(POLYGONS, st.integers(2, 71), st.integers(2, 47))
def test_every_touched_pixel_is_painted_with_a_rim(mask: Polygon, width: int, height: int) -> None:
    """Whatever its shape and the picture's size: points of the area and all next to their pixel are painted."""
    pixels = painted((mask,), width=width, height=height)
    assert pixels is not None
    assert pixels.shape == (height, width)
    for x, y in points_of(mask):
        column, row = min(int(x * width), width - 1), min(int(y * height), height - 1)
        around = pixels[
            max(0, row - RIM) : row + RIM + 1,
            max(0, column - RIM) : column + RIM + 1,
        ]
        assert around.all()


def points_of(polygon: Polygon) -> list[tuple[float, float]]:
    """Return points of an area's outline, and of the triangle of its first corners, which is part of it if it has 3."""
    corners = np.asarray(polygon)
    along = np.linspace(0, 1, 17)[:, None]
    edges = [
        first + along * (second - first)
        for first, second in zip(corners, np.roll(corners, -1, 0), strict=True)
    ]
    if len(corners) == 3:
        weights = np.random.default_rng(1).dirichlet((1, 1, 1), 64)
        edges.append(weights @ corners)
    return [(min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)) for x, y in np.concatenate(edges)]


def test_what_is_far_from_a_mask_is_not_painted() -> None:
    """The rim is narrow: a cell beyond it the picture shows."""
    pixels = painted((box(0.25, 0.25, 0.5, 0.5),), width=640, height=360)
    assert pixels is not None
    rows, columns = np.nonzero(pixels)
    rim = (RIM_CELLS + 1) * CELL_PX
    assert 160 - rim <= columns.min() < 160
    assert 320 <= columns.max() < 320 + rim
    assert 90 - rim <= rows.min() < 90
    assert 180 <= rows.max() < 180 + rim


def test_an_outline_that_crosses_itself_leaves_no_hole() -> None:
    """A star is hidden as a whole, its middle too."""
    star = ((0.5, 0.0), (0.8, 1.0), (0.0, 0.4), (1.0, 0.4), (0.2, 1.0))
    pixels = painted((star,), width=100, height=100)
    assert pixels is not None
    assert pixels[50, 50]
    assert not pixels[2, 2]
