"""The dialog that changes a camera."""

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.camera_narrator import (
    const,
)
from custom_components.camera_narrator.camera_address import (
    Address,
)
from custom_components.camera_narrator.protocol.vocabulary import (
    ErrorCode,
    Source,
)
from tests.integration.camera_dialog import (
    BRIDGE,
    URL,
    add_camera,
    advanced,
    failed,
    found,
    open_dialog,
    probe,
    reconfigure,
)
from tests.integration.dialogs import filled_in, submit, suggested
from tests.integration.paired_bridge import PairedBridge

pytestmark = pytest.mark.usefixtures("no_browser")


@pytest.mark.parametrize("source", Source)
async def test_a_form_sent_as_it_is_changes_nothing(
    hass: HomeAssistant, entry: MockConfigEntry, bridge: PairedBridge, source: Source
) -> None:
    """What a browser fills in is what holds, in the folded section, too: nothing falls back to a default."""
    flow_id = await open_dialog(hass, entry, source)
    typed = {"name": "Yard", "advanced": {"interval_s": 9.0, "frames_per_chunk": 3}}
    if source is Source.RTSP:
        result = await probe(hass, flow_id, **typed, url=URL)
        await submit(hass, result["flow_id"])
    else:
        await submit(hass, flow_id, **typed)
    camera = next(iter(entry.get_subentries_of_type(const.SUBENTRY_CAMERA)))
    assert (camera.data[const.CONF_INTERVAL_S], camera.data[const.CONF_FRAMES]) == (9.0, 3)

    result = await reconfigure(hass, entry, camera)
    result = await submit(hass, result["flow_id"], **filled_in(result["data_schema"]))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    assert entry.subentries[camera.subentry_id].data == camera.data


async def test_settings_change_without_a_probe_and_without_a_reload(
    hass: HomeAssistant, entry: MockConfigEntry, bridge: PairedBridge
) -> None:
    """The form shows what holds, all but the password; key and password stay; the bridge hears of it at once."""
    camera = await add_camera(hass, entry, bridge, username="viewer", password="secret")
    hub = entry.runtime_data
    result = await reconfigure(hass, entry, camera)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "reconfigure")
    shown = suggested(result)
    assert shown == {
        "name": "Front door",
        const.CONF_BRIDGE: BRIDGE,
        const.CONF_URL: URL,
        const.CONF_USERNAME: "viewer",
        const.CONF_PROFILE: "balanced",
    }
    shown |= {"name": "Porch", const.CONF_PROFILE: "live"}
    result = await submit(hass, result["flow_id"], **shown, advanced=advanced(height_px=720.0))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    await bridge.until(lambda it: any(camera.height_px == 720 for camera in it.cameras))
    changed = entry.subentries[camera.subentry_id]
    assert changed.title == "Porch"
    assert changed.data[const.CONF_KEY] == "front_door"
    assert changed.data[const.CONF_PASSWORD] == "secret"
    assert changed.data[const.CONF_PROFILE] == "live"
    assert changed.data[const.CONF_HEIGHT_PX] == 720
    assert len(bridge.probes) == 1
    assert not bridge.closed.is_set()
    assert entry.runtime_data is hub


async def test_another_address_is_tried_first(
    hass: HomeAssistant, entry: MockConfigEntry, bridge: PairedBridge
) -> None:
    """A failed probe leads back to the same form; a good one changes the camera and what makes it unique."""
    camera = await add_camera(hass, entry, bridge, username="viewer", password="secret")
    await add_camera(hass, entry, bridge, name="Yard", url="rtsp://192.0.2.8/a")
    result = await reconfigure(hass, entry, camera)
    flow_id = result["flow_id"]
    typed = {**suggested(result), const.CONF_URL: "rtsp://192.0.2.8/a"}
    result = await submit(hass, flow_id, **typed)
    assert result["errors"] == {const.CONF_URL: "already_configured"}

    typed[const.CONF_URL] = "rtsp://192.0.2.9/b"
    bridge.answer = failed(ErrorCode.NOT_FOUND)
    result = await probe(hass, flow_id, **typed)
    assert (result["step_id"], result["errors"]) == ("reconfigure", {const.CONF_URL: "not_found"})
    bridge.answer = found
    result = await probe(hass, flow_id, **typed)
    assert result["step_id"] == "confirm"
    assert bridge.probes[-1].password == "secret"
    result = await submit(hass, flow_id)
    await hass.async_block_till_done()
    assert result["reason"] == "reconfigure_successful"
    changed = entry.subentries[camera.subentry_id]
    assert changed.data[const.CONF_URL] == "rtsp://192.0.2.9/b"
    assert changed.unique_id == Address(url="rtsp://192.0.2.9/b").identity


async def test_an_emptied_user_name_ends_the_password(
    hass: HomeAssistant, entry: MockConfigEntry, bridge: PairedBridge
) -> None:
    """Who takes the user away does not keep a password that nobody sees."""
    camera = await add_camera(hass, entry, bridge, username="viewer", password="secret")
    result = await reconfigure(hass, entry, camera)
    typed = suggested(result)
    del typed[const.CONF_USERNAME]
    await probe(hass, result["flow_id"], **typed)
    assert (bridge.probes[-1].username, bridge.probes[-1].password) == ("", "")


async def test_a_pushed_camera_is_reconfigured_without_an_address(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Its form has no fields of a stream; key and identity stay."""
    flow_id = await open_dialog(hass, entry, "pushed")
    await submit(hass, flow_id, name="Webcam")
    await hass.async_block_till_done()
    (camera,) = entry.get_subentries_of_type(const.SUBENTRY_CAMERA)
    result = await reconfigure(hass, entry, camera)
    assert result["step_id"] == "reconfigure"
    assert const.CONF_URL not in result["data_schema"].schema
    result = await submit(hass, result["flow_id"], name=" ")
    assert result["errors"] == {"name": "name_missing"}
    result = await submit(
        hass, result["flow_id"], name="Desk", advanced={const.CONF_INTERVAL_S: 10}
    )
    await hass.async_block_till_done()
    assert result["reason"] == "reconfigure_successful"
    changed = entry.subentries[camera.subentry_id]
    assert (changed.title, changed.unique_id) == ("Desk", "webcam")
    assert changed.data[const.CONF_KEY] == "webcam"
    assert changed.data[const.CONF_INTERVAL_S] == 10


async def test_a_camera_whose_bridge_is_gone_cannot_be_reconfigured_alone(
    hass: HomeAssistant, entry: MockConfigEntry, bridge: PairedBridge
) -> None:
    """Where no bridge is left, the dialog says what comes first."""
    camera = await add_camera(hass, entry, bridge)
    hass.config_entries.async_remove_subentry(entry, BRIDGE)
    await hass.async_block_till_done()
    result = await reconfigure(hass, entry, camera)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "no_bridge")
