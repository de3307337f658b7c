"""What model servers charge, and what a picture counts for them: data with its date. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
import math
from typing import Final

AS_OF: Final = "2026-04-30"
"""Prices change; a hub's options take the one of today."""


class PictureRule(StrEnum):
    """How a server counts a picture."""

    PATCHES = "patches"
    """By its size: 32-pixel patches. OpenAI's newer models, and close for most others."""
    FINE_PATCHES = "fine_patches"
    """By its size: 28-pixel patches, as Claude and Qwen2.5-VL do."""
    TILES = "tiles"
    """By 512-pixel tiles of the picture, as OpenAI's 4o models do."""
    FLAT = "flat"
    """The same at any size, as Gemini 3 does."""

    def tokens(self, width_px: int, height_px: int) -> int:
        """Return what a picture counts."""
        match self:
            case PictureRule.PATCHES:
                return math.ceil(math.ceil(width_px / 32) * math.ceil(height_px / 32) * 1.2)
            case PictureRule.FINE_PATCHES:
                return math.ceil(width_px / 28) * math.ceil(height_px / 28)
            case PictureRule.TILES:
                scale = min(1.0, 768 / max(1, min(width_px, height_px)))
                across, down = width_px * scale, height_px * scale
                return 85 + 170 * math.ceil(across / 512) * math.ceil(down / 512)
            case PictureRule.FLAT:
                return 1120


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars for a million tokens."""

    input_usd: float
    output_usd: float

    def of(self, input_tokens: int, output_tokens: int) -> float:
        """Return what a request costs."""
        return (input_tokens * self.input_usd + output_tokens * self.output_usd) / 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """What a hub's requests cost: a price, nothing at all, or nobody knows."""

    price: Price | None = None
    free: bool = False
    pictures: PictureRule = PictureRule.PATCHES

    @property
    def unknown(self) -> bool:
        """Whether money is taken and nobody knows how much."""
        return not self.free and self.price is None


FREE: Final = Tariff(free=True)

_PRICES: Final[Mapping[str, Mapping[str, tuple[float, float]]]] = {
    "api.openai.com": {
        "gpt-5.5": (5.0, 30.0),
        "gpt-5.4-mini": (0.75, 4.5),
        "gpt-5.4": (2.5, 15.0),
        "gpt-5.2": (1.75, 14.0),
        "gpt-5-nano": (0.05, 0.4),
        "gpt-5-mini": (0.25, 2.0),
        "gpt-5": (1.25, 10.0),
        "gpt-4.1-nano": (0.1, 0.4),
        "gpt-4.1-mini": (0.4, 1.6),
        "gpt-4.1": (2.0, 8.0),
        "gpt-4o-mini": (0.15, 0.6),
        "gpt-4o": (2.5, 10.0),
    },
    "generativelanguage.googleapis.com": {
        "gemini-3.1-pro": (2.0, 12.0),
        "gemini-3.1-flash-lite": (0.25, 1.5),
        "gemini-3-pro": (2.0, 12.0),
        "gemini-3-flash": (0.5, 3.0),
        "gemini-2.5-pro": (1.25, 10.0),
        "gemini-2.5-flash-lite": (0.1, 0.4),
        "gemini-2.5-flash": (0.3, 2.5),
    },
    "api.anthropic.com": {
        "claude-opus-4": (5.0, 25.0),
        "claude-sonnet-4": (3.0, 15.0),
        "claude-haiku-4": (1.0, 5.0),
    },
    "api.mistral.ai": {
        "mistral-large": (2.0, 6.0),
        "mistral-medium": (0.4, 2.0),
        "mistral-small": (0.2, 0.6),
    },
    "api.x.ai": {
        "grok-4-fast": (0.2, 0.5),
        "grok-4": (3.0, 15.0),
    },
}
"""By host and the beginning of a model's name; in, out."""

_VENDORS: Final = {
    "openai": "api.openai.com",
    "google": "generativelanguage.googleapis.com",
    "anthropic": "api.anthropic.com",
    "mistralai": "api.mistral.ai",
    "x-ai": "api.x.ai",
}
"""Whose models OpenRouter passes on at the vendor's own price, by the first part of their name."""
_ROUTERS: Final = frozenset({"openrouter.ai"})


def tariff(host: str, model: str, *, own: Price | None = None) -> Tariff:
    """Return what a public server charges for a model; ``own`` is what the user knows better."""
    name = model.lower().removeprefix("models/")
    if host in _ROUTERS:
        vendor, _, name = name.partition("/")
        host = _VENDORS.get(vendor, "")
    known = _PRICES.get(host, {})
    # The longest name that fits: a mini is no full model.
    row = max((row for row in known if name.startswith(row)), key=len, default=None)
    price = own
    if price is None and row is not None:
        price = Price(input_usd=known[row][0], output_usd=known[row][1])
    return Tariff(price=price, pictures=picture_rule(name))


def picture_rule(model: str) -> PictureRule:
    """Return how a model's pictures are counted, by its name."""
    name = model.lower().removeprefix("models/").rpartition("/")[2]
    if name.startswith("gemini-3"):
        return PictureRule.FLAT
    if name.startswith(("claude", "qwen2")):
        return PictureRule.FINE_PATCHES
    if name.startswith(("gpt-4o", "gemini-2")):
        return PictureRule.TILES
    return PictureRule.PATCHES
