"""One camera's way to the model: one request in flight; while it waits there is only the wish, never a payload."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field, replace
import json
import logging

from .audit import Audit
from .backup import PATIENCE_S, Backup
from .chunk import labelled
from .errors import Fault, ProviderError
from .limiter import Limiter
from .opening import Opening, opening
from .provider import Provider
from .question import Question
from .request import Analysis, Chunk, Partial, Quota, Usage
from .spending import NOTHING, Cost
from .turn import Turn, Urgency
from .vocabulary import Look

_LOGGER = logging.getLogger(__name__)

NOBODYS = Usage(input_tokens=0, output_tokens=0, requests=0)
"""What the understudy costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A chunk and what its answer is for."""

    chunk: Chunk
    visit_id: str | None = None
    question: Question | None = None
    audit: Audit | None = None
    writer: str = ""
    """Who answered it, once that is known."""

    @property
    def look(self) -> Look:
        """Return why it was sent."""
        return self.chunk.look


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How a request ended: an analysis, an error, or neither where it was cancelled."""

    request: Request
    analysis: Analysis | None = None
    error: ProviderError | None = None
    instead: ProviderError | None = None
    """Why the analysis is not the first provider's: it failed for good, or was not asked."""
    writer: str = ""
    """Who wrote it."""
    usage: Usage = field(default_factory=Usage)
    """Of all servers that were asked; no requests where the understudy alone was."""
    quota: Quota | None = None


