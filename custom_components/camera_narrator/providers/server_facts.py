"""What was found out about one model on one server: by asking it, and by what it refused."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol, Self, override

from .ladder import Rung

PICTURES: Final = 5
WORDS_TOKENS: Final = 2000
"""Of a look: so many pictures, and what is said with them and answered."""
FLAT_RATIO: Final = 1.25
"""A picture of six times the pixels that costs at most this much more is not charged by its size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureTokens:
    """What the server counts for one picture."""

    small: int
    """Of 256 by 256 pixels."""
    large: int
    """Of 854 by 480 pixels."""

    @property
    def flat(self) -> bool:
        """Whether the size makes no difference."""
        return 0 < self.large <= FLAT_RATIO * self.small


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """All that is known; None is not known."""

    rung: Rung | None = None
    """The surest way to agree on a shape that has worked."""
    limit: str | None = None
    """The name of the answer's token limit that it takes, empty for none."""
    refused: frozenset[str] = frozenset()
    """Optional fields that it does not take."""
    thinks: bool = False
    """Whether the model thinks before it answers, whatever it is told."""
    quiet: Mapping[str, object] | None = None
    """The fields that are sent to switch that off."""
    streams: bool | None = None
    pictures_most: int | None = None
    """In one request."""
    picture_tokens: PictureTokens | None = None
    context_tokens: int | None = None
    tight: bool = False
    """Whether several pictures were too much for what it can hold."""
    probed_wall_s: float | None = None
    """When it was asked for all of this; None where that is to be done."""

    @property
    def cramped(self) -> bool:
        """Whether a look's pictures beside its words are more than the model can hold: some servers cut them silently."""
        if self.picture_tokens is None or self.context_tokens is None:
            return False
        return WORDS_TOKENS + PICTURES * self.picture_tokens.large > self.context_tokens

    def out(self) -> dict[str, object]:
        """Return it for a file."""
        told: dict[str, object] = {}
        for name in ("limit", "streams", "pictures_most", "context_tokens", "probed_wall_s"):
            if (value := getattr(self, name)) is not None:
                told[name] = value
        if self.rung is not None:
            told["rung"] = self.rung.value
        if self.refused:
            told["refused"] = sorted(self.refused)
        if self.thinks:
            told["thinks"] = True
        if self.tight:
            told["tight"] = True
        if self.quiet is not None:
            told["quiet"] = dict(self.quiet)
        if self.picture_tokens is not None:
            told["picture_tokens"] = [self.picture_tokens.small, self.picture_tokens.large]
        return told

    @classmethod
    def read(cls, stored: Mapping[str, object] | None) -> Self:
        """Read it back; what another version or another hand wrote counts for nothing."""
        stored = stored or {}
        refused, quiet, counted = (
            stored.get(name) for name in ("refused", "quiet", "picture_tokens")
        )
        tokens = None
        match counted:
            case [int(small), int(large)]:
                tokens = PictureTokens(small=small, large=large)
        limit, streams = stored.get("limit"), stored.get("streams")
        probed_s = stored.get("probed_wall_s")
        return cls(
            rung=next((rung for rung in Rung if rung == stored.get("rung")), None),
            limit=limit if isinstance(limit, str) else None,
            refused=frozenset(map(str, refused)) if isinstance(refused, list) else frozenset(),
            thinks=stored.get("thinks") is True,
            quiet=dict(quiet) if isinstance(quiet, Mapping) else None,
            streams=streams if isinstance(streams, bool) else None,
            pictures_most=_count(stored.get("pictures_most")),
            picture_tokens=tokens,
            context_tokens=_count(stored.get("context_tokens")),
            tight=stored.get("tight") is True,
            probed_wall_s=float(probed_s) if isinstance(probed_s, int | float) else None,
        )

    def contradicted(self) -> ServerFacts:
        """Return the same, to be asked for anew."""
        return replace(self, probed_wall_s=None)


class FactStore(Protocol):
    """Keeps what is known of each model on each server; where it is written is not said here."""

    def get(self, server: str) -> Mapping[str, object] | None:
        """Return what is known, None where nothing is."""
        ...

    def set(self, server: str, facts: Mapping[str, object]) -> None:
        """Keep it."""
        ...


class Facts(FactStore):
    """Keeps them in memory."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._known: dict[str, Mapping[str, object]] = {}

    @override
    def get(self, server: str) -> Mapping[str, object] | None:
        return self._known.get(server)

    @override
    def set(self, server: str, facts: Mapping[str, object]) -> None:
        self._known[server] = facts


def place(model: str, url: str) -> str:
    """Return the name under which a model on a server is kept."""
    return f"{model}@{url}"


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
