"""One camera's way to the model: one request in flight; while it waits there is only the wish, never a payload."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field, replace
import json
import logging

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A chunk and what its answer is for."""

    chunk: Chunk
    visit_id: str | None = None
    question: Question | None = None
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
    """Why the provider was not asked; the understudy's is the analysis."""
    writer: str = ""
    """Who wrote it."""
    usage: Usage = field(default_factory=Usage)
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
    ) -> None:
        self._provider = provider
        self._understudy = understudy
        self._preview = preview
        self._camera = camera
        self._limiter = limiter
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
        return replace(self._flying, writer=self._provider.name), told

    async def _take_turn(self, urgency: Urgency, *, new: bool) -> None:
        try:
            turn = self._turn = self._limiter.turn(
                self._camera,
                urgency,
                new=new,
                estimate=self._estimate,
                understudy=self._understudy is not None,
            )
            async with turn:
                self._flying = self._compose() if turn.serves else None
                if self._flying is not None and turn.declined is not None:
                    self._reply = await self._stand_in(self._flying, turn.declined)
                elif self._flying is not None:
                    self._reply = await self._request(self._flying, turn)
        finally:
            if self._flying is not None and self._reply is None:
                self._reply = Reply(request=self._flying)
            self._task = self._turn = self._flying = self._opening = self._heard = None
            self._wake()

    def _estimate(self) -> Cost:
        """Return what a request would cost now; nothing where nothing is wanted any more."""
        chunk = self._preview()
        return NOTHING if chunk is None else self._limiter.estimator.of(chunk)

    async def _stand_in(self, request: Request, reason: ProviderError) -> Reply:
        """Let the understudy answer; a question and an audit are for the model alone."""
        if self._understudy is None or not request.look.story:
            return Reply(request=request, error=reason)
        try:
            reply = await _answer(self._understudy, request)
        except ProviderError as error:
            return Reply(request=request, error=error)
        return replace(reply, instead=reason)

    async def _request(self, request: Request, turn: Turn) -> Reply:
        self._limiter.composed(turn, request.chunk)
        if _LOGGER.isEnabledFor(logging.DEBUG):
            _LOGGER.debug("Request of %s: %s", self._camera, json.dumps(labelled(request.chunk)))
        try:
            reply = await _answer(self._provider, request, self._hear)
        except ProviderError as error:
            self._limiter.failed(error, turn)
            return Reply(request=request, error=error, usage=Usage(requests=error.requests))
        self._limiter.answered(turn, request.chunk, reply.usage, reply.quota)
        return reply

    def _hear(self, partial: Partial) -> None:
        """Keep what an answer under way has decided, where that is more than before."""
        told = opening(partial)
        if told is not None and told != self._heard:
            self._opening = self._heard = told
            self._wake()


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
