"""The life of a camera's events: confirmation, words, continuity, end. Takes moments, owns no clock."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
import secrets

from .clock import Now
from .models import Analysis, CameraMemory, EndReason, Event, Label, Phase, Span, Verdict

CONFIRM_S = 3.0
"""Two active frames within it make an event: three samples of the active rate, where flicker gives one."""
QUIET_S = 20.0
"""A visitor who stands still at a door moves again sooner."""
STATE_MAX_AGE_S = 10.0
"""Five repetitions of the activity state missed: bridge, link or camera is gone."""
RESUME_S = 60.0
"""A bridge reconnects within seconds of a restart; one that took a minute lost the thread."""
CONTINUES_S = 60.0
"""Who comes back within a minute of an end was never gone."""
LONGEST_S = 1800.0
"""An event that lasts longer is told in pieces, so that automations see an end."""
LATE_WORDS_S = 600.0
"""Slow local models answer within minutes; words about older things surprise more than they tell."""
PREROLL_S = 6.0
"""The bridge's 5 s of pre-roll and the interval of key frames before."""
WAITING_MAX = 4
"""Ended visits that wait for their last words: one request is under way, so only the newest few can get any."""
BACK_S = 90.0
"""An onset is at most as old as the oldest frame of the buffer."""


@dataclass(slots=True, kw_only=True)
class Visit:
    """One visit from its first movement on; an event once it is confirmed."""

    id: str
    onset_s: float
    onset_wall_s: float
    last_s: float
    """The last moment known to belong to it."""
    last_wall_s: float
    confirmed: bool = False
    resuming_until_s: float | None = None
    """Set after a restart until the bridge has said whether the camera is still active."""
    quiet_s: float | None = None
    labels: frozenset[Label] = frozenset()
    verdict: Verdict | None = None
    narrative: str | None = None
    frames: int = 0
    provider: str | None = None
    continues: str | None = None
    active_frames_s: list[float] = field(default_factory=list)

    def reach(self, at_s: float, now: Now) -> None:
        """Note that the visit lasts at least until then."""
        if at_s > self.last_s:
            self.last_s, self.last_wall_s = at_s, now.wall_at(at_s)

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
            reason=reason,
            continues=self.continues,
            closed=closed,
            frames=self.frames,
            provider=self.provider,
        )


@dataclass(frozen=True, slots=True)
class _Ended:
    """A visit that waits for its last words."""

    visit: Visit
    at_s: float
    reason: EndReason


