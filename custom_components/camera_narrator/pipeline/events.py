"""The life of a camera's events: confirmation, words, continuity, end. Takes moments, owns no clock."""

from .clock import Now
from .ended import LATE_WORDS_S, Ended, Over
from .models import CameraMemory, Event, Permit
from .request import Analysis
from .visit import Visit, Words, new_id, restored
from .vocabulary import EndReason, Label, Origin, Phase

QUIET_S = 20.0
"""A visitor who stands still at a door moves again sooner."""
STATE_MAX_AGE_S = 10.0
"""Five repetitions of the activity state missed: bridge, link or camera is gone."""
HOLD_S = 120.0
"""Who stands still for longer is told of by the next event's words, and an end that never comes helps no automation."""
LONGEST_S = 1800.0
"""An event that lasts longer is told in pieces, so that automations see an end."""
PREROLL_S = 6.0
"""The bridge's 5 s of pre-roll and the interval of key frames before."""
BACK_S = 90.0
"""An onset is at most as old as the oldest frame of the buffer."""


class Visits:
    """The visit of one camera that is open or may open, and the last that ended; methods return what to publish."""

    def __init__(self, camera: str, memory: CameraMemory, now: Now) -> None:
        self._camera = camera
        self.only_for: frozenset[Label] = frozenset()
        """An event needs one of these labels; without any, movement is enough."""
        self.permit: Permit | None = None
        """When an entity that events need was on; None where none is needed."""
        self._visit = restored(memory.open_event, now)
        self._ended = Ended(memory.last_event, now)
        self._from_s = float("-inf")

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
        return self._ended.newest

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
        return self._ended.last_event

    @property
    def from_s(self) -> float:
        """Return from when on frames belong to the visit that is open or may open, or else to the last."""
        return self._from_s if self._visit is None else self._visit.onset_s - PREROLL_S

    def knows(self, visit_id: str | None) -> bool:
        """Return whether an event of that id was published."""
        if self.open is not None and self.open.id == visit_id:
            return True
        ended = self._ended.get(visit_id)
        return ended is not None and ended.visit.confirmed

    def opened_by(self, analysis: Analysis) -> bool:
        """Return whether an answer alone makes an event of a visit; orders in the picture may have kept it silent."""
        named = analysis.labels & self.only_for if self.only_for else analysis.subject
        return bool(named) or analysis.sign

    # -- activity -----------------------------------------------------------------------------------------------

    def onset(self, at_s: float, now: Now) -> Visit:
        """Something begins to move while no visit is open: one may open."""
        at_s = min(now.s, max(at_s, self._ended.last_s, now.s - BACK_S))
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
        visit.left = False
        visit.resuming_until_s = None
        visit.reach(at_s, now)
        if since_s is not None and since_s < visit.onset_s:
            earliest_s = max(self._ended.last_s, now.s - BACK_S, visit.not_before_s)
            visit.onset_s = min(visit.onset_s, max(since_s, earliest_s))
            visit.onset_wall_s = now.wall_at(visit.onset_s)

    def see(self, captured_s: float, now: Now) -> list[Event]:
        """An active frame came; the second within CONFIRM_S opens the event."""
        visit = self._visit
        if visit is None:
            return []
        visit.reach(captured_s, now)
        if visit.confirmed:
            return []
        visit.see(captured_s)
        if not visit.moving or self.only_for or not self.permitted:
            return []
        return [self._start(visit, frames=2)]

    def trigger(self, now: Now) -> list[Event]:
        """An entity that opens events went on: that is an event, whatever moves."""
        visit = self._visit or self.onset(now.s, now)
        self.move(now.s, now)
        if visit.confirmed:
            return []
        visit.origin = Origin.TRIGGER
        return [self._start(visit, frames=0)]

    def find(self, first: Words, words: Words, now: Now) -> list[Event]:
        """Two looks saw somebody new while nothing moved: that is an event, and quiet from its beginning."""
        visit = self.onset(first.span.to_s, now)
        visit.origin = Origin.MODEL
        visit.moving = True
        events = [
            event for told in (first, words) for event in self._tell_current(visit, told, now)
        ]
        if not visit.confirmed:
            self._visit = None
            return []
        visit.quiet_s = now.s
        return events

    def allow(self, now: Now) -> list[Event]:
        """An entity that events need went on: what moves already is an event, from about then on."""
        visit, permit = self._visit, self.permit
        if visit is None or visit.confirmed or not visit.moving or visit.quiet_s is not None:
            return []
        if permit is not None and permit.from_s <= now.s <= permit.to_s:
            visit.begin(permit.from_s - PREROLL_S, now)
        if not self.permitted:
            return []
        if self.only_for and not visit.labels & self.only_for:
            return []
        return [self._start(visit, frames=len(visit.active_frames_s))]

    @property
    def permitted(self) -> bool:
        """Return whether the visit that may open may become an event as far as other entities go."""
        visit = self._visit
        return self.permit is None or (visit is not None and self.permit.near(visit.onset_s))

    def name(self, labels: frozenset[Label], at_s: float, now: Now) -> list[Event]:
        """The detector named what moves: that opens the event, or is news of it."""
        visit = self._visit
        if visit is None or not labels:
            return []
        if visit.confirmed:
            return [visit.event(self._camera, Phase.UPDATED)] if visit.name(labels) else []
        if not self.permitted or (self.only_for and not labels & self.only_for):
            visit.labels |= labels
            return []
        visit.name(labels)
        if self.only_for:  # what moved long before was not who was waited for
            visit.begin(at_s - PREROLL_S, now)
        return [self._start(visit, frames=len(visit.active_frames_s))]

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
            self._ended.last_s = visit.last_s  # who moves now came long after, and is announced
            return events
        if not active:
            return self.end(EndReason.RESTARTED, now)
        self.move(now.s, now)
        return []

    # -- words --------------------------------------------------------------------------------------------------

    def keep(self, visit_id: str | None, words: Words) -> None:
        """An answer came before its visit is an event: the start will say it."""
        if self._visit is not None and self._visit.id == visit_id:
            self._visit.early = words

    def tell(self, visit_id: str, words: Words, now: Now) -> list[Event]:
        """Words for a visit came: open, perhaps to open, or ended a while ago."""
        if self._visit is not None and self._visit.id == visit_id:
            return self._tell_current(self._visit, words, now)
        ended = self._ended.get(visit_id)
        if ended is None or now.s - ended.at_s > LATE_WORDS_S:
            return []
        visit = ended.visit
        if not visit.confirmed:
            return self._name_ended(ended, words, now)
        self._ended.settle(ended)
        if not visit.tell(words):
            return []
        self._ended.revise(visit.event(self._camera, Phase.ENDED, reason=ended.reason))
        return [visit.event(self._camera, Phase.UPDATED, closed=True)]

    def _name_ended(self, ended: Over, words: Words, now: Now) -> list[Event]:
        """Open an event that is over and waited for its name; its last words may still come."""
        if not self.opened_by(words.analysis):
            return []
        visit = ended.visit
        visit.begin(words.span.from_s, now)
        visit.early = words
        started = self._start(visit, frames=words.frames)
        visit.tell(words)
        over = visit.event(self._camera, Phase.ENDED, reason=ended.reason)
        self._ended.remember(over, ended.at_s)
        return [started, visit.event(self._camera, Phase.UPDATED), over]

    def _tell_current(self, visit: Visit, words: Words, now: Now) -> list[Event]:
        events = []
        if not visit.confirmed:
            if not self.opened_by(words.analysis) or not self.permitted:
                return []
            if self.only_for:
                visit.begin(words.span.from_s, now)
            visit.early = words
            events.append(self._start(visit, frames=words.frames))
        visit.reach(words.span.to_s, now)
        if visit.tell(words):
            events.append(visit.event(self._camera, Phase.UPDATED))
        return events

    def fire(self, rule: str, visit_id: str | None) -> list[Event]:
        """A rule came true: in the open event, or in the one that was asked about and has ended."""
        if (visit := self.open) is not None:
            visit.rule = rule
            return [visit.event(self._camera, Phase.UPDATED)]
        ended = self._ended.get(visit_id)
        if ended is None or not ended.visit.confirmed:
            return []
        ended.visit.rule = rule
        return [ended.visit.event(self._camera, Phase.UPDATED, closed=True)]

    # -- time ---------------------------------------------------------------------------------------------------

    def tick(self, now: Now, *, heard_s: float | None, held: bool = False) -> list[Event]:
        """Let time pass; ``heard_s`` is when the activity state was last told, None while it is not active.

        ``held`` while somebody is known to be there who does not move.
        """
        visit = self._visit
        if visit is None:
            return []
        if visit.resuming_until_s is not None:
            return self.end(EndReason.RESTARTED, now) if now.s >= visit.resuming_until_s else []
        if visit.quiet_s is not None:
            if now.s < _over_s(visit.quiet_s, held=held):
                return []
            return self.end(EndReason.GONE if visit.left else EndReason.QUIET, now)
        if heard_s is not None and now.s >= heard_s + STATE_MAX_AGE_S:
            return self.end(EndReason.INTERRUPTED, now)
        if visit.confirmed and now.s >= visit.onset_s + LONGEST_S:
            return self._go_on(visit, now)
        return []

    def deadline_s(self, *, heard_s: float | None, held: bool = False) -> float | None:
        """Return when tick() has something to do."""
        visit = self._visit
        if visit is None:
            return None
        if visit.resuming_until_s is not None:
            return visit.resuming_until_s
        if visit.quiet_s is not None:
            return _over_s(visit.quiet_s, held=held)
        times = [] if heard_s is None else [heard_s + STATE_MAX_AGE_S]
        if visit.confirmed:
            times.append(visit.onset_s + LONGEST_S)
        return min(times, default=None)

    def end(self, reason: EndReason, now: Now) -> list[Event]:
        """Close the visit; one that was never confirmed leaves nothing behind but the wait for its name."""
        self._from_s = self.from_s
        visit, self._visit = self._visit, None
        if visit is None or not (visit.confirmed or (visit.moving and self.only_for)):
            return []
        self._ended.wait(Over(visit, now.s, reason))
        if not visit.confirmed:
            return []
        event = visit.event(self._camera, Phase.ENDED, reason=reason)
        self._ended.remember(event, now.s)
        return [event]

    # -- private ------------------------------------------------------------------------------------------------

    def _start(self, visit: Visit, *, frames: int) -> Event:
        visit.confirmed = True
        visit.frames = frames
        visit.continues = self._ended.continued_by(visit) or visit.continues
        return visit.started(self._camera)

    def _go_on(self, visit: Visit, now: Now) -> list[Event]:
        visit.reach(now.s, now)
        events = self.end(EndReason.CONTINUED, now)
        successor = self.onset(now.s, now)
        successor.moving = successor.confirmed = True
        successor.frames = visit.frames
        successor.continues = visit.id
        successor.origin = visit.origin
        return [*events, successor.event(self._camera, Phase.STARTED)]


def _over_s(quiet_s: float, *, held: bool) -> float:
    return quiet_s + QUIET_S + (HOLD_S if held else 0.0)
