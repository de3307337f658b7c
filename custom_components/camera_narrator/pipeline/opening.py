"""How an answer under way begins: who is there, and its first sentence. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
import re
from typing import Final

from .answered import SIGN
from .plain_text import words as plain_words
from .request import Analysis, Partial
from .vocabulary import Label

_DECIDING: Final = frozenset({"changed", "subject", "labels"})
"""What an event needs to say who is there."""
_SHORT: Final = 16
"""Characters: what ends sooner is an abbreviation rather than a sentence."""
_END: Final = re.compile(r"[.!?]['\")]?\s+(?=(\S))|[\u3002\uff01\uff1f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What an answer has decided so far; the whole answer may revise it."""

    analysis: Analysis
    whole: bool
    """Its words are all there, not just the first sentence, or none yet."""


def opening(partial: Partial) -> Opening | None:
    """Return what an answer says so far; None until something has changed and it is known who is there."""
    fields = partial.fields
    if not fields.keys() >= _DECIDING or fields["changed"] is not True:
        return None
    subject, labels = fields["subject"], fields["labels"]
    if not isinstance(subject, bool) or not isinstance(labels, list):
        return None
    whole = "narrative" in fields
    words = fields["narrative"] if whole else partial.sentence
    return Opening(
        analysis=Analysis(
            changed=True,
            narrative=plain_words(words) if isinstance(words, str) else "",
            subject=subject,
            labels=frozenset(
                Label(name) for name in labels if isinstance(name, str) and name in Label
            ),
            sign=SIGN in labels,
        ),
        whole=whole,
    )


def sentence(fields: Mapping[str, object], text: str) -> str:
    """Return the first sentence of words that are still coming, empty until the next has begun."""
    if not fields.keys() >= _DECIDING:
        return ""
    for end in _END.finditer(text):
        following = end[1] or ""
        if end.end() >= _SHORT and not following.islower() and not following.isdigit():
            return text[: end.end()].strip()
    return ""
