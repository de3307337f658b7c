"""One camera's story: hear what happens, ask when it is due, tell what comes of it."""

import asyncio

from .audit import EVERY_FREE, EVERY_PRICED, Audits
from .backup import Backup
from .clock import Clock, Now
from .composer import Composer
from .context import Context
from .dispatcher import Dispatcher, Reply
from .errors import Obstacle
from .events import STATE_MAX_AGE_S, Visits
from .gate import Gate
from .hold import Hold
from .limiter import Limiter
from .listener import Listener
from .provider import Provider
from .rules import Rules
from .sink import Sink
from .source import CameraSource
from .teller import Teller
from .turn import Urgency
from .vocabulary import EndReason, Label, Look, Profile

__all__ = ["Sink", "run"]


async def run(
    source: CameraSource,
    provider: Provider,
    sink: Sink,
    *,
    limiter: Limiter,
    clock: Clock,
    understudy: Provider | None = None,
    fallback: Backup | None = None,
) -> None:
    """Narrate a camera until cancelled or until it is withdrawn; cancelled, an open event stays stored.

    Where the provider fails for good or must not be asked, the ``fallback`` writes, else the ``understudy``.
    """
    async with asyncio.TaskGroup() as tasks:
        narration = _Narration(
            source,
            provider,
            sink,
            limiter=limiter,
            clock=clock,
            tasks=tasks,
            understudy=understudy,
            fallback=fallback,
        )
        try:
            while not source.withdrawn:
                narration.hear()
                narration.tell()
                narration.let_time_pass()
                narration.ask()
                await source.wait(narration.deadline_s(), frames=narration.heeds_frames)
        finally:
            narration.stop()


