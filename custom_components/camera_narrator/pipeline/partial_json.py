"""Text deltas of a JSON object -> its completed top-level fields, as they come, and those of one object among them."""

from collections.abc import Callable
import json
from typing import NoReturn

LENGTH_MAX = 65_536
"""An answer has 250 tokens; a server that streams more than 64 kB will not stop by itself."""
DEPTH_MAX = 32
"""The agreed shape is two deep; a depth of thousands would exhaust the stack of a reader."""
OPEN_MAX = 600
"""Characters of a text that is still coming: a first sentence ends within them."""
_SPACE = " \t\n\r"


class PartialObject:
    """One JSON object in the making. Text before its first brace and after its last is ignored."""

    def __init__(self, *, inner: str | None = None) -> None:
        """Start empty; the fields of an object named ``inner`` are told in its place."""
        self._inner = inner
        self._inside = False
        self._text = ""
        self._at = 0
        self._start = 0
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self._key = ""
        self._expect: Callable[[str], None] = self._opening
        self._fields: dict[str, object] = {}
        self.complete = False

    def feed(self, delta: str) -> dict[str, object]:
        """Take more text; return all fields complete so far. Raise ValueError for what can't become an object."""
        self._text += delta
        if len(self._text) > LENGTH_MAX:
            raise ValueError(f"longer than {LENGTH_MAX} characters")
        while self._at < len(self._text) and not self.complete:
            self._expect(self._text[self._at])
            self._at += 1
        return dict(self._fields)

    def coming(self, name: str) -> str:
        """Return the beginning of a text that is still coming as the value of this name."""
        text = self._text[self._start : self._start + OPEN_MAX].lstrip(_SPACE)
        if not self._in_string or self._depth or self._key != name:
            return ""
        for cut in range(min(len(text), 6)):  # an escape is six characters at most
            try:
                return str(_loads(text[: len(text) - cut] + '"'))
            except ValueError:
                continue
        return ""

    # -- one method for each place in the grammar, called with the character there -------------------------------

    def _opening(self, char: str) -> None:
        if char == "{":
            self._expect = self._first_key

    def _first_key(self, char: str) -> None:
        if char == "}":
            self._after_field(char)
        else:
            self._next_key(char)

    def _next_key(self, char: str) -> None:
        if char == '"':
            self._start = self._at
            self._expect = self._in_key
        elif char not in _SPACE:
            raise ValueError("a name must be a string")

    def _in_key(self, char: str) -> None:
        if self._escaped:
            self._escaped = False
        elif char == "\\":
            self._escaped = True
        elif char == '"':
            key = _loads(self._text[self._start : self._at + 1])
            self._key = str(key)
            self._expect = self._colon

    def _colon(self, char: str) -> None:
        if char == ":":
            self._start = self._at + 1
            self._expect = self._in_value
        elif char not in _SPACE:
            raise ValueError("a name must be followed by a colon")

    def _in_value(self, char: str) -> None:
        if self._in_string:
            self._inside_string(char)
        elif char == '"':
            self._in_string = True
        elif char == "{" and self._opens_inner():
            self._inside = True
            self._expect = self._first_key
        elif char in "[{":
            self._depth += 1
            if self._depth > DEPTH_MAX:
                raise ValueError("nested too deeply")
        elif self._depth and char in "]}":
            self._depth -= 1
        elif not self._depth and char in ",}":
            self._fields[self._key] = _loads(self._text[self._start : self._at])
            self._after_field(char)

    def _opens_inner(self) -> bool:
        before = self._text[self._start : self._at]
        return (
            self._key == self._inner
            and not (self._depth or self._inside)
            and not before.strip(_SPACE)
        )

    def _after_field(self, char: str) -> None:
        """After a comma comes the next field; after a brace the object that was open is over."""
        if char == ",":
            self._expect = self._next_key
        elif self._inside:
            self._inside = False
            self._expect = self._after_inner
        else:
            self.complete = True

    def _after_inner(self, char: str) -> None:
        if char == "}":
            self.complete = True
        elif char == ",":
            self._expect = self._next_key
        elif char not in _SPACE:
            raise ValueError("a field must be followed by another or by the end")

    def _inside_string(self, char: str) -> None:
        if self._escaped:
            self._escaped = False
        elif char == "\\":
            self._escaped = True
        elif char == '"':
            self._in_string = False


def _loads(text: str) -> object:
    value: object = json.loads(text, parse_constant=_refuse)
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
