"""When to ask: onset, the profile's schedule, novelty, closing look, heartbeat. Takes times, owns no clock."""

from collections import deque

from .vocabulary import Look, Profile

OFFSETS_S = {
    Profile.ECONOMY: (3.0,),
    Profile.BALANCED: (4.0, 10.0, 20.0),
    Profile.LIVE: (),
    Profile.ALWAYS: (),
}
"""Looks of a visit after its onset: dense while most happens, sparse while a person just stays."""
LONG_VISIT_S = 60.0
"""Between looks of ``balanced`` once the offsets are over."""
NOVELTY_SPACING_S = 3.0
"""A scene that changes faster is told in one look."""
BORROW_S = 60.0
"""A novelty takes the place of a look at most this far ahead: restless trees cost one call a minute, not one per 3 s."""
LESS_BORROW_S = 30.0
"""Who leaves while others stay is told half a minute before the next look at the earliest, or by the closing one."""
NEWS_MAX = 8
"""Moments of news remembered for the next look: half of what it can show."""
CLOSING_S = 5.0
"""Quiet for this long means the visit is probably over; the bridge sends its active rate for 6 s after quiet."""
HEARTBEAT_S = 300.0
"""A parcel left, a gate open: seen within five minutes where looking is free."""
HOLD_EVERY_S = 30.0
"""Between looks at somebody who is there and does not move: four in the two minutes that an event is held for."""
FLICKER_S = 10.0
"""An onset that is not confirmed waits this long after the last such look, so that flicker costs six calls a minute at most."""


