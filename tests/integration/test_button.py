"""The button that asks for a description."""

from homeassistant.components.button import DOMAIN as BUTTON_DOMAIN, SERVICE_PRESS
from homeassistant.const import ATTR_ENTITY_ID, Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import snapshot_platform
from syrupy.assertion import SnapshotAssertion

from custom_components.camera_narrator.hub_camera import HubCamera
from custom_components.camera_narrator.pipeline.errors import Fault, ProviderError
from custom_components.camera_narrator.pipeline.models import Narrative
from custom_components.camera_narrator.pipeline.vocabulary import Look
from tests.integration.house import camera_of, fresh_frame, move_in, stream

BUTTON = "button.front_door_describe_now"


async def _press(hass: HomeAssistant) -> None:
    await hass.services.async_call(
        BUTTON_DOMAIN, SERVICE_PRESS, {ATTR_ENTITY_ID: BUTTON}, blocking=True
    )


async def test_the_button(
    hass: HomeAssistant, entity_registry: er.EntityRegistry, snapshot: SnapshotAssertion
) -> None:
    """The button of a camera, with all its properties."""
    entry = await move_in(hass, Platform.BUTTON)

    await snapshot_platform(hass, entity_registry, snapshot, entry.entry_id)


async def test_the_answer_becomes_the_sentence(hass: HomeAssistant) -> None:
    """What the button asked the provider for is shown as the camera's sentence."""
    entry = await move_in(hass, Platform.BUTTON)
    camera = stream(entry)
    camera.receive(fresh_frame())

    await _press(hass)

    shown = camera.coordinator.state.narrative
    assert shown is not None
    assert shown.look is Look.QUESTION
    assert shown.text


async def test_a_failed_answer_is_an_error_in_words(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user reads what went wrong, and no sentence is made up."""
    entry = await move_in(hass, Platform.BUTTON)

    async def describe(self: HubCamera, prompt: str | None = None) -> Narrative:
        raise ProviderError(Fault.RATE_LIMITED, "try in 20 s", retryable=True)

    monkeypatch.setattr(HubCamera, "describe", describe)
    with pytest.raises(HomeAssistantError) as raised:
        await _press(hass)

    assert str(raised.value) == (
        "The provider asks to wait, so there is no description of Front door: try in 20 s"
    )
    assert camera_of(entry).coordinator.state.narrative is None
