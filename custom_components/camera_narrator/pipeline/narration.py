"""One camera's story: hear what happens, ask when it is due, tell what comes of it."""

import asyncio
from typing import Protocol

from .chunk import build
from .clock import Clock, Now
from .context import Context
from .dispatcher import Dispatcher, Reply, Request
from .errors import CannotAsk, Obstacle
from .events import CONFIRM_S, STATE_MAX_AGE_S, Visits, late_event
from .gate import Gate, jumped, regions_changed
from .limiter import Limiter, Urgency
from .models import (
    ActivityState,
    Analysis,
    CameraMemory,
    EndReason,
    Event,
    Failure,
    Frame,
    Look,
    Narrative,
    Usage,
)
from .provider import Provider
from .selection import select
from .source import CameraSource, Connected, Moved, Question, Quiet, Regions, Seen

PREROLL_S = 6.0
"""The bridge's 5 s of pre-roll and an interval of key frames."""
SHOWS_S = 0.3
"""A state is told at most this long after the capture of the frame it was read from."""


class Sink(Protocol):
    """Where a camera's story goes. Nothing here waits or raises."""

    def publish(self, event: Event) -> None:
        """Take each phase of each event."""

    def narrate(self, narrative: Narrative) -> None:
        """Take words to show as the camera's sentence."""

    def fail(self, failure: Failure | None) -> None:
        """Take why the last request brought no words; None after one that did."""

    def remember(self, memory: CameraMemory) -> None:
        """Store what shall survive a restart."""

    def account(self, look: Look, usage: Usage) -> None:
        """Take what one finished request used."""


async def run(
    source: CameraSource, provider: Provider, sink: Sink, *, limiter: Limiter, clock: Clock
) -> None:
    """Narrate a camera until cancelled, or until it is withdrawn; an open event is stored like in a crash."""
    async with asyncio.TaskGroup() as tasks:
        narration = _Narration(source, provider, sink, limiter=limiter, clock=clock, tasks=tasks)
        try:
            while not source.withdrawn:
                narration.hear()
                narration.take_reply()
                narration.let_time_pass()
                narration.ask()
                await source.wait(narration.deadline_s())
            narration.end(EndReason.DISABLED)
        finally:
            narration.stop()


