"""What a server's headers say is left of its limits."""

from collections.abc import Mapping
from datetime import UTC, datetime
import math
import re
from typing import Final

from ..pipeline.request import Quota

_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
"""Of a duration such as ``6m0s`` or ``120ms``."""
_SECONDS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def quota(headers: Mapping[str, str], *, now_wall_s: float) -> Quota | None:
    """Return what is left by the headers of OpenAI's and Anthropic's kind, None where there are none."""

    def count(kind: str, what: str) -> int | None:
        value = headers.get(f"x-ratelimit-{what}-{kind}") or headers.get(
            f"anthropic-ratelimit-{kind}-{what}"
        )
        return int(value) if value is not None and value.strip().isdecimal() else None

    def reset_s(kind: str) -> float | None:
        return seconds(headers.get(f"x-ratelimit-reset-{kind}")) or until_s(
            headers.get(f"anthropic-ratelimit-{kind}-reset"), now_wall_s=now_wall_s
        )

    told = Quota(
        requests=count("requests", "remaining"),
        requests_limit=count("requests", "limit"),
        requests_reset_s=reset_s("requests"),
        tokens=count("tokens", "remaining"),
        tokens_limit=count("tokens", "limit"),
        tokens_reset_s=reset_s("tokens"),
    )
    return None if told.requests is None and told.tokens is None else told


def seconds(value: str | None) -> float | None:
    """Return a duration, written as seconds or with units; None where it is none."""
    text = (value or "").strip()
    try:
        number = float(text)
    except ValueError:
        parts = _PART.findall(text)
        if not parts or "".join(amount + unit for amount, unit in parts) != text:
            return None
        return sum(float(amount) * _SECONDS[unit] for amount, unit in parts)
    return number if math.isfinite(number) and number >= 0 else None


def until_s(value: str | None, *, now_wall_s: float) -> float | None:
    """Return how long it is until a moment in ISO 8601, None where it is none."""
    try:
        at = datetime.fromisoformat((value or "").strip())
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, at.timestamp() - now_wall_s)
