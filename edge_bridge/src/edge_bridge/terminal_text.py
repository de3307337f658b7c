"""Texts in the columns of a terminal, and numbers as a person reads them. Pure."""

import unicodedata


def clipped(text: str, width: int | None) -> str:
    """Return a text in as many columns of a terminal as there are."""
    if width is None or columns_of(text) <= width:
        return text
    kept = ""
    for character in text:
        if columns_of(kept + character) >= width:
            break
        kept += character
    return kept + "…" if width else ""


def columns_of(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(
        0
        if unicodedata.combining(character)
        else 2
        if unicodedata.east_asian_width(character) in "WF"
        else 1
        for character in text
    )


def count(number: int) -> str:
    """Return a count in five characters at most."""
    return str(number) if number < 10_000 else f"{number / 1000:.0f}k"


def size(size_bytes: float) -> str:
    """Return an amount of bytes."""
    if size_bytes < 2**20:
        return f"{size_bytes / 2**10:.0f} kB"
    return f"{size_bytes / 2**20:.0f} MB"


def span(seconds: float) -> str:
    """Return how long something has lasted."""
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{int(seconds)} s"
