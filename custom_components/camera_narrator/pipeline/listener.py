"""Follows what the camera and its bridge say: opens visits, keeps the gate in step."""

from collections.abc import Callable

from .clock import Now
from .events import STATE_MAX_AGE_S, Visits
from .facts import Connected, Fact, Moved, Permitted, Quiet, Regions, Seen, Triggered
from .gate import Gate
from .models import ActivityState, Event
from .news import Change, News
from .source import CameraSource
from .visit import CONFIRM_S, Visit


class Listener:
    """Turns facts into visits and looks that fall due."""

    def __init__(
        self,
        source: CameraSource,
        visits: Visits,
        gate: Gate,
        *,
        publish: Callable[[list[Event]], None],
        asking: Callable[[], bool],
    ) -> None:
        self._source = source
        self._visits = visits
        self._gate = gate
        self._publish = publish
        self._asking = asking
        self._news = News()
        self._enabled = True

    def hear(self, fact: Fact, now: Now) -> None:
        """Take one fact."""
        match fact:
            case Connected(active=active):
                self.reconnect(now, active=active or self._source.triggered)
            case Moved():
                self._move(fact, now)
            case Quiet(at_s=at_s):
                if not self._source.triggered:  # which holds the visit open
                    self._rest(at_s, now)
            case Seen():
                self._see(fact, now)
            case Regions(state=state):
                self._compare(state, now)
            case Triggered(on=True):
                self._trigger(now)
            case Triggered():
                if self._source.heard_s is None:
                    self._rest(now.s, now)
            case Permitted():
                self._visits.permit = self._source.permit
                self._publish(self._visits.allow(now))
                self._confirm(now)

    def reconnect(self, now: Now, *, active: bool) -> None:
        """Let the event of an earlier run go on where the camera is still active, or end."""
        visit = self._visits.current
        if visit is None or visit.resuming_until_s is None:
            return
        self._publish(self._visits.resume(now, active=active))
        if active:
            self._enter()
            self._gate.onset(visit.onset_s, now.s, confirmed=True, told=True)

    def enable(self, now: Now) -> None:
        """Narration is switched on: what moves now is an onset."""
        self._enabled = True
        heard_s = self._source.heard_s
        if heard_s is not None and now.s < heard_s + STATE_MAX_AGE_S:
            self._move(Moved(at_s=now.s, since_s=now.s), now)
        if self._source.triggered:
            self._trigger(now)

    def disable(self) -> None:
        """Narration is switched off: nothing opens a visit any more."""
        self._enabled = False

    # -- private ------------------------------------------------------------------------------------------------

    def _rest(self, at_s: float, now: Now) -> None:
        self._gate.quiet(at_s)
        self._visits.quiet(at_s, now)

    def _trigger(self, now: Now) -> None:
        if not self._enabled:
            return
        before = self._visits.current
        if before is not None and before.quiet_s is not None:
            self._gate.resume(now.s)
        events = self._visits.trigger(now)
        visit = self._visits.current
        if before is None and visit is not None:
            self._enter()
            self._gate.onset(visit.onset_s, now.s, confirmed=True)
        self._publish(events)
        self._confirm(now)

    def _move(self, moved: Moved, now: Now) -> None:
        if not self._enabled:
            return
        visit = self._visits.current
        if visit is None or self._lapsed(visit, now):
            visit = self._visits.onset(moved.at_s, now)
            self._enter()
            self._gate.onset(visit.onset_s, now.s)
            return
        if visit.quiet_s is not None:
            self._gate.resume(now.s)
        onset_s = visit.onset_s
        self._visits.move(moved.at_s, now, since_s=moved.since_s)
        if visit.onset_s < onset_s:
            self._source.join(self._visits.from_s)

    def _lapsed(self, visit: Visit, now: Now) -> bool:
        """Return whether a doubtful visit is over when it moves again: its look is not under way."""
        doubtful = not visit.confirmed and not visit.moving
        quiet_s = visit.quiet_s
        return (
            doubtful and quiet_s is not None and now.s - quiet_s > CONFIRM_S and not self._asking()
        )

    def _see(self, seen: Seen, now: Now) -> None:
        if self._visits.current is None:
            return
        if seen.active:
            self._publish(self._visits.see(seen.captured_s, now))
            self._confirm(now)
        self._tell(self._news.of_frame(seen.captured_s, seen.novelty), seen.captured_s)

    def _compare(self, state: ActivityState, now: Now) -> None:
        if self._visits.current is None:
            return
        self._tell(self._news.of_state(state), state.received_s)
        self._publish(self._visits.name(state.labels, state.received_s, now))
        self._confirm(now)

    def _tell(self, change: Change | None, at_s: float) -> None:
        match change:
            case Change.MORE:
                self._gate.novel(at_s)
            case Change.LESS:
                self._gate.less(at_s)

    def _confirm(self, now: Now) -> None:
        """Let the looks begin once there is an event, or something moves that only a look can name."""
        visit = self._visits.current
        if visit is not None and (visit.confirmed or (visit.moving and not self._gate.held)):
            self._gate.confirm(now.s, onset_s=visit.onset_s)

    def _enter(self) -> None:
        """A visit begins: replayed frames of it are part of the live story."""
        self._source.join(self._visits.from_s)
        self._news = News()
