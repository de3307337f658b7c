"""One answer as it comes: words gathered, complete fields told at once, and at the end what it is worth."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
import json
import re
from typing import Final

from ..pipeline.answered import STORY, flat
from ..pipeline.errors import NarratorError
from ..pipeline.partial_json import LENGTH_MAX, PartialObject
from ..pipeline.request import Quota, Usage
from .faults import Server
from .ladder import Rung
from .refusal import is_refusal
from .stream import Piece
from .thoughts import Thoughts, without_thoughts

_PAGE: Final = re.compile(r"^\s*<(!doctype|html|head|body|\?xml)\b", re.IGNORECASE)
_FENCE: Final = re.compile(r"^```\w*\s*|\s*```$")
_WORDS: Final = "narrative"
"""The field whose words people read, so that no refusal may stand in it."""
THOUGHT_TOKENS: Final = 16
"""Fewer are what a server counts besides the answer: a separator, an empty thought."""
_SENTENCES: Final = re.compile(r".*[.!?]", re.DOTALL)


class NotAsAgreedError(NarratorError):
    """The server took the agreed shape and answered in another one: prose, or other fields."""


class ThoughtsOnlyError(NarratorError):
    """The model spent all its tokens on thinking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading[T]:
    """What an answer means."""

    names: frozenset[str]
    """Fields worth telling before the answer is complete."""
    sentence: Callable[[Mapping[str, object], str], str]
    """Of the complete fields and the words that are coming: those worth telling before the words are complete."""
    of_fields: Callable[[Mapping[str, object]], T]
    """Raises ValueError where fields are missing or wrong."""
    of_unasked: Callable[[Mapping[str, object]], T]
    """The same on the rung without a shape, where the model sent an object all the same."""
    of_text: Callable[[str], T]
    """On the rung without a shape; raises ValueError where nothing is left."""


class Answer[T]:
    """Gathers the pieces of one stream."""

    def __init__(self, rung: Rung, reading: Reading[T], server: Server) -> None:
        """Begin empty."""
        self._rung = rung
        self._reading = reading
        self._server = server
        self._thoughts = Thoughts()
        self._object = PartialObject(inner=STORY)
        self._text = ""
        self._thought = False
        self._thought_tokens = 0
        self._refused = False
        self._finish: str | None = None
        self._told: dict[str, object] = {}
        self._sentence = ""
        self._no_object = False
        self.usage = Usage()
        self.whole = False
        """Whether it came in one piece."""
        self.quota: Quota | None = None

    @property
    def began(self) -> bool:
        """Whether the model has sent anything."""
        return bool(self._text) or self._thought or self._thoughts.open

    @property
    def thought(self) -> bool:
        """Whether the model thought before it answered, shown or counted."""
        return self._thought or self._thoughts.seen or self._thought_tokens >= THOUGHT_TOKENS

    @property
    def told(self) -> Mapping[str, object]:
        """Return the complete fields so far."""
        return self._told

    @property
    def sentence(self) -> str:
        """Return the first sentence of the narrative, once it is there."""
        return self._sentence

    def feed(self, piece: Piece) -> bool:
        """Take the next piece; return whether it completed a field or the first sentence."""
        self.usage = piece.usage or self.usage
        self.quota = piece.quota or self.quota
        self._finish = piece.finish or self._finish
        self._thought = self._thought or piece.thought
        self._thought_tokens = max(self._thought_tokens, piece.thought_tokens)
        self.whole = self.whole or piece.whole
        self._refused = self._refused or bool(piece.refusal)
        return self._take(self._thoughts.feed(piece.text)) if piece.text else False

    def finish(self) -> T:
        """Return what the whole answer means; raise ProviderError or one of the errors above."""
        self._take(self._thoughts.rest())
        text = without_thoughts(self._text)
        if self._refused or self._finish == "content_filter" or is_refusal(text):
            raise self._server.declined()
        if not text:
            raise self._nothing()
        if _PAGE.match(text):
            raise self._server.bad_answer("answered with a web page")
        fields = _object(text)
        if self._rung is Rung.TEXT:
            return self._of_text(text, fields)
        if fields is None:
            if not _FENCE.sub("", text).startswith("{"):
                raise NotAsAgreedError
            if self._finish != "length" or _WORDS not in self._told:
                raise self._cut()
            fields = dict(
                self._told
            )  # the words are whole; who else is there is not worth asking again
        if is_refusal(str(flat(fields).get(_WORDS, ""))):
            raise self._server.declined()
        try:
            return self._reading.of_fields(fields)
        except ValueError:
            raise NotAsAgreedError from None

    def _take(self, text: str) -> bool:
        """Add words of the answer; where an object was agreed, read on in it."""
        self._text += text
        if len(self._text) > LENGTH_MAX:
            raise ValueError("an answer without end")
        if self._rung is Rung.TEXT or self._no_object:
            return False
        told = (len(self._told), self._sentence)
        try:
            fields = self._object.feed(text)
        except ValueError:  # a brace in prose, or broken JSON: the whole text will tell
            self._no_object = True
            return False
        self._told = {
            name: fields[name]
            for name in fields
            if name in self._reading.names
            and not (name == _WORDS and is_refusal(str(fields[name])))
        }
        if not self._sentence and (coming := self._object.coming(_WORDS)):
            sentence = self._reading.sentence(self._told, coming)
            self._sentence = "" if is_refusal(sentence) else sentence
        return (len(self._told), self._sentence) != told

    def _of_text(self, text: str, fields: Mapping[str, object] | None) -> T:
        """Read an answer that no shape was agreed for, and one that comes as an object all the same."""
        if fields is not None:
            return self._of_unasked(fields)
        if text.startswith("{"):
            raise self._cut()
        if self._finish == "length":  # the whole sentences of it
            sentences = _SENTENCES.match(text)
            text = sentences[0] if sentences else ""
        elif self._finish is None:
            raise self._cut()
        try:
            return self._reading.of_text(text)
        except ValueError:
            raise self._server.bad_answer("answered without a sentence") from None

    def _of_unasked(self, fields: Mapping[str, object]) -> T:
        try:
            return self._reading.of_unasked(fields)
        except ValueError:
            raise self._server.bad_answer("answered in a shape of its own") from None

    def _nothing(self) -> Exception:
        if self._thought or self._thoughts.open or self._text:
            return ThoughtsOnlyError()
        if (
            self._finish == "length"
        ):  # hidden thoughts: OpenAI's models do not even tell that they think
            return ThoughtsOnlyError()
        return self._server.bad_answer("answered with nothing")

    def _cut(self) -> Exception:
        if self._finish == "length":
            return self._server.bad_answer("did not finish within its limit of tokens")
        return self._server.bad_answer("answered with half an answer")


def _object(text: str) -> dict[str, object] | None:
    """Return the first JSON object in a text, None where there is none or it is incomplete."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(text, start)
    except ValueError, RecursionError:
        return None
    return value if isinstance(value, dict) else None
