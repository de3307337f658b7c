"""How pictures are sent: in one request, on sheets where a server takes or prices them so, smaller where money is short."""

from dataclasses import replace
from io import BytesIO

from homeassistant.core import HomeAssistant
from PIL import Image
import pytest

from custom_components.camera_narrator.pictures import grid, sheet, shrunk
from custom_components.camera_narrator.pipeline.request import Chunk, Picture, Text
from custom_components.camera_narrator.providers.arrangement import Arrangement, arranged
from custom_components.camera_narrator.providers.kinds import Kind
from custom_components.camera_narrator.providers.request import Request
from custom_components.camera_narrator.providers.server_facts import Facts, ServerFacts, place
from tests.integration.providers.scripted import (
    WORDS,
    Raw,
    ask,
    chunk,
    failure,
    provider,
    refusal,
    words,
)

COLOURS = {"red": (200, 0, 0), "green": (0, 160, 0), "blue": (0, 0, 200)}
ONE_SHEET = Arrangement(most=1, sheet=False, edge_px=1536)
TOO_MANY = "At most 1 image(s) may be provided in one request."


def coloured(colour: str, size: tuple[int, int] = (320, 180)) -> bytes:
    file = BytesIO()
    Image.new("RGB", size, COLOURS[colour]).save(file, "JPEG", quality=95)
    return file.getvalue()


def opened(jpeg: bytes) -> Image.Image:
    return Image.open(BytesIO(jpeg)).convert("RGB")


def request(*jpegs: bytes, height_px: int | None = None) -> Request:
    parts = [
        part
        for index in range(len(jpegs))
        for part in (Text(text=f"Picture {index + 1}"), Picture(index=index))
    ]
    return replace(Request.of(chunk()), parts=tuple(parts), pictures=jpegs, height_px=height_px)


def of_height(height_px: int) -> Chunk:
    return replace(chunk(), height_px=height_px)


def told(of: Request) -> list[str]:
    return [part.text if isinstance(part, Text) else "picture" for part in of.parts]


def test_a_sheet_shows_every_picture_whole_below_its_number() -> None:
    """In order, row by row; the number stands on a strip of its own and covers nothing."""
    names = ["red", "green", "blue"]
    page = opened(sheet([coloured(name) for name in names], first=1, edge_px=1536))
    assert page.size == (320, 3 * 180 + 3 * 22 + 2 * 4)
    for place_, name in enumerate(names):
        top = place_ * (180 + 22 + 4)
        assert page.getpixel((160, top + 22 + 90)) == pytest.approx(COLOURS[name], abs=8)
        assert page.getpixel((1, top + 22 + 1)) == pytest.approx(COLOURS[name], abs=25)
        strip = page.crop((0, top, 40, top + 22)).convert("L")
        assert max(strip.tobytes()) > 200, "a bright number"
        assert page.getpixel((300, top + 8)) == pytest.approx((0, 0, 0), abs=8)


@pytest.mark.parametrize(
    ("count", "shape"), [(1, (1, 1)), (2, (1, 2)), (4, (2, 2)), (5, (2, 3)), (10, (3, 4))]
)
def test_a_sheet_is_about_square(count: int, shape: tuple[int, int]) -> None:
    """Models scale long strips down until nobody sees anything."""
    assert grid(count) == shape


def test_a_sheet_is_never_larger_than_asked_for() -> None:
    """Ten large pictures fit; a broken one leaves its place, and the others keep their numbers."""
    jpegs = [coloured("red", (1920, 1080))] * 9 + [b"\xff\xd8 broken"]
    page = opened(sheet(jpegs, first=1, edge_px=1536))
    assert max(page.size) <= 1536
    assert min(page.size) > 1000


def test_times_and_numbers_stay_told_in_words() -> None:
    """Each picture's own line stays, in order, and a line says how to read the sheet before it comes."""
    one = arranged(request(coloured("red"), coloured("green"), coloured("blue")), ONE_SHEET)
    assert told(one)[:3] == ["Picture 1", "Picture 2", "Picture 3"]
    assert "Pictures 1 to 3" in told(one)[3]
    assert told(one)[4:] == ["picture"]
    assert len(one.pictures) == 1


def test_as_many_pictures_as_the_server_takes() -> None:
    """Five for a server that takes two: sheets of two and three, in order; each picture once."""
    jpegs = tuple(coloured("red") for _ in range(5))
    two = arranged(request(*jpegs), replace(ONE_SHEET, most=2))
    assert [line for line in told(two) if "sheet" in line or line == "picture"] == [
        "Pictures 1 to 2 are on one sheet, from left to right and row by row, each below its number:",
        "picture",
        "Pictures 3 to 5 are on one sheet, from left to right and row by row, each below its number:",
        "picture",
    ]
    assert arranged(request(*jpegs), replace(ONE_SHEET, most=5)).pictures == jpegs


def test_small_pictures_make_a_small_sheet() -> None:
    """Where money is short both savings hold."""
    jpegs = (coloured("red", (640, 360)), coloured("blue", (640, 360)))
    small = arranged(request(*jpegs, height_px=180), ONE_SHEET)
    assert opened(small.pictures[0]).size == (320, 2 * 180 + 2 * 22 + 4)


