"""Reads the repository's documents: links, headings, code, tables."""

from collections.abc import Iterator
from pathlib import Path
import re
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def documents() -> list[Path]:
    """Return every Markdown file of the repository."""
    folders = ("docs", "edge_bridge", ".github")
    nested = [path for folder in folders for path in (ROOT / folder).rglob("*.md")]
    return sorted([*ROOT.glob("*.md"), *nested])


def read(path: Path | str) -> str:
    """Return a document's text, by its path or its name below the root."""
    return (ROOT / path).read_text("utf-8")


def prose(text: str) -> str:
    """Return a text without its code blocks."""
    return _FENCE.sub("", text)


def links(text: str) -> list[str]:
    """Return the targets of a text's links and pictures."""
    return _LINK.findall(prose(text))


def anchors(text: str) -> set[str]:
    """Return what links may point at: the headings, as GitHub writes them."""
    headings = re.findall(r"(?m)^#+ (.+)$", prose(text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def spans(text: str) -> list[str]:
    """Return the inline code of a text, links' words apart."""
    return re.findall(r"`([^`\n]+)`", _LINK.sub("", prose(text)))


def rows(text: str) -> list[str]:
    """Return the lines of a text's tables."""
    return [line for line in prose(text).splitlines() if line.startswith("|")]


def blocks(text: str, language: str) -> list[str]:
    """Return the code blocks of a language."""
    return [code for name, code in _FENCE.findall(text) if name == language]


def examples() -> Iterator[tuple[str, Any]]:
    """Yield every YAML example with the document it is in."""
    for path in documents():
        for code in blocks(read(path), "yaml"):
            yield path.relative_to(ROOT).as_posix(), yaml.safe_load(code)
