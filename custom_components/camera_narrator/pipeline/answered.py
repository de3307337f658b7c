"""An answer read back: from its fields, or from words without shape. Pure."""

from collections.abc import Mapping
from typing import Final

from .claim import CLAIM_CHARS, Claims, Sighting
from .plain_text import clean, without_markup, words
from .request import Analysis
from .rule import RuleAnswer
from .vocabulary import Label
from .writing import orders

STORY: Final = "story"
"""The field that is null where nothing changed: fifteen tokens then are the whole answer."""
FIELDS: Final = frozenset(
    {"changed", "subject", "labels", "rules", "narrative", "visible_text", "here", "gone", "wrong"}
)
"""All fields of an answer, those of its story among them."""
SIGN: Final = "sign"
"""Beside the labels: writing that gives orders to whoever reads it. It costs tokens only where there is any."""
VISIBLE_TEXT_CHARS: Final = 200
CLAIMS_MAX: Final = 6
REFERENCES_MAX: Final = 20

_HOLDS: Final[Mapping[object, bool | None]] = {"yes": True, "no": False, "unsure": None}


def analysis(fields: Mapping[str, object]) -> Analysis:
    """Read an answer of the agreed shape; raise ValueError naming what is wrong."""
    fields = flat(fields)
    changed = _truth(fields, "changed")
    subject = _truth(fields, "subject")
    narrative = words(_string(fields, "narrative", missing=""))
    if changed and not narrative:
        raise ValueError("narrative: empty although something changed")
    named = fields.get("labels", [])
    if not isinstance(named, list):
        raise ValueError("labels: not a list")  # noqa: TRY004 - one error for every malformed answer
    visible_text = clean(
        without_markup(_string(fields, "visible_text", missing="")), VISIBLE_TEXT_CHARS
    )
    return Analysis(
        changed=changed,
        narrative=narrative if changed else "",
        subject=subject,
        labels=frozenset(Label(name) for name in named if isinstance(name, str) and name in Label),
        visible_text=visible_text,
        sign=SIGN in named or orders(visible_text),
        rules=_answers(fields.get("rules")),
        claims=_claims(fields) if changed else None,
    )


def flat(fields: Mapping[str, object]) -> Mapping[str, object]:
    """Return an answer's fields with those of its story beside the others; models flatten it by themselves, too."""
    story = fields.get(STORY)
    return {**fields, **story} if isinstance(story, Mapping) else fields


def plain(text: str) -> Analysis:
    """Take an answer without shape as the narrative; raise ValueError if nothing is left of it."""
    narrative = words(text)
    if not any(char.isalnum() for char in narrative):
        raise ValueError("no words")
    return Analysis(changed=True, narrative=narrative)


def _claims(fields: Mapping[str, object]) -> Claims | None:
    """Read who is there by an answer; None where it lists nobody, not even an empty list."""
    here = fields.get("here")
    if not isinstance(here, list):
        return None
    sightings = []
    for one in here[:CLAIMS_MAX]:
        match one:
            case {"subject": str() as subject} if subject in Label:
                sightings.append(
                    Sighting(
                        subject=Label(subject),
                        number=_number(one.get("number")),
                        look=_short(one.get("look")),
                        where=_short(one.get("where")),
                        moving=one.get("moving") is not False,
                    )
                )
    return Claims(
        here=tuple(sightings),
        gone=_references(fields.get("gone")),
        wrong=_references(fields.get("wrong")),
    )


def _number(given: object) -> int:
    return given if isinstance(given, int) and not isinstance(given, bool) and given > 0 else 0


def _references(given: object) -> frozenset[int]:
    listed = given[:REFERENCES_MAX] if isinstance(given, list) else ()
    return frozenset(number for one in listed if (number := _number(one)))


def _short(given: object) -> str:
    return clean(without_markup(given), CLAIM_CHARS) if isinstance(given, str) else ""


def _answers(given: object) -> dict[str, RuleAnswer]:
    """Read the answers to rules; one that is malformed is none."""
    answers: dict[str, RuleAnswer] = {}
    for key, answer in given.items() if isinstance(given, Mapping) else ():
        match answer:
            case {"answer": "yes" | "no" | "unsure" as word, "confidence": int() | float() as sure}:
                answers[str(key)] = RuleAnswer(
                    holds=_HOLDS[word], confidence=min(1.0, max(0.0, float(sure)))
                )
    return answers


def _truth(fields: Mapping[str, object], name: str) -> bool:
    value = fields.get(name)
    if not isinstance(value, bool):
        raise ValueError(f"{name}: neither true nor false")  # noqa: TRY004 - as above
    return value


def _string(fields: Mapping[str, object], name: str, missing: str | None = None) -> str:
    value = fields.get(name, missing)
    if not isinstance(value, str):
        raise ValueError(f"{name}: not a text")  # noqa: TRY004 - as above
    return value
