"""The server's own word on when to ask again."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
import math
import re
from typing import Final

from .quota import quota, seconds

_RETRY_DELAY: Final = re.compile(r"retryDelay['\"]?\s*:\s*['\"](\d+(?:\.\d+)?)s['\"]")
"""Gemini says it in the body: ``"retryDelay": "34s"``."""
_RETRY_FIELD: Final = re.compile(r"retry_after(_ms|_seconds)?['\"]?\s*:\s*['\"]?(\d+(?:\.\d+)?)")
"""Gateways put it into a field of the body."""
_WORDS: Final = re.compile(
    r"(?:try again|retry|wait)(?: again)?(?: in| after)?\s+((?:\d+(?:\.\d+)?\s?(?:ms|h|m|s)(?![a-z]))+"
    r"|\d+(?:\.\d+)?(?= ?seconds?\b))",
    re.IGNORECASE,
)
"""OpenAI, Groq, Gemini and Anthropic say it in words: ``Please try again in 6m11.52s``."""
_EPOCH_S: Final = 1_000_000_000.0
"""A larger number is a date, no duration; one a thousand times larger a date in milliseconds."""


def retry_after_s(headers: Mapping[str, str], body: str, *, now_wall_s: float) -> float | None:
    """Return the seconds to wait, None where the server does not say or says nonsense."""
    if (wait_ms := _number(headers.get("retry-after-ms"))) is not None:
        return wait_ms / 1000
    value = headers.get("retry-after")
    # Against the server's own clock where it tells: a house without NTP must not wait for hours.
    sent_s = _date(headers.get("date"))
    now_s = now_wall_s if sent_s is None else sent_s
    if (wait_s := _number(value)) is not None:
        return wait_s
    if (until_s := _date(value)) is not None:
        return max(0.0, until_s - now_s)
    told = _of_body(body)
    return _of_limits(headers, now_s) if told is None else told


def _of_body(body: str) -> float | None:
    if told := _RETRY_DELAY.search(body):
        return float(told[1])
    if told := _RETRY_FIELD.search(body):
        return float(told[2]) / (1000 if told[1] == "_ms" else 1)
    if told := _WORDS.search(body):
        return seconds(told[1].replace(" ", ""))
    return None


def _of_limits(headers: Mapping[str, str], now_s: float) -> float | None:
    """Return when what is used up begins anew, by the headers that each answer has."""
    left = quota(headers, now_wall_s=now_s)
    if left is not None:
        waits = [
            wait_s
            for rest, wait_s in (
                (left.requests, left.requests_reset_s),
                (left.tokens, left.tokens_reset_s),
            )
            if rest == 0 and wait_s is not None
        ]
        if waits:
            return max(waits)
    reset = _number(headers.get("x-ratelimit-reset"))
    if reset is None:
        return None
    if reset >= 1000 * _EPOCH_S:
        reset /= 1000
    return max(0.0, reset - now_s) if reset >= _EPOCH_S else reset


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
