"""Requests to one server and what was learned from them: fields it refuses, the rung it stands on, whether it thinks."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, cast

import openai

from ..pipeline.request import Quota, Usage
from . import complaints
from .acquaintance import Acquaintance, Manner
from .answer import Answer, NotAsAgreedError, Reading, ThoughtsOnlyError
from .arrangement import arranged
from .faults import Server
from .ladder import Rung
from .request import Request
from .stream import BROKEN, Opened, Patience, Piece, pieces

REFUSALS_TO_LEARN_FROM: Final = frozenset({400, 422, 500, 501})
"""Statuses by which servers say that they do not take a field; 500 where they fall over it."""
ATTEMPTS_MAX: Final = 12
"""More than any server has things to refuse: one that refuses for ever is not asked for ever."""

STANDARD: Final = ("model", "messages", "stream")
"""What the client library must see; all else goes into the body as it is, whether the library knows it or not."""

type _Create = Callable[..., Awaitable[Opened]]


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
        acquaintance: Acquaintance,
        patience: Patience,
    ) -> None:
        """Contact nobody yet."""
        self._client = client
        self._server = server
        self._patience = patience
        self._acquaintance = acquaintance

    @property
    def has_fields(self) -> bool:
        """Whether the server answers in a shape, as far as is known."""
        return self._acquaintance.manner.rung is not Rung.TEXT

    async def ask[T](
        self,
        request: Request,
        reading: Reading[T],
        *,
        within_s: float,
        leaves: Callable[[], None] = lambda: None,
    ) -> AsyncGenerator[Step[T]]:
        """Yield an answer as it comes; a refused field costs a round trip, prose one resend. Raise ProviderError.

        ``leaves`` is called each time that the request goes out.
        """
        until_s = asyncio.get_running_loop().time() + within_s
        known = self._acquaintance
        manner, resent = known.manner, False
        spent: list[Usage] = []
        for _ in range(ATTEMPTS_MAX):
            answer = Answer(manner.rung, reading, self._server)
            leaves()
            try:
                async with aclosing(self._open(request, manner, until_s)) as stream:
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
                lower = known.prose(manner)
                if resent or lower is None or answer.told:
                    raise self._server.bad_answer("did not answer in the agreed shape") from None
                resent, manner = True, lower
                spent.append(answer.usage)
            except ThoughtsOnlyError:
                known.thought(manner)
                raise self._server.bad_answer("thought, but did not answer") from None
            except BROKEN as error:
                learned = None if answer.began else self._learn(error, manner, request)
                if learned is None:
                    raise self._server.fault(error, began=answer.began) from None
                manner = learned
            else:
                known.answered(manner, thought=answer.thought, whole=answer.whole)
                spent.append(answer.usage)
                yield Step(
                    fields=dict(answer.told), value=value, usage=_sum(spent), quota=answer.quota
                )
                return
        raise self._server.bad_answer("refuses whatever is sent")

    async def _open(
        self, request: Request, manner: Manner, until_s: float
    ) -> AsyncGenerator[Piece]:
        """Yield the pieces of one attempt."""
        if manner.arrangement.changes(request):
            loop = asyncio.get_running_loop()
            request = await loop.run_in_executor(None, arranged, request, manner.arrangement)
        body = request.render(model=self._server.model, rung=manner.rung, dialect=manner.dialect)
        # The body is data by now: what a server does not take is left out of it.
        create = cast("_Create", self._client.chat.completions.create)

        def opening() -> Awaitable[Opened]:
            named = {name: body[name] for name in STANDARD if name in body}
            more = {name: value for name, value in body.items() if name not in STANDARD}
            return create(**named, extra_body=more, timeout=self._patience.transport)

        reading = pieces(opening, patience=self._patience, until_s=until_s)
        try:
            async with aclosing(reading) as stream:
                async for piece in stream:
                    yield piece
        except openai.APIError as error:
            if complaints.about_shape_missed(complaints.told(error)):
                raise NotAsAgreedError from None
            raise

    def _learn(self, error: Exception, manner: Manner, request: Request) -> Manner | None:
        """Return how to send the same instead where a server refused a field, the shape or the pictures."""
        if not isinstance(error, openai.APIError):
            return None
        if complaints.status(error) not in REFUSALS_TO_LEARN_FROM:
            return None
        told = complaints.told(error)
        sent = len(request.pictures)
        if not request.as_they_are:
            sent = len(manner.arrangement.groups(sent))
        learned = self._acquaintance.refused(told, manner, sent)
        if learned is None or (
            request.as_they_are and learned.arrangement != manner.arrangement
        ):  # how many are taken is what was to be found out
            return None
        return learned


def _sum(usages: list[Usage]) -> Usage:
    """Add up what all attempts cost; None where no server said."""
    return Usage(
        input_tokens=_total([usage.input_tokens for usage in usages]),
        output_tokens=_total([usage.output_tokens for usage in usages]),
    )


def _total(counts: list[int | None]) -> int | None:
    told = [count for count in counts if count is not None]
    return sum(told) if told else None
