"""Any server with OpenAI's chat completions API: one request a chunk, its answer streamed."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast, override

from homeassistant.core import HomeAssistant
from homeassistant.helpers.httpx_client import get_async_client
import openai
from openai.pagination import AsyncPage

# The client imports these two at first use, which would block the event loop for seconds.
import openai.resources.chat.completions
import openai.resources.models
from openai.types.chat import ChatCompletionChunk

from ..const import CONNECTION_TEST_S
from ..pipeline import prompt
from ..pipeline.errors import Fault, ProviderError
from ..pipeline.models import Chunk, Partial, Usage
from ..pipeline.provider import Provider
from . import complaints, eyesight
from .address import Address
from .answer import Answer, NotAsAgreedError, Reading, ThoughtsOnlyError
from .dialect import Dialect
from .eyesight import CheckResult, Sight
from .faults import Server
from .ladder import Rung, RungStore, known
from .request import Request
from .stream import BROKEN, Patience, Piece, pieces

type _Create = Callable[..., Awaitable[openai.AsyncStream[ChatCompletionChunk]]]

PROSE_BEFORE_STEPPING_DOWN = 2
"""Answers in a row out of the shape that worked before: one may be chance, two are a changed server."""
REFUSALS_TO_LEARN_FROM = frozenset({400, 422, 500, 501})
"""Statuses by which servers say that they do not take a field; 500 where they fall over it."""


async def create_client(
    hass: HomeAssistant, base_url: str, api_key: str | None
) -> openai.AsyncOpenAI:
    """Return a client on Home Assistant's own HTTP client; raise ValueError where the address is none."""
    address = Address.parse(base_url)
    client = openai.AsyncOpenAI(
        base_url=address.url,
        api_key=api_key or "none",  # servers in the house want none, the library does
        # Waiting is the limiter's business: a retry in here would send ageing pictures.
        max_retries=0,
        default_headers={"Authorization": address.authorization} if address.authorization else None,
        http_client=cast("Any", get_async_client(hass)),
    )
    await hass.async_add_executor_job(client.platform_headers)
    return client


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step[T]:
    """How far an answer has come."""

    fields: Mapping[str, object]
    value: T | None
    usage: Usage


class OpenAIProvider(Provider):
    """Answers chunks by a model behind OpenAI's API."""

    def __init__(
        self,
        *,
        client: openai.AsyncOpenAI,
        model: str,
        base_url: str,
        rung_store: RungStore,
        patience: Patience | None = None,
    ) -> None:
        """Contact nobody yet."""
        address = Address.parse(base_url)
        key = "" if client.api_key == "none" else client.api_key
        self._server = Server(
            host=address.host, model=model, secrets=(key, address.username, address.password)
        )
        self._client = client
        self._model = model
        self._address = address
        self._patience = patience or Patience()
        self._rungs = rung_store
        self._place = f"{model}@{address.url}"
        self._proven = known(rung_store, self._place)
        self._rung = self._proven or Rung.STRICT
        self._dialect = Dialect.of(address)
        self._prose = 0
        self.resends = 0
        """Requests sent again at once, because the answer was prose; their pictures travelled twice."""

    @property
    @override
    def name(self) -> str:
        """Return the model's name."""
        return self._model

    @property
    @override
    def heartbeats(self) -> bool:
        """Whether a request is free of charge: the server stands in the house."""
        return self._address.private

    @override
    async def analyse(self, chunk: Chunk) -> AsyncIterator[Partial]:
        """Yield the answer as it comes, the last partial final; raise ProviderError and nothing else."""
        names = chunk.schema.json_schema.get("properties")
        reading = Reading(
            names=frozenset(names if isinstance(names, Mapping) else ()),
            of_fields=prompt.analysis,
            of_text=prompt.plain,
        )
        asking = self._ask(Request.of(chunk), reading, within_s=self._patience.total_s)
        async with aclosing(asking) as steps:
            async for step in steps:
                yield Partial(fields=step.fields, analysis=step.value, usage=step.usage)

    async def models(self) -> list[str]:
        """Return the names of the server's models, empty where it has no list; raise ProviderError."""
        try:
            async with asyncio.timeout(self._patience.between_s):
                page = await self._client.models.list(timeout=self._timeout())
        except openai.NotFoundError:
            return []
        except BROKEN as error:
            raise self._server.fault(error, began=False) from None
        if not isinstance(page, AsyncPage):  # a web page comes as its text
            raise ProviderError(
                Fault.UNREACHABLE,
                f"{self._server.host} answers, but not as a model server: check the address",
                retryable=False,
            )
        names = {getattr(model, "id", None) for model in page.data or []}
        return sorted(name for name in names if isinstance(name, str))

    async def check(self) -> CheckResult:
        """Ask what is on a picture that only those who see can tell; raise ProviderError. Finds the rung, too."""
        sight = Sight.any()
        now = asyncio.get_running_loop().time
        jpeg = await asyncio.get_running_loop().run_in_executor(None, sight.paint)
        reading = Reading(
            names=frozenset(),
            of_fields=eyesight.answer_of_fields,
            of_text=eyesight.answer_of_text,
        )
        began_s = now()
        answer = ""
        for last in (False, True):
            asking = self._ask(
                eyesight.question(jpeg), reading, within_s=CONNECTION_TEST_S - (now() - began_s)
            )
            asked_s = now()
            try:
                async with aclosing(asking) as steps:
                    async for step in steps:
                        answer = step.value or ""
                break
            except ProviderError as error:
                # The first may only have shown that the model thinks, or that no shape can be agreed.
                if last or error.fault is not Fault.BAD_ANSWER:
                    raise
        return CheckResult(
            sees_pictures=sight.seen_in(answer), answer=answer, latency_s=now() - asked_s
        )

    async def _ask[T](
        self, request: Request, reading: Reading[T], *, within_s: float
    ) -> AsyncGenerator[_Step[T]]:
        """Send a request until its shape is agreed: refusals of a field cost a round trip, prose one resend."""
        until_s = asyncio.get_running_loop().time() + within_s
        rung, dialect, resent = self._rung, self._dialect, False
        spent: list[Usage] = []
        while True:
            answer = Answer(rung, reading, self._server)
            try:
                async with aclosing(self._open(request, rung, dialect, until_s)) as stream:
                    async for piece in stream:
                        if answer.feed(piece):
                            yield _Step(fields=dict(answer.told), value=None, usage=Usage())
                value = answer.finish()
            except NotAsAgreedError:
                lower = rung.after_prose
                self._note_prose(rung)
                if resent or lower is None or answer.told:
                    raise self._server.bad_answer("did not answer in the agreed shape") from None
                resent, rung = True, lower
                self.resends += 1
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
                yield _Step(fields=dict(answer.told), value=value, usage=_sum(spent))
                return

    def _open(
        self, request: Request, rung: Rung, dialect: Dialect, until_s: float
    ) -> AsyncGenerator[Piece]:
        """Return the pieces of one attempt."""
        body = request.render(model=self._model, rung=rung, dialect=dialect)
        # The body is data by now: what a server does not take is left out of it.
        create = cast("_Create", self._client.chat.completions.create)

        def opening() -> Awaitable[openai.AsyncStream[ChatCompletionChunk]]:
            return create(**body, timeout=self._timeout())

        return pieces(opening, patience=self._patience, until_s=until_s)

    def _timeout(self) -> openai.Timeout:
        """Return the transport's part of the patience; reading has its own, per stage."""
        connect_s = self._patience.connect_s
        return openai.Timeout(
            connect=connect_s, read=None, write=self._patience.between_s, pool=connect_s
        )

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
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
