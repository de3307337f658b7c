"""When the activity of a camera is said: at a change, and again while it lasts. Pure."""

from collections import Counter

from .activity import Verdict
from .protocol import MAX_DETECTIONS, Activity, Detection, Label

REPEAT_US = 2_000_000
"""Home Assistant takes an active camera that says nothing for 10 s as interrupted: four repetitions may be lost."""
NEWS_US = 250_000
"""Regions and labels that come and go are told at most four times a second."""
REGIONS_LOOKS = 2
"""A region must be there, or gone, for so many looks to be told."""


class ActivityReport:
    """Turns one camera's verdicts into messages; they are states, so the latest is all there is to say."""

    def __init__(self, camera: str) -> None:
        """Start with nothing said."""
        self._camera = camera
        self._said: Verdict | None = None
        self._said_us = 0
        self._said_labels: Counter[Label] = Counter()
        self._count = 0
        self._looks = 0

    def offer(
        self, verdict: Verdict, captured_us: int, labels: tuple[Detection, ...] = ()
    ) -> Activity | None:
        """Return what to say of a verdict and of what was named in its picture, with revision 0, or None."""
        if len(verdict.regions) == self._count:
            self._looks += 1
        else:
            self._count = len(verdict.regions)
            self._looks = 1
        named = Counter(detection.label for detection in labels)
        if not self._news(verdict, captured_us, named):
            return None
        self._said = verdict
        self._said_labels = named
        self._said_us = captured_us
        return Activity(
            camera=self._camera,
            active=verdict.active,
            since_us=verdict.since_us,
            score=round(verdict.score, 3),
            regions=verdict.regions,
            labels=labels[:MAX_DETECTIONS],
            revision=0,
        )

    def _news(self, verdict: Verdict, captured_us: int, named: Counter[Label]) -> bool:
        said = self._said
        if said is None:
            return verdict.active
        if verdict.active != said.active:
            return True
        if not verdict.active:
            return False
        since_us = captured_us - self._said_us
        if since_us >= REPEAT_US:
            return True
        if since_us < NEWS_US:
            return False
        settled = self._looks >= REGIONS_LOOKS and self._count != len(said.regions)
        return settled or named != self._said_labels
