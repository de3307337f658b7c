"""Frames of a visit that happened while the link was down: kept apart, asked about once."""

from bisect import insort
from collections import Counter

from .clock import Now
from .models import Event, Frame
from .tally import Fate, Tally
from .visit import Words, new_id
from .vocabulary import EndReason, Label, Phase, Verdict

LATE_MAX = 10
"""Pictures of one catch-up: enough for what happened, little enough for one request."""
REPLAY_S = 30.0
"""A replay that takes longer is asked about as far as it has come."""
KEEP_S = 600.0
"""Words about the past are wanted for ten minutes, as after an event's end."""


class LateFrames:
    """Up to ten active frames of an outage, spread over its span; every one leaves with one outcome."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._frames: list[Frame] = []
        self._failed: set[tuple[str, int]] = set()
        self._thinned: Counter[str] = Counter()
        self._in_flight: tuple[Frame, ...] = ()
        self._thinned_in_flight: Counter[str] = Counter()
        self._complete = False

    def add(self, frame: Frame) -> None:
        """Keep an active frame, or settle it as gated."""
        if not frame.active:
            self._tally.settle(frame.epoch, Fate.GATED)
            return
        insort(self._frames, frame, key=lambda known: known.captured_s)
        if len(self._frames) > LATE_MAX:
            self._thin()

    def complete(self) -> None:
        """Note that the replay has ended."""
        self._complete = bool(self._frames)

    def ready(self, now_s: float) -> bool:
        """Return whether the frames may be asked about."""
        return bool(self._frames) and (self._complete or now_s >= self._since_s + REPLAY_S)

    @property
    def frames(self) -> tuple[Frame, ...]:
        """Return what a request would show now."""
        return tuple(self._frames)

    def outdated(self, now_s: float) -> bool:
        """Return whether nobody wants these words any more."""
        return bool(self._frames) and now_s >= self._since_s + KEEP_S

    def deadline_s(self, now_s: float) -> float | None:
        """Return when ready() or outdated() turns true by time alone."""
        if not self._frames:
            return None
        return self._since_s + (KEEP_S if self.ready(now_s) else REPLAY_S)

    def release(self, from_s: float) -> list[Frame]:
        """Hand over the frames from then on: they belong to a visit that is open after all."""
        released = [frame for frame in self._frames if frame.captured_s >= from_s]
        self._frames = [frame for frame in self._frames if frame.captured_s < from_s]
        self._failed.difference_update(frame.identity for frame in released)
        if not self._frames:
            # What was thinned lay between frames that are released: it is not asked about.
            self._settle(self._thinned, Fate.EVICTED)
        return released

    def depart(self) -> tuple[Frame, ...]:
        """Hand the frames over to a request."""
        self._in_flight, self._frames = tuple(self._frames), []
        self._thinned_in_flight, self._thinned = self._thinned, Counter()
        self._complete = False
        for frame in self._in_flight:
            self._tally.depart(frame)
        return self._in_flight

    def accept(self) -> None:
        """Settle the pictures of the accepted request, and what was thinned between them."""
        for frame in self._come_back():
            self._failed.discard(frame.identity)
            self._tally.settle(frame.epoch, Fate.ANALYSED)
        self._settle(self._thinned_in_flight, Fate.NOT_SELECTED)

    def give_back(self, *, failed: bool) -> None:
        """Keep the pictures of a request without an answer for another try."""
        for frame in self._come_back():
            if failed:
                self._failed.add(frame.identity)
            insort(self._frames, frame, key=lambda known: known.captured_s)
        self._thinned += self._thinned_in_flight
        self._thinned_in_flight.clear()
        self._complete = bool(self._frames)
        while len(self._frames) > LATE_MAX:
            self._thin()

    def drop(self) -> None:
        """Give up asking about what waits."""
        for frame in self._frames:
            self._settle_unasked(frame)
        self._frames = []
        self._complete = False
        self._settle(self._thinned, Fate.EVICTED)

    def withdraw(self) -> None:
        """Empty everything: what is in a request ends failed, the rest evicted."""
        for frame in self._come_back():
            self._failed.discard(frame.identity)
            self._tally.settle(frame.epoch, Fate.FAILED)
        self._settle(self._thinned_in_flight, Fate.EVICTED)
        self._failed.clear()
        self.drop()

    # -- private ------------------------------------------------------------------------------------------------

    @property
    def _since_s(self) -> float:
        return min(frame.received_s for frame in self._frames)

    def _come_back(self) -> tuple[Frame, ...]:
        frames, self._in_flight = self._in_flight, ()
        for frame in frames:
            self._tally.come_back(frame)
        return frames

    def _thin(self) -> None:
        """Take out the inner frame that leaves the smallest hole; its fate is that of the catch-up."""
        times = [frame.captured_s for frame in self._frames]
        index = min(range(1, len(times) - 1), key=lambda at: times[at + 1] - times[at - 1])
        frame = self._frames.pop(index)
        if frame.identity in self._failed:
            self._settle_unasked(frame)
        else:
            self._thinned[frame.epoch] += 1

    def _settle_unasked(self, frame: Frame) -> None:
        failed = frame.identity in self._failed
        self._failed.discard(frame.identity)
        self._tally.settle(frame.epoch, Fate.FAILED if failed else Fate.EVICTED)

    def _settle(self, counts: Counter[str], fate: Fate) -> None:
        for epoch, count in counts.items():
            self._tally.settle(epoch, fate, count)
        counts.clear()


def late_event(
    camera: str, words: Words, now: Now, *, only_for: frozenset[Label] = frozenset()
) -> Event | None:
    """Return a visit of the past told in one piece; None if nobody was there, as far as one can tell."""
    analysis = words.analysis
    told = analysis.subject is True or (analysis.subject is None and words.frames >= 2)
    if only_for and analysis.subject is not None:
        told = bool(analysis.labels & only_for)
    if not told or not analysis.narrative:
        return None
    return Event(
        id=new_id(now),
        camera=camera,
        phase=Phase.ENDED,
        span=words.span,
        labels=analysis.labels,
        labelled=bool(analysis.labels),
        verdict=Verdict.SUBJECT if analysis.subject else None,
        narrative=analysis.narrative,
        reason=EndReason.QUIET,
        late=True,
        frames=words.frames,
        provider=words.provider,
    )
