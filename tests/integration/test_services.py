"""The action `describe`."""

from typing import Any

from homeassistant.const import ATTR_DEVICE_ID, ATTR_ENTITY_ID
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.helpers import device_registry as dr
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
import voluptuous as vol

from custom_components.camera_narrator.const import DOMAIN
from custom_components.camera_narrator.hub_camera import HubCamera
from custom_components.camera_narrator.pipeline.errors import (
    CannotAsk,
    Fault,
    Obstacle,
    ProviderError,
)
from custom_components.camera_narrator.pipeline.models import Narrative
from custom_components.camera_narrator.pipeline.prompt import QUESTION_CHARS
from tests.integration.house import CAMERA, camera_of, move_in, narrative

VIEW = "camera.front_door"


@pytest.fixture
async def entry(hass: HomeAssistant) -> MockConfigEntry:
    """Set the house up."""
    return await move_in(hass)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Answer whatever is asked, and keep the questions."""
    prompts: list[str | None] = []

    async def describe(self: HubCamera, prompt: str | None = None) -> Narrative:
        prompts.append(prompt)
        return narrative("The gate is open.")

    monkeypatch.setattr(HubCamera, "describe", describe)
    return prompts


async def _describe(
    hass: HomeAssistant, data: dict[str, Any], *, response: bool = True, **given: Any
) -> Any:
    return await hass.services.async_call(
        DOMAIN, "describe", data, blocking=True, return_response=response, **given
    )


async def test_the_answer_is_the_response(
    hass: HomeAssistant, entry: MockConfigEntry, asked: list[str | None]
) -> None:
    """A question comes back answered, with what the answer rests on; the camera's sentence stays."""
    answer = await _describe(hass, {ATTR_ENTITY_ID: VIEW, "prompt": "Is the gate open?"})

    assert asked == ["Is the gate open?"]
    assert answer == {
        VIEW: {
            "text": "The gate is open.",
            "from": "2026-09-21T14:13:20.000+00:00",
            "to": "2026-09-21T14:13:24.000+00:00",
            "provider": "built-in",
            "frames": 5,
        }
    }
    assert camera_of(entry).coordinator.state.narrative is None


async def test_without_a_response_it_becomes_the_sentence(
    hass: HomeAssistant, entry: MockConfigEntry, asked: list[str | None]
) -> None:
    """An automation that asks for no response sees the answer at the camera."""
    question = {ATTR_ENTITY_ID: VIEW, "prompt": "Is the gate open?"}
    assert await _describe(hass, question, response=False) is None

    assert asked == ["Is the gate open?"]
    assert camera_of(entry).coordinator.state.narrative == narrative("The gate is open.")


async def test_a_device_or_any_of_its_entities_names_the_camera(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    device_registry: dr.DeviceRegistry,
    asked: list[str | None],
) -> None:
    """A camera is asked once, however often and by whatever it is named."""
    device = device_registry.async_get_device_by_identifier((DOMAIN, CAMERA), entry.entry_id)
    assert device is not None

    answer = await _describe(
        hass,
        {ATTR_DEVICE_ID: device.id, ATTR_ENTITY_ID: ["sensor.front_door_narrative", VIEW]},
    )

    assert set(answer) == {VIEW}
    assert asked == [None]


async def test_no_picture_is_an_error_not_an_empty_answer(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """A camera that is away fails in words, though its live view is not available."""
    with pytest.raises(HomeAssistantError) as raised:
        await _describe(hass, {ATTR_ENTITY_ID: VIEW})

    assert raised.value.translation_key == "cannot_ask_no_picture"
    assert str(raised.value).startswith("Front door has sent no picture")


@pytest.mark.parametrize("obstacle", Obstacle)
async def test_every_obstacle_has_words(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    obstacle: Obstacle,
) -> None:
    """Whatever keeps a question from being put is told in a sentence about the camera."""

    async def describe(self: HubCamera, prompt: str | None = None) -> Narrative:
        raise CannotAsk(obstacle)

    monkeypatch.setattr(HubCamera, "describe", describe)
    with pytest.raises(HomeAssistantError, match="Front door"):
        await _describe(hass, {ATTR_ENTITY_ID: VIEW})


@pytest.mark.parametrize("fault", Fault)
async def test_every_fault_has_words(
    hass: HomeAssistant, entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    """Whatever a provider does wrong is told in a sentence, with the provider's own words."""

    async def describe(self: HubCamera, prompt: str | None = None) -> Narrative:
        raise ProviderError(fault, "the server's words", retryable=False)

    monkeypatch.setattr(HubCamera, "describe", describe)
    with pytest.raises(HomeAssistantError, match="of Front door: the server's words"):
        await _describe(hass, {ATTR_ENTITY_ID: VIEW})


@pytest.mark.parametrize(
    "entity_id",
    [
        "binary_sensor.attic_connected",
        "binary_sensor.built_in_describer_provider_problem",
        "light.of_somebody_else",
        "camera.nowhere",
    ],
)
async def test_what_is_no_camera_is_refused(
    hass: HomeAssistant, entry: MockConfigEntry, asked: list[str | None], entity_id: str
) -> None:
    """Bridges, the hub, the entities of others and what does not exist are a mistake of the call."""
    with pytest.raises(ServiceValidationError) as raised:
        await _describe(hass, {ATTR_ENTITY_ID: entity_id})

    assert raised.value.translation_key == "no_camera"
    assert asked == []


async def test_a_hub_that_is_not_loaded_is_named(
    hass: HomeAssistant, entry: MockConfigEntry, asked: list[str | None]
) -> None:
    """The action outlives the hub, and says what is missing."""
    assert await hass.config_entries.async_unload(entry.entry_id)

    with pytest.raises(ServiceValidationError) as raised:
        await _describe(hass, {ATTR_ENTITY_ID: VIEW})

    assert raised.value.translation_key == "not_loaded"


async def test_who_may_not_use_a_camera_may_not_ask_about_it(
    hass: HomeAssistant, entry: MockConfigEntry, asked: list[str | None]
) -> None:
    """The permission on the entity holds here too; so does that of an admin."""
    guest = MockUser(id="guest").add_to_hass(hass)
    guest.mock_policy({"entities": {"entity_ids": {"light.porch": True}}})

    with pytest.raises(Unauthorized):
        await _describe(hass, {ATTR_ENTITY_ID: VIEW}, context=Context(user_id=guest.id))
    assert asked == []

    guest.mock_policy({"entities": True})
    await _describe(hass, {ATTR_ENTITY_ID: VIEW}, context=Context(user_id=guest.id))
    assert asked == [None]


@pytest.mark.parametrize("prompt", ["", "x" * (QUESTION_CHARS + 1)])
async def test_a_question_has_a_length(
    hass: HomeAssistant, entry: MockConfigEntry, asked: list[str | None], prompt: str
) -> None:
    """Neither nothing nor a book is asked."""
    with pytest.raises(vol.Invalid):
        await _describe(hass, {ATTR_ENTITY_ID: VIEW, "prompt": prompt})
    assert asked == []
