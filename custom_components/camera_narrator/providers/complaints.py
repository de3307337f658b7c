"""What servers mean when they refuse a request: their words differ more than their meaning."""

from collections.abc import Mapping
import re
from typing import Final

import openai

_FORMAT: Final = re.compile(
    r"response.?format|json.?schema|json.?object|structured.?output|grammar|guided|\bschema\b"
)
_SHAPE_MISSED: Final = re.compile(
    r"json_validate_failed|failed to generate json|output that does not match"
)
_PICTURES: Final = re.compile(
    r"(image|picture|vision|multi.?modal)[^.]{0,80}"
    r"(not support|unsupport|not allowed|not enabled|not available|disabled|not accept|cannot|can't|not a valid)"
    r"|(not support|unsupport|doesn't accept|does not accept|not a|no endpoints|cannot|unable to|failed to|invalid)"
    r"[^.]{0,60}(image|picture|vision|multi.?modal)"
    r"|mmproj|content must be a string|content.{0,20}(should|must) be a (valid )?string"
)
_FEWER_PICTURES: Final = re.compile(
    r"(at most|maximum (of|is)?|up to|only|limit (of|is)|exceeds?)[^.]{0,40}?\b(?P<most>one|a single|\d+)\b[^.]{0,20}(image|picture)"
    r"|too many (image|picture)s?|(multiple|more than one|several) (image|picture)s?"
    r"|(image|picture)s?[^.]{0,40}(at most|maximum( of| is)?|up to|limit (of|is))[^.]{0,20}?\b(?P<limit>one|\d+)\b"
)
"""Servers that take one picture say so in many ways: those that name a number are believed."""
_CONTEXT: Final = re.compile(
    r"context.?(length|size|window)|maximum context|too many tokens|prompt is too long"
)
_UNKNOWN_MODEL: Final = re.compile(
    r"model.{0,120}(not found|not exist|unknown|invalid|not available|no longer)"
    r"|(unknown|invalid|no such|not a valid).{0,20}model|model_not_found"
)
_KEY: Final = re.compile(r"api.?key|invalid.{0,10}credential|authenticat")
_POLICY: Final = re.compile(r"content.?(filter|policy|management)|moderation|safety|flagged")
_QUOTA: Final = re.compile(
    r"insufficient.?quota|exceeded your current quota|billing|credit|balance"
)


def words(error: openai.APIError) -> str:
    """Return what the server said, as it said it; empty where it said nothing."""
    body: object = error.body
    for _ in range(
        3
    ):  # {"error": {"message": …}}, {"detail": …}, and what proxies wrap around them
        if not isinstance(body, Mapping):
            break
        body = body.get("message") or body.get("error") or body.get("detail") or body.get("code")
    return body if isinstance(body, str) else "" if body is None else str(body)


def status(error: openai.APIError) -> int | None:
    """Return the HTTP status, also of an error told inside a stream."""
    if isinstance(error, openai.APIStatusError):
        return error.status_code
    code = error.body.get("code") if isinstance(error.body, Mapping) else None
    return code if isinstance(code, int) and 400 <= code < 600 else None


def told(error: openai.APIError) -> str:
    """Return all there is to look for a meaning in, in lower case."""
    codes = (
        [str(error.body.get(key) or "") for key in ("code", "type", "param", "status")]
        if isinstance(error.body, Mapping)
        else []
    )
    return " ".join([words(error), *codes])[:2000].lower()


def about_format(text: str) -> bool:
    """Whether the agreed shape of the answer is what the server does not take."""
    return _FORMAT.search(text) is not None


def about_shape_missed(text: str) -> bool:
    """Whether the model's answer failed the server's own check of its shape."""
    return _SHAPE_MISSED.search(text) is not None


def about_pictures(text: str) -> bool:
    """Whether the model takes no pictures."""
    return _PICTURES.search(text) is not None


def pictures_most(text: str, sent: int) -> int | None:
    """Return how many pictures the server takes at once, where it complains of their number; one if it does not say."""
    if (told := _FEWER_PICTURES.search(text)) is None or sent < 2:
        return None
    number = told["most"] or told["limit"] or "1"
    most = int(number) if number.isdecimal() else 1
    return most if 0 < most < sent else None


def about_context(text: str) -> bool:
    """Whether the request is larger than what the model can hold."""
    return _CONTEXT.search(text) is not None


def about_model(text: str) -> bool:
    """Whether a model is spoken of at all: a missing path says nothing of it."""
    return "model" in text


def unknown_model(status_code: int, text: str) -> bool:
    """Whether the model's name is what the server does not know."""
    return about_model(text) and (status_code == 404 or _UNKNOWN_MODEL.search(text) is not None)


def about_key(text: str) -> bool:
    """Whether the key is what the server does not take."""
    return _KEY.search(text) is not None


def about_policy(text: str) -> bool:
    """Whether a content filter stepped in."""
    return _POLICY.search(text) is not None


def about_quota(text: str) -> bool:
    """Whether the account is used up, which no waiting of seconds helps."""
    return _QUOTA.search(text) is not None