async def test_a_server_of_one_picture_gets_a_sheet_at_once(hass: HomeAssistant) -> None:
    """Its refusal costs one round trip in the same call, and never again, not even after a restart."""
    raw, store = Raw(refusal(400, TOO_MANY), words(WORDS), words(WORDS), words(WORDS)), Facts()
    async with raw as base_url:
        asked = await provider(hass, base_url, facts=store)
        assert (await ask(asked))[-1].final
        await ask(asked)
        await ask(await provider(hass, base_url, facts=store))
    assert [images(body) for body in raw.bodies] == [2, 1, 1, 1]


async def test_pictures_that_do_not_fit_go_on_a_sheet(hass: HomeAssistant) -> None:
    """A full context is met with fewer tokens once; where that does not help, it is a refusal."""
    full = "the request exceeds the available context size"
    raw = Raw(refusal(400, full), words(WORDS), refusal(400, full))
    async with raw as base_url:
        asked = await provider(hass, base_url)
        assert (await ask(asked))[-1].final
        assert (await failure(asked)).fault.value == "refused"
    assert [images(body) for body in raw.bodies] == [2, 1, 1]


async def test_flat_prices_make_a_sheet(hass: HomeAssistant) -> None:
    """By the model's name, by the kind of server, and by the server's own count: each alone is enough."""
    raw = Raw(*[words(WORDS)] * 4)
    counted, sized = Facts(), Facts()
    async with raw as base_url:
        counted.set(place("scripted", base_url), {"picture_tokens": [1100, 1101]})
        sized.set(place("google/gemini-3-flash", base_url), {"picture_tokens": [80, 486]})
        await ask(await provider(hass, base_url, model="google/gemini-3-flash"))
        await ask(await provider(hass, base_url, kind=Kind.GEMINI))
        await ask(await provider(hass, base_url, facts=counted))
        await ask(await provider(hass, base_url, model="google/gemini-3-flash", facts=sized))
    assert [images(body) for body in raw.bodies] == [1, 1, 1, 2]


@pytest.mark.parametrize(("context", "sent"), [(4096, 1), (32768, 2)])
async def test_a_small_context_makes_a_sheet_before_anything_is_cut(
    hass: HomeAssistant, context: int, sent: int
) -> None:
    """Where the server told what it holds and what a picture counts, it need not refuse first."""
    raw, store = Raw(words(WORDS)), Facts()
    async with raw as base_url:
        known = {"picture_tokens": [77, 486], "context_tokens": context}
        store.set(place("scripted", base_url), known)
        await ask(await provider(hass, base_url, facts=store))
    assert [images(body) for body in raw.bodies] == [sent]


async def test_detail_is_said_where_somebody_reads_it(hass: HomeAssistant) -> None:
    """To OpenAI alone, and only of pictures that shall be cheap."""
    raw = Raw(*[words(WORDS)] * 3)
    async with raw as base_url:
        await ask(await provider(hass, base_url, kind=Kind.OPENAI), of_height(24))
        await ask(await provider(hass, base_url, kind=Kind.OPENAI))
        await ask(await provider(hass, base_url), of_height(24))
    assert [details(body) for body in raw.bodies] == [["low", "low"], [None, None], [None, None]]


def test_what_is_known_survives_the_file() -> None:
    """Every fact comes back as it was; nonsense counts for nothing."""
    facts = ServerFacts.read(
        {
            "rung": "json_object",
            "limit": "max_tokens",
            "refused": ["seed"],
            "thinks": True,
            "quiet": {"reasoning_effort": "none"},
            "streams": False,
            "pictures_most": 5,
            "picture_tokens": [77, 486],
            "context_tokens": 8192,
            "tight": True,
            "probed_wall_s": 1.5,
        }
    )
    assert ServerFacts.read(facts.out()) == facts
    assert len(facts.out()) == 11
    nonsense = {name: [1, "a"] for name in facts.out()}
    assert ServerFacts.read(nonsense) == ServerFacts(refused=frozenset({"1", "a"}))


def images(body: dict[str, object]) -> int:
    return len(details(body))


def details(body: dict[str, object]) -> list[object]:
    messages = body["messages"]
    assert isinstance(messages, list)
    parts = messages[1]["content"]
    return [part["image_url"].get("detail") for part in parts if part["type"] == "image_url"]


@pytest.mark.parametrize("edge_px", [5000, 65_000])
def test_a_picture_that_claims_to_be_huge_is_not_decoded(edge_px: int) -> None:
    """It is a grey place on a sheet and never made smaller: no bridge may cost Home Assistant its memory."""
    file = BytesIO()
    Image.new("RGB", (64, 48), COLOURS["red"]).save(file, "JPEG")
    jpeg = bytearray(file.getvalue())
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = edge_px.to_bytes(2) * 2
    huge = bytes(jpeg)
    assert shrunk((huge,), 24) == (huge,)
    with Image.open(BytesIO(sheet([huge], first=1, edge_px=640))) as page:
        red, green, blue = page.convert("RGB").resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
    assert max(red, green, blue) - min(red, green, blue) < 10
