"""The provider `openai`: what it sends, what it tells, and how its server is tried out."""

import json

from aiohttp import web
from aiohttp.test_utils import TestServer
from homeassistant import block_async_io
from homeassistant.core import HomeAssistant
import pytest

from custom_components.camera_narrator.pipeline import prompt
from custom_components.camera_narrator.pipeline.errors import Fault, ProviderError
from custom_components.camera_narrator.pipeline.vocabulary import Label, Look
from custom_components.camera_narrator.providers.builtin import BuiltinProvider
from custom_components.camera_narrator.providers.server_facts import Facts
from custom_components.camera_narrator.providers.table import create, create_openai
from rigs.model_answer import Pace
from rigs.model_faults import Fault as Scripted, FaultKind
from rigs.model_server import ModelServer
from tests.integration.providers.scripted import (
    BAD,
    KEY,
    WORDS,
    Raw,
    ask,
    chunk,
    provider,
    words,
)


async def test_streams_fields_in_order_then_the_analysis(
    hass: HomeAssistant, server: ModelServer
) -> None:
    """Each field is told once it is complete, and the last partial carries analysis and usage."""
    partials = await ask(await provider(hass, server.base_url))
    fields = ["changed", "subject", "labels", "narrative", "visible_text", "here", "gone", "wrong"]
    assert [list(partial.fields) for partial in partials] == [
        *(fields[:told] for told in range(1, len(fields) + 1)),
        fields,
    ]
    assert [partial.final for partial in partials] == [False] * len(fields) + [True]
    analysis = partials[-1].analysis
    assert analysis is not None
    assert analysis.narrative == "2 pictures without a code."
    assert analysis.labels == {Label.PERSON}
    assert partials[-1].usage.input_tokens is not None
    assert partials[-1].usage.output_tokens is not None


async def test_words_that_are_whole_outlast_the_limit_of_tokens(hass: HomeAssistant) -> None:
    """An answer cut where it lists who is there has said what happens; the list counts for nothing."""
    story = {"narrative": "A person waits.", "visible_text": "", "here": [{"subject": "person"}]}
    whole = json.dumps({"changed": True, "subject": True, "labels": ["person"], "story": story})
    async with Raw(words(whole[:-8], finish="length")) as base_url:
        partials = await ask(await provider(hass, base_url))
    analysis = partials[-1].analysis
    assert analysis is not None
    assert (analysis.narrative, analysis.labels) == ("A person waits.", {Label.PERSON})
    assert analysis.claims is None
    async with Raw(words(whole[:-8])) as base_url:
        with pytest.raises(ProviderError):
            await ask(await provider(hass, base_url))


async def test_renders_parts_in_order(hass: HomeAssistant) -> None:
    """The system text stands first, then text and JPEG data URIs as in the chunk, and nothing only OpenAI knows."""
    raw = Raw(words(WORDS))
    async with raw as base_url:
        await ask(await provider(hass, base_url))
    body = raw.bodies[0]
    assert body["messages"][0] == {"role": "system", "content": prompt.SYSTEM}
    content = body["messages"][1]["content"]
    assert [part["type"] for part in content] == ["text", "image_url", "text", "image_url"]
    assert content[0]["text"] == "before"
    assert content[1]["image_url"].keys() == {"url"}
    assert content[1]["image_url"]["url"].startswith("data:image/jpeg;base64,/9j/")
    assert body["max_tokens"] == 250
    assert body["stream_options"] == {"include_usage": True}
    assert body["response_format"]["json_schema"]["strict"] is True
    assert not {"prompt_cache_key", "max_completion_tokens", "reasoning_effort"} & body.keys()
    assert raw.headers[0]["Authorization"] == f"Bearer {KEY}"


async def test_credentials_of_the_address_become_a_header(hass: HomeAssistant) -> None:
    """A reverse proxy's user and password go as basic authorization, and into no URL that could be logged."""
    raw = Raw(words(WORDS))
    async with raw as base_url:
        asked = await provider(hass, base_url.replace("//", "//ann:pass-word@"))
        await ask(asked)
    assert raw.headers[0]["Authorization"].startswith("Basic ")


async def test_a_free_server_gets_heartbeats(hass: HomeAssistant) -> None:
    """Only a server in the house is asked without any activity."""
    for base_url, free in {
        "http://127.0.0.1:1/v1": True,
        "http://192.168.1.20:11434": True,
        "http://[fd00::1]/v1": True,
        "http://ollama:11434/v1": True,
        "http://gpu.local/v1": True,
        "http://gpu.lan/v1": True,
        "https://api.openai.com/v1": False,
        "https://8.8.8.8/v1": False,
        "https://local.example.com/v1": False,
    }.items():
        assert (await provider(hass, base_url)).heartbeats is free, base_url