class _Narration:
    """The state of one camera's story; every method is a step of run()."""

    def __init__(
        self,
        source: CameraSource,
        provider: Provider,
        sink: Sink,
        *,
        limiter: Limiter,
        clock: Clock,
        tasks: asyncio.TaskGroup,
    ) -> None:
        now = Now.of(clock)
        self._source = source
        self._provider = provider
        self._sink = sink
        self._clock = clock
        self._visits = Visits(source.camera, source.memory, now)
        self._context = Context(source.memory.narratives)
        self._gate = Gate(
            profile=source.profile,
            interval_s=source.settings.interval_s,
            heartbeats=provider.heartbeats,
            now_s=now.s,
        )
        self._dispatcher = Dispatcher(
            provider,
            camera=source.camera,
            limiter=limiter,
            tasks=tasks,
            compose=self._compose,
            wake=source.wake,
        )
        self._enabled = source.settings.enabled
        self._from_s = float("-inf")
        self._regions: ActivityState | None = None
        self._novelty_average: float | None = None
        self._question: Question | None = None
        if source.connected:
            self._hear_connected(active=source.heard_s is not None, now=now)

    # -- the steps of run() -------------------------------------------------------------------------------------

    def hear(self) -> None:
        """Follow the settings, and everything the camera and its bridge said since the last turn."""
        self._follow_settings()
        for fact in self._source.facts():
            now = Now.of(self._clock)
            match fact:
                case Connected(active=active):
                    self._hear_connected(active=active, now=now)
                case Moved(at_s=at_s, since_s=since_s):
                    self._hear_moved(at_s, since_s, now)
                case Quiet(at_s=at_s):
                    self._gate.quiet(at_s)
                    self._visits.quiet(at_s, now)
                case Seen():
                    self._hear_seen(fact, now)
                case Regions(state=state):
                    self._hear_regions(state)

    def take_reply(self) -> None:
        """Tell what the model answered, or show why it did not."""
        reply = self._dispatcher.reply()
        if reply is None:
            return
        self._sink.account(reply.request.look, reply.usage)
        if reply.analysis is not None:
            self._settle_pictures(reply, accepted=True)
            self._sink.fail(None)
            self._tell(reply.request, reply.analysis)
        else:
            self._settle_pictures(reply, accepted=False)
            self._take_failure(reply)

    def let_time_pass(self) -> None:
        """End, store and forget what its time has come for."""
        now = Now.of(self._clock)
        self._source.buffer.expire(now.s)
        if self._source.late.outdated(now.s) or (
            not self._enabled and self._source.late.ready(now.s)
        ):
            self._source.late.drop()
        heard_s = self._source.heard_s
        before = self._visits.current
        self._publish(self._visits.tick(now, heard_s=heard_s))
        after = self._visits.current
        if before is not None and after is None:
            if before.quiet_s is None and before.resuming_until_s is None:
                self._source.forget_activity()
                self._gate.quiet(before.last_s)
            self._leave_visit()
        if (
            self._gate.due(now.s) is Look.CLOSING
            and self._dispatcher.flying is None
            and not self._story_frames()
        ):
            self._gate.skip_closing()

    def ask(self) -> None:
        """Ask for a turn if a look is due; an onset and a question do not wait for a heartbeat."""
        look = self._wanted()
        if look is None:
            return
        flying = self._dispatcher.flying
        if flying is None:
            self._dispatcher.want(Urgency.of(look, event_open=self._visits.open is not None))
        elif flying.look is Look.HEARTBEAT and look in (Look.ONSET, Look.QUESTION):
            self._dispatcher.cancel()

    def deadline_s(self) -> float | None:
        """Return when there is something to do even if nothing happens."""
        now_s = self._clock.monotonic()
        times = (
            self._gate.next_s(now_s) if self._enabled else None,
            self._visits.deadline_s(heard_s=self._source.heard_s),
            self._source.late.deadline_s(now_s),
            self._source.buffer.expires_s,
        )
        return min((at_s for at_s in times if at_s is not None), default=None)

    def end(self, reason: EndReason) -> None:
        """Close the visit that is open."""
        self._publish(self._visits.end(reason, Now.of(self._clock)))
        self._gate.clear()
        self._leave_visit()

    def stop(self) -> None:
        """Give back what is under way, and let nobody wait for a narration that has ended."""
        reply = self._dispatcher.reply()
        if reply is not None and not self._source.withdrawn:
            self._settle_pictures(Reply(request=reply.request), accepted=False)
        self._dispatcher.cancel()
        if self._question is not None:
            self._source.questions.append(self._question)
        self._refuse_questions(Obstacle.STOPPED)

    # -- hearing ------------------------------------------------------------------------------------------------

    def _follow_settings(self) -> None:
        settings = self._source.settings
        self._gate.change(
            profile=self._source.profile,
            interval_s=settings.interval_s,
            now_s=self._clock.monotonic(),
        )
        if self._enabled and not settings.enabled:
            self._enabled = False
            self._refuse_questions(Obstacle.SWITCHED_OFF)
            self.end(EndReason.DISABLED)
        elif settings.enabled and not self._enabled:
            self._enabled = True
            now = Now.of(self._clock)
            heard_s = self._source.heard_s
            if heard_s is not None and now.s < heard_s + STATE_MAX_AGE_S:
                self._hear_moved(now.s, now.s, now)

    def _hear_connected(self, *, active: bool, now: Now) -> None:
        visit = self._visits.current
        if visit is None or visit.resuming_until_s is None:
            return
        self._publish(self._visits.resume(now, active=active))
        if active:
            self._enter_visit(visit.onset_s)
            self._gate.onset(visit.onset_s, now.s, confirmed=True, told=True)
        else:
            self._leave_visit()

    def _hear_moved(self, at_s: float, since_s: float, now: Now) -> None:
        if not self._enabled:
            return
        visit = self._visits.current
        if visit is None or (not visit.confirmed and self._lapsed(visit.quiet_s, now)):
            visit = self._visits.onset(at_s, now)
            self._enter_visit(visit.onset_s)
            self._gate.onset(visit.onset_s, now.s)
            return
        if visit.resuming_until_s is None and visit.quiet_s is not None:
            self._gate.resume(now.s)
        self._visits.move(at_s, now, since_s=since_s)
        if visit.onset_s - PREROLL_S < self._from_s:
            self._from_s = self._source.story_from_s = visit.onset_s - PREROLL_S

    def _lapsed(self, quiet_s: float | None, now: Now) -> bool:
        """Return whether an unconfirmed visit is over when it moves again: its look is not under way."""
        return (
            quiet_s is not None and now.s - quiet_s > CONFIRM_S and self._dispatcher.flying is None
        )

    def _hear_seen(self, seen: Seen, now: Now) -> None:
        if self._visits.current is None:
            return
        if seen.active:
            started = self._visits.see(seen.captured_s, now)
            self._publish(started)
            if started:
                self._gate.confirm(now.s)
        average = seen.novelty if self._novelty_average is None else self._novelty_average
        if jumped(seen.novelty, average):
            self._gate.novel(seen.captured_s)
        self._novelty_average = average + 0.2 * (seen.novelty - average)

    def _hear_regions(self, state: ActivityState) -> None:
        before, self._regions = self._regions, state
        if before is not None and regions_changed(before.regions, state.regions):
            self._gate.novel(state.received_s)

    def _enter_visit(self, onset_s: float) -> None:
        self._from_s = onset_s - PREROLL_S
        self._source.story_from_s = self._from_s
        self._regions = None
        self._novelty_average = None

    def _leave_visit(self) -> None:
        self._source.story_from_s = None
        self._gate.leave()

    # -- asking -------------------------------------------------------------------------------------------------

    def _wanted(self) -> Look | None:
        """Return the most urgent look that is due and has pictures to show."""
        if not self._enabled:
            return None
        now_s = self._clock.monotonic()
        self._drop_vain_questions()
        if self._source.questions:
            return Look.QUESTION
        look = self._gate.due(now_s)
        if look is not None and self._pictures(look):
            return look
        return Look.CATCH_UP if self._source.late.ready(now_s) else None

    def _drop_vain_questions(self) -> None:
        """Answer questions nobody waits for any more, or that lost their picture."""
        questions = self._source.questions
        while questions and (questions[0].answer.done() or not self._source.fresh()):
            question = questions.popleft()
            if not question.answer.done():
                question.answer.set_exception(CannotAsk(Obstacle.NO_PICTURE))

    def _pictures(self, look: Look) -> tuple[Frame, ...]:
        """Return what a look would show; empty while the frame it is for has not come."""
        limit = self._source.settings.frames_per_chunk
        if look is Look.QUESTION:
            return select(self._source.fresh(), limit)
        frames = self._story_frames()
        if not frames:
            return ()
        newest = frames[-1]
        match look:
            case Look.HEARTBEAT:
                fresh = self._source.fresh()
                return (newest,) if newest in fresh else ()
            case Look.ONSET:
                visit = self._visits.current
                shows = visit is not None and (newest.active or newest.captured_s >= visit.onset_s)
            case Look.NOVELTY:
                news_s = self._gate.novelty_s
                shows = news_s is None or newest.captured_s >= news_s - SHOWS_S
            case _:
                shows = True
        return select(frames, limit) if shows else ()

    def _story_frames(self) -> tuple[Frame, ...]:
        return self._source.buffer.eligible(self._from_s)

    def _compose(self) -> Request | None:
        """Build the request of the look that is due now that the turn has come."""
        look = self._wanted()
        if look is None:
            return None
        now = Now.of(self._clock)
        self._gate.asked(look, now.s)
        question = None
        if look is Look.QUESTION:
            self._question = question = self._source.questions.popleft()
            frames = self._pictures(look)
            for frame in frames:
                self._source.buffer.tally.resend(frame)
        elif look is Look.CATCH_UP:
            frames = self._source.late.depart()
        else:
            frames = self._pictures(look)
            self._source.buffer.depart(frames)
        return self._request(look, frames, question)

    def _request(self, look: Look, frames: tuple[Frame, ...], question: Question | None) -> Request:
        visit = None if look in (Look.CATCH_UP, Look.HEARTBEAT) else self._visits.current
        if visit is None and look is Look.CLOSING:
            visit = self._visits.ended
        chunk = build(
            camera=self._source.camera,
            settings=self._source.settings,
            look=look,
            frames=frames,
            notes=() if look is Look.CATCH_UP else self._context.notes,
            states=self._source.states(frames[0].captured_s, frames[-1].captured_s + SHOWS_S),
            event_id=visit.id if visit is not None and visit.confirmed else None,
            onset_s=None if visit is None else visit.onset_s,
            question=None if question is None else question.prompt,
        )
        return Request(chunk=chunk, visit_id=None if visit is None else visit.id, question=question)

    def _refuse_questions(self, obstacle: Obstacle) -> None:
        questions = self._source.questions
        while questions:
            question = questions.popleft()
            if not question.answer.done():
                question.answer.set_exception(CannotAsk(obstacle))

    # -- telling ------------------------------------------------------------------------------------------------

    def _settle_pictures(self, reply: Reply, *, accepted: bool) -> None:
        request = reply.request
        buffer, late = self._source.buffer, self._source.late
        if request.look is Look.QUESTION:
            return
        if request.look is Look.CATCH_UP:
            if accepted:
                late.accept()
                buffer.cover(request.chunk.span)
            else:
                late.give_back(failed=reply.error is not None)
        elif accepted:
            buffer.accept(request.chunk.frames, request.chunk.span)
        else:
            buffer.give_back(request.chunk.frames, failed=reply.error is not None)

    def _take_failure(self, reply: Reply) -> None:
        request, error = reply.request, reply.error
        if error is None:
            return
        now = Now.of(self._clock)
        self._sink.fail(
            Failure(
                code=error.fault.value,
                message=error.message,
                at_wall_s=now.wall_s,
                look=request.look,
            )
        )
        if request.question is not None:
            self._question = None
            if not request.question.answer.done():
                request.question.answer.set_exception(error)
        elif request.look is Look.CATCH_UP:
            if not error.retryable:
                self._source.late.drop()
        elif error.retryable and self._still_wanted(request):
            self._gate.retry(request.look)

    def _still_wanted(self, request: Request) -> bool:
        """Return whether a failed look is worth another try: its visit is the present one, or just ended."""
        current = self._visits.current
        if current is not None:
            return request.visit_id == current.id
        return request.visit_id is None or request.look is Look.CLOSING

    def _tell(self, request: Request, analysis: Analysis) -> None:
        match request.look:
            case Look.QUESTION:
                self._tell_asker(request, analysis)
            case Look.CATCH_UP:
                self._tell_late(request, analysis)
            case _:
                self._tell_story(request, analysis)

    def _tell_story(self, request: Request, analysis: Analysis) -> None:
        now = Now.of(self._clock)
        visits, visit_id = self._visits, request.visit_id
        current = visits.current
        of_current = current is not None and current.id == visit_id
        if (
            of_current
            and visits.open is None
            and request.look is Look.ONSET
            and not analysis.subject
        ):
            return  # an onset that neither frames nor words confirm
        if analysis.changed:
            self._context.add(now.wall_s, analysis.narrative, visible_text=analysis.visible_text)
            self._remember()
        of_ended = visit_id is not None and not of_current
        if of_ended and self._gate.closing_due and self._story_frames():
            return  # a later answer is still due: this one only feeds the context
        events: list[Event] = []
        if visit_id is not None:
            events = visits.tell(
                visit_id,
                analysis,
                span=request.chunk.span,
                frames=len(request.chunk.frames),
                provider=self._provider.name,
                now=now,
            )
        self._publish(events)
        if of_current and visits.open is not None:
            self._gate.confirm(now.s)
        if analysis.changed and (events or not of_ended):
            event_id = visit_id if of_ended or visits.open is not None else None
            self._sink.narrate(self._narrative(request, analysis, event_id, now))

    def _tell_asker(self, request: Request, analysis: Analysis) -> None:
        question, self._question = request.question, None
        visit = self._visits.open
        narrative = self._narrative(
            request, analysis, None if visit is None else visit.id, Now.of(self._clock)
        )
        if question is None:
            return
        if not question.answer.done():
            question.answer.set_result(narrative)
        if question.prompt is None and narrative.text:
            self._sink.narrate(narrative)

    def _tell_late(self, request: Request, analysis: Analysis) -> None:
        event = late_event(
            self._source.camera,
            analysis,
            span=request.chunk.span,
            frames=len(request.chunk.frames),
            provider=self._provider.name,
            now=Now.of(self._clock),
        )
        if event is not None:
            self._sink.publish(event)

    def _narrative(
        self, request: Request, analysis: Analysis, event_id: str | None, now: Now
    ) -> Narrative:
        return Narrative(
            camera=self._source.camera,
            text=analysis.narrative,
            span=request.chunk.span,
            frames=len(request.chunk.frames),
            look=request.look,
            provider=self._provider.name,
            event_id=event_id,
            published_wall_s=now.wall_s,
        )

    def _publish(self, events: list[Event]) -> None:
        for event in events:
            self._sink.publish(event)
        if events:
            self._remember()

    def _remember(self) -> None:
        memory = CameraMemory(
            narratives=self._context.narratives,
            open_event=self._visits.open_event,
            last_event=self._visits.last_event,
        )
        self._source.memory = memory
        self._sink.remember(memory)
