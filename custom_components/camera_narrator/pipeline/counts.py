"""How many of each kind a detector sees, as far as that is news. Pure."""

from collections import Counter
from collections.abc import Iterable

from .models import Detection
from .vocabulary import Label

HOLD_S = 10.0
"""A detector loses who stands still for seconds; who was away for longer has come again."""


class Counts:
    """The most of each kind seen lately."""

    def __init__(self) -> None:
        self._known: dict[Label, tuple[int, float]] = {}

    def rise(self, detections: Iterable[Detection], at_s: float) -> bool:
        """Take what is seen now; return whether there is a new kind, or more of one than lately."""
        seen = Counter(detection.label for detection in detections)
        rose = False
        for label in self._known.keys() | seen.keys():
            most, last_s = self._known.get(label, (0, at_s))
            if at_s - last_s > HOLD_S:
                most = 0
            rose = rose or seen[label] > most
            if seen[label] >= most:
                self._known[label] = (seen[label], at_s)
        return rose
