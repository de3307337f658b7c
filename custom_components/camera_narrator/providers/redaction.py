"""A server's words, made fit to be shown: short, in one line, and without a secret it echoes."""

from collections.abc import Iterable
import re
from typing import Final

MAX_CHARACTERS: Final = 160
"""Of a server's own words in a message: one sentence; whole error pages help nobody."""
ECHO_CHARACTERS: Final = 6
"""As many characters of a key in a row are an echo of it: servers show its first or last ones."""
_WORD: Final = re.compile(r"[^\s\"'`,;:()\[\]{}<>]+")
_KEY: Final = re.compile(r"^(sk|pk|gsk|xai|hf|AIza|key|Bearer)[-_*.A-Za-z0-9]{8,}$|[*•]{3,}")
"""Looks like a key, ours or another's, whole or masked."""
_BLOB: Final = re.compile(r"data:[\w/+.-]+;base64,\S*|[A-Za-z0-9+/=_-]{64,}")
_USERINFO: Final = re.compile(r"(\w+://)[^/\s@]+@")


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Return a server's words for people."""
    known = [secret for secret in secrets if secret]
    text = _USERINFO.sub(r"\1", text)
    for secret in known:
        text = text.replace(secret, "…")
    text = _BLOB.sub("…", text)
    text = _WORD.sub(lambda word: "…" if _secret(word[0], known) else word[0], text)
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 1].rstrip() + "…"


def _secret(word: str, known: list[str]) -> bool:
    return _KEY.search(word) is not None or any(_echoes(word, secret) for secret in known)


def _echoes(word: str, secret: str) -> bool:
    return any(
        word[start : start + ECHO_CHARACTERS] in secret
        for start in range(len(word) - ECHO_CHARACTERS + 1)
    )