class Dispatcher:
    """Keeps at most one request of its camera under way. The chunk is composed when the turn comes."""

    def __init__(
        self,
        provider: Provider,
        *,
        camera: str,
        limiter: Limiter,
        tasks: asyncio.TaskGroup,
        preview: Callable[[], Chunk | None],
        compose: Callable[[], Request | None],
        wake: Callable[[], None],
        understudy: Provider | None = None,
        fallback: Backup | None = None,
    ) -> None:
        first = Backup(provider=provider, limiter=limiter)
        self._writers = (first,) if fallback is None else (first, fallback)
        """Model servers in the order in which they are asked."""
        self._writer = first
        """Whose turn it is."""
        self._understudy = understudy
        self._preview = preview
        self._camera = camera
        self._tasks = tasks
        self._compose = compose
        self._wake = wake
        self._task: asyncio.Task[None] | None = None
        self._turn: Turn | None = None
        self._flying: Request | None = None
        self._reply: Reply | None = None
        self._opening: Opening | None = None
        self._heard: Opening | None = None

    @property
    def flying(self) -> Request | None:
        """Return the request on its way."""
        return self._flying

    def want(self, urgency: Urgency, *, new: bool = True) -> None:
        """Ask for a turn, one of a new event where ``new``; one that waits already is raised."""
        if self._task is None:
            self._task = self._tasks.create_task(self._take_turn(urgency, new=new))
            return
        if self._turn is not None:
            self._turn.hurry(urgency, new=new)

    def abandon(self) -> Reply | None:
        """Stop for good; return the request whose reply nobody took, under way or ended."""
        self.cancel()
        return Reply(request=self._flying) if self._flying is not None else self.reply()

    def cancel(self) -> None:
        """Stop the request under way; its reply is neither analysis nor error."""
        if self._task is not None and not self._task.cancelling():
            self._task.cancel()

    def reply(self) -> Reply | None:
        """Return how the last request ended, once."""
        reply, self._reply = self._reply, None
        return reply

    def opening(self) -> tuple[Request, Opening] | None:
        """Return how the answer under way begins, each time that more of it is decided."""
        told, self._opening = self._opening, None
        if told is None or self._flying is None:
            return None
        return replace(self._flying, writer=self._writer.provider.name), told

    async def _take_turn(self, urgency: Urgency, *, new: bool) -> None:
        tried = 0
        try:
            reason: ProviderError | None = None
            for writer in self._writers:
                self._writer = writer
                self._opening = self._heard = None  # what another began is void
                outcome = await self._ask(writer, urgency, new=new, reason=reason)
                if self._reply is not None:
                    self._reply = _after(tried, self._reply)
                if outcome is None:
                    return
                reason, turn, requests = outcome
                urgency, new = turn.urgency, turn.new  # it may have been raised while it waited
                tried += requests
            if self._flying is None:
                self._flying = self._compose()
            if self._flying is not None and reason is not None:
                self._reply = _after(tried, await self._stand_in(self._flying, reason, new=new))
        finally:
            if self._flying is not None and self._reply is None:
                left = self._turn is not None and self._turn.reserved.requests > 0
                usage = Usage(requests=tried + int(left))
                self._reply = Reply(request=self._flying, usage=usage)
            self._task = self._turn = self._flying = self._opening = self._heard = None
            self._writer = self._writers[0]
            self._wake()

    async def _ask(
        self, writer: Backup, urgency: Urgency, *, new: bool, reason: ProviderError | None
    ) -> tuple[ProviderError, Turn, int] | None:
        """Ask one server in its turn; return None, or why another must answer, the turn, and how many requests it took."""
        last = writer is self._writers[-1]
        turn = self._turn = writer.limiter.turn(
            self._camera,
            urgency,
            new=new,
            estimate=self._estimate,
            understudy=self._understudy is not None,
            # What waits here might be asked of the other again.
            patience_s=None if len(self._writers) == 1 else PATIENCE_S,
        )
        async with turn:
            if turn.declined is not None:
                declined = turn.declined
                if reason is not None:
                    declined = _both(reason, declined, writer.provider.name)
                return declined, turn, 0
            if self._flying is None and turn.serves:
                self._flying = self._compose()
            if self._flying is None:
                return None
            reply = await self._request(writer, self._flying, turn)
        if reply.error is not None and not reply.error.retryable and not last:
            return reply.error, turn, reply.error.requests
        if reply.error is not None and reason is not None:
            reply = replace(reply, error=_both(reason, reply.error, writer.provider.name))
        self._reply = replace(reply, instead=reason)
        return None

    def _estimate(self) -> Cost:
        """Return what a request would cost now; nothing where nothing is wanted any more."""
        chunk = self._preview() if self._flying is None else self._flying.chunk
        return NOTHING if chunk is None else self._writer.limiter.estimator.of(chunk)

    async def _stand_in(self, request: Request, reason: ProviderError, *, new: bool) -> Reply:
        """Let the understudy answer; a question and an audit are for a model alone, and so is all routine with two."""
        routine = len(self._writers) > 1 and not new
        if self._understudy is None or not request.look.story or routine:
            return Reply(request=request, error=reason, usage=NOBODYS)
        try:
            reply = await _answer(self._understudy, request)
        except ProviderError as error:
            return Reply(request=request, error=error, usage=NOBODYS)
        name = self._understudy.name
        instead = ProviderError(
            reason.fault, f"{reason.message}, the {name} writes", retryable=False
        )
        return replace(reply, instead=instead, usage=NOBODYS)

    async def _request(self, writer: Backup, request: Request, turn: Turn) -> Reply:
        writer.limiter.composed(turn, request.chunk)
        if _LOGGER.isEnabledFor(logging.DEBUG):
            _LOGGER.debug("Request of %s: %s", self._camera, json.dumps(labelled(request.chunk)))
        try:
            reply = await _answer(writer.provider, request, self._hear)
        except ProviderError as error:
            writer.limiter.failed(error, turn)
            return Reply(request=request, error=error, usage=Usage(requests=error.requests))
        writer.limiter.answered(turn, request.chunk, reply.usage, reply.quota)
        return reply

    def _hear(self, partial: Partial) -> None:
        """Keep what an answer under way has decided, where that is more than before."""
        told = opening(partial)
        if told is not None and told != self._heard:
            self._opening = self._heard = told
            self._wake()


def _both(first: ProviderError, second: ProviderError, name: str) -> ProviderError:
    """Return why neither server brought words: the fault is the first one's, whose key or money it may be about."""
    message = f"{first.message}; nor does {name}: {second.message}"
    return ProviderError(first.fault, message, retryable=second.retryable)


def _after(tried: int, reply: Reply) -> Reply:
    """Count what was asked of others before as the reply's, too."""
    return replace(reply, usage=replace(reply.usage, requests=tried + reply.usage.requests))


async def _answer(
    provider: Provider, request: Request, hear: Callable[[Partial], None] = lambda _: None
) -> Reply:
    """Read an answer to its end; raise ProviderError where there is none."""
    stream = provider.analyse(request.chunk)
    try:
        async for partial in stream:
            if partial.analysis is not None:
                return Reply(
                    request=request,
                    analysis=partial.analysis,
                    writer=provider.name,
                    usage=partial.usage,
                    quota=partial.quota,
                )
            hear(partial)
    except ProviderError:
        raise
    except Exception as error:
        # A defect of a provider costs the answer, never the camera's events.
        _LOGGER.exception("Provider %s broke its contract", provider.name)
        raise ProviderError(
            Fault.BAD_ANSWER, f"internal error: {type(error).__name__}", retryable=False
        ) from error
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()
    raise ProviderError(Fault.BAD_ANSWER, "the answer ended before it was complete", retryable=True)
