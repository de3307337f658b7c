"""The provider of a rehearsal: renders chunks as the product does, and has the scripted model read them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, override

from custom_components.camera_narrator.pipeline import answered
from custom_components.camera_narrator.pipeline.errors import Fault, ProviderError
from custom_components.camera_narrator.pipeline.opening import sentence
from custom_components.camera_narrator.pipeline.partial_json import PartialObject
from custom_components.camera_narrator.pipeline.provider import Provider
from custom_components.camera_narrator.pipeline.request import Chunk, Partial, Usage
from custom_components.camera_narrator.pipeline.vocabulary import Look
from custom_components.camera_narrator.providers.dialect import Dialect
from custom_components.camera_narrator.providers.kinds import ROWS, Kind
from custom_components.camera_narrator.providers.ladder import Rung
from custom_components.camera_narrator.providers.request import Request
from custom_components.camera_narrator.providers.server_facts import ServerFacts
from rigs.model_request import CHARACTERS_PER_TOKEN, ModelRequest
from rigs.rehearsal.model import Model, Refused

_DIALECT: Final = Dialect.of(ROWS[Kind.OTHER], ServerFacts())
"""Of a server that nobody knows more of."""


@dataclass(slots=True, kw_only=True)
class Asked:
    """One request as its camera made it."""

    camera: str
    look: Look
    at_s: float
    newest_captured_s: float
    request: ModelRequest | None = None
    first_field_s: float | None = None
    answered_s: float | None = None
    """When the last word was there; None where no answer came to its end."""


class Oracle(Provider):
    """Asks the scripted model for all cameras of a hub."""

    def __init__(self, model: Model) -> None:
        """Ask nothing yet."""
        self.asked: list[Asked] = []
        self._model = model

    @property
    @override
    def name(self) -> str:
        return "oracle"

    @property
    @override
    def heartbeats(self) -> bool:
        return False

    @property
    @override
    def names_subjects(self) -> bool:
        return True

    @override
    async def analyse(self, chunk: Chunk) -> AsyncIterator[Partial]:
        body = Request.of(chunk).render(model="oracle", rung=Rung.STRICT, dialect=_DIALECT)
        now: Callable[[], float] = asyncio.get_running_loop().time
        asked = Asked(
            camera=chunk.camera,
            look=chunk.look,
            at_s=now(),
            newest_captured_s=chunk.frames[-1].captured_s,
        )
        self.asked.append(asked)
        told = PartialObject(inner=answered.STORY)
        fields: dict[str, object] = {}
        try:
            async with aclosing(self._model.complete(body)) as answer:
                async for request, delta in answer:
                    asked.request = request
                    known = told.feed(delta)
                    begun = sentence(known, told.coming("narrative"))
                    if len(known) > len(fields) or begun:
                        fields = known
                        asked.first_field_s = asked.first_field_s or now()
                        yield Partial(fields=fields, sentence=begun)
        except Refused as error:
            raise ProviderError(
                Fault.RATE_LIMITED, str(error), retryable=True, retry_after_s=error.retry_after_s
            ) from None
        asked.answered_s = now()
        yield Partial(fields=fields, analysis=answered.analysis(fields), usage=_used(asked.request))


def _used(request: ModelRequest | None) -> Usage:
    if request is None:
        return Usage()
    return Usage(
        input_tokens=request.estimated_tokens,
        output_tokens=len(request.answer) // CHARACTERS_PER_TOKEN + 1,
    )
