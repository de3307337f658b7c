"""The seam to whoever writes the words."""

from collections.abc import AsyncIterator, Callable
from typing import Protocol

from .request import Chunk, Partial


class Provider(Protocol):
    """Answers a chunk."""

    @property
    def name(self) -> str:
        """Who writes the words, for people: ``built-in`` or the model's name."""
        ...

    @property
    def heartbeats(self) -> bool:
        """Whether a look without any activity is worth it: the pictures are read, and it costs no money."""
        ...

    @property
    def names_subjects(self) -> bool:
        """Whether its answers carry labels of their own; where they do not, only a bridge's detector can name."""
        ...

    def count_pictures(self, sent: Callable[[int], None]) -> None:
        """Call ``sent`` with the number of pictures each time that some leave for whoever writes; nobody's do here."""
        return

    def analyse(self, chunk: Chunk) -> AsyncIterator[Partial]:
        """Yield the answer as it comes, the last partial final; raise ProviderError and nothing else."""
        ...
