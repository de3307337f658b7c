"""An answer's stream, piece by piece; the one place that knows how long to wait for each."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
import json
import time
from typing import Final

import httpx
import openai
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from ..pipeline.errors import NarratorError
from ..pipeline.request import Quota, Usage
from .quota import quota

type Opened = openai.AsyncStream[ChatCompletionChunk] | ChatCompletion
"""A stream, or the whole answer of a server that does not stream."""


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
    thought_tokens: int = 0
    """Of the usage: what was thought, shown or not."""
    refusal: str = ""
    finish: str | None = None
    usage: Usage | None = None
    quota: Quota | None = None
    """What the answer's headers say is left."""
    whole: bool = False
    """Whether the answer came in one piece."""

    @property
    def token(self) -> bool:
        """Whether the model has begun."""
        return bool(self.text or self.thought or self.refusal)


async def pieces(
    opening: Callable[[], Awaitable[Opened]],
    *,
    patience: Patience,
    until_s: float,
) -> AsyncGenerator[Piece]:
    """Open a stream and yield its pieces; raise what is in BROKEN, at the latest at ``until_s`` of the loop's clock."""
    now = asyncio.get_running_loop().time
    by_s = min(until_s, now() + patience.first_s)
    async with asyncio.timeout_at(by_s):
        stream = await opening()
    if isinstance(stream, ChatCompletion):
        yield _piece(stream, whole=True)
        return
    begun = finished = False
    try:
        kind = stream.response.headers.get("content-type", "")
        if "html" in kind:
            raise WebPageError
        left = quota(stream.response.headers, now_wall_s=time.time())
        if left is not None:
            yield Piece(quota=left)
        if "application/json" in kind:
            async with asyncio.timeout_at(until_s):
                body = await stream.response.aread()
            yield _piece(_answer(json.loads(body), stream), whole=True)
            return
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


def _answer(body: object, stream: openai.AsyncStream[ChatCompletionChunk]) -> object:
    """Return the answer of a server that was asked to stream and did not; raise what it says instead of one."""
    if isinstance(body, Mapping) and body.get("error"):
        request = stream.response.request
        raise openai.APIError("instead of an answer", request, body=body["error"])
    return body


def _piece(event: object, *, whole: bool = False) -> Piece:
    """Read an event leniently: the library does not validate what servers send."""
    counts = _of(event, "usage") or _of(_of(event, "x_groq"), "usage")
    usage, thought_tokens = _usage(counts)
    choices = _of(event, "choices")
    if not isinstance(choices, list) or not choices:
        return Piece(usage=usage, thought_tokens=thought_tokens)
    delta = _of(choices[0], "message" if whole else "delta")
    finish = _of(choices[0], "finish_reason")
    thought = _of(delta, "reasoning_content") or _of(delta, "reasoning")
    return Piece(
        text=_string(_of(delta, "content")),
        thought=bool(thought),
        thought_tokens=thought_tokens,
        refusal=_string(_of(delta, "refusal")),
        finish=finish if isinstance(finish, str) else None,
        usage=usage,
        whole=whole,
    )


def _of(thing: object, name: str) -> object:
    """Return a part of what is an object where the library knows it, and a mapping where it does not."""
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _usage(counts: object) -> tuple[Usage | None, int]:
    """Return what was counted, and how much of it was thought."""
    given, taken, total = (
        value if isinstance(value, int) else None
        for value in (_of(counts, f"{what}_tokens") for what in ("prompt", "completion", "total"))
    )
    if given is None and taken is None:
        return None, 0
    thought = _of(_of(counts, "completion_tokens_details"), "reasoning_tokens")
    hidden = thought if isinstance(thought, int) else 0
    if given is not None and taken is not None and total is not None and total > given + taken:
        # Google leaves thoughts out of the answer's tokens and charges for them.
        hidden = max(hidden, total - given - taken)
        taken = total - given
    return Usage(input_tokens=given, output_tokens=taken), hidden
