"""Areas as users type them: what is understood, what is refused and in which words, and how they are drawn."""

import io
import json
import math
from pathlib import Path
from string import Formatter

from hypothesis import given, strategies as st
from PIL import Image
import pytest

from custom_components.camera_narrator.camera_areas import Areas, InvalidAreas, polygons, text
from custom_components.camera_narrator.camera_drawing import drawn
from custom_components.camera_narrator.protocol.area import Polygon
from custom_components.camera_narrator.protocol.limits import MAX_CORNERS, MAX_POLYGONS

SQUARE: Polygon = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.3), (0.0, 0.3))
TRIANGLE: Polygon = ((0.6, 0.6), (1.0, 0.6), (1.0, 1.0))
TRANSLATIONS = Path("custom_components/camera_narrator/translations/en.json")


@st.composite
def outlines(draw: st.DrawFn) -> Polygon:
    """Return corners in order around a middle, so that no edge crosses another, to a hundredth of a per cent."""
    count = draw(st.integers(3, MAX_CORNERS))
    x, y = draw(st.floats(0.2, 0.8)), draw(st.floats(0.2, 0.8))
    # Corners of a circle: an outline that turns one way only stays so when it is rounded.
    radius = draw(st.floats(0.1, 0.2))
    turn = draw(st.floats(0, 1))
    angles = [2 * math.pi * (index / count + turn) for index in range(count)]
    return tuple(
        (round(x + radius * math.cos(a), 4), round(y + radius * math.sin(a), 4)) for a in angles
    )


@given(st.lists(outlines(), max_size=MAX_POLYGONS).map(tuple))
def test_what_is_written_is_read_again(areas: tuple[Polygon, ...]) -> None:
    """Polygons to text and back are the same, and so is the text."""
    written = text(areas)
    assert polygons(written) == areas
    assert text(polygons(written)) == written


@given(outlines())
def test_areas_survive_storage(area: Polygon) -> None:
    """What a camera's data hold, through JSON, is what was typed."""
    areas = Areas.read({"masks": text((area,)), "zones": "", "ignored": text((SQUARE, area))})
    assert Areas.of(json.loads(json.dumps(areas.stored()))) == areas
    assert areas.masks == (area,)
    assert areas.ignored == (SQUARE, area)


@pytest.mark.parametrize(
    "typed",
    [
        "0,0 50,0 50,30 0,30; 60,60 100,60 100,100",
        "0,0 50,0 50,30 0,30;60,60 100,60 100,100;",
        " 0.0,0.0\n50.,0\n50.00,30\n.0,30\n;\n60,60\r\n100,60\t100,100\n",
        "0%,0% 50%,0% 50 %, 30 % 0 , 30%; 60,60 100,60 100,100",
        "(0,0) (50,0) (50,30) (0,30); [60,60] [100,60] [100,100]",
        "0,0 50,0 50,30 0,30 0,0; 60,60 60,60 100,60 100,100",
        "0,0 50,0 50,30 +0,30; ; 60,60 100,60 100,100",
    ],
)
def test_many_ways_of_writing_are_understood(typed: str) -> None:
    """Decimal points, per cent signs, line ends, brackets, a closed outline, a corner twice, empty areas."""
    assert polygons(typed) == (SQUARE, TRIANGLE)


def test_nothing_typed_is_no_area() -> None:
    """Blanks and lone semicolons are empty, and so is a camera of an earlier version."""
    assert polygons(" \n ; ") == ()
    assert not Areas.read({"masks": " ", "zones": None})
    assert not Areas.of({})


