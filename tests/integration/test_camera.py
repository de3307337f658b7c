"""The live view of a camera, out of the buffer."""

from datetime import timedelta
from http import HTTPStatus
from types import MappingProxyType
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.camera import CameraEntityFeature, async_get_image
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNAVAILABLE, Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import (
    async_capture_events,
    async_fire_time_changed,
    snapshot_platform,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion

from custom_components.camera_narrator.camera import GLANCE_FPS, STREAM_FPS
from custom_components.camera_narrator.const import CONF_BRIDGE, CONF_KEY, DOMAIN
from custom_components.camera_narrator.hub_camera import HubCamera
from tests.integration.house import (
    BRIDGE,
    CAMERA,
    JPEG,
    bridge_subentry,
    camera_subentry,
    frame,
    move_in,
    stream,
)

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


async def test_the_link_lives_longer_than_home_assistants_own(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """Home Assistant's renewal every 5 minutes writes a state only every half an hour."""
    entry = await move_in(hass, Platform.CAMERA)
    stream(entry)
    changes = async_capture_events(hass, EVENT_STATE_CHANGED)

    for _ in range(13):
        freezer.tick(timedelta(minutes=5))
        async_fire_time_changed(hass)
        await hass.async_block_till_done()

    assert [change.data["entity_id"] for change in changes] == [VIEW, VIEW]


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


async def test_cameras_and_bridges_move_in_while_the_hub_runs(
    hass: HomeAssistant, device_registry: dr.DeviceRegistry
) -> None:
    """A bridge and a camera that are added have all their entities at once, without a reload."""
    entry = await move_in(hass)
    hub = entry.runtime_data
    shed = ConfigSubentry(
        data=MappingProxyType(dict(bridge_subentry(token_hash="1" * 64)["data"])),
        subentry_type="bridge",
        title="Shed",
        unique_id=None,
    )
    yard = ConfigSubentry(
        data=MappingProxyType(
            {
                **camera_subentry()["data"],
                CONF_KEY: "yard",
                CONF_BRIDGE: shed.subentry_id,
            }
        ),
        subentry_type="camera",
        title="Yard",
        unique_id=None,
    )

    hass.config_entries.async_add_subentry(entry, shed)
    hass.config_entries.async_add_subentry(entry, yard)
    await hass.async_block_till_done()

    def added(name: str) -> set[str]:
        return {one.replace(name, "X") for one in hass.states.async_entity_ids() if name in one}

    assert added("yard") == added("front_door")
    assert added("shed") == added("attic")
    assert entry.runtime_data is hub


async def test_a_new_name_and_another_bridge_reach_the_device(
    hass: HomeAssistant, device_registry: dr.DeviceRegistry
) -> None:
    """Renamed and moved in the dialog, a camera's device follows; so does a bridge's name."""
    entry = await move_in(hass)
    shed = ConfigSubentry(
        data=MappingProxyType(dict(bridge_subentry(token_hash="1" * 64)["data"])),
        subentry_type="bridge",
        title="Shed",
        unique_id=None,
    )
    hass.config_entries.async_add_subentry(entry, shed)
    camera = entry.subentries[CAMERA]

    hass.config_entries.async_update_subentry(
        entry, camera, title="Gate", data={**camera.data, CONF_BRIDGE: shed.subentry_id}
    )
    hass.config_entries.async_update_subentry(entry, entry.subentries[BRIDGE], title="Loft")
    await hass.async_block_till_done()

    def device(subentry_id: str) -> dr.DeviceEntry:
        found = device_registry.async_get_device_by_identifier((DOMAIN, subentry_id), "hub_entry")
        assert found is not None
        return found

    assert device(CAMERA).name == "Gate"
    assert device(CAMERA).via_device_id == device(shed.subentry_id).id
    assert device(BRIDGE).name == "Loft"
