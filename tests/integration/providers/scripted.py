"""Servers that say what a test tells them to, a chunk to ask about, and a provider that asks."""

from io import BytesIO
import json
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from homeassistant.core import HomeAssistant
from PIL import Image
import pytest

from custom_components.camera_narrator.pipeline import prompt
from custom_components.camera_narrator.pipeline.errors import Fault, ProviderError
from custom_components.camera_narrator.pipeline.models import Frame, Span
from custom_components.camera_narrator.pipeline.request import (
    CacheBreakpoint,
    Chunk,
    Partial,
    Picture,
    Text,
)
from custom_components.camera_narrator.pipeline.vocabulary import Look
from custom_components.camera_narrator.providers.openai import OpenAIProvider, create_client
from custom_components.camera_narrator.providers.server_facts import Facts, FactStore
from custom_components.camera_narrator.providers.stream import Patience

KEY = "very-secret-key-4711-abcdef"
QUICK = Patience(connect_s=5.0, first_s=0.3, between_s=0.3, usage_s=0.2, total_s=10.0)
"""Short enough to wait for, in the tests that wait for silence."""
PATIENT = Patience(first_s=30.0)
ANSWER = {
    "changed": True,
    "subject": True,
    "labels": ["person"],
    "narrative": "A person comes up the path.",
    "visible_text": "",
}
WORDS = json.dumps(ANSWER)
HALVES = (WORDS[:20], WORDS[20:])
"""The first brings one field."""
BAD, REFUSED = Fault.BAD_ANSWER, Fault.REFUSED


def jpeg() -> bytes:
    file = BytesIO()
    Image.new("RGB", (64, 48), "grey").save(file, "JPEG")
    return file.getvalue()


def chunk(look: Look = Look.ONSET) -> Chunk:
    frames = tuple(
        Frame(
            camera="yard",
            epoch="e",
            sequence=number,
            captured_s=float(number),
            captured_wall_s=float(number),
            received_s=float(number),
            width=64,
            height=48,
            jpeg=jpeg(),
        )
        for number in range(2)
    )
    return Chunk(
        camera="yard",
        title="Yard",
        look=look,
        frames=frames,
        system=prompt.SYSTEM,
        parts=(
            Text(text="before"),
            CacheBreakpoint(),
            Picture(index=0),
            Text(text="between"),
            Picture(index=1),
        ),
        schema=prompt.schema(look),
        span=Span(from_s=0.0, to_s=1.0, from_wall_s=0.0, to_wall_s=1.0),
    )


async def provider(
    hass: HomeAssistant,
    base_url: str,
    *,
    model: str = "scripted",
    key: str = KEY,
    patience: Patience = PATIENT,
    facts: FactStore | None = None,
    kind: str | None = None,
) -> OpenAIProvider:
    return OpenAIProvider(
        client=await create_client(hass, base_url, key),
        model=model,
        base_url=base_url,
        facts=Facts() if facts is None else facts,
        kind=kind,
        patience=patience,
    )


async def ask(of: OpenAIProvider, what: Chunk | None = None) -> list[Partial]:
    return [partial async for partial in of.analyse(what or chunk())]


async def failure(of: OpenAIProvider, told: list[Partial] | None = None) -> ProviderError:
    """Return what an answer ends with; what it told before goes to `told`."""
    try:
        async for partial in of.analyse(chunk()):
            if told is not None:
                told.append(partial)
    except ProviderError as error:
        return error
    pytest.fail("the provider answered")


def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return f"data: {json.dumps({'id': 'x', 'choices': [choice]})}\n\n".encode()


def spoken(*deltas: dict[str, Any], finish: str | None = "stop") -> list[bytes]:
    end = [event({}, finish)] if finish else []
    return [*(event(delta) for delta in deltas), *end]


def words(*texts: str, finish: str | None = "stop") -> list[bytes]:
    return spoken(*({"content": text} for text in texts), finish=finish)


class Raw:
    """A server whose answers are bytes; keeps the bodies it got."""

    def __init__(
        self, *replies: web.Response | list[bytes], headers: dict[str, str] | None = None
    ) -> None:
        self.replies = list(replies)
        self.told = {"Content-Type": "text/event-stream", **(headers or {})}
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._complete)
        self._server = TestServer(app)

    async def __aenter__(self) -> str:
        await self._server.start_server()
        return str(self._server.make_url("/v1"))

    async def __aexit__(self, *_: object) -> None:
        await self._server.close()

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.json())
        self.headers.append(dict(request.headers))
        reply = self.replies.pop(0)
        if isinstance(reply, web.Response):
            return reply
        response = web.StreamResponse(headers=self.told)
        await response.prepare(request)
        for piece in reply:
            await response.write(piece)
        return response


def refusal(
    status: int, message: str, headers: dict[str, str] | None = None, **more: object
) -> web.Response:
    body = {"error": {"message": message, **more}}
    return web.json_response(body, status=status, headers=headers)
