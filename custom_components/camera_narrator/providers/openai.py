"""Any server with OpenAI's chat completions API: one request a chunk, its answer streamed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any, cast, override

from homeassistant.core import HomeAssistant
from homeassistant.helpers.httpx_client import get_async_client
import openai

# The client imports this at first use, which would block the event loop for seconds.
import openai.resources.chat.completions

from ..const import CONNECTION_TEST_S
from ..pipeline import answered
from ..pipeline.errors import Fault, ProviderError
from ..pipeline.opening import sentence
from ..pipeline.provider import Provider
from ..pipeline.request import Analysis, Chunk, Partial, Usage
from . import eyesight
from .acquaintance import Acquaintance
from .address import Address
from .answer import Reading
from .dialogue import Dialogue
from .eyesight import CheckResult, Sight
from .faults import Server
from .kinds import ROWS, chosen
from .probe import Probe
from .request import Request
from .server_facts import FactStore, ServerFacts
from .stream import BROKEN, Patience

NO_KEY = "none"
"""Servers in the house want no key, the client library insists on one."""


async def create_client(
    hass: HomeAssistant, base_url: str, api_key: str | None
) -> openai.AsyncOpenAI:
    """Return a client on Home Assistant's own HTTP client; raise ValueError where the address is none."""
    address = Address.parse(base_url)
    client = openai.AsyncOpenAI(
        base_url=address.url,
        api_key=api_key or NO_KEY,
        # Waiting is the limiter's business: a retry in here would send ageing pictures.
        max_retries=0,
        default_headers={"Authorization": address.authorization} if address.authorization else None,
        http_client=cast("Any", get_async_client(hass)),
    )
    await hass.async_add_executor_job(client.platform_headers)
    return client


class OpenAIProvider(Provider):
    """Answers chunks by a model behind OpenAI's API."""

    def __init__(
        self,
        *,
        client: openai.AsyncOpenAI,
        model: str,
        base_url: str,
        facts: FactStore,
        kind: str | None = None,
        patience: Patience | None = None,
    ) -> None:
        """Contact nobody yet."""
        address = Address.parse(base_url)
        key = "" if client.api_key == NO_KEY else client.api_key
        self._client = client
        self._address = address
        self._patience = patience or Patience()
        self._sent: Callable[[int], None] = lambda _: None
        self._server = Server(
            host=address.host, model=model, secrets=(key, address.username, address.password)
        )
        self._row = ROWS[chosen(address, kind)]
        self._acquaintance = Acquaintance(row=self._row, model=model, url=address.url, store=facts)
        self._dialogue = Dialogue(
            client=client,
            server=self._server,
            acquaintance=self._acquaintance,
            patience=self._patience,
        )

    @property
    @override
    def name(self) -> str:
        """Return the model's name."""
        return self._server.model

    @property
    @override
    def heartbeats(self) -> bool:
        """Whether a request is free of charge: the server stands in the house."""
        return self._address.private

    @override
    def count_pictures(self, sent: Callable[[int], None]) -> None:
        """Call ``sent`` with the number of pictures each time that some go to the server."""
        self._sent = sent

    @property
    @override
    def names_subjects(self) -> bool:
        """Whether an answer has fields: a server that knows only plain words names nothing."""
        return self._dialogue.has_fields

    @property
    def facts(self) -> ServerFacts:
        """Return what is known of the server."""
        return self._acquaintance.facts

    def probe(self) -> Probe:
        """Return what finds out more of it."""

        async def look(pictures: tuple[bytes, ...]) -> Usage:
            until_s = asyncio.get_running_loop().time() + CONNECTION_TEST_S
            return (await self._look_at(*pictures, until_s=until_s))[1]

        return Probe(
            client=self._client,
            acquaintance=self._acquaintance,
            row=self._row,
            model=self._server.model,
            url=self._address.url,
            look=look,
            patience=self._patience,
        )

    @override
    async def analyse(self, chunk: Chunk) -> AsyncIterator[Partial]:
        """Yield the answer as it comes, the last partial final; raise ProviderError and nothing else."""
        reading = Reading(
            names=answered.FIELDS,
            sentence=sentence,
            of_fields=answered.analysis,
            of_unasked=_without_claims,
            of_text=answered.plain,
        )
        requests = 0

        def leaves() -> None:
            nonlocal requests
            requests += 1
            self._sent(len(chunk.frames))

        asking = self._dialogue.ask(
            Request.of(chunk),
            reading,
            within_s=self._patience.total_s,
            leaves=leaves,
        )
        try:
            async with aclosing(asking) as steps:
                async for step in steps:
                    yield Partial(
                        fields=step.fields,
                        sentence=step.sentence,
                        analysis=step.value,
                        usage=replace(step.usage, requests=requests),
                        quota=step.quota,
                    )
        except ProviderError as error:
            error.requests = requests
            raise

    async def models(self) -> list[str]:
        """Return the names of the server's models, empty where it has no list; raise ProviderError."""
        try:
            async with asyncio.timeout(self._patience.between_s):
                listed: object = await self._client.get(
                    "/models", cast_to=object, options={"timeout": self._patience.transport}
                )
        except openai.NotFoundError:
            return []
        except BROKEN as error:
            raise self._server.fault(error, began=False) from None
        match listed:
            case {"data": list(entries)} | list(entries):
                names = {entry.get("id") for entry in entries if isinstance(entry, Mapping)}
                return sorted(name for name in names if isinstance(name, str))
            case Mapping():
                return []
            case _:  # a web page comes as its text
                raise ProviderError(
                    Fault.UNREACHABLE,
                    f"{self._server.host} answers, but not as a model server: check the address",
                    retryable=False,
                )

    async def check(self) -> CheckResult:
        """Ask what is on a picture that only those who see can tell; raise ProviderError. Finds the rung, too."""
        sight = Sight.any()
        loop = asyncio.get_running_loop()
        jpeg = await loop.run_in_executor(None, sight.paint)
        until_s = loop.time() + CONNECTION_TEST_S
        asked_s = loop.time()
        try:
            answer, _ = await self._look_at(jpeg, until_s=until_s)
        except ProviderError as error:
            # The first answer may only have shown that the model thinks, or that no shape can be agreed.
            if error.fault is not Fault.BAD_ANSWER:
                raise
            asked_s = loop.time()
            answer, _ = await self._look_at(jpeg, until_s=until_s)
        return CheckResult(
            sees_pictures=sight.seen_in(answer), answer=answer, latency_s=loop.time() - asked_s
        )

    async def _look_at(self, *jpegs: bytes, until_s: float) -> tuple[str, Usage]:
        """Return the model's words on test pictures, and what they cost."""
        reading = Reading(
            names=frozenset(),
            sentence=lambda _fields, _coming: "",
            of_fields=eyesight.answer_of_fields,
            of_unasked=eyesight.answer_of_fields,
            of_text=eyesight.answer_of_text,
        )
        within_s = until_s - asyncio.get_running_loop().time()
        answer, usage = "", Usage()
        asking = self._dialogue.ask(eyesight.question(*jpegs), reading, within_s=within_s)
        async with aclosing(asking) as steps:
            async for step in steps:
                answer, usage = step.value or answer, step.usage
        return answer, usage


def _without_claims(fields: Mapping[str, object]) -> Analysis:
    """Read an object nobody agreed on: its words count, its labels do not."""
    return replace(answered.analysis(fields), subject=None, labels=frozenset(), rules={})
