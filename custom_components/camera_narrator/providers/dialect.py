"""Which optional fields of a request one server takes: begun with its row, corrected by what it refuses."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
import re
from typing import Final, Self

from .kinds import USAGE, Row
from .server_facts import ServerFacts

THINKING_TOKENS: Final = 2048
"""On top of the answer's own, once a model has shown that it thinks first: less leaves it without an answer."""

_REFUSAL: Final = re.compile(
    r"unsupported|not support|unrecogni|unknown|unexpected|extra|not permitted|not allowed|invalid|forbidden"
)
_STREAM: Final = re.compile(r"\bstream(ing)?\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What to send besides model, messages and shape."""

    row: Row
    limits: tuple[str, ...]
    """Names of the answer's token limit, the one in use first; without any, none is sent."""
    refused: frozenset[str] = frozenset()
    thinks: bool = False
    """Whether the model thinks before it answers, out of the same tokens."""
    quiet: Mapping[str, object] | None = None
    """What is sent against that."""
    streams: bool = True

    @classmethod
    def of(cls, row: Row, facts: ServerFacts) -> Self:
        """Return what the row says, as corrected before."""
        limits = row.limits
        if facts.limit is not None:
            limits = tuple(name for name in (facts.limit,) if name)
        return cls(
            row=row,
            limits=limits,
            refused=row.refused | facts.refused,
            thinks=facts.thinks,
            quiet=facts.quiet,
            streams=facts.streams is not False,
        )

    def fields(self, *, max_tokens: int, cache_key: str) -> dict[str, object]:
        """Return the optional fields of a request."""
        fields: dict[str, object] = {"stream": self.streams}
        if self.streams:
            fields[USAGE] = {"include_usage": True}
        if self.limits:
            fields[self.limits[0]] = max_tokens + (THINKING_TOKENS if self.thinks else 0)
        if self.quiet is not None:
            fields |= self.quiet
        if self.row.caches:
            fields["prompt_cache_key"] = cache_key
        return {name: value for name, value in fields.items() if name not in self.refused}

    def without(self, complaint: str) -> Dialect | None:
        """Return what to send after a refusal, None where it is about none of these fields."""
        if not _REFUSAL.search(complaint):
            return None
        if self.quiet is not None and any(name in complaint for name in self.quiet):
            return replace(self, quiet=self._next_quiet() or {})
        # The limit's names appear together ("use the other instead"), so the one in use is the refused one.
        if self.limits and self.limits[0] in complaint:
            return replace(self, limits=self.limits[1:])
        for name in self.fields(max_tokens=0, cache_key=""):
            if name != "stream" and name in complaint and name not in self.limits:
                return replace(self, refused=self.refused | {name})
        if self.streams and _STREAM.search(complaint):
            return replace(self, streams=False)
        return None

    def thinking(self) -> Dialect:
        """Return the same for a model that thinks in spite of what is sent: room for it, and the next switch."""
        return replace(self, thinks=True, quiet=self._next_quiet() or self.quiet)

    def silent(self) -> Dialect:
        """Return the same for a model that does not think any more."""
        return replace(self, thinks=False)

    def learned(self, facts: ServerFacts) -> ServerFacts:
        """Return what is known of the server with what is sent to it."""
        return replace(
            facts,
            limit=self.limits[0] if self.limits else "",
            refused=self.refused - self.row.refused,
            thinks=self.thinks,
            quiet=self.quiet,
            streams=False if not self.streams else facts.streams,
        )

    def _next_quiet(self) -> Mapping[str, object] | None:
        """Return the next way to switch thinking off, None after the last."""
        ways = list(self.row.quiet)
        if self.quiet is None:
            return ways[0] if ways else None
        place = ways.index(self.quiet) + 1 if self.quiet in ways else len(ways)
        return ways[place] if place < len(ways) else None
