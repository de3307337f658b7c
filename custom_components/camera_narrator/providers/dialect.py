"""Which optional fields of a request one server takes: begun with a guess, corrected by what it refuses."""

from dataclasses import dataclass, replace
import re
from typing import Final, Self

from .address import Address

LIMIT: Final = "max_tokens"
OFFICIAL_LIMIT: Final = "max_completion_tokens"
"""What OpenAI's newer models call it; they refuse the old name, and most other servers know only that."""
THINKING_TOKENS: Final = 2048
"""On top of the answer's own, once a model has shown that it thinks first: less leaves it without an answer."""

_REFUSAL: Final = re.compile(
    r"unsupported|not support|unrecogni|unknown|unexpected|extra|not permitted|not allowed|invalid|forbidden"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What to send besides model, messages and shape."""

    limits: tuple[str, ...] = (LIMIT, OFFICIAL_LIMIT)
    """Names of the answer's token limit, the one in use first; without any, none is sent."""
    refused: frozenset[str] = frozenset()
    caches: bool = False
    """Whether the server keeps prompts by a key of ours."""
    thinks: bool = False
    """Whether the model thinks before it answers, out of the same tokens."""

    @classmethod
    def of(cls, address: Address) -> Self:
        """Return the first guess."""
        if address.official:
            return cls(limits=(OFFICIAL_LIMIT, LIMIT), caches=True)
        return cls()

    def fields(self, *, max_tokens: int, cache_key: str) -> dict[str, object]:
        """Return the optional fields of a request."""
        fields: dict[str, object] = {"stream_options": {"include_usage": True}}
        if self.limits:
            fields[self.limits[0]] = max_tokens + (THINKING_TOKENS if self.thinks else 0)
        if self.thinks:
            fields["reasoning_effort"] = "low"
        if self.caches:
            fields["prompt_cache_key"] = cache_key
        return {name: value for name, value in fields.items() if name not in self.refused}

    def without(self, complaint: str) -> Dialect | None:
        """Return what to send after a refusal, None where it is about none of these fields."""
        if not _REFUSAL.search(complaint):
            return None
        # The limit's names appear together ("use the other instead"), so the one in use is the refused one.
        if self.limits and self.limits[0] in complaint:
            return replace(self, limits=self.limits[1:])
        for name in self.fields(max_tokens=0, cache_key=""):
            if name in complaint and name not in self.limits:
                return replace(self, refused=self.refused | {name})
        return None

    def thinking(self) -> Dialect:
        """Return the same for a model that has shown that it thinks."""
        return replace(self, thinks=True)
