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

    @classmethod
    def of(cls, chunk: Chunk) -> Self:
        """Return the request that a chunk makes."""
        return cls(
            system=chunk.system,
            parts=chunk.parts,
            pictures=tuple(frame.jpeg for frame in chunk.frames),
            schema=chunk.schema,
            cache_key=chunk.camera,
        )

    def render(self, *, model: str, rung: Rung, dialect: Dialect) -> dict[str, object]:
        """Return the body in one server's dialect, the answer's shape agreed at a rung."""
        system = "\n\n".join(filter(None, (self.system, instruction(rung, self.schema))))
        content = [rendered for part in self.parts if (rendered := self._content(part)) is not None]
        body: dict[str, object] = {
            "model": model,
            "messages": [
                {"role": "system", "content": system},
                {"role": "user", "content": content},
            ],
            "stream": True,
        }
        if (shape := response_format(rung, self.schema)) is not None:
            body["response_format"] = shape
        return body | dialect.fields(max_tokens=self.schema.max_tokens, cache_key=self.cache_key)

    def _content(self, part: Part) -> Mapping[str, object] | None:
        match part:
            case Text():
                return {"type": "text", "text": part.text}
            case Picture():
                encoded = b64encode(self.pictures[part.index]).decode()
                # No `detail`: only OpenAI reads it, and at these sizes its own choice is the fine one.
                return {
                    "type": "image_url",
                    "image_url": {"url": f"data:image/jpeg;base64,{encoded}"},
                }
            case CacheBreakpoint():
                return None  # these servers find the common prefix by themselves
