"""Does the model see? One large coloured shape, and whether the answer names it."""

from dataclasses import dataclass
from io import BytesIO
import re
import secrets
from typing import Final, Self

from PIL import Image, ImageDraw

from ..pipeline.plain_text import clean
from ..pipeline.request import Picture, Schema, Text
from .request import Request

COLOURS: Final = {
    "red": (215, 25, 30),
    "green": (20, 150, 50),
    "blue": (25, 70, 220),
    "yellow": (245, 215, 20),
}
"""Far apart, each with one everyday name: who cannot see guesses colour and shape right once in twelve."""
SHAPES: Final = {
    "circle": (
        "circle",
        "circular",
        "disc",
        "disk",
        "ball",
        "dot",
        "round",
        "oval",
        "ellipse",
        "sphere",
    ),
    "square": ("square", "rectangle", "rectangular", "box", "cube", "block"),
    "triangle": ("triangle", "triangular", "pyramid", "cone"),
}
"""What people and models call them."""
GREY: Final = (128, 128, 128)
SIZE_PX: Final = 256
"""Large enough for every model's smallest tile, 3 kB at most."""
ANSWER_TOKENS: Final = 60
ANSWER_CHARACTERS: Final = 100
"""Of the answer, as shown to whoever sets the model up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """Whether a model sees pictures, by its own answer."""

    sees_pictures: bool
    answer: str
    """What it said, for people."""
    latency_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What there is to see."""

    colour: str
    shape: str

    @classmethod
    def any(cls) -> Self:
        """Choose one that nobody can know beforehand."""
        return cls(colour=secrets.choice(list(COLOURS)), shape=secrets.choice(list(SHAPES)))

    def paint(self, size_px: tuple[int, int] = (SIZE_PX, SIZE_PX)) -> bytes:
        """Return it as JPEG, in the upper left of what is larger; Pillow works here, so not on an event loop."""
        picture = Image.new("RGB", size_px, GREY)
        draw = ImageDraw.Draw(picture)
        low, high = SIZE_PX // 8, SIZE_PX - SIZE_PX // 8
        colour = COLOURS[self.colour]
        match self.shape:
            case "circle":
                draw.ellipse((low, low, high, high), fill=colour)
            case "square":
                draw.rectangle((low, low, high, high), fill=colour)
            case _:
                draw.polygon([(SIZE_PX // 2, low), (low, high), (high, high)], fill=colour)
        file = BytesIO()
        picture.save(file, "JPEG", quality=85)
        return file.getvalue()

    def seen_in(self, answer: str) -> bool:
        """Whether an answer names it: its colour and no other, its shape or none."""
        words = set(re.findall(r"[a-z]+", answer.lower()))
        named = {shape for shape, names in SHAPES.items() if words & set(names)}
        return words & set(COLOURS) == {self.colour} and (not named or self.shape in named)


def question(*jpegs: bytes) -> Request:
    """Return the request that asks what is on the picture, or on each of several that show the same."""
    string = {"type": "string"}
    return Request(
        system="You name what is on a picture. The background is grey.",
        parts=(
            *(Picture(index=index) for index in range(len(jpegs))),
            Text(text="Which colour and which shape has the one large thing here? One word each."),
        ),
        pictures=jpegs,
        as_they_are=True,
        schema=Schema(
            name="sight",
            json_schema={
                "type": "object",
                "properties": {"colour": string, "shape": string},
                "required": ["colour", "shape"],
                "additionalProperties": False,
            },
            max_tokens=ANSWER_TOKENS,
        ),
        cache_key="check",
    )


def answer_of_fields(fields: object) -> str:
    """Return the answer's words; raise ValueError where they are not as asked for."""
    match fields:
        case {"colour": str(colour), "shape": str(shape)}:
            return answer_of_text(f"{colour} {shape}")
        case _:
            raise ValueError("no colour and shape")


def answer_of_text(text: str) -> str:
    """Return the answer's words; raise ValueError where there are none."""
    if not (answer := clean(text, ANSWER_CHARACTERS)):
        raise ValueError("no words")
    return answer
