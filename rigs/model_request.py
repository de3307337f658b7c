"""What a request to the scripted model server holds: words, pictures, and the codes in them."""

import base64
import binascii
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
import io
import math
from typing import Any, Final

import numpy as np
from PIL import Image, UnidentifiedImageError

from rigs.picture_code import Code, Picture, read_code

CHARACTERS_PER_TOKEN: Final = 4
"""Of English, on the average of today's tokenisers."""
_PATCH_PX: Final = 32
"""A picture costs a token for each patch of 32 by 32 pixels: 405 at 480p, between what the servers charge."""


class RequestShapeError(Exception):
    """A request no server would take; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSeen:
    """One decoded picture of a request."""

    code: Code | None
    width_px: int
    height_px: int
    jpeg_bytes: int
    age_ms: float | None
    """From the drawing of the picture to the arrival of the request; None without a code."""

    @property
    def estimated_tokens(self) -> int:
        """What a server would charge for it, about."""
        return math.ceil(self.width_px / _PATCH_PX) * math.ceil(self.height_px / _PATCH_PX)


@dataclass(slots=True, kw_only=True)
class ModelRequest:
    """One request as it arrived, and what became of it."""

    arrived_s: float
    """Monotonic time."""
    arrived_wall_s: float
    body_bytes: int
    model: str
    stream: bool
    max_tokens: int | None
    response_format: dict[str, Any] | None
    texts: tuple[tuple[str, str], ...]
    """(role, text), in order."""
    pictures: tuple[PictureSeen, ...]
    headers: dict[str, str]
    """Without the key."""
    texts_before_pictures: int = 0
    """How many of the texts stand before the first picture."""
    number: int = 0
    """Place in the journal, from 1."""
    outcome: str = "open"
    """`answered`, the fault that was played, `cancelled`, or `open` while it is answered."""
    answer: str = ""
    finished_s: float | None = None
    decoded: tuple[Picture, ...] = field(default=(), repr=False)
    """The pixels, until the answer is made."""

    @property
    def schema(self) -> dict[str, Any] | None:
        """The JSON schema asked for; None on the lower rungs."""
        described = (self.response_format or {}).get("json_schema") or {}
        return described.get("schema")

    @property
    def schema_name(self) -> str:
        """The name of that schema, which tells the kinds of request apart."""
        return str(((self.response_format or {}).get("json_schema") or {}).get("name", ""))

    @property
    def rung(self) -> str:
        """How the shape of the answer was asked for."""
        kind = (self.response_format or {}).get("type", "text")
        strict = ((self.response_format or {}).get("json_schema") or {}).get("strict")
        return f"{kind} strict" if strict else str(kind)

    @property
    def codes(self) -> tuple[Code, ...]:
        """The codes that could be read, in the order of the pictures."""
        return tuple(picture.code for picture in self.pictures if picture.code is not None)

    @property
    def estimated_tokens(self) -> int:
        """What a server would charge for the input, about."""
        pictures = sum(picture.estimated_tokens for picture in self.pictures)
        return len(self.words) // CHARACTERS_PER_TOKEN + pictures

    @property
    def words(self) -> str:
        """All text in one."""
        return "\n".join(text for _, text in self.texts)


def read_request(
    body: dict[str, Any], *, arrived_s: float, arrived_wall_s: float, body_bytes: int
) -> ModelRequest:
    """Take a request apart and decode every picture; blocking."""
    texts: list[tuple[str, str]] = []
    seen: list[PictureSeen] = []
    decoded: list[Picture] = []
    before: int | None = None
    for message in body.get("messages") or []:
        content = message.get("content") or ""
        parts: list[dict[str, Any]] = (
            [{"type": "text", "text": content}] if isinstance(content, str) else content
        )
        for part in parts:
            if part.get("type") == "text":
                texts.append((message.get("role", ""), part["text"]))
            elif part.get("type") == "image_url":
                before = len(texts) if before is None else before
                picture, size_bytes = _decode(part["image_url"]["url"])
                decoded.append(picture)
                seen.append(_look(picture, size_bytes, arrived_wall_s))
    return ModelRequest(
        arrived_s=arrived_s,
        arrived_wall_s=arrived_wall_s,
        body_bytes=body_bytes,
        model=str(body.get("model", "")),
        stream=bool(body.get("stream")),
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        response_format=body.get("response_format"),
        texts=tuple(texts),
        pictures=tuple(seen),
        headers={},
        texts_before_pictures=len(texts) if before is None else before,
        decoded=tuple(decoded),
    )


def shown_twice(requests: Iterable[ModelRequest]) -> list[Code]:
    """Return the codes that stand in more than one of these requests."""
    counted = Counter(code for request in requests for code in set(request.codes))
    return [code for code, times in counted.items() if times > 1]


def out_of_order(request: ModelRequest) -> bool:
    """Whether a camera's pictures in a request do not rise in time."""
    latest: dict[tuple[int, int], int] = {}
    for code in request.codes:
        source = (code.camera, code.epoch)
        if code.sequence <= latest.get(source, -1):
            return True
        latest[source] = code.sequence
    return False


_SCHEME: Final = "base64,"


def _decode(url: str) -> tuple[Picture, int]:
    head, comma, content = url.partition(_SCHEME)
    if not (head.startswith("data:image/") and comma):
        raise RequestShapeError("image_url: only data URIs with base64 are read here")
    try:
        coded = base64.b64decode(content, validate=True)
        with Image.open(io.BytesIO(coded)) as image:
            return np.asarray(image.convert("RGB")), len(coded)
    except (binascii.Error, UnidentifiedImageError, OSError) as error:
        raise RequestShapeError("image_url: not a picture") from error


def _look(picture: Picture, size_bytes: int, arrived_wall_s: float) -> PictureSeen:
    code = read_code(picture)
    return PictureSeen(
        code=code,
        width_px=picture.shape[1],
        height_px=picture.shape[0],
        jpeg_bytes=size_bytes,
        age_ms=None if code is None else arrived_wall_s * 1000 - code.captured_ms,
    )