class Visits:
    """The visit of one camera that is open or may open, and the last that ended; methods return what to publish."""

    def __init__(self, camera: str, memory: CameraMemory, now: Now) -> None:
        self._camera = camera
        self._visit = _restored(memory.open_event, now)
        self._ended: dict[str, _Ended] = {}
        self._ended_s = float("-inf")
        self._ended_event = memory.last_event
        self._from_s = float("-inf")
        if memory.last_event is not None:
            self._ended_s = min(now.s, now.at(memory.last_event.span.to_wall_s))

    # -- what is known ------------------------------------------------------------------------------------------

    @property
    def current(self) -> Visit | None:
        """Return the visit that is open or may open."""
        return self._visit

    @property
    def open(self) -> Visit | None:
        """Return the open event's visit."""
        return self._visit if self._visit is not None and self._visit.confirmed else None

    @property
    def ended(self) -> Visit | None:
        """Return the last visit that ended, while it waits for its last words."""
        newest = next(reversed(self._ended.values()), None)
        return None if newest is None else newest.visit

    @property
    def open_event(self) -> Event | None:
        """Return the open event as it stands, to be stored."""
        visit = self.open
        if visit is None:
            return None
        return visit.event(self._camera, Phase.UPDATED if visit.narrative else Phase.STARTED)

    @property
    def last_event(self) -> Event | None:
        """Return the last event that ended."""
        return self._ended_event

    @property
    def from_s(self) -> float:
        """Return from when on frames belong to the visit that is open or may open, or else to the last."""
        return self._from_s if self._visit is None else self._visit.onset_s - PREROLL_S

    def knows(self, visit_id: str | None) -> bool:
        """Return whether an event of that id was published."""
        return visit_id in self._ended or (self.open is not None and self.open.id == visit_id)

    # -- activity -----------------------------------------------------------------------------------------------

    def onset(self, at_s: float, now: Now) -> Visit:
        """Something begins to move while no visit is open: one may open."""
        at_s = min(now.s, max(at_s, self._ended_s, now.s - BACK_S))
        self._visit = Visit(
            id=new_id(now),
            onset_s=at_s,
            onset_wall_s=now.wall_at(at_s),
            last_s=at_s,
            last_wall_s=now.wall_at(at_s),
        )
        return self._visit

    def move(self, at_s: float, now: Now, *, since_s: float | None = None) -> None:
        """Something moves in the visit, and has since ``since_s``, which may be before its onset was seen."""
        visit = self._visit
        if visit is None:
            return
        visit.quiet_s = None
        visit.resuming_until_s = None
        visit.reach(at_s, now)
        if since_s is not None and since_s < visit.onset_s:
            visit.onset_s = min(visit.onset_s, max(since_s, self._ended_s, now.s - BACK_S))
            visit.onset_wall_s = now.wall_at(visit.onset_s)

    def see(self, captured_s: float, now: Now) -> list[Event]:
        """An active frame came; the second within CONFIRM_S opens the event."""
        visit = self._visit
        if visit is None:
            return []
        visit.reach(captured_s, now)
        if visit.confirmed:
            return []
        times = visit.active_frames_s = sorted([*visit.active_frames_s, captured_s])[-8:]
        if any(after - before <= CONFIRM_S for before, after in pairwise(times)):
            return [self._start(visit, frames=2)]
        return []

    def quiet(self, at_s: float, now: Now) -> None:
        """Nothing moves any more."""
        if self._visit is not None and self._visit.quiet_s is None:
            self._visit.quiet_s = at_s
            self._visit.reach(min(at_s, now.s), now)

    def resume(self, now: Now, *, active: bool) -> list[Event]:
        """The bridge is back after a restart: the stored event goes on, or has ended meanwhile.

        No event lasts for longer than LONGEST_S, so after such a time it is another visit.
        """
        visit = self._visit
        if visit is None or visit.resuming_until_s is None:
            return []
        if now.s - visit.last_s >= LONGEST_S:
            events = self.end(EndReason.RESTARTED, now)
            self._ended_s = visit.last_s  # who moves now came long after, and is announced
            return events
        if not active:
            return self.end(EndReason.RESTARTED, now)
        self.move(now.s, now)
        return []

    # -- words --------------------------------------------------------------------------------------------------

    def tell(
        self, visit_id: str, analysis: Analysis, *, span: Span, frames: int, provider: str, now: Now
    ) -> list[Event]:
        """Words for a visit came: open, perhaps to open, or ended a while ago."""
        if self._visit is not None and self._visit.id == visit_id:
            return self._tell_current(
                self._visit, analysis, span=span, frames=frames, provider=provider, now=now
            )
        ended = self._ended.pop(visit_id, None)
        if ended is None or now.s - ended.at_s > LATE_WORDS_S:
            return []
        visit = ended.visit
        if not _change(visit, analysis, frames=frames, provider=provider):
            return []
        if self._ended_event is not None and self._ended_event.id == visit_id:
            self._ended_event = visit.event(self._camera, Phase.ENDED, reason=ended.reason)
        return [visit.event(self._camera, Phase.UPDATED, closed=True)]

    def _tell_current(
        self, visit: Visit, analysis: Analysis, *, span: Span, frames: int, provider: str, now: Now
    ) -> list[Event]:
        events = []
        if not visit.confirmed:
            if not analysis.subject:
                return []
            events.append(self._start(visit, frames=frames))
        visit.reach(span.to_s, now)
        if _change(visit, analysis, frames=frames, provider=provider):
            events.append(visit.event(self._camera, Phase.UPDATED))
        return events

    # -- time ---------------------------------------------------------------------------------------------------

    def tick(self, now: Now, *, heard_s: float | None) -> list[Event]:
        """Let time pass; ``heard_s`` is when the activity state was last told, None while it is not active."""
        visit = self._visit
        if visit is None:
            return []
        if visit.resuming_until_s is not None:
            return self.end(EndReason.RESTARTED, now) if now.s >= visit.resuming_until_s else []
        if visit.quiet_s is not None:
            return self.end(EndReason.QUIET, now) if now.s >= visit.quiet_s + QUIET_S else []
        if heard_s is not None and now.s >= heard_s + STATE_MAX_AGE_S:
            return self.end(EndReason.INTERRUPTED, now)
        if visit.confirmed and now.s >= visit.onset_s + LONGEST_S:
            return self._go_on(visit, now)
        return []

    def deadline_s(self, *, heard_s: float | None) -> float | None:
        """Return when tick() has something to do."""
        visit = self._visit
        if visit is None:
            return None
        if visit.resuming_until_s is not None:
            return visit.resuming_until_s
        if visit.quiet_s is not None:
            return visit.quiet_s + QUIET_S
        times = [] if heard_s is None else [heard_s + STATE_MAX_AGE_S]
        if visit.confirmed:
            times.append(visit.onset_s + LONGEST_S)
        return min(times, default=None)

    def end(self, reason: EndReason, now: Now) -> list[Event]:
        """Close the visit; one that was never confirmed leaves nothing behind."""
        self._from_s = self.from_s
        visit, self._visit = self._visit, None
        if visit is None or not visit.confirmed:
            return []
        self._ended[visit.id] = _Ended(visit, now.s, reason)
        if len(self._ended) > WAITING_MAX:
            del self._ended[next(iter(self._ended))]
        self._ended_s = now.s
        self._ended_event = visit.event(self._camera, Phase.ENDED, reason=reason)
        return [self._ended_event]

    # -- private ------------------------------------------------------------------------------------------------

    def _start(self, visit: Visit, *, frames: int) -> Event:
        visit.confirmed = True
        visit.frames = frames
        before = self._ended_event
        if (
            before is not None
            and visit.onset_s - self._ended_s <= CONTINUES_S
            and _alike(before.labels, visit.labels)
        ):
            visit.continues = before.id
        return visit.event(self._camera, Phase.STARTED)

    def _go_on(self, visit: Visit, now: Now) -> list[Event]:
        visit.reach(now.s, now)
        events = self.end(EndReason.CONTINUED, now)
        successor = self.onset(now.s, now)
        successor.confirmed = True
        successor.frames = visit.frames
        successor.continues = visit.id
        return [*events, successor.event(self._camera, Phase.STARTED)]


