"""When the activity of a camera is said: at a change, and again while it lasts. Pure."""

from .activity import Verdict
from .protocol.messages import Activity

REPEAT_US = 2_000_000
"""Home Assistant takes an active camera that says nothing for 10 s as interrupted: four repetitions may be lost."""
NEWS_US = 250_000
"""Regions that come and go are told at most four times a second."""
REGIONS_LOOKS = 2
"""A region must be there, or gone, for so many looks to be told."""


class ActivityReport:
    """Turns one camera's verdicts into messages; they are states, so the latest is all there is to say."""

    def __init__(self, camera: str) -> None:
        """Start with nothing said."""
        self._camera = camera
        self._said: Verdict | None = None
        self._said_us = 0
        self._count = 0
        self._looks = 0

    def offer(self, verdict: Verdict, captured_us: int) -> Activity | None:
        """Return what to say of a verdict, with revision 0 and no labels, or None."""
        if len(verdict.regions) == self._count:
            self._looks += 1
        else:
            self._count = len(verdict.regions)
            self._looks = 1
        if not self._news(verdict, captured_us):
            return None
        self._said = verdict
        self._said_us = captured_us
        return Activity(
            camera=self._camera,
            active=verdict.active,
            since_us=verdict.since_us,
            score=round(verdict.score, 3),
            regions=verdict.regions,
            revision=0,
        )

    def _news(self, verdict: Verdict, captured_us: int) -> bool:
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
        return self._looks >= REGIONS_LOOKS and self._count != len(said.regions)
