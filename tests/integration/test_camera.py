"""The live view of a camera, out of the buffer."""

from http import HTTPStatus
from unittest.mock import patch

from homeassistant.components.camera import CameraEntityFeature, async_get_image
from homeassistant.const import STATE_UNAVAILABLE, Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import snapshot_platform
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion

from custom_components.camera_narrator.camera import GLANCE_FPS, STREAM_FPS
from custom_components.camera_narrator.const import DOMAIN
from custom_components.camera_narrator.hub_camera import HubCamera
from tests.integration.house import BRIDGE, CAMERA, JPEG, frame, move_in, stream

VIEW = "camera.front_door"


@pytest.fixture
def wishes(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the rates that are asked of the bridge."""
    asked: list[float] = []

    def watch(self: HubCamera, *, rate_fps: float, seconds: float) -> None:
        asked.append(rate_fps)

    monkeypatch.setattr(HubCamera, "watch", watch)
    return asked


async def test_the_live_view(
    hass: HomeAssistant, entity_registry: er.EntityRegistry, snapshot: SnapshotAssertion
) -> None:
    """The camera entity of a streaming camera, with all its properties."""
    with patch("random.SystemRandom.getrandbits", return_value=1):
        entry = await move_in(hass, Platform.CAMERA)
    stream(entry)

    await snapshot_platform(hass, entity_registry, snapshot, entry.entry_id)
    assert hass.states.get(VIEW).attributes["supported_features"] == CameraEntityFeature(0)


async def test_a_glance_gets_the_newest_frame(hass: HomeAssistant, wishes: list[float]) -> None:
    """A still is the newest picture of the buffer, and asks for the next."""
    entry = await move_in(hass, Platform.CAMERA)
    camera = stream(entry)
    camera.receive(frame(5.0, sequence=2, jpeg=b"newer"))

    image = await async_get_image(hass, VIEW)
    await async_get_image(hass, VIEW)

    assert image.content == b"newer"
    assert wishes == [GLANCE_FPS]


async def test_a_stream_goes_on_while_someone_watches(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, wishes: list[float]
) -> None:
    """New frames are pushed as they come, each once, at the rate of a watched stream."""
    entry = await move_in(hass, Platform.CAMERA)
    camera = stream(entry)
    client = await hass_client()

    response = await client.get(f"/api/camera_proxy_stream/{VIEW}")
    assert response.status == HTTPStatus.OK
    await response.content.readuntil(JPEG)
    camera.receive(frame(5.0, sequence=2, jpeg=b"the second picture"))
    await response.content.readuntil(b"the second picture")
    response.close()

    assert set(wishes) == {STREAM_FPS}


async def test_without_a_stream_there_is_nothing_to_see(hass: HomeAssistant) -> None:
    """The view is unavailable while its bridge is away."""
    entry = await move_in(hass, Platform.CAMERA)
    assert hass.states.get(VIEW).state == STATE_UNAVAILABLE
    with pytest.raises(HomeAssistantError):
        await async_get_image(hass, VIEW)

    camera = stream(entry)
    assert hass.states.get(VIEW).state == "streaming"
    camera.disconnect()
    assert hass.states.get(VIEW).state == STATE_UNAVAILABLE


async def test_the_camera_is_a_device_behind_its_bridge(
    hass: HomeAssistant, device_registry: dr.DeviceRegistry
) -> None:
    """Each subentry has a device of its own, and the camera's leads to its bridge's."""
    entry = await move_in(hass)

    camera = device_registry.async_get_device_by_identifier((DOMAIN, CAMERA), entry.entry_id)
    bridge = device_registry.async_get_device_by_identifier((DOMAIN, BRIDGE), entry.entry_id)
    assert camera is not None
    assert bridge is not None
    assert (camera.name, bridge.name) == ("Front door", "Attic")
    assert camera.via_device_id == bridge.id
    assert (camera.config_subentry_id, bridge.config_subentry_id) == (CAMERA, BRIDGE)