def new_id(now: Now) -> str:
    """Return an id of 32 hexadecimal digits that sorts by time."""
    return f"{int(now.wall_s * 1000):012x}{secrets.token_hex(10)}"


def late_event(
    camera: str, analysis: Analysis, *, span: Span, frames: int, provider: str, now: Now
) -> Event | None:
    """Return a visit of the past told in one piece; None if nobody was there, as far as one can tell."""
    told = analysis.subject is True or (analysis.subject is None and frames >= 2)
    if not told or not analysis.narrative:
        return None
    return Event(
        id=new_id(now),
        camera=camera,
        phase=Phase.ENDED,
        span=span,
        labels=analysis.labels,
        labelled=bool(analysis.labels),
        verdict=Verdict.SUBJECT if analysis.subject else None,
        narrative=analysis.narrative,
        reason=EndReason.QUIET,
        late=True,
        frames=frames,
        provider=provider,
    )


def _alike(before: Iterable[Label], after: Iterable[Label]) -> bool:
    """Return whether two visits may be one: a visit that nobody named yet may be any."""
    one, other = frozenset(before), frozenset(after)
    return not one or not other or bool(one & other)


def _change(visit: Visit, analysis: Analysis, *, frames: int, provider: str) -> bool:
    """Take an analysis over; return whether words, labels or verdict are others than before."""
    before = (visit.narrative, visit.labels, visit.verdict)
    visit.labels |= analysis.labels
    if analysis.subject:
        visit.verdict = Verdict.SUBJECT
    elif (
        analysis.subject is False
        and not analysis.changed
        and visit.verdict is None
        and visit.narrative is None
    ):
        visit.verdict = Verdict.NOTHING
    if analysis.changed and analysis.narrative and analysis.narrative != visit.narrative:
        visit.narrative, visit.frames, visit.provider = analysis.narrative, frames, provider
    return before != (visit.narrative, visit.labels, visit.verdict)


def _restored(event: Event | None, now: Now) -> Visit | None:
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
        confirmed=True,
        resuming_until_s=now.s + RESUME_S,
        labels=event.labels,
        verdict=event.verdict,
        narrative=event.narrative,
        frames=event.frames,
        provider=event.provider,
        continues=event.continues,
    )
