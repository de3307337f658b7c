"""The bounded frames of one camera, ordered by capture time; every frame leaves with exactly one outcome."""

from bisect import insort
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile

from .models import Frame, Span
from .past import Past
from .tally import Fate, Tally

AGE_MAX_S = 90.0
"""As long as a storm of 429 usually lasts, and well over a slow local model's answer."""
LINGER_S = 10.0
"""Where no frame comes that lets the old ones go, they may stay so much longer: a turn for each would cost more than it frees."""
BYTES_MAX = 6 * 2**20
"""90 s of 480p pictures of 50 kB at 1.3 a second; 12 cameras stay within 72 MB."""
RECENT = 10
"""Newest frames kept for the live view and users' questions, whatever became of them; of those before a few."""
COVERED_MAX = 256
"""Spans told, to know what a late arrival falls into: 20 minutes of ``live``."""


@dataclass(slots=True, eq=False)
class _Held:
    """A frame in the buffer and what has been tried with it."""

    frame: Frame
    in_flight: bool = False
    failed: bool = False


class FrameBuffer:
    """Frames that wait for a story request, and where all the others went. Takes times, owns no clock."""

    def __init__(
        self, tally: Tally, *, age_max_s: float = AGE_MAX_S, bytes_max: int = BYTES_MAX
    ) -> None:
        self.tally = tally
        self._age_max_s = age_max_s
        self._bytes_max = bytes_max
        self._held: list[_Held] = []
        self._bytes = 0
        self._recent: list[Frame] = []
        self._past = Past(age_max_s=age_max_s)
        self._covered: deque[tuple[float, float]] = deque(maxlen=COVERED_MAX)
        self._told_to_s = float("-inf")

    # -- what comes in ------------------------------------------------------------------------------------------

    def add(self, frame: Frame, now_s: float) -> None:
        """Take a frame that tally.arrive let in; one whose time is told already settles at once."""
        self._remember(frame)
        if self.covers(frame.captured_s):
            self.tally.settle(frame.epoch, Fate.NOT_SELECTED)
            return
        held = _Held(frame)
        if not self._held or frame.captured_s >= self._held[-1].frame.captured_s:
            self._held.append(held)  # as nearly all come
        else:
            insort(self._held, held, key=lambda held: held.frame.captured_s)
        self._bytes += len(frame.jpeg)
        self.expire(now_s)
        self._thin()

    def expire(self, now_s: float) -> None:
        """Let go what is too old; frames in a request stay until it ends."""
        if not self._held or now_s < self._held[0].frame.captured_s + self._age_max_s:
            return
        old = takewhile(lambda held: now_s >= held.frame.captured_s + self._age_max_s, self._held)
        for held in [held for held in old if not held.in_flight]:
            self._leave(held)

    def withdraw(self) -> None:
        """Empty everything: what is in a request ends failed, the rest evicted."""
        for held in tuple(self._held):
            if held.in_flight:
                self.tally.come_back(held.frame)
            self._leave(held, Fate.FAILED if held.in_flight else Fate.EVICTED)
        self._recent.clear()
        self._past.clear()

    # -- what a request does with it ----------------------------------------------------------------------------

    def eligible(self, from_s: float = float("-inf")) -> tuple[Frame, ...]:
        """Return the frames a story request may show, oldest first: waiting, and after all that is told."""
        return tuple(
            held.frame
            for held in self._held
            if not held.in_flight
            and held.frame.captured_s >= from_s
            and held.frame.captured_s > self._told_to_s
        )

    def depart(self, frames: Iterable[Frame]) -> None:
        """Mark frames as pictures of a request on its way."""
        for held in self._find(frames):
            held.in_flight = True
            self.tally.depart(held.frame)

    def accept(self, frames: Iterable[Frame], span: Span) -> None:
        """Consume the pictures of an accepted request and settle all other frames of its span."""
        for held in self._find(frames):
            self.tally.come_back(held.frame)
            self._leave(held, Fate.ANALYSED)
        self.cover(span)

    def cover(self, span: Span) -> None:
        """Note that a span is told; no story request shows anything of it any more."""
        self._covered.append((span.from_s, span.to_s))
        self._told_to_s = max(self._told_to_s, span.to_s)
        for held in tuple(self._held):
            if not held.in_flight and span.from_s <= held.frame.captured_s <= span.to_s:
                self._leave(held)

    def give_back(self, frames: Iterable[Frame], *, failed: bool) -> None:
        """Make the pictures of a failed or cancelled request eligible again."""
        for held in self._find(frames):
            held.in_flight = False
            held.failed = held.failed or failed
            self.tally.come_back(held.frame)

    # -- what others look at ------------------------------------------------------------------------------------

    @property
    def latest(self) -> Frame | None:
        """Return the newest frame by capture time, consumed or not."""
        return self._recent[-1] if self._recent else None

    @property
    def recent(self) -> tuple[Frame, ...]:
        """Return the newest frames by capture time, consumed or not, oldest first."""
        return tuple(self._recent)

    def seen(self, from_s: float) -> tuple[Frame, ...]:
        """Return frames captured from then on, consumed or not, oldest first: the newest, and some of those before."""
        recent = [frame for frame in self._recent if frame.captured_s >= from_s]
        return (*self._past.since(from_s), *recent)

    @property
    def size_bytes(self) -> int:
        """Return the bytes of the pictures held."""
        return self._bytes

    @property
    def expires_s(self) -> float | None:
        """Return when somebody has to look for frames that are too old."""
        waiting = (held.frame.captured_s for held in self._held if not held.in_flight)
        oldest_s = next(waiting, None)
        return None if oldest_s is None else self.outlasts_s(oldest_s)

    def outlasts_s(self, captured_s: float) -> float:
        """Return until when a frame of that moment may stay though nobody looks."""
        return captured_s + self._age_max_s + LINGER_S

    def covers(self, captured_s: float) -> bool:
        """Return whether an accepted story request told that moment."""
        return captured_s <= self._told_to_s and any(
            from_s <= captured_s <= to_s for from_s, to_s in self._covered
        )

    # -- private ------------------------------------------------------------------------------------------------

    def _remember(self, frame: Frame) -> None:
        if not self._recent or frame.captured_s >= self._recent[-1].captured_s:
            self._recent.append(frame)
        else:
            insort(self._recent, frame, key=lambda known: known.captured_s)
        for older in self._recent[:-RECENT]:
            self._past.add(older)
        del self._recent[:-RECENT]

    def _thin(self) -> None:
        """Make room by what is missed least: inner frames, inactive before active, least novel first."""
        while self._bytes > self._bytes_max:
            inner = [held for held in self._held[1:-1] if not held.in_flight]
            spare = inner or [held for held in self._held[:-1] if not held.in_flight]
            if not spare:
                return
            self._leave(
                min(
                    spare,
                    key=lambda held: (held.frame.active, held.frame.novelty, held.frame.captured_s),
                )
            )

    def _leave(self, held: _Held, fate: Fate | None = None) -> None:
        self._held.remove(held)
        self._bytes -= len(held.frame.jpeg)
        self.tally.settle(held.frame.epoch, fate or self._fate(held))

    def _fate(self, held: _Held) -> Fate:
        covered = self.covers(held.frame.captured_s)
        if held.failed:
            return Fate.FAILED
        if not held.frame.active and not covered:
            return Fate.GATED
        return Fate.NOT_SELECTED if covered else Fate.EVICTED

    def _find(self, frames: Iterable[Frame]) -> list[_Held]:
        wanted = {frame.identity for frame in frames}
        return [held for held in self._held if held.frame.identity in wanted]
