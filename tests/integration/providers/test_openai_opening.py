"""What the provider `openai` tells of an answer while it still comes."""

import json

from homeassistant.core import HomeAssistant
import pytest

from custom_components.camera_narrator.pipeline.errors import Fault
from custom_components.camera_narrator.pipeline.opening import opening
from custom_components.camera_narrator.pipeline.request import Partial
from tests.integration.providers.scripted import Raw, ask, chunk, failure, provider, words

FIRST = "A man walks to the door."
REFUSAL = "I'm sorry, but I can't assist with that request. Please describe something else."


def letters(narrative: str, *, nested: bool) -> list[bytes]:
    """Return an answer that comes letter by letter, its words in a story of their own or beside the rest."""
    told = {"narrative": narrative, "visible_text": ""}
    rest = {"story": told} if nested else told
    fields = {"changed": True, "subject": True, "labels": ["person"], **rest}
    return words(*json.dumps(fields))


@pytest.mark.parametrize("nested", [True, False], ids=["story", "flat"])
async def test_the_first_sentence_is_told_before_the_second(
    hass: HomeAssistant, nested: bool
) -> None:
    """Labels first, then the sentence once, then the words; all before the analysis."""
    async with Raw(letters(f"{FIRST} He puts down a parcel.", nested=nested)) as base_url:
        partials = await ask(await provider(hass, base_url), chunk())
    told = [opened for partial in partials if (opened := opening(partial)) is not None]
    narratives = list(dict.fromkeys(one.analysis.narrative for one in told))
    assert narratives == ["", FIRST, f"{FIRST} He puts down a parcel."]
    assert [one.whole for one in told] == sorted(one.whole for one in told)
    assert partials[-1].final
    assert not any(partial.final for partial in partials[:-1])


async def test_no_refusal_is_told_early(hass: HomeAssistant) -> None:
    """Neither its first sentence nor the whole stands in anything that is told; the answer fails."""
    partials: list[Partial] = []
    async with Raw(letters(REFUSAL, nested=True)) as base_url:
        error = await failure(await provider(hass, base_url), partials)
    assert error.fault is Fault.REFUSED
    assert partials
    assert all(partial.sentence == "" for partial in partials)
    assert all("narrative" not in partial.fields for partial in partials)
