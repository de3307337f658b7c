"""Models that think aloud put their thoughts before the answer, between tags; nobody is to see them."""

import re
from typing import Final

_OPEN: Final = re.compile(r"\s*<(?:think|thinking|thought)>")
_CLOSE: Final = re.compile(r"</(?:think|thinking|thought)>")
_OPEN_MAX: Final = len("<thinking>")
_CLOSE_MAX: Final = len("</thinking>")


class Thoughts:
    """Takes the thoughts out of a text that comes in pieces."""

    def __init__(self) -> None:
        """Begin before the first character."""
        self._held = ""
        self._begun = False
        self.open = False
        """Whether the text so far ends inside a thought."""
        self.seen = False
        """Whether there was one."""

    def feed(self, piece: str) -> str:
        """Return what belongs to the answer, as far as that is clear."""
        if self._begun and not self.open:
            return piece
        # Space before the first word tells nothing; a server may send it without end.
        self._held += piece if self.open or self._held else piece.lstrip()
        if not self.open and not self._begins():
            return ""
        if self.open:
            if (end := _CLOSE.search(self._held)) is None:
                self._held = self._held[-_CLOSE_MAX:]  # no more can belong to a tag cut in two
                return ""
            self.open = False
            self._held = self._held[end.end() :]
        said, self._held = self._held, ""
        return said

    def rest(self) -> str:
        """Return what was held back in doubt, at the end of the text."""
        return "" if self.open else self._held

    def _begins(self) -> bool:
        """Decide whether the text begins with a thought; False while it may go either way."""
        if (tag := _OPEN.match(self._held)) is not None:
            self.open = self.seen = self._begun = True
            self._held = self._held[tag.end() :]
            return True
        start = self._held.lstrip()
        if not start or (len(start) < _OPEN_MAX and "<thinking>".startswith(start)):
            return False
        if len(start) < _OPEN_MAX and any(
            tag.startswith(start) for tag in ("<think>", "<thought>")
        ):
            return False
        self._begun = True
        return True


def without_thoughts(text: str) -> str:
    """Return a whole text without thoughts, also where a template swallowed the opening tag."""
    *_, answer = _CLOSE.split(text)
    return answer.strip()
