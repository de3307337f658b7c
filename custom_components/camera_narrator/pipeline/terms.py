"""What a hub may do, from its options."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .prices import FREE, Tariff
from .spending import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Limits, caps and price; None is no limit."""

    concurrency: int = 2
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    caps: Mapping[Unit, float] = field(default_factory=dict)
    tariff: Tariff = FREE
