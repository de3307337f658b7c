"""What rehearsed requests cost at a server with a price: words, pictures as that server is sent them, answers."""

from collections.abc import Iterable, Sequence
from functools import cache
from io import BytesIO
from typing import Final

from PIL import Image

from custom_components.camera_narrator.pictures import sheet
from custom_components.camera_narrator.pipeline.prices import Tariff, tariff
from custom_components.camera_narrator.providers.arrangement import Arrangement
from custom_components.camera_narrator.providers.kinds import ROWS, Kind
from rigs.model_request import CHARACTERS_PER_TOKEN, ModelRequest

MODEL: Final = "gemini-2.5-flash-lite"
"""The cheapest of the presets that answers without thinking first, which nobody could estimate."""
_ROW: Final = ROWS[Kind.GEMINI]


def usd(requests: Iterable[ModelRequest], *, arranged: bool = True) -> float:
    """Return what they cost together; pictures go as the preset has them, or one by one."""
    known = tariff(_ROW.host, MODEL)
    return sum((_usd(request, known, arranged=arranged) for request in requests), 0.0)


def _usd(request: ModelRequest, known: Tariff, *, arranged: bool) -> float:
    if known.price is None:
        raise ValueError(f"{MODEL} has no price any more")
    sizes = [(picture.width_px, picture.height_px) for picture in request.pictures]
    pictures = sum(known.pictures.tokens(*size) for size in (_sent(sizes) if arranged else sizes))
    words = len(request.words) // CHARACTERS_PER_TOKEN
    return known.price.of(words + pictures, len(request.answer) // CHARACTERS_PER_TOKEN + 1)


def _sent(sizes: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the sizes of what the product sends in their place."""
    policy = _ROW.pictures
    arrangement = Arrangement(most=policy.most, sheet=policy.sheet, edge_px=policy.edge_px)
    return [
        sizes[group[0]]
        if len(group) == 1
        else _sheet_px(len(group), sizes[group[0]], policy.edge_px)
        for group in arrangement.groups(len(sizes))
    ]


@cache
def _sheet_px(count: int, size: tuple[int, int], edge_px: int) -> tuple[int, int]:
    file = BytesIO()
    Image.new("L", size).save(file, "JPEG")
    with Image.open(BytesIO(sheet([file.getvalue()] * count, first=1, edge_px=edge_px))) as page:
        return page.size
