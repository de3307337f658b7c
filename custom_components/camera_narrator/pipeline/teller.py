"""What comes of an answer: words, phases of events, memory; and what comes of none."""

from dataclasses import replace

from .audit import Audits
from .clock import Clock, Now
from .composer import Composer
from .context import Context
from .dispatcher import Reply, Request
from .errors import Fault, ProviderError
from .events import Visits
from .found import FOUND_BY, Finds
from .gate import Gate
from .late import late_event
from .looked import looked
from .models import CameraMemory, Event, Failure, Narrative, Span
from .opening import Opening
from .question import Question
from .request import Analysis
from .rule import Rule
from .rules import ASK_AGAIN_S, Rules
from .sink import Sink
from .source import CameraSource
from .visit import Words
from .vocabulary import Look, Profile

RULE_FPS = 1.0
"""Of a quiet camera whose rules are asked again: the picture is a second old at most."""
RULE_WATCH_S = 5.0
"""After the moment: a request that waits for its turn still finds one."""


class Teller:
    """Settles each reply: its pictures, its words, and whether to try again."""

    def __init__(
        self,
        source: CameraSource,
        visits: Visits,
        gate: Gate,
        context: Context,
        composer: Composer,
        audits: Audits,
        *,
        rules: Rules,
        sink: Sink,
        clock: Clock,
    ) -> None:
        self._source = source
        self._visits = visits
        self._gate = gate
        self._context = context
        self._composer = composer
        self._audits = audits
        self._rules = rules
        self._sink = sink
        self._clock = clock
        self._finds = Finds(visits, gate, watch=sink.watch)
        self._early: tuple[Request, Analysis] | None = None
        """An answer to an onset that was here before the onset was confirmed."""
        self._opened: tuple[Span, str] | None = None
        """The words told last, and of which pictures."""

    def take(self, reply: Reply) -> None:
        """Tell what the model answered, or show why it did not."""
        if reply.usage.requests:
            self._sink.account(reply.request.look, reply.usage)
        self.settle_pictures(reply)
        self._keep(reply)
        if reply.request.look is Look.AUDIT:
            self._take_audit(reply)
        elif reply.analysis is not None:
            self._show(reply.request, reply.instead)
            self._take_rules(reply.request, reply.analysis)
            self._tell(replace(reply.request, writer=reply.writer), reply.analysis)
        elif reply.error is not None:
            self._fail(reply.request, reply.error)

    def open(self, request: Request, opening: Opening) -> None:
        """Tell what an answer under way has decided of the present visit; only the whole one consumes and is remembered.

        The first words of a visit are told by their first sentence, later ones when they are complete.
        """
        analysis, visits, now = opening.analysis, self._visits, Now.of(self._clock)
        current, visit_id = visits.current, request.visit_id
        if current is None or visit_id is None or current.id != visit_id:
            return
        if request.look in (Look.QUESTION, Look.CATCH_UP):
            return
        if not visits.knows(visit_id) and not visits.opened_by(analysis):
            return
        if not opening.whole and current.narrative is not None:
            analysis = replace(analysis, narrative="")
        self.publish(visits.tell(visit_id, _words(request, analysis), now))
        if visits.open is not None:
            self._gate.confirm(now.s, onset_s=visits.open.onset_s)
            self._narrate(request, analysis, visit_id, now)

    def _take_audit(self, reply: Reply) -> None:
        """Apply what was seen without memory; nothing of it is told. A cancelled one may leave again."""
        audit = reply.request.audit
        if audit is not None and reply.analysis is not None:
            self._audits.answer(audit, reply.analysis, now_s=self._clock.monotonic())
            self._remember()
        elif audit is not None and reply.error is not None:
            self._audits.give_up(audit)

    def change_rules(self, rules: tuple[Rule, ...]) -> None:
        """Take over what is asked; what was answered to another question is no longer known."""
        if self._rules.change(rules):
            self._sink.rules(self._rules.states, ())
            self._remember()

    def _take_rules(self, request: Request, analysis: Analysis) -> None:
        """Decide the rules by what was answered; a changed answer is asked again soon, with a new picture."""
        now = Now.of(self._clock)
        keys = {rule.key for rule in request.chunk.rules}
        answers = {
            key: answer
            for key, answer in analysis.rules.items()
            if key in keys and not (analysis.sign and answer.holds is False)
        }
        outcome = self._rules.answer(answers, now)
        if not outcome.told:
            return
        if outcome.again:
            at_s = max(now.s, request.chunk.span.to_s + ASK_AGAIN_S)
            self._gate.ask_again(at_s)
            self._sink.watch(rate_fps=RULE_FPS, seconds=at_s - now.s + RULE_WATCH_S)
        self._sink.rules(self._rules.states, outcome.fired)
        self._remember()
        for rule in outcome.fired:
            self.publish(self._visits.fire(rule, request.visit_id))

    def settle_pictures(self, reply: Reply) -> None:
        """Consume the pictures of an accepted answer; make those of all others eligible again."""
        request, accepted, failed = (
            reply.request,
            reply.analysis is not None,
            reply.error is not None,
        )
        buffer, late = self._source.buffer, self._source.late
        match request.look:
            case Look.QUESTION | Look.AUDIT:
                return
            case Look.CATCH_UP if accepted:
                late.accept()
                buffer.cover(request.chunk.span)
            case Look.CATCH_UP:
                late.give_back(failed=failed)
            case _ if accepted:
                buffer.accept(request.chunk.frames, request.chunk.span)
            case _:
                buffer.give_back(request.chunk.frames, failed=failed)

    def publish(self, events: list[Event]) -> None:
        """Tell phases of events, and store what changed."""
        for event in events:
            self._sink.publish(event)
        if events:
            self._remember()
        self._tell_early()

    def _tell_early(self) -> None:
        """Tell an early answer once its onset is confirmed; forget it, with its pictures, once that can't be."""
        if self._early is None:
            return
        request, analysis = self._early
        current = self._visits.current
        if self._visits.knows(request.visit_id):
            self._early = None
            self._tell_story(request, analysis, Now.of(self._clock))
        elif current is None or current.id != request.visit_id:
            self._early = None

    # -- words --------------------------------------------------------------------------------------------------

    def _tell(self, request: Request, analysis: Analysis) -> None:
        now = Now.of(self._clock)
        if request.question is not None:
            self._tell_asker(request.question, request, analysis, now)
        elif request.look is Look.CATCH_UP:
            self._tell_late(request, analysis, now)
        else:
            self._tell_story(request, analysis, now)

    def _tell_story(self, request: Request, analysis: Analysis, now: Now) -> None:
        visits, visit_id = self._visits, request.visit_id
        words = _words(request, analysis)
        current = visits.current
        of_current = current is not None and current.id == visit_id
        of_ended = visit_id is not None and not of_current
        if not visits.knows(visit_id) and not visits.opened_by(analysis):
            if (
                visits.only_for
                and visit_id is not None
                and self._source.profile is not Profile.ALWAYS
            ):
                return  # whom nobody waits for is not told of
            if request.look is Look.ONSET:
                self._early = (request, analysis)  # told once frames confirm the onset, if ever
                visits.keep(visit_id, words)
                return
        known = {entry.subject for entry in self._context.known}
        self._learn(request, analysis, now)
        if of_ended and visits.knows(visit_id) and self._closing_follows(visit_id):
            return  # a later answer is still due: this one only feeds the context
        events: list[Event] = []
        if visit_id is not None:
            events = visits.tell(visit_id, words, now)
        elif request.look in FOUND_BY:
            events = self._finds.heed(words, known=known, now=now)
        self.publish(events)
        if of_current and visits.open is not None:
            self._gate.confirm(now.s, onset_s=visits.open.onset_s)
        if analysis.changed and (events or not of_ended):
            event_id = visit_id if of_ended or visits.open is not None else None
            if event_id is None and events:
                event_id = events[-1].id  # which it has opened
            self._narrate(request, analysis, event_id, now)

    def _learn(self, request: Request, analysis: Analysis, now: Now) -> None:
        """Take over what the answer says of who is there."""
        chunk, visit = request.chunk, self._visits.current
        named = frozenset(label for state in chunk.activity for label in state.labels)
        if analysis.sign:  # what is denied beside orders takes nobody off the ledger
            analysis = replace(analysis, subject=None, claims=None)
        taken = self._context.take(
            analysis, to_wall_s=chunk.span.to_wall_s, now_wall_s=now.wall_s, named=named
        )
        self._audits.heed(
            taken,
            frames=chunk.frames,
            span=chunk.span,
            named=named,
            visit_id=request.visit_id,
            now_s=now.s,
        )
        if visit is not None and visit.id == request.visit_id:
            visit.left = taken.left or (visit.left and not self._context.ledger.holds(now.wall_s))
        self._remember()

    def _closing_follows(self, visit_id: str | None) -> bool:
        """Return whether an ended visit's closing look is still to come."""
        last = self._visits.ended if self._visits.current is None else None
        of_last = last is not None and last.id == visit_id
        return of_last and self._gate.closing_due and self._composer.untold()

    def _tell_asker(
        self, question: Question, request: Request, analysis: Analysis, now: Now
    ) -> None:
        visit = self._visits.open
        narrative = self._narrative(request, analysis, None if visit is None else visit.id, now)
        if not narrative.text:
            self._refuse(
                question,
                ProviderError(Fault.BAD_ANSWER, "the answer holds no words", retryable=True),
            )
            return
        self._composer.question = None
        if not question.answer.done():
            question.answer.set_result(narrative)
        if question.prompt is None:
            self._sink.narrate(narrative)

    def _tell_late(self, request: Request, analysis: Analysis, now: Now) -> None:
        event = late_event(
            self._source.camera,
            _words(request, analysis),
            now,
            only_for=self._visits.only_for,
        )
        if event is not None:
            self._sink.publish(event)

    def _narrate(
        self, request: Request, analysis: Analysis, event_id: str | None, now: Now
    ) -> None:
        """Show an answer's words, each once."""
        told = (request.chunk.span, analysis.narrative)
        if analysis.narrative and told != self._opened:
            self._opened = told
            self._sink.narrate(self._narrative(request, analysis, event_id, now))

    def _narrative(
        self, request: Request, analysis: Analysis, event_id: str | None, now: Now
    ) -> Narrative:
        return Narrative(
            camera=self._source.camera,
            text=analysis.narrative,
            span=request.chunk.span,
            frames=len(request.chunk.frames),
            look=request.look,
            provider=request.writer,
            event_id=event_id,
            published_wall_s=now.wall_s,
            latency_s=now.s - request.chunk.span.to_s,
        )

    def _keep(self, reply: Reply) -> None:
        if reply.analysis is None:
            return
        kept = looked(
            reply.request.chunk,
            reply.analysis,
            without_writing=self._context.without_writing,
            visit_id=reply.request.visit_id,
            provider=reply.writer,
            usage=reply.usage,
            wall_s=self._clock.wall(),
        )
        self._sink.looked(kept)

    # -- no words -----------------------------------------------------------------------------------------------

    def _fail(self, request: Request, error: ProviderError) -> None:
        self._show(request, error)
        if request.question is not None:
            self._refuse(request.question, error)
        elif request.look is Look.CATCH_UP:
            if not error.retryable:
                self._source.late.drop()
        elif error.retryable and self._still_wanted(request):
            self._gate.retry(request.look)

    def _show(self, request: Request, error: ProviderError | None) -> None:
        """Show why the model brought no words, or that it did."""
        if error is None:
            self._sink.fail(None)
            return
        self._sink.fail(
            Failure(
                code=error.fault.value,
                message=error.message,
                at_wall_s=self._clock.wall(),
                look=request.look,
            )
        )

    def _refuse(self, question: Question, error: ProviderError) -> None:
        self._composer.question = None
        if not question.answer.done():
            question.answer.set_exception(error)

    def _still_wanted(self, request: Request) -> bool:
        """Return whether a failed look is worth another try: its visit is the present one, or just ended."""
        current = self._visits.current
        if current is not None:
            return request.visit_id == current.id
        return request.visit_id is None or request.look is Look.CLOSING

    def _remember(self) -> None:
        memory = CameraMemory(
            narratives=self._context.narratives,
            open_event=self._visits.open_event,
            last_event=self._visits.last_event,
            rules=self._rules.states,
            ledger=self._context.ledger.entries,
            writings=self._context.writings,
            drift=self._audits.drift,
        )
        self._source.memory = memory
        self._sink.remember(memory)


def _words(request: Request, analysis: Analysis) -> Words:
    """Return what an answer says, of the pictures of its request."""
    chunk = request.chunk
    return Words(
        analysis=analysis, span=chunk.span, frames=len(chunk.frames), provider=request.writer
    )
