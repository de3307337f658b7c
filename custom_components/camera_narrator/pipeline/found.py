"""Who is found by a look while nothing moves: seen anew in two of them, they open an event of their own."""

from collections.abc import Collection
from dataclasses import dataclass

from .clock import Now
from .events import Visits
from .gate import Gate
from .hold import Watch
from .models import Event
from .rules import ASK_AGAIN_S
from .visit import Words
from .vocabulary import Label, Look

FOUND_BY = frozenset({Look.HEARTBEAT, Look.RULE, Look.SCHEDULE})
"""Looks that show the present and belong to no visit."""
REST_S = 1800.0
"""Who was told of within half an hour is not new: a model that forgets would find a sleeping dog at each look."""
APART_S = 7.0
"""Between the pictures of two looks that are ten seconds apart: a picture is three seconds old at most."""
LATEST_S = 60.0
"""A second look that comes later is a first one."""
WATCH_FPS = 1.0
WATCH_S = 5.0
"""After the moment: a request that waits for its turn still finds a picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the first look found."""

    labels: frozenset[Label]
    words: Words


class Finds:
    """The find of one camera that waits for its second look."""

    def __init__(self, visits: Visits, gate: Gate, *, watch: Watch) -> None:
        """Wait for none."""
        self._visits = visits
        self._gate = gate
        self._watch = watch
        self._seen: _Seen | None = None
        self._told: dict[Label, float] = {}

    def heed(self, words: Words, *, known: Collection[Label], now: Now) -> list[Event]:
        """Take what a look without a visit saw; return the event that two of them make.

        ``known`` is who was there before by what is remembered.
        """
        seen, self._seen = self._seen, None
        analysis, to_s = words.analysis, words.span.to_s
        if self._visits.current is not None or not analysis.of_pictures or not analysis.subject:
            return []
        if seen is not None and now.s - seen.words.span.to_s <= LATEST_S:
            if not seen.labels & analysis.labels:
                return []
            if to_s < seen.words.span.to_s + APART_S:  # the plain timer looks sooner
                self._seen = seen
                return []
            return self._open(seen.words, words, now)
        new = analysis.labels - frozenset(known) - self._resting(now)
        if analysis.changed and new and self._visits.opened_by(analysis):
            self._seen = _Seen(labels=new, words=words)
            due_s = max(now.s, to_s + ASK_AGAIN_S)
            self._gate.ask_again(due_s)
            self._watch(rate_fps=WATCH_FPS, seconds=due_s - now.s + WATCH_S)
        return []

    def _open(self, first: Words, words: Words, now: Now) -> list[Event]:
        events = self._visits.find(first, words, now)
        visit = self._visits.open
        if visit is not None:
            self._told |= dict.fromkeys(visit.labels, now.s)
            self._gate.onset(visit.onset_s, now.s, confirmed=True, told=True)
            self._gate.quiet(now.s)
        return events

    def _resting(self, now: Now) -> frozenset[Label]:
        """Return who was told of a short while ago, by a find or by a visit that moved."""
        self._told = {label: at_s for label, at_s in self._told.items() if now.s - at_s < REST_S}
        last = self._visits.last_event
        lately = last is not None and now.wall_s - last.span.to_wall_s < REST_S
        return frozenset(self._told) | (last.labels if last is not None and lately else frozenset())
