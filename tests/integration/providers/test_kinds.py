"""Each kind of model server, with its peculiarities played: asked well at once, found out once, and remembered."""

from dataclasses import dataclass

from homeassistant.core import HomeAssistant
import pytest

from custom_components.camera_narrator.providers.kinds import ROWS, Kind
from custom_components.camera_narrator.providers.ladder import Rung
from custom_components.camera_narrator.providers.openai import OpenAIProvider
from custom_components.camera_narrator.providers.probe import Asked, Stage, context_tokens
from custom_components.camera_narrator.providers.server_facts import (
    Facts,
    PictureTokens,
    ServerFacts,
)
from rigs.model_manners import MANNERS
from rigs.model_server import ModelServer
from tests.integration.providers.scripted import ask, provider

BY_SIZE = PictureTokens(small=64, large=27 * 15)
EFFORT_NONE = {"reasoning_effort": "none"}
BY_TEMPLATE = {"chat_template_kwargs": {"enable_thinking": False}}


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What is to be found out of one kind."""

    facts: ServerFacts
    pictures: int = 2
    """Of two, as they arrive."""
    tries: int = 1
    """Requests that the first chunk takes."""


def facts(**known: object) -> ServerFacts:
    return ServerFacts.read(
        {
            "rung": "json_schema_strict",
            "limit": "max_tokens",
            "streams": True,
            "picture_tokens": [BY_SIZE.small, BY_SIZE.large],
            "probed_wall_s": 7.0,
            **known,
        }
    )


EXPECTED = {
    Kind.OPENAI: Expected(
        facts=facts(limit="max_completion_tokens", quiet={"reasoning_effort": "minimal"})
    ),
    Kind.GEMINI: Expected(facts=facts(quiet=EFFORT_NONE, picture_tokens=[1100, 1100]), pictures=1),
    Kind.ANTHROPIC: Expected(facts=facts(rung="json_object")),
    Kind.MISTRAL: Expected(facts=facts(context_tokens=131072)),
    Kind.XAI: Expected(facts=facts(limit="max_completion_tokens", thinks=True, quiet={})),
    Kind.GROQ: Expected(
        facts=facts(
            rung="json_schema",
            limit="max_completion_tokens",
            quiet=EFFORT_NONE,
            context_tokens=32768,
        )
    ),
    Kind.OPENROUTER: Expected(
        facts=facts(quiet={"reasoning": {"enabled": False}}, context_tokens=1048576)
    ),
    Kind.OLLAMA: Expected(
        facts=facts(quiet=EFFORT_NONE, pictures_most=1, picture_tokens=None, context_tokens=4096)
    ),
    Kind.LM_STUDIO: Expected(facts=facts(quiet=BY_TEMPLATE, context_tokens=8192)),
    Kind.LLAMA_CPP: Expected(facts=facts(quiet=BY_TEMPLATE, context_tokens=16384)),
    Kind.VLLM: Expected(
        facts=facts(quiet=BY_TEMPLATE, pictures_most=1, picture_tokens=None, context_tokens=32768),
        tries=2,
    ),
    Kind.OTHER: Expected(facts=facts(streams=False)),
}


async def found_out(of: OpenAIProvider) -> list[Asked]:
    """Probe as a hub does."""
    probe = of.probe()
    asked = [await probe.ask(stage) for stage in Stage]
    await probe.finish(7.0)
    return asked


@pytest.mark.parametrize("kind", list(Kind))
async def test_a_kind_of_server(hass: HomeAssistant, server: ModelServer, kind: Kind) -> None:
    """Its row is right at the first request, the probe finds the rest, and then nothing is refused and nobody thinks."""
    expected = EXPECTED[kind]
    server.manners = MANNERS[kind]
    store = Facts()
    asked = await provider(hass, server.base_url, kind=kind, facts=store)
    last = (await ask(asked))[-1]
    assert last.final
    assert last.usage.input_tokens, "what it costs is known, whatever form the counts have"
    assert len(server.requests) == expected.tries

    await found_out(asked)
    assert asked.facts == expected.facts

    before = len(server.requests)
    again = await provider(hass, server.base_url, kind=kind, facts=store)
    assert (await ask(again))[-1].final
    (request,) = server.requests[before:]
    assert request.outcome == "answered"
    shown = 1 if expected.facts.pictures_most == 1 else expected.pictures
    assert len(request.pictures) == shown
    thinks = MANNERS[kind].thinking.value != "none" and expected.facts.thinks
    assert (request.max_tokens or 0) > 2000 if thinks else (request.max_tokens or 0) < 600


@pytest.mark.parametrize("kind", [kind for kind in Kind if ROWS[kind].quiet])
async def test_thoughts_are_never_told(
    hass: HomeAssistant, server: ModelServer, kind: Kind
) -> None:
    """In a field or between tags: neither the words nor a partial answer hold any of it."""
    server.manners = MANNERS[kind]
    partials = await ask(await provider(hass, server.base_url, kind=kind))
    assert not [one for one in partials if "Let me think" in str(one)]


async def test_what_a_server_contradicts_is_asked_anew(
    hass: HomeAssistant, server: ModelServer
) -> None:
    """A server that takes less than it did is corrected at once, and is to be probed again."""
    server.manners = MANNERS["lm_studio"]
    asked = await provider(hass, server.base_url)
    await ask(asked)
    await found_out(asked)
    assert asked.facts.probed_wall_s is not None
    server.manners = MANNERS["vllm"]
    assert (await ask(asked))[-1].final
    assert asked.facts.pictures_most == 1
    assert asked.facts.probed_wall_s is None


async def test_another_model_is_another_server(hass: HomeAssistant, server: ModelServer) -> None:
    """What is known of one model says nothing of another, nor of the same elsewhere."""
    server.models = ("scripted", "other")
    store = Facts()
    asked = await provider(hass, server.base_url, facts=store)
    await ask(asked)
    await found_out(asked)
    other = await provider(hass, server.base_url, model="other", facts=store)
    assert (other.facts, asked.facts.rung) == (ServerFacts(), Rung.STRICT)


async def test_what_the_probe_costs_is_told(hass: HomeAssistant, server: ModelServer) -> None:
    """Every request of it, those that a thinking model took too, so that limits and money can count them."""
    server.manners = MANNERS["gemini"]
    asked = await found_out(await provider(hass, server.base_url, kind=Kind.GEMINI))
    assert sum(one.requests for one in asked) == len(server.requests)
    assert [(one.usage.input_tokens or 0) > 1100 for one in asked] == [True, True, True]


@pytest.mark.parametrize(
    ("told", "tokens"),
    [
        ({"default_generation_settings": {"n_ctx": 4096}}, 4096),
        ({"data": [{"id": "b", "max_model_len": 1}, {"id": "a", "max_model_len": 9}]}, 9),
        ({"models": [{"model": "a", "context_length": 5}]}, 5),
        ([{"id": "models/a", "context_window": 6}], 6),
        ({"data": [{"id": "a"}]}, None),
        ({"data": [{"id": "a", "context_length": "many"}]}, None),
        ("<html>", None),
        (None, None),
    ],
)
def test_lists_tell_the_context(told: object, tokens: int | None) -> None:
    """Under the names that servers use, of this model alone."""
    assert context_tokens(told, "a") == tokens