class _Narration:
    """The parts of one camera's story; every method is a step of run()."""

    def __init__(
        self,
        source: CameraSource,
        provider: Provider,
        sink: Sink,
        *,
        limiter: Limiter,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        understudy: Provider | None,
        fallback: Backup | None,
    ) -> None:
        now = Now.of(clock)
        self._source = source
        self._provider = provider
        self._limiter = limiter
        self._clock = clock
        self._enabled = True
        """As hear() has taken it in: switched off from the start is a change, too."""
        self._visits = Visits(source.camera, source.memory, now)
        self._gate = Gate(
            profile=source.profile,
            interval_s=source.settings.interval_s,
            heartbeats=False,
            now_s=now.s,
        )
        context = Context(source.memory)
        self._audits = Audits(context, source.memory.drift)
        self._hold = Hold(self._gate, self._visits, context.ledger, watch=sink.watch)
        self._composer = Composer(
            source,
            self._visits,
            self._gate,
            context,
            self._audits,
            clock=clock,
            frugal=lambda: limiter.frugal,
        )
        self._teller = Teller(
            source,
            self._visits,
            self._gate,
            context,
            self._composer,
            self._audits,
            rules=Rules(source.memory.rules),
            sink=sink,
            clock=clock,
        )
        self._dispatcher = Dispatcher(
            provider,
            camera=source.camera,
            limiter=limiter,
            tasks=tasks,
            preview=self._composer.preview,
            compose=self._composer.compose,
            wake=source.wake,
            understudy=understudy,
            fallback=fallback,
        )
        self._listener = Listener(
            source,
            self._visits,
            self._gate,
            publish=self._teller.publish,
            asking=lambda: self._dispatcher.flying is not None,
        )
        if source.connected:
            self._listener.reconnect(now, active=source.heard_s is not None)

    def hear(self) -> None:
        """Follow the settings, and everything the camera and its bridge said since the last turn."""
        now = Now.of(self._clock)
        settings = self._source.settings
        only_for = self._only_for
        self._visits.only_for = only_for
        self._visits.permit = self._source.permit
        # A private address with a price is a proxy: its glances would cost money.
        free = self._provider.heartbeats and self._limiter.terms.tariff.price is None
        self._audits.every = EVERY_FREE if free else EVERY_PRICED
        few = self._source.profile in (Profile.ECONOMY, Profile.BALANCED)
        self._audits.frugal = few and not free
        self._gate.change(
            profile=self._source.profile,
            interval_s=settings.interval_s,
            # A detector is there sooner than any model, and costs nothing.
            held=(bool(only_for) and self._source.detects) or not self._visits.permitted,
            heartbeats=bool(settings.rules) or free,
            now_s=now.s,
        )
        self._teller.change_rules(settings.rules)
        if self._enabled and not settings.enabled:
            self._listener.disable()
            self._composer.refuse_questions(Obstacle.SWITCHED_OFF)
            self._end(EndReason.DISABLED)
        elif settings.enabled and not self._enabled:
            self._listener.enable(now)
        self._enabled = settings.enabled
        for fact in self._source.facts():
            self._listener.hear(fact, now)

    def tell(self) -> None:
        """Take the reply that has come, if any, or how it begins."""
        reply, begun = self._dispatcher.reply(), self._dispatcher.opening()
        if reply is not None:
            self._teller.take(reply)
        elif begun is not None:
            self._teller.open(*begun)

    def let_time_pass(self) -> None:
        """End and forget what its time has come for."""
        now = Now.of(self._clock)
        self._source.expire()
        heard_s = self._source.heard_s
        before = self._visits.current
        held = self._hold.keep(now)
        self._teller.publish(self._visits.tick(now, heard_s=heard_s, held=held))
        if before is not None and self._visits.current is None:
            if before.quiet_s is None and before.resuming_until_s is None:  # its bridge fell silent
                self._gate.quiet(before.last_s)
            self._gate.leave()
        if heard_s is not None and now.s >= heard_s + STATE_MAX_AGE_S:
            self._source.forget_activity()
        if self._visits.current is None:
            self._source.part()
        idle = self._dispatcher.flying is None
        if idle and self._gate.due(now.s) is Look.CLOSING and not self._composer.untold():
            self._gate.skip_closing()

    def ask(self) -> None:
        """Ask for a turn if a look is due; an onset and a question do not wait for a heartbeat."""
        look = self._composer.wanted()
        if look is None:
            return
        flying = self._dispatcher.flying
        if flying is None:
            urgency = Urgency.of(look, event_open=self._visits.open is not None)
            self._dispatcher.want(urgency, new=self._composer.new(look))
        elif (
            flying.look in (Look.HEARTBEAT, Look.RULE) and look in (Look.ONSET, Look.QUESTION)
        ) or (flying.look is Look.AUDIT and self._composer.new(look)):
            self._dispatcher.cancel()

    def deadline_s(self) -> float | None:
        """Return when there is something to do even if nothing happens."""
        now_s, heard_s = self._clock.monotonic(), self._source.heard_s
        times = (
            self._gate.next_s(now_s) if self._enabled else None,
            self._visits.deadline_s(heard_s=heard_s, held=self._hold.held),
            None if heard_s is None else heard_s + STATE_MAX_AGE_S,
            self._source.deadline_s(),
        )
        return min((at_s for at_s in times if at_s is not None), default=None)

    @property
    def heeds_frames(self) -> bool:
        """Return whether a frame that shows no activity matters: to what moves, or to a look that lacks its picture."""
        visit = self._visits.current
        if visit is not None and visit.quiet_s is None:
            return True
        return self._enabled and self._gate.due(self._clock.monotonic()) is not None

    def stop(self) -> None:
        """End a withdrawn camera's event, give back what is under way, and let nobody wait any more."""
        if self._source.withdrawn:
            self._end(EndReason.DISABLED)
        reply = self._dispatcher.abandon()
        if reply is not None:
            self._teller.settle_pictures(Reply(request=reply.request))
        self._composer.refuse_questions(Obstacle.STOPPED)

    @property
    def _only_for(self) -> frozenset[Label]:
        """Return what an event needs now: where nobody can name anything, movement has to be enough."""
        named = self._source.detects or self._provider.names_subjects
        return self._source.settings.only_for if named else frozenset()

    def _end(self, reason: EndReason) -> None:
        self._teller.publish(self._visits.end(reason, Now.of(self._clock)))
        self._gate.clear()
        self._source.part()
