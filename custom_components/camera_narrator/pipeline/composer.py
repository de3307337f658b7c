"""Knows which look is wanted now and what it shows; builds its request at the moment of leaving."""

from collections.abc import Callable
from dataclasses import replace

from .audit import FRAMES, Audit, Audits
from .chunk import build
from .claim import Note
from .clock import Clock
from .context import Context
from .dispatcher import Request
from .errors import CannotAsk, Obstacle
from .events import Visits
from .gate import Gate
from .models import Frame
from .question import Question
from .request import Chunk
from .rule import Rule
from .selection import select
from .source import CameraSource
from .vocabulary import Look, Profile

LATER_S = 3.0
"""A picture that asks a rule again is at most this much older than the moment: three of the rate that is wished for."""
SHOWS_S = 0.3
"""A state is told at most this long after the capture of the frame it was read from."""
SMALL_PX = 320
"""Where tokens are dear: half of what a picture of 480 lines counts, and a person at the door is still as high as a thumb."""


class Composer:
    """Chooses look and pictures of one camera's next request."""

    def __init__(
        self,
        source: CameraSource,
        visits: Visits,
        gate: Gate,
        context: Context,
        audits: Audits,
        *,
        clock: Clock,
        frugal: Callable[[], bool] = lambda: False,
    ) -> None:
        self._source = source
        self._visits = visits
        self._gate = gate
        self._context = context
        self._audits = audits
        self._clock = clock
        self._frugal = frugal
        self.question: Question | None = None
        """The user's question under way."""

    def wanted(self) -> Look | None:
        """Return the most urgent look that is due and has pictures to show."""
        if not self._source.settings.enabled:
            return None
        now_s = self._clock.monotonic()
        self._drop_vain_questions()
        if self._source.questions:
            return Look.QUESTION
        look = self._gate.due(now_s)
        if look is not None and self._pictures(look):
            return look
        if self._source.late.ready(now_s):
            return Look.CATCH_UP
        return Look.AUDIT if look is None and self._audit() is not None else None

    def new(self, look: Look) -> bool:
        """Return whether a look brings an event's first or last words, or what somebody asks for."""
        visit = self._visits.open
        untold = visit is not None and visit.narrative is None
        return look in (Look.ONSET, Look.CLOSING, Look.QUESTION) or (
            untold and look in (Look.SCHEDULE, Look.NOVELTY)
        )

    def preview(self) -> Chunk | None:
        """Return what compose() would send now; nothing is taken and nothing is counted."""
        request = self._wish()
        return None if request is None else request.chunk

    def compose(self) -> Request | None:
        """Take the pictures of the look that is wanted now that the turn has come, and build its request."""
        request = self._wish()
        if request is None:
            return None
        look, frames = request.look, request.chunk.frames
        self._gate.asked(look, self._clock.monotonic())
        if look is Look.CATCH_UP:
            self._source.late.depart()
        elif look.story:
            self._source.buffer.depart(frames)
        else:
            for frame in frames:
                if frame.epoch:  # a stored one was counted in another run
                    self._source.buffer.tally.resend(frame)
        if look is Look.QUESTION:
            self.question = self._source.questions.popleft()
        return request

    def untold(self) -> bool:
        """Return whether frames wait that a story request may show."""
        return bool(self._source.buffer.eligible(self._visits.from_s))

    def refuse_questions(self, obstacle: Obstacle) -> None:
        """Tell all who wait why there is no answer."""
        questions = self._source.questions
        if self.question is not None:
            questions.append(self.question)
            self.question = None
        while questions:
            _refuse(questions.popleft(), obstacle)

    # -- private ------------------------------------------------------------------------------------------------

    def _wish(self) -> Request | None:
        """Return what would leave now; None also where its pictures grew too old since it was looked for."""
        look = self.wanted()
        audit = self._audit() if look is Look.AUDIT else None
        frames = () if look is None else self._pictures(look)
        if look is None or not frames:
            return None
        question = self._source.questions[0] if look is Look.QUESTION else None
        return replace(self._request(look, frames, question), audit=audit)

    def _drop_vain_questions(self) -> None:
        """Pass over questions nobody waits for any more, and those that lost their picture."""
        questions = self._source.questions
        while questions and (questions[0].answer.done() or not self._source.shown(questions[0])):
            _refuse(questions.popleft(), Obstacle.NO_PICTURE)

    def _pictures(self, look: Look) -> tuple[Frame, ...]:
        """Return what a look would show; empty while the frame it is for has not come."""
        limit = self._source.settings.frames_per_chunk
        if self._frugal():
            limit = min(limit, max(2, (limit + 1) // 2))
        if look is Look.QUESTION:
            return select(self._source.shown(self._source.questions[0]), limit)
        if look is Look.CATCH_UP:
            return self._source.late.frames
        if look is Look.AUDIT:
            audit = self._audit()
            return () if audit is None else select(audit.frames, FRAMES)
        frames = self._source.buffer.eligible(self._visits.from_s)
        if not frames:
            return ()
        if look in (Look.HEARTBEAT, Look.RULE):
            shown = frames[-1] in self._source.fresh() and self._shows(look, frames[-1])
            return frames[-1:] if shown else ()
        if not self._shows(look, frames[-1]):
            return ()
        return select(frames, limit, news_s=[at_s - SHOWS_S for at_s in self._gate.news_s])

    def _shows(self, look: Look, newest: Frame) -> bool:
        """Return whether the newest frame shows what the look is for."""
        visit = self._visits.current
        if look is Look.CLOSING and not self._gate.closing_due:
            hold_s = self._gate.hold_s
            return hold_s is None or newest.captured_s >= hold_s
        if look is Look.ONSET:
            return visit is not None and (newest.active or newest.captured_s >= visit.onset_s)
        if look is Look.NOVELTY:
            news_s = self._gate.novelty_s
            return news_s is None or newest.captured_s >= news_s - SHOWS_S
        if look is Look.RULE:
            due_s = self._gate.rule_s
            return due_s is None or newest.captured_s >= due_s - LATER_S
        return True

    def _audit(self) -> Audit | None:
        """Return the audit that there is time and money for."""
        now_s = self._clock.monotonic()
        next_s = None if self._visits.current is None else self._gate.next_s(now_s)
        audit = self._audits.wanted(now_s, next_look_s=next_s)
        return None if audit is None or self._frugal() else audit

    def _rules(self, look: Look) -> tuple[Rule, ...]:
        """Return the rules that a look asks: those at rest, and where there is but the timer all."""
        at_rest = look in (Look.CLOSING, Look.HEARTBEAT, Look.RULE)
        timer = look is Look.SCHEDULE and self._source.profile is Profile.ALWAYS
        return self._source.settings.rules if at_rest or timer else ()

    def _notes(self, question: Question | None) -> tuple[Note, ...]:
        """Return what was told so far; for a question about the past, what was told of it."""
        back = None if question is None else question.back
        return self._context.notes if back is None or not back.notes else back.notes

    def _request(self, look: Look, frames: tuple[Frame, ...], question: Question | None) -> Request:
        apart = look in (Look.CATCH_UP, Look.HEARTBEAT, Look.RULE, Look.AUDIT)
        unbiased = look in (Look.CATCH_UP, Look.AUDIT)
        self._context.expire(self._clock.wall())
        visit = None if apart else self._visits.current
        if visit is None and look is Look.CLOSING:
            visit = self._visits.ended
        told_from_s = frames[0].captured_s
        if look is Look.CLOSING and visit is not None:
            told_from_s = min(told_from_s, visit.onset_s)
        chunk = build(
            camera=self._source.camera,
            settings=self._source.settings,
            look=look,
            frames=frames,
            notes=() if unbiased else self._notes(question),
            known=() if unbiased else self._context.known,
            states=self._source.states(told_from_s, frames[-1].captured_s + SHOWS_S),
            onset_s=None if visit is None else visit.onset_s,
            question=None if question is None else question.words,
            rules=self._rules(look),
        )
        if self._frugal():
            chunk = replace(chunk, height_px=SMALL_PX)
        return Request(chunk=chunk, visit_id=None if visit is None else visit.id, question=question)


def _refuse(question: Question, obstacle: Obstacle) -> None:
    if not question.answer.done():
        question.answer.set_exception(CannotAsk(obstacle))
