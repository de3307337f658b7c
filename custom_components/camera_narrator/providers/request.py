"""A request as the chat completions API wants it."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ..pipeline.request import CacheBreakpoint, Chunk, Part, Picture, Schema, Text
from .dialect import Dialect
from .ladder import Rung, instruction, response_format


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to ask, free of any server's ways."""

    system: str
    parts: tuple[Part, ...]
    pictures: tuple[bytes, ...]
    """JPEG each; a Picture's index counts here."""
    schema: Schema
    cache_key: str
    height_px: int | None = None
    """Larger pictures are sent at this height, and as cheaply as the server can; None sends them as they are."""
    as_they_are: bool = False
    """Whether the pictures must not be put on sheets."""

    @classmethod
    def of(cls, chunk: Chunk) -> Self:
        """Return the request that a chunk makes."""
        return cls(
            system=chunk.system,
            parts=chunk.parts,
            pictures=tuple(frame.jpeg for frame in chunk.frames),
            schema=chunk.schema,
            cache_key=chunk.camera,
            height_px=chunk.height_px,
        )

    def render(self, *, model: str, rung: Rung, dialect: Dialect) -> dict[str, object]:
        """Return the body in one server's dialect, the answer's shape agreed at a rung."""
        system = "\n\n".join(filter(None, (self.system, instruction(rung, self.schema))))
        detail = None if self.height_px is None else dialect.row.pictures.small_detail
        content = [
            rendered for part in self.parts if (rendered := self._content(part, detail)) is not None
        ]
        body: dict[str, object] = {
            "model": model,
            "messages": [
                {"role": "system", "content": system},
                {"role": "user", "content": content},
            ],
        }
        if (shape := response_format(rung, self.schema)) is not None:
            body["response_format"] = shape
        return body | dialect.fields(max_tokens=self.schema.max_tokens, cache_key=self.cache_key)

    def _content(self, part: Part, detail: str | None) -> Mapping[str, object] | None:
        match part:
            case Text():
                return {"type": "text", "text": part.text}
            case Picture():
                encoded = b64encode(self.pictures[part.index]).decode()
                image = {"url": f"data:image/jpeg;base64,{encoded}"}
                if detail is not None:  # at full size the server's own choice is the fine one
                    image["detail"] = detail
                return {"type": "image_url", "image_url": image}
            case CacheBreakpoint():
                return None  # these servers find the common prefix by themselves
