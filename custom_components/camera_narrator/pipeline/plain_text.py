"""What models and people write, as it may be shown and quoted: one line, without markup, of bounded length. Pure."""

import re
from typing import Final
import unicodedata

NARRATIVE_CHARS: Final = 600
"""What 250 tokens hold besides the other fields."""

_TAG: Final = re.compile(r"</?[A-Za-z!][^<>]*>")
_LINK: Final = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
"""A link or a picture; its words remain."""
_ADDRESS: Final = re.compile(r"\b[a-z][a-z0-9+.-]*://|\bwww\.", re.IGNORECASE)
"""What makes an address a link by itself; the rest of it remains, as on a van."""
_MARKUP: Final = str.maketrans({"<": " ", ">": " ", "`": None, "*": None})
"""What is left of tags, code and emphasis."""


def words(text: str) -> str:
    """Return what a model wrote as it may be shown: one line, plain, of bounded length."""
    return clean(without_markup(text), NARRATIVE_CHARS)


def without_markup(text: str) -> str:
    """Return words without HTML and Markdown: a card that shows them must fetch nothing and look like no alarm."""
    text = _ADDRESS.sub("", _LINK.sub(r"\1", _TAG.sub(" ", text)))
    return text.translate(_MARKUP).replace("](", "] (").lstrip("# -")


def clean(text: str, most: int) -> str:
    """Return text on one line without control, format and private characters, cut at a word."""
    kept = "".join(
        " " if unicodedata.category(char)[0] in "CZ" else char for char in text[: most * 4]
    )
    line = " ".join(kept.split())
    if len(line) <= most:
        return line
    cut = line[: most - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut else cut).rstrip(" ,;:") + "…"