class Gate:
    """Which look of one camera is due, by its profile and what was asked so far."""

    def __init__(
        self, *, profile: Profile, interval_s: float, heartbeats: bool, now_s: float
    ) -> None:
        self._profile = profile
        self._interval_s = interval_s
        self._heartbeats = heartbeats
        self._last_s = now_s
        self._onset_asked_s = float("-inf")
        self._visit_s: float | None = None
        self._confirmed = False
        self.held = False
        """Nothing is asked about a visit before it is confirmed."""
        self._active = False
        self._onset_due_s: float | None = None
        self._slot_s: float | None = None
        self._novel_s: float | None = None
        self._borrow_s = BORROW_S
        self.news_s: deque[float] = deque(maxlen=NEWS_MAX)
        """When news of the visit came: what a look shows, too."""
        self._quiet_s: float | None = None
        self._again: Look | None = None
        self._rule_s: float | None = None
        self.hold_s: float | None = None
        """When to look at somebody who is there and does not move."""

    # -- what happens -------------------------------------------------------------------------------------------

    def change(
        self,
        *,
        profile: Profile,
        interval_s: float,
        now_s: float,
        held: bool = False,
        heartbeats: bool | None = None,
    ) -> None:
        """Take over new settings; a visit under way goes on by the new profile."""
        self.held = held
        self._heartbeats = self._heartbeats if heartbeats is None else heartbeats
        if (profile, interval_s) == (self._profile, self._interval_s):
            return
        self._profile, self._interval_s = profile, interval_s
        if self._visit_s is not None:
            self._slot_s = self._slot_after(self._visit_s, now_s)

    def onset(
        self, at_s: float, now_s: float, *, confirmed: bool = False, told: bool = False
    ) -> None:
        """A visit may begin; ``told`` where an earlier run asked about its onset already."""
        self._visit_s, self._confirmed, self._active = at_s, confirmed, True
        self._novel_s = self._quiet_s = self._again = self._onset_due_s = self._rule_s = None
        self.news_s.clear()
        self._slot_s = now_s if told else self._slot_after(at_s, at_s)
        if self._profile in (Profile.BALANCED, Profile.LIVE) and not told:
            self._onset_due_s = now_s if confirmed else max(now_s, self._onset_asked_s + FLICKER_S)

    def confirm(self, now_s: float, *, onset_s: float = float("-inf")) -> None:
        """The visit is real: an onset look that waited is due now, the others by when it truly began."""
        self._confirmed = True
        if self._onset_due_s is not None:
            self._onset_due_s = min(now_s, self._onset_due_s)
        if self._visit_s is not None and onset_s > self._visit_s:
            self._visit_s = onset_s
            self._slot_s = self._slot_after(onset_s, max(onset_s, self._last_s))

    def resume(self, now_s: float) -> None:
        """Something moves again within the visit; after a closing look that is news."""
        closed = self._quiet_s is None and not self._active
        self._active, self._quiet_s, self._rule_s, self.hold_s = True, None, None, None
        if closed:
            self.novel(now_s)

    def novel(self, at_s: float) -> None:
        """Something new is to be seen."""
        self.news_s.append(at_s)
        if self._profile is Profile.BALANCED and (
            self._novel_s is None or self._borrow_s < BORROW_S
        ):
            self._novel_s, self._borrow_s = at_s, BORROW_S

    def less(self, at_s: float) -> None:
        """Less is to be seen than before."""
        self.news_s.append(at_s)
        if self._profile is Profile.BALANCED and self._novel_s is None:
            self._novel_s, self._borrow_s = at_s, LESS_BORROW_S

    def hold(self, from_s: float) -> None:
        """Somebody is there and does not move: from then on a closing look every half minute."""
        if self.hold_s is None:
            self.hold_s = max(from_s, self._last_s + HOLD_EVERY_S)

    def release(self) -> None:
        """Nobody is there any more."""
        self.hold_s = None

    def ask_again(self, at_s: float) -> None:
        """An answer to a rule changed: the next closing look tells, or without movement a look of its own."""
        self._rule_s = at_s

    def quiet(self, at_s: float) -> None:
        """Nothing moves any more."""
        if self._active:
            self._active, self._quiet_s = False, at_s

    def leave(self) -> None:
        """The visit has ended; a closing look still due remains."""
        if not self._confirmed:
            self._quiet_s = None
        if self._again is not Look.CLOSING:
            self._again = None
        self._visit_s = self._onset_due_s = self._slot_s = self._novel_s = self.hold_s = None
        self._active = False

    def clear(self) -> None:
        """Nothing of any visit is wanted any more."""
        self._quiet_s = self._again = self._rule_s = None
        self.leave()

    def asked(self, look: Look, now_s: float) -> None:
        """A look went out: it covers all that was due."""
        if look in (Look.QUESTION, Look.CATCH_UP, Look.AUDIT):
            return
        self._last_s = now_s
        self._again = None
        if look is Look.ONSET:
            self._onset_asked_s = now_s
        if look is Look.CLOSING:
            self._quiet_s = self.hold_s = None
        if look in (Look.CLOSING, Look.HEARTBEAT, Look.RULE):
            self._rule_s = None
        if look not in (Look.HEARTBEAT, Look.RULE):
            if self._visit_s is not None:
                self._slot_s = self._slot_after(self._visit_s, now_s, skip=look is Look.NOVELTY)
            self._onset_due_s = self._novel_s = None

    def retry(self, look: Look) -> None:
        """A look found no answer and is worth another try."""
        wanted = (
            self._visit_s is not None or self._profile is Profile.ALWAYS or look is Look.CLOSING
        )
        if wanted and look in (Look.ONSET, Look.SCHEDULE, Look.NOVELTY, Look.CLOSING):
            self._again = look

    def skip_closing(self) -> None:
        """There is nothing left to show in a closing look."""
        self._quiet_s = None
        if self._again is Look.CLOSING:
            self._again = None

    # -- what is due --------------------------------------------------------------------------------------------

    def due(self, now_s: float) -> Look | None:
        """Return the most urgent look that is due, if any."""
        return next((look for at_s, look in self._times() if at_s <= now_s), None)

    def next_s(self, now_s: float) -> float | None:
        """Return when the next look falls due that is not due yet."""
        return min((at_s for at_s, _ in self._times() if at_s > now_s), default=None)

    @property
    def closing_due(self) -> bool:
        """Return whether a closing look is still to come, now or later."""
        return self._again is Look.CLOSING or (self._closing_s is not None)

    @property
    def rule_s(self) -> float | None:
        """Return when the rules are to be asked again."""
        return self._rule_s

    @property
    def novelty_s(self) -> float | None:
        """Return when the news came that waits for a look."""
        return self._novel_s

    # -- private ------------------------------------------------------------------------------------------------

    def _times(self) -> list[tuple[float, Look]]:
        """Return the looks to come, the most urgent first."""
        times: list[tuple[float, Look]] = []
        if self._profile is Profile.ALWAYS:
            return [(self._last_s + (0.0 if self._again else self._interval_s), Look.SCHEDULE)]
        if self._onset_due_s is not None and (self._confirmed or not self.held):
            times.append((self._onset_due_s, Look.ONSET))
        if self._again is not None:
            times.append((self._last_s, self._again))
        if (novelty_s := self._novelty_s) is not None:
            times.append((novelty_s, Look.NOVELTY))
        if (
            self._slot_s is not None
            and self._confirmed
            and (self._active or self._profile is Profile.ECONOMY)
        ):
            times.append((self._slot_s, Look.SCHEDULE))
        if (closing_s := self._closing_s) is not None:
            times.append((closing_s, Look.CLOSING))
        elif self.hold_s is not None and not self._active:
            times.append((self.hold_s, Look.CLOSING))
        if self._rule_s is not None and not self._active and self._closing_s is None:
            times.append((self._rule_s, Look.RULE))
        if self._heartbeats and self._visit_s is None:
            times.append((self._last_s + HEARTBEAT_S, Look.HEARTBEAT))
        return times

    @property
    def _novelty_s(self) -> float | None:
        if self._novel_s is None or self._slot_s is None or not self._confirmed or not self._active:
            return None
        return max(self._novel_s, self._last_s + NOVELTY_SPACING_S, self._slot_s - self._borrow_s)

    @property
    def _closing_s(self) -> float | None:
        if self._quiet_s is None or not self._confirmed or self._profile is Profile.ALWAYS:
            return None
        return self._quiet_s + CLOSING_S

    def _slot_after(self, visit_s: float, now_s: float, *, skip: bool = False) -> float | None:
        """Return the next scheduled look after one at ``now_s``; ``skip`` where that one took its place."""
        if self._profile is Profile.LIVE:
            return now_s + self._interval_s
        ahead = [
            at_s for offset_s in OFFSETS_S[self._profile] if (at_s := visit_s + offset_s) > now_s
        ]
        if self._profile is Profile.BALANCED:
            base_s = max(now_s, visit_s + OFFSETS_S[Profile.BALANCED][-1])
            if skip and self._slot_s is not None:
                base_s = max(base_s, self._slot_s)
                ahead = [at_s for at_s in ahead if at_s > self._slot_s]
            ahead.append(base_s + LONG_VISIT_S)
        return min(ahead, default=None)
