"""How the provider `openai` finds out what a server takes, and understands what it sends."""

from aiohttp import web
from homeassistant.core import HomeAssistant
import pytest

from custom_components.camera_narrator.providers.server_facts import Facts
from rigs.model_faults import Fault as Scripted, FaultKind
from rigs.model_server import ModelServer
from tests.integration.providers.scripted import (
    ANSWER,
    BAD,
    HALVES,
    WORDS,
    Raw,
    ask,
    failure,
    provider,
    refusal,
    spoken,
    words,
)


@pytest.mark.parametrize(
    ("refused", "rungs"),
    [
        ([FaultKind.REJECT_STRICT], ["json_schema strict", "json_schema"]),
        ([FaultKind.REJECT_JSON_SCHEMA], ["json_schema strict", "json_schema", "json_object"]),
        (
            [FaultKind.REJECT_JSON_SCHEMA, FaultKind.REJECT_JSON_OBJECT],
            ["json_schema strict", "json_schema", "json_object", "text"],
        ),
    ],
)
async def test_steps_down_where_a_shape_is_refused(
    hass: HomeAssistant, server: ModelServer, refused: list[FaultKind], rungs: list[str]
) -> None:
    """A refused shape costs a round trip within the same call, once, also for providers made later."""
    server.script.add(*(Scripted(kind=kind, times=None) for kind in refused))
    store = Facts()
    asked = await provider(hass, server.base_url, facts=store)
    assert (await ask(asked))[-1].final
    assert [request.rung for request in server.requests] == rungs
    await ask(asked)
    await ask(await provider(hass, server.base_url, facts=store))
    assert [request.rung for request in server.requests[len(rungs) :]] == [rungs[-1]] * 2


async def test_prose_is_sent_again_on_another_rung(
    hass: HomeAssistant, server: ModelServer
) -> None:
    """A server that took the schema and ignored it is asked once more, with the schema in the prompt."""
    server.script.add(Scripted(kind=FaultKind.PROSE))
    asked = await provider(hass, server.base_url)
    partials = await ask(asked)
    assert [request.rung for request in server.requests] == ["json_schema strict", "json_object"]
    assert '"visible_text"' in server.requests[1].words
    assert partials[-1].final
    spent, last = partials[-1].usage.output_tokens, len(server.requests[1].answer) // 4 + 1
    assert spent is not None
    assert spent > last, "both attempts cost tokens"
    assert partials[-1].usage.requests == 2


@pytest.mark.parametrize(
    "missed",
    [
        refusal(500, "The model produced output that does not match the expected format"),
        refusal(400, "Failed to generate JSON", code="json_validate_failed"),
    ],
)
async def test_a_shape_that_the_server_saw_missed_counts_as_prose(
    hass: HomeAssistant, missed: web.Response
) -> None:
    """Servers that check the answer themselves say so by an error; asking in another way helps there, too."""
    raw = Raw(missed, words(WORDS))
    async with raw as base_url:
        assert (await ask(await provider(hass, base_url)))[-1].final
    assert raw.bodies[1]["response_format"] == {"type": "json_object"}


async def test_a_server_without_shapes_comes_to_plain_text(hass: HomeAssistant) -> None:
    """Prose on every rung fails once, and from then on its sentence is the narrative, without claims."""
    raw = Raw(words("A cat."), words("A cat."), words("<think>Hm.</think> A cat ", "sits there."))
    store = Facts()
    async with raw as base_url:
        asked = await provider(hass, base_url, facts=store)
        failed = await failure(asked)
        assert (failed.fault, failed.requests) == (BAD, 2)
        analysis = (await ask(asked))[-1].analysis
    assert analysis is not None
    assert (analysis.narrative, analysis.subject, analysis.labels) == (
        "A cat sits there.",
        None,
        frozenset(),
    )
    assert "response_format" not in raw.bodies[2]
    assert (store.get(f"scripted@{base_url}") or {})["rung"] == "text"


async def test_one_answer_in_prose_does_not_lower_a_proven_rung(hass: HomeAssistant) -> None:
    """Chance prose is asked again below, the next request starts above; twice in a row is a changed server."""
    raw = Raw(
        words(WORDS),
        *[words("A cat."), words(WORDS), words(WORDS)],
        *[words("A cat."), words(WORDS), words("A cat."), words(WORDS), words(WORDS)],
    )
    async with raw as base_url:
        asked = await provider(hass, base_url)
        for _ in range(6):
            await ask(asked)
    kinds = [body["response_format"]["type"] for body in raw.bodies]
    strict, lower = "json_schema", "json_object"
    assert kinds == [strict, strict, lower, strict, strict, lower, strict, lower, lower]


async def test_an_object_on_the_text_rung_makes_no_claims(hass: HomeAssistant) -> None:
    """A model that sends JSON nobody asked for is understood, but its labels do not count."""
    store = Facts()
    raw = Raw(words(WORDS))
    async with raw as base_url:
        store.set(f"scripted@{base_url}", {"rung": "text"})
        analysis = (await ask(await provider(hass, base_url, facts=store)))[-1].analysis
    assert analysis is not None
    assert analysis.narrative == ANSWER["narrative"]
    assert analysis.subject is None
    assert analysis.labels == frozenset()


@pytest.mark.parametrize(
    "reply",
    [
        words('<think>{"changed": fal', "se}</thi", "nk>", *HALVES),
        words("```json\n", *HALVES, "\n```"),
        words("Here you are: ", *HALVES),
        words(*HALVES, finish="length"),
        words(*HALVES, finish=None),
        spoken(
            {"reasoning_content": "Let me see."}, {"content": HALVES[0]}, {"content": HALVES[1]}
        ),
    ],
    ids=["think", "fence", "preamble", "complete at the limit", "no finish", "reasoning first"],
)
async def test_understands_wrapped_answers(hass: HomeAssistant, reply: list[bytes]) -> None:
    """Thoughts, fences and small talk around the object cost nothing."""
    async with Raw(reply) as base_url:
        partials = await ask(await provider(hass, base_url))
    assert partials[-1].analysis is not None
    assert partials[-1].analysis.narrative == ANSWER["narrative"]
    assert partials[0].fields == {"changed": True}


@pytest.mark.parametrize(
    ("message", "gone", "instead"),
    [
        (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            "max_tokens",
            "max_completion_tokens",
        ),
        ("Unknown field: stream_options", "stream_options", None),
    ],
)
async def test_leaves_out_what_a_server_does_not_take(
    hass: HomeAssistant, message: str, gone: str, instead: str | None
) -> None:
    """A refused optional field is left out at once and from then on."""
    raw = Raw(refusal(400, message), words(WORDS), words(WORDS))
    async with raw as base_url:
        asked = await provider(hass, base_url)
        await ask(asked)
        await ask(asked)
    assert gone in raw.bodies[0]
    assert [gone in body for body in raw.bodies[1:]] == [False, False]
    assert instead is None or [instead in body for body in raw.bodies[1:]] == [True, True]


async def test_a_thinking_model_gets_room_to_think(hass: HomeAssistant) -> None:
    """Thoughts without an answer are a failure once; the next request leaves tokens for both."""
    raw = Raw(spoken({"reasoning_content": "Let me see."}, finish="length"), words(WORDS))
    async with raw as base_url:
        asked = await provider(hass, base_url)
        error = await failure(asked)
        assert (error.fault, error.retryable) == (BAD, True)
        assert (await ask(asked))[-1].final
    assert raw.bodies[1]["max_tokens"] > raw.bodies[0]["max_tokens"]
