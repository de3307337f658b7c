"""What the scripted model says of the notes and the known ones it is given, held against the pictures."""

from collections import Counter
import re
from typing import Any, Final

from rigs.model_request import ModelRequest
from rigs.picture_code import Cast

FALSEHOOD: Final = "A grey horse stands at the window"
"""What nobody can see in any picture here."""
_LOOK: Final = "grey horse"
_WHERE: Final = "at the window"
_KNOWN: Final = re.compile(r"^- \[(\d+)\] (person|vehicle|animal|package)\b(.*)$", re.MULTILINE)
_NOTE: Final = re.compile(r'^- \[(\d+)\] (?:\([^)]*\) )?"(.*)"$', re.MULTILINE)
_MOST: Final = 4


def mentions(words: str) -> bool:
    """Whether the falsehood stands in what is asked, as a note or as one who is there."""
    return FALSEHOOD in words or _LOOK in words


def invented() -> dict[str, Any]:
    """Return somebody whom nobody can see."""
    horse = {"number": 0, "subject": "animal", "look": _LOOK, "where": _WHERE, "moving": True}
    return {"here": [horse], "gone": [], "wrong": []}


def claims(request: ModelRequest, *, critical: bool = True) -> dict[str, Any]:
    """Return who is in the last picture, who of the known has left, and, where `critical`, what was false."""
    known = [
        (int(number), subject, rest) for number, subject, rest in _KNOWN.findall(request.words)
    ]
    false = [number for number, _, rest in known if _LOOK in rest]
    cast = request.codes[-1].cast if request.codes else Cast()
    left = Counter(_subjects(cast))
    gone, numbers = [], []
    for number, subject, _ in known:
        if number in false:
            continue
        if left[subject]:
            left[subject] -= 1
            numbers.append((number, subject))
        else:
            gone.append(number)
    here = [*numbers, *((0, subject) for subject in left.elements())]
    false += [int(number) for number, text in _NOTE.findall(request.words) if FALSEHOOD in text]
    return {
        "here": [_sighting(number, subject) for number, subject in here[:_MOST]],
        "gone": gone,
        "wrong": sorted(false) if critical else [],
    }


def _subjects(cast: Cast) -> list[str]:
    return [
        *["person"] * cast.persons,
        *["vehicle"] * cast.vehicles,
        *["animal"] * cast.animals,
        *["package"] * int(cast.package),
    ]


def _sighting(number: int, subject: str) -> dict[str, Any]:
    known = number != 0
    return {
        "number": number,
        "subject": subject,
        "look": "" if known else "striped",
        "where": "in the room",
        "moving": subject in {"person", "animal"},
    }
