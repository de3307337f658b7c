"""What a model server can do, found out by asking it once: three small requests, and lists that cost nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, cast
from urllib.parse import urlsplit

import openai

from ..pipeline.errors import Fault, ProviderError
from ..pipeline.request import Usage
from .acquaintance import Acquaintance
from .eyesight import SIZE_PX, Sight
from .kinds import Row
from .server_facts import PictureTokens
from .stream import BROKEN, Patience

WIDE_PX: Final = (854, 480)
"""As a camera's pictures are sent if nobody says otherwise."""
SEVERAL: Final = 5
"""As many as a chunk has if nobody says otherwise."""
TRIES: Final = 4
"""Of the first question: an answer that thinks is asked again with the next way to switch that off."""
_CONTEXTS: Final = (
    "loaded_context_length",
    "context_length",
    "max_model_len",
    "context_window",
    "max_context_length",
)
"""Names under which servers tell what a model can hold, the one in use before the largest possible."""


class Stage(StrEnum):
    """What is asked, in this order."""

    ONE = "one"
    """A small picture: the shape of the answer, streaming, thinking."""
    WIDE = "wide"
    """A picture of the usual size: what it counts more."""
    SEVERAL = "several"
    """Small pictures at once: whether they are taken, and what each counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a stage has cost."""

    requests: int
    usage: Usage


type Look = Callable[[tuple[bytes, ...]], Awaitable[Usage]]
"""Shows pictures as they are and returns what that cost; raises ProviderError."""


class Probe:
    """Asks stage by stage; whoever runs it sees to limits and money between them."""

    def __init__(
        self,
        *,
        client: openai.AsyncOpenAI,
        acquaintance: Acquaintance,
        row: Row,
        model: str,
        url: str,
        look: Look,
        patience: Patience,
    ) -> None:
        """Contact nobody yet."""
        self._client = client
        self._acquaintance = acquaintance
        self._row = row
        self._model = model
        self._url = url
        self._look = look
        self._patience = patience
        self._counted: dict[Stage, int] = {}

    def pictures(self, stage: Stage) -> tuple[tuple[int, int], ...]:
        """Return the sizes of the pictures that a stage shows."""
        small = (SIZE_PX, SIZE_PX)
        match stage:
            case Stage.ONE:
                return (small,)
            case Stage.WIDE:
                return (WIDE_PX,)
            case Stage.SEVERAL:
                # Where all go on a sheet anyway, two tell what one costs.
                return (small,) * (2 if self._acquaintance.manner.arrangement.sheet else SEVERAL)

    async def ask(self, stage: Stage) -> Asked:
        """Ask one stage; raise ProviderError where the server brings no answer at all."""
        pictures = await asyncio.get_running_loop().run_in_executor(
            None, _painted, self.pictures(stage)
        )
        if stage is not Stage.ONE:
            return await self._compare(stage, pictures)
        requests = 0
        for tried in range(1, TRIES + 1):
            before = self._acquaintance.manner.dialect
            try:
                usage = await self._look(pictures)
            except ProviderError as error:
                # The first answer may only have shown that the model thinks, or that no shape can be agreed.
                if error.fault is not Fault.BAD_ANSWER or tried == TRIES:
                    raise
                requests += error.requests
                continue
            requests += usage.requests
            self._count(stage, usage)
            dialect = self._acquaintance.manner.dialect
            if dialect.quiet == before.quiet:
                break
        return Asked(requests=requests, usage=usage)

    async def finish(self, wall_s: float) -> None:
        """Ask the lists, which cost nothing, and remember all that was found."""
        context = await self._context()
        one, wide, several = (self._counted.get(stage) for stage in Stage)
        tokens, most = None, self._acquaintance.facts.pictures_most
        if one is not None and wide is not None and several is not None:
            shown = len(self.pictures(Stage.SEVERAL))
            small = round((several - one) / (shown - 1))
            if small > 0:
                tokens = PictureTokens(small=small, large=max(0, wide - one) + small)
            elif wide > one:
                most = 1  # it took several and read one
        self._acquaintance.found(
            picture_tokens=tokens,
            pictures_most=most,
            context_tokens=context or self._acquaintance.facts.context_tokens,
            probed_wall_s=wall_s,
        )

    async def _compare(self, stage: Stage, pictures: tuple[bytes, ...]) -> Asked:
        """Ask with other pictures; that a server does not take them is an answer, too."""
        try:
            usage = await self._look(pictures)
        except ProviderError as error:
            if error.fault not in {Fault.PICTURES_REJECTED, Fault.REFUSED, Fault.BAD_ANSWER}:
                raise
            known = self._acquaintance.facts.pictures_most is not None
            if (
                error.fault is Fault.PICTURES_REJECTED and stage is Stage.SEVERAL and not known
            ):  # one was taken before
                self._acquaintance.found(pictures_most=1)
            return Asked(requests=error.requests, usage=Usage())
        self._count(stage, usage)
        return Asked(requests=usage.requests, usage=usage)

    def _count(self, stage: Stage, usage: Usage) -> None:
        if usage.input_tokens is not None:
            self._counted[stage] = usage.input_tokens

    async def _context(self) -> int | None:
        """Return what the model can hold, None where the server does not say."""
        paths = ["/models"]
        if self._row.context_path:
            parts = urlsplit(self._url)
            paths.insert(0, f"{parts.scheme}://{parts.netloc}{self._row.context_path}")
        for path in paths:
            told: object = None
            try:
                async with asyncio.timeout(self._patience.between_s):
                    told = await self._client.get(
                        path,
                        cast_to=cast("Any", object),
                        options={"timeout": self._patience.transport},
                    )
            except BROKEN:
                continue
            if (found := context_tokens(told, self._model)) is not None:
                return found
        return None


def context_tokens(told: object, model: str) -> int | None:
    """Return what a model can hold, by what its server tells of itself or of its models."""
    match told:
        case {"default_generation_settings": {"n_ctx": int(tokens)}} if tokens > 0:
            return tokens
        case {"data": list(entries)} | {"models": list(entries)} | list(entries):
            for entry in entries:
                if isinstance(entry, Mapping) and _names(entry, model):
                    told_by = [entry.get(name) for name in _CONTEXTS]
                    return next((one for one in told_by if isinstance(one, int) and one > 0), None)
    return None


def _names(entry: Mapping[str, object], model: str) -> bool:
    return any(entry.get(name) in {model, f"models/{model}"} for name in ("id", "model", "name"))


def _painted(sizes: tuple[tuple[int, int], ...]) -> tuple[bytes, ...]:
    sight = Sight.any()
    return tuple(sight.paint(size) for size in sizes)
