"""One visit of a camera: its span, what confirmed it, who it is and what was said of it."""

from dataclasses import dataclass, field, replace
from itertools import pairwise
import secrets

from .clock import Now
from .models import Event, Span
from .request import Analysis
from .vocabulary import EndReason, Label, Origin, Phase, Verdict

CONFIRM_S = 3.0
"""Two active frames within it make an event: three samples of the active rate, where flicker gives one."""
RESUME_S = 60.0
"""A bridge reconnects within seconds of a restart; one that took a minute lost the thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What an answer says, of which pictures, and who wrote it."""

    analysis: Analysis
    span: Span
    frames: int
    provider: str


@dataclass(slots=True, kw_only=True)
class Visit:
    """One visit from its first movement on; an event once it is confirmed."""

    id: str
    onset_s: float
    onset_wall_s: float
    last_s: float
    """The last moment known to belong to it."""
    last_wall_s: float
    not_before_s: float = float("-inf")
    """What moved before then was something else."""
    moving: bool = False
    """Two frames showed that something moves; it is still no event where that needs a name."""
    confirmed: bool = False
    resuming_until_s: float | None = None
    """Set after a restart until the bridge has said whether the camera is still active."""
    quiet_s: float | None = None
    left: bool = False
    """The last look saw who was there leave."""
    labels: frozenset[Label] = frozenset()
    verdict: Verdict | None = None
    narrative: str | None = None
    frames: int = 0
    provider: str | None = None
    continues: str | None = None
    origin: Origin = Origin.ACTIVITY
    rule: str | None = None
    """The key of the rule that came true in it last."""
    sign: bool = False
    """Writing in its pictures gave orders."""
    active_frames_s: list[float] = field(default_factory=list)
    early: Words | None = None
    """An answer that was there before the visit was an event."""

    def reach(self, at_s: float, now: Now) -> None:
        """Note that the visit lasts at least until then."""
        if at_s > self.last_s:
            self.last_s, self.last_wall_s = at_s, now.wall_at(at_s)

    def begin(self, at_s: float, now: Now) -> None:
        """Note that it began no earlier: what moved before was something else."""
        self.not_before_s = at_s
        if at_s > self.onset_s:
            self.onset_s, self.onset_wall_s = at_s, now.wall_at(at_s)

    def see(self, captured_s: float) -> None:
        """Take an active frame: the second within CONFIRM_S shows that something moves."""
        times = self.active_frames_s = sorted([*self.active_frames_s, captured_s])[-8:]
        if any(after - before <= CONFIRM_S for before, after in pairwise(times)):
            self.moving = True

    def name(self, labels: frozenset[Label]) -> bool:
        """Take the detector's labels over; return whether that is news. What two of its looks saw is a subject."""
        before = (self.labels, self.verdict)
        self.labels |= labels
        self.verdict = Verdict.SUBJECT
        return before != (self.labels, self.verdict)

    def tell(self, words: Words) -> bool:
        """Take an answer over; return whether words, labels or verdict are others than before."""
        analysis = words.analysis
        before = (self.narrative, self.labels, self.verdict, self.sign)
        self.labels |= analysis.labels
        self.sign = self.sign or analysis.sign
        if self.sign and self.verdict is Verdict.NOTHING:
            self.verdict = None
        if analysis.subject:
            self.verdict = Verdict.SUBJECT
        elif (
            analysis.subject is False
            and not analysis.changed
            and not self.sign  # where orders are written, an answer that finds nobody may have followed them
            and self.verdict is None
            and self.narrative is None
        ):
            self.verdict = Verdict.NOTHING
        if analysis.changed and analysis.narrative and analysis.narrative != self.narrative:
            self.narrative = analysis.narrative
            self.frames, self.provider = words.frames, words.provider
        return before != (self.narrative, self.labels, self.verdict, self.sign)

    def started(self, camera: str) -> Event:
        """Return the start as published: it says already what an early answer will tell."""
        told = replace(self)
        if self.early is not None:
            told.tell(self.early)
        return told.event(camera, Phase.STARTED)

    def event(
        self, camera: str, phase: Phase, *, reason: EndReason | None = None, closed: bool = False
    ) -> Event:
        """Return what is published of it."""
        return Event(
            id=self.id,
            camera=camera,
            phase=phase,
            span=Span(
                from_s=self.onset_s,
                to_s=self.last_s,
                from_wall_s=self.onset_wall_s,
                to_wall_s=self.last_wall_s,
            ),
            labels=self.labels,
            labelled=bool(self.labels),
            verdict=self.verdict,
            narrative=self.narrative,
            origin=self.origin,
            reason=reason,
            continues=self.continues,
            closed=closed,
            frames=self.frames,
            provider=self.provider,
            rule=self.rule,
            sign=self.sign,
        )


def restored(event: Event | None, now: Now) -> Visit | None:
    """Return the visit of a stored event, its times moved onto this run's monotonic clock."""
    if event is None:
        return None
    return Visit(
        id=event.id,
        # A wall clock that was set back must not put the visit into the future.
        onset_s=min(now.s, now.at(event.span.from_wall_s)),
        onset_wall_s=event.span.from_wall_s,
        last_s=min(now.s, now.at(event.span.to_wall_s)),
        last_wall_s=event.span.to_wall_s,
        moving=True,
        confirmed=True,
        resuming_until_s=now.s + RESUME_S,
        labels=event.labels,
        verdict=event.verdict,
        narrative=event.narrative,
        frames=event.frames,
        provider=event.provider,
        continues=event.continues,
        origin=event.origin,
        rule=event.rule,
        sign=event.sign,
    )


def new_id(now: Now) -> str:
    """Return an id of 32 hexadecimal digits that sorts by time."""
    return f"{int(now.wall_s * 1000):012x}{secrets.token_hex(10)}"
