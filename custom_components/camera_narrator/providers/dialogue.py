"""Requests to one server and what was learned from them: fields it refuses, the rung it stands on, whether it thinks."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, cast

import openai
from openai.types.chat import ChatCompletionChunk

from ..pipeline.request import Quota, Usage
from . import complaints
from .address import Address
from .answer import Answer, NotAsAgreedError, Reading, ThoughtsOnlyError
from .dialect import Dialect
from .faults import Server
from .ladder import Rung, RungStore, known
from .request import Request
from .stream import BROKEN, Patience, Piece, pieces

PROSE_BEFORE_STEPPING_DOWN: Final = 2
"""Answers in a row out of the shape that worked before: one may be chance, two are a changed server."""
REFUSALS_TO_LEARN_FROM: Final = frozenset({400, 422, 500, 501})
"""Statuses by which servers say that they do not take a field; 500 where they fall over it."""

type _Create = Callable[..., Awaitable[openai.AsyncStream[ChatCompletionChunk]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step[T]:
    """How far an answer has come; the last has a value."""

    fields: Mapping[str, object]
    value: T | None
    usage: Usage
    sentence: str = ""
    """The first of the narrative."""
    quota: Quota | None = None


class Dialogue:
    """Sends requests in the way that the server takes, and remembers which that is."""

    def __init__(
        self,
        *,
        client: openai.AsyncOpenAI,
        server: Server,
        address: Address,
        rungs: RungStore,
        patience: Patience,
    ) -> None:
        """Contact nobody yet."""
        self._client = client
        self._server = server
        self._patience = patience
        self._rungs = rungs
        self._place = f"{server.model}@{address.url}"
        self._proven = known(rungs, self._place)
        self._rung = self._proven or Rung.STRICT
        self._dialect = Dialect.of(address)
        self._prose = 0

    @property
    def has_fields(self) -> bool:
        """Whether the server answers in a shape, as far as is known."""
        return self._rung is not Rung.TEXT

    async def ask[T](
        self, request: Request, reading: Reading[T], *, within_s: float
    ) -> AsyncGenerator[Step[T]]:
        """Yield an answer as it comes; a refused field costs a round trip, prose one resend. Raise ProviderError."""
        until_s = asyncio.get_running_loop().time() + within_s
        rung, dialect, resent = self._rung, self._dialect, False
        spent: list[Usage] = []
        while True:
            answer = Answer(rung, reading, self._server)
            try:
                async with aclosing(self._open(request, rung, dialect, until_s)) as stream:
                    async for piece in stream:
                        if answer.feed(piece):
                            yield Step(
                                fields=dict(answer.told),
                                value=None,
                                usage=Usage(),
                                sentence=answer.sentence,
                            )
                value = answer.finish()
            except NotAsAgreedError:
                lower = rung.after_prose
                self._note_prose(rung)
                if resent or lower is None or answer.told:
                    raise self._server.bad_answer("did not answer in the agreed shape") from None
                resent, rung = True, lower
                spent.append(answer.usage)
            except ThoughtsOnlyError:
                self._dialect = self._dialect.thinking()
                raise self._server.bad_answer("thought, but did not answer") from None
            except BROKEN as error:
                learned = None if answer.began else self._learn(error, rung, dialect)
                if learned is None:
                    raise self._server.fault(error, began=answer.began) from None
                rung, dialect = learned
            else:
                self._note_success(rung)
                spent.append(answer.usage)
                yield Step(
                    fields=dict(answer.told), value=value, usage=_sum(spent), quota=answer.quota
                )
                return

    async def _open(
        self, request: Request, rung: Rung, dialect: Dialect, until_s: float
    ) -> AsyncGenerator[Piece]:
        """Yield the pieces of one attempt."""
        body = request.render(model=self._server.model, rung=rung, dialect=dialect)
        # The body is data by now: what a server does not take is left out of it.
        create = cast("_Create", self._client.chat.completions.create)

        def opening() -> Awaitable[openai.AsyncStream[ChatCompletionChunk]]:
            return create(**body, timeout=self._patience.transport)

        reading = pieces(opening, patience=self._patience, until_s=until_s)
        try:
            async with aclosing(reading) as stream:
                async for piece in stream:
                    yield piece
        except openai.APIError as error:
            if complaints.about_shape_missed(complaints.told(error)):
                raise NotAsAgreedError from None
            raise

    def _learn(self, error: Exception, rung: Rung, dialect: Dialect) -> tuple[Rung, Dialect] | None:
        """Return what to send instead where a server refused a field or the shape, and remember it."""
        if not isinstance(error, openai.APIError):
            return None
        if complaints.status(error) not in REFUSALS_TO_LEARN_FROM:
            return None
        told = complaints.told(error)
        if complaints.about_context(told):
            return None
        if (learned := dialect.without(told)) is not None:
            if self._dialect == dialect:
                self._dialect = learned
            return rung, learned
        if complaints.about_format(told) and (lower := rung.after_refusal) is not None:
            self._step_down(lower)
            return lower, dialect
        return None

    def _note_prose(self, rung: Rung) -> None:
        """Count an answer out of shape, and step down where that is how this server is."""
        if rung is not self._rung or (lower := rung.after_prose) is None:
            return
        self._prose += 1
        if self._proven is None or self._prose >= PROSE_BEFORE_STEPPING_DOWN:
            self._step_down(lower)

    def _note_success(self, rung: Rung) -> None:
        if rung is self._rung:
            self._prose = 0
            self._proven = rung
            self._rungs.set(self._place, rung.value)

    def _step_down(self, rung: Rung) -> None:
        self._rung = self._rung.lowest(rung)
        self._proven = None
        self._prose = 0


def _sum(usages: list[Usage]) -> Usage:
    """Add up what all attempts cost; None where no server said."""
    return Usage(
        input_tokens=_total([usage.input_tokens for usage in usages]),
        output_tokens=_total([usage.output_tokens for usage in usages]),
    )


def _total(counts: list[int | None]) -> int | None:
    told = [count for count in counts if count is not None]
    return sum(told) if told else None
