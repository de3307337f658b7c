"""An answer's stream, piece by piece; the one place that knows how long to wait for each."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
import time
from typing import Final

import httpx
import openai
from openai.types.chat import ChatCompletionChunk

from ..pipeline.errors import NarratorError
from ..pipeline.request import Quota, Usage
from .quota import quota


class WebPageError(NarratorError):
    """A page came where a stream was asked for."""


BROKEN: Final = (
    openai.OpenAIError,
    httpx.HTTPError,
    httpx.StreamError,
    OSError,
    ValueError,
    WebPageError,
)
"""All that opening and reading a stream raises; transport errors come raw, TimeoutError is an OSError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait for each stage of an answer."""

    connect_s: float = 10.0
    """A server in reach accepts in milliseconds, over a mobile line in a few seconds."""
    first_s: float = 120.0
    """To the first token: a cold local model is loaded from disk first."""
    between_s: float = 30.0
    """Between tokens: longer than any model pauses once it speaks."""
    usage_s: float = 2.0
    """After the last token for the counts, which do not delay the words for long."""
    total_s: float = 180.0
    """By then newer pictures tell more."""

    @property
    def transport(self) -> openai.Timeout:
        """Return what the HTTP client watches over: all but reading, whose stages are watched here."""
        return openai.Timeout(
            connect=self.connect_s, read=None, write=self.between_s, pool=self.connect_s
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What one event of the stream brought."""

    text: str = ""
    thought: bool = False
    """Whether it is thinking that is told apart from the answer."""
    refusal: str = ""
    finish: str | None = None
    usage: Usage | None = None
    quota: Quota | None = None
    """What the answer's headers say is left."""

    @property
    def token(self) -> bool:
        """Whether the model has begun."""
        return bool(self.text or self.thought or self.refusal)


async def pieces(
    opening: Callable[[], Awaitable[openai.AsyncStream[ChatCompletionChunk]]],
    *,
    patience: Patience,
    until_s: float,
) -> AsyncGenerator[Piece]:
    """Open a stream and yield its pieces; raise what is in BROKEN, at the latest at ``until_s`` of the loop's clock."""
    now = asyncio.get_running_loop().time
    by_s = min(until_s, now() + patience.first_s)
    async with asyncio.timeout_at(by_s):
        stream = await opening()
    begun = finished = False
    try:
        if "html" in stream.response.headers.get("content-type", ""):
            raise WebPageError
        left = quota(stream.response.headers, now_wall_s=time.time())
        if left is not None:
            yield Piece(quota=left)
        events = aiter(stream)
        while True:
            try:
                async with asyncio.timeout_at(by_s):
                    event = await anext(events)
            except StopAsyncIteration:
                return
            except BROKEN:
                if finished:  # only the counts are missing
                    return
                raise
            piece = _piece(event)
            yield piece
            begun = begun or piece.token
            finished = finished or piece.finish is not None
            if begun or finished:
                wait_s = patience.usage_s if finished else patience.between_s
                by_s = min(until_s, now() + wait_s)
    finally:
        with suppress(*BROKEN):
            await stream.close()


def _piece(event: object) -> Piece:
    """Read an event leniently: the library does not validate what servers send."""
    usage = _usage(getattr(event, "usage", None))
    choices = getattr(event, "choices", None)
    if not isinstance(choices, list) or not choices:
        return Piece(usage=usage)
    delta = getattr(choices[0], "delta", None)
    finish = getattr(choices[0], "finish_reason", None)
    thought = getattr(delta, "reasoning_content", None) or getattr(delta, "reasoning", None)
    return Piece(
        text=_string(getattr(delta, "content", None)),
        thought=bool(thought),
        refusal=_string(getattr(delta, "refusal", None)),
        finish=finish if isinstance(finish, str) else None,
        usage=usage,
    )


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _usage(value: object) -> Usage | None:
    given = getattr(value, "prompt_tokens", None)
    taken = getattr(value, "completion_tokens", None)
    if not isinstance(given, int) and not isinstance(taken, int):
        return None
    return Usage(
        input_tokens=given if isinstance(given, int) else None,
        output_tokens=taken if isinstance(taken, int) else None,
    )
