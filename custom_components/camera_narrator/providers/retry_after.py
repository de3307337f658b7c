"""The server's own word on when to ask again."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
import math
import re
from typing import Final

_RETRY_DELAY: Final = re.compile(r"retryDelay['\"]?\s*:\s*['\"](\d+(?:\.\d+)?)s['\"]")
"""Gemini says it in the body: ``"retryDelay": "34s"``."""


def retry_after_s(headers: Mapping[str, str], body: str, *, now_wall_s: float) -> float | None:
    """Return the seconds to wait, None where the server does not say or says nonsense."""
    if (wait_ms := _number(headers.get("retry-after-ms"))) is not None:
        return wait_ms / 1000
    value = headers.get("retry-after")
    if (wait_s := _number(value)) is not None:
        return wait_s
    if (until_s := _date(value)) is not None:
        # Against the server's own clock where it tells: a house without NTP must not wait for hours.
        sent_s = _date(headers.get("date"))
        return max(0.0, until_s - (now_wall_s if sent_s is None else sent_s))
    told = _RETRY_DELAY.search(body)
    return float(told[1]) if told else None


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _date(value: str | None) -> float | None:
    try:
        return parsedate_to_datetime(value or "").timestamp()
    except ValueError, OverflowError:
        return None