@pytest.mark.parametrize(
    ("typed", "key", "area", "shown"),
    [
        ("0,0 50,0", "areas_few_corners", 1, "2"),
        ("0,0 50,0 50,30; 1,1 1,1 2,2", "areas_few_corners", 2, "2"),
        ("5,5", "areas_few_corners", 1, "1"),
        ("0,0 50,0 50,130", "areas_outside", 1, "50,130"),
        ("0,0 50,0 50,30; 0,0 -1,0 0,9", "areas_outside", 2, "-1,0"),
        ("0,0 50,0 50;30", "areas_unreadable", 1, "50"),
        ("0,0 50,0 fifty,30", "areas_unreadable", 1, "fifty,30"),
        ("0,0 50,0 50,30,0,30", "areas_unreadable", 1, "50,30,0,30"),
        ("0,0 50,0 50,nan", "areas_unreadable", 1, "50,nan"),
        ("0,0 50,0 1e1,30", "areas_unreadable", 1, "1e1,30"),
        ("0,0 50,50 50,0 0,50", "areas_crossed", 1, ""),
        ("0,0 50,0 100,0", "areas_crossed", 1, ""),
        ("0,0 50,0 50,30 0,30\n60,60 80,60 80,80 60,80", "areas_crossed", 1, ""),
        (" ".join(f"{n},{n * n / 40}" for n in range(40)), "areas_many_corners", 1, "40"),
        (";".join(["0,0 9,0 9,9"] * 17), "areas_many", 0, "17"),
    ],
)
def test_what_is_wrong_is_named(typed: str, key: str, area: int, shown: str) -> None:
    """The first wrong thing, by its area and its text; each has words that use no more than is given."""
    with pytest.raises(InvalidAreas) as raised:
        Areas.read({"zones": "0,0 9,0 9,9", "ignored": typed})
    error = raised.value
    assert (error.field, error.key, error.area, error.given) == ("ignored", key, area, shown)
    words = json.loads(TRANSLATIONS.read_text())["config_subentries"]["camera"]["error"][key]
    assert {name for _, name, _, _ in Formatter().parse(words) if name} <= {
        "field",
        "area",
        "given",
    }


def picture(width: int = 640, height: int = 360) -> bytes:
    """Return a grey picture."""
    written = io.BytesIO()
    Image.new("RGB", (width, height), (120, 120, 120)).save(written, "JPEG")
    return written.getvalue()


def colour(jpeg: bytes, x: float, y: float) -> tuple[float, ...]:
    """Return the mean colour around a place of a picture, given as fractions."""
    image = Image.open(io.BytesIO(jpeg)).convert("RGB")
    left, top = int(x * image.width) - 12, int(y * image.height) - 12
    patch = image.crop((left, top, left + 24, top + 24)).resize((1, 1), Image.Resampling.BOX)
    return patch.getpixel((0, 0))  # type: ignore[return-value]


def test_areas_are_drawn_where_they_are() -> None:
    """Watched is green, ignored yellow, hidden dark even inside a zone; all else is as it was."""
    areas = Areas.read(
        {
            "masks": "20,20 40,20 40,60 20,60",
            "zones": "0,0 50,0 50,100 0,100",
            "ignored": text((TRIANGLE,)),
        }
    )
    jpeg = drawn(picture(), areas)
    red, green, blue = colour(jpeg, 0.3, 0.8)
    assert green > red + 15
    assert green > blue
    red, green, blue = colour(jpeg, 0.9, 0.7)
    assert min(red, green) > blue + 20
    assert max(colour(jpeg, 0.3, 0.4)) < 60
    assert max(abs(part - 120) for part in colour(jpeg, 0.7, 0.3)) < 4


def test_without_areas_the_picture_has_its_ruler_alone() -> None:
    """The per cents along the edges help to type the first area."""
    jpeg = drawn(picture(), Areas())
    assert jpeg != picture()
    assert max(abs(part - 120) for part in colour(jpeg, 0.5, 0.5)) < 4


@pytest.mark.parametrize("jpeg", [b"\xff\xd8\xff\xe0 no picture \xff\xd9", picture()[:200], b""])
def test_what_is_no_picture_is_left_alone(jpeg: bytes) -> None:
    """A broken picture breaks no dialog."""
    assert drawn(jpeg, Areas(masks=(SQUARE,))) == jpeg


def test_a_gigantic_picture_is_not_decoded() -> None:
    """A few bytes that claim to be a gigabyte of pixels cost nothing."""
    jpeg = bytearray(picture())
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = b"\xff\xfe\xff\xfe"
    assert drawn(bytes(jpeg), Areas(masks=(SQUARE,))) == bytes(jpeg)
