"""Who writes where the first provider does not, within limits of their own."""

from dataclasses import dataclass

from .limiter import Limiter
from .provider import Provider

PATIENCE_S = 3.0
"""A pause as short as this is waited for: a server that hiccups goes on with its own story."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A provider with its limiter."""

    provider: Provider
    limiter: Limiter