async def test_factories(hass: HomeAssistant, server: ModelServer) -> None:
    """The table makes either kind from a hub's data, contacting nobody."""
    data = {"provider": "openai", "base_url": server.base_url, "api_key": KEY, "model": "scripted"}
    made = await create(hass, data)
    assert made.name == "scripted"
    assert isinstance(await create(hass, {"provider": "builtin"}), BuiltinProvider)
    assert server.requests == []
    assert (await ask(await create_openai(hass, data, Facts())))[-1].final


async def test_closing_the_answer_cancels_the_request(
    hass: HomeAssistant, server: ModelServer
) -> None:
    """Whoever is not interested any more stops the model, so that a heartbeat can give way."""
    server.pace = Pace(token_s=0.2)
    answers = (await provider(hass, server.base_url)).analyse(chunk(Look.HEARTBEAT))
    assert not (await anext(answers)).final
    await answers.aclose()
    assert [request.outcome for request in await server.wait_for(1)] == ["cancelled"]


async def test_nothing_blocks_the_loop(
    hass: HomeAssistant,
    server: ModelServer,
    caplog: pytest.LogCaptureFixture,
    disable_block_async_io: None,
) -> None:
    """Client, list, check and request stay clear of what Home Assistant watches for, and keep the key to themselves."""
    caplog.set_level("DEBUG")
    block_async_io.enable()
    asked = await provider(hass, server.base_url)
    assert await asked.models() == ["scripted"]
    assert (await asked.check()).sees_pictures
    assert (await ask(asked))[-1].final
    assert "Detected blocking call" not in caplog.text
    assert KEY not in caplog.text


async def test_lists_models(hass: HomeAssistant, server: ModelServer) -> None:
    """The names come sorted; a refused key is told; a server without a list has an empty one."""
    server.models = ("zeta", "alpha")
    assert await (await provider(hass, server.base_url)).models() == ["alpha", "zeta"]
    with pytest.raises(ProviderError) as caught:
        await (await provider(hass, server.base_url, key="wrong")).models()
    assert caught.value.fault is Fault.UNAUTHORIZED
    async with Raw() as base_url:
        assert await (await provider(hass, base_url)).models() == []


async def test_a_web_page_is_no_list(hass: HomeAssistant) -> None:
    """The address of something else altogether is told as unreachable."""

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="<html>Hello</html>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/v1/models", page)
    async with TestServer(app) as other:
        with pytest.raises(ProviderError) as caught:
            await (await provider(hass, str(other.make_url("/v1")))).models()
    assert caught.value.fault is Fault.UNREACHABLE


async def test_check_tells_who_sees(hass: HomeAssistant, server: ModelServer) -> None:
    """Only the right colour and shape of a random picture count, and the rung is known afterwards."""
    server.script.add(Scripted(kind=FaultKind.REJECT_STRICT, times=None))
    store = Facts()
    asked = await provider(hass, server.base_url, facts=store)
    seen = await asked.check()
    assert seen.sees_pictures
    assert seen.answer
    assert seen.latency_s > 0
    assert (store.get(f"scripted@{server.base_url}") or {})["rung"] == "json_schema"
    server.script.add(Scripted(kind=FaultKind.LIE))
    blind = await asked.check()
    assert not blind.sees_pictures
    assert blind.answer


@pytest.mark.parametrize(
    ("kind", "fault"),
    [(FaultKind.REJECT_PICTURES, Fault.PICTURES_REJECTED), (FaultKind.EMPTY, BAD)],
)
async def test_check_raises_what_is_wrong(
    hass: HomeAssistant, server: ModelServer, kind: FaultKind, fault: Fault
) -> None:
    """A server that cannot be used says why."""
    server.script.add(Scripted(kind=kind, times=None))
    with pytest.raises(ProviderError) as caught:
        await (await provider(hass, server.base_url)).check()
    assert caught.value.fault is fault


async def test_check_gives_a_second_chance(hass: HomeAssistant, server: ModelServer) -> None:
    """A model that thought without answering is asked again with room to think."""
    server.script.add(Scripted(kind=FaultKind.REASONING_ONLY))
    assert (await (await provider(hass, server.base_url)).check()).sees_pictures
    assert len(server.requests) == 2


async def test_check_knows_an_unknown_model(hass: HomeAssistant, server: ModelServer) -> None:
    """A mistyped model name is told as such, not as a bad address."""
    with pytest.raises(ProviderError) as caught:
        await (await provider(hass, server.base_url, model="typo")).check()
    assert caught.value.fault is Fault.MODEL_UNKNOWN
