"""Areas in the dialog of a camera and on the way to its bridge, over the real endpoint."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
import io
import re
from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.event import async_track_state_change_event
from PIL import Image
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.camera_narrator import const
from custom_components.camera_narrator.protocol.frame import Frame
from custom_components.camera_narrator.protocol.vocabulary import Capability
from tests.integration.camera_dialog import (
    TOKEN,
    URL,
    add_camera,
    found,
    open_dialog,
    probe,
    reconfigure,
)
from tests.integration.dialogs import Result, filled_in, submit
from tests.integration.paired_bridge import PairedBridge
from tests.integration.test_camera_areas import SQUARE, TRIANGLE, colour, picture

pytestmark = pytest.mark.usefixtures("no_browser")

CAN = (Capability.PROBE, Capability.ACTIVITY, Capability.MASKS)
CANNOT = (Capability.PROBE, Capability.ACTIVITY)
MASKS = "0,0 50,0 50,30 0,30"
ZONES = "60,60 100,60 100,100"
CONNECTED = "binary_sensor.front_door_connected"


@asynccontextmanager
async def paired(
    client: TestClient[Any, Any], capabilities: tuple[Capability, ...]
) -> AsyncGenerator[PairedBridge]:
    """Connect a bridge that finds a camera at every address and shows a grey picture of it."""
    async with PairedBridge(client, TOKEN, capabilities=capabilities) as bridge:
        bridge.answer, bridge.preview = found, picture()
        await bridge.until(lambda it: it.welcomed.is_set())
        yield bridge


async def shown(client: TestClient[Any, Any], result: Result) -> bytes:
    """Return the picture that a step shows, as a browser loads it."""
    path = re.search(r"!\[\]\((.+?)\)", result["description_placeholders"]["preview"])
    assert path is not None
    response = await client.get(path[1])
    assert response.content_type == "image/jpeg"
    return await response.read()


def reason(hass: HomeAssistant) -> str:
    """Return why the camera is not connected."""
    state = hass.states.get(CONNECTED)
    assert state is not None
    assert state.state == "off"
    told: str = state.attributes["reason"]
    return told


async def until_reason(hass: HomeAssistant, wanted: str) -> None:
    """Wait until the camera says why it is not connected."""
    heard = asyncio.Event()
    stop = async_track_state_change_event(hass, CONNECTED, lambda _: heard.set())
    async with asyncio.timeout(10):
        while reason(hass) != wanted:
            await heard.wait()
            heard.clear()
    stop()


async def test_areas_are_shown_before_a_camera_is_added(
    hass: HomeAssistant, entry: MockConfigEntry, client: TestClient[Any, Any]
) -> None:
    """The probe is told the masks, the picture shows all areas, what is wrong is changed, the bridge is given them."""
    async with paired(client, CAN) as bridge:
        flow_id = await open_dialog(hass, entry, "rtsp")
        typed = {"name": "Front door", "url": URL}
        areas = {"masks": MASKS, "zones": ZONES, "ignored": ""}
        result = await probe(hass, flow_id, **typed, advanced={**areas, "masks": ZONES})
        assert bridge.probes[-1].masks == (TRIANGLE,)
        assert "hidden" in result["description_placeholders"]["preview"]
        assert max(colour(await shown(client, result), 0.9, 0.7)) < 60

        result = await submit(hass, flow_id, other_address=True)
        assert result["step_id"] == "rtsp"
        assert filled_in(result["data_schema"])["advanced"]["masks"] == ZONES
        assert max(colour(await shown(client, result), 0.9, 0.7)) < 60

        result = await probe(hass, flow_id, **typed, advanced=areas)
        assert bridge.probes[-1].masks == (SQUARE,)
        jpeg = await shown(client, result)
        assert max(colour(jpeg, 0.25, 0.15)) < 60
        red, green, _ = colour(jpeg, 0.9, 0.7)
        assert green > red

        result = await submit(hass, flow_id)
        assert result["type"] is FlowResultType.CREATE_ENTRY
        await bridge.until(lambda it: len(it.cameras) == 1)
        camera = bridge.cameras[0]
        assert (camera.masks, camera.zones, camera.ignored) == ((SQUARE,), (TRIANGLE,), ())
    (subentry,) = entry.get_subentries_of_type(const.SUBENTRY_CAMERA)
    assert subentry.data["masks"] == [[list(corner) for corner in SQUARE]]


async def test_wrong_areas_are_named_where_they_were_typed(
    hass: HomeAssistant, entry: MockConfigEntry, client: TestClient[Any, Any]
) -> None:
    """The section opens, the words name field, area and text; what was typed stays; the bridge hears nothing."""
    async with paired(client, CAN) as bridge:
        flow_id = await open_dialog(hass, entry, "rtsp")
        wrong = f"{MASKS}; 5,5 9,9"
        result = await submit(
            hass, flow_id, name="Yard", url=URL, advanced={"ignored": wrong, "zones": ZONES}
        )
        assert result["step_id"] == "rtsp"
        assert result["errors"] == {"advanced": "areas_few_corners"}
        told = result["description_placeholders"]
        assert (told["field"], told["area"], told["given"]) == ("Ignore", "2", "2")
        assert result["data_schema"].schema["advanced"].options == {"collapsed": False}
        assert filled_in(result["data_schema"])["advanced"]["ignored"] == wrong
        assert bridge.probes == []


async def test_masks_are_not_trusted_to_a_bridge_that_paints_none(
    hass: HomeAssistant, entry: MockConfigEntry, client: TestClient[Any, Any]
) -> None:
    """Nothing is tried and nothing kept; zones alone are no matter."""
    async with paired(client, CANNOT) as bridge:
        flow_id = await open_dialog(hass, entry, "rtsp")
        typed = {"name": "Yard", "url": URL}
        result = await submit(hass, flow_id, **typed, advanced={"masks": MASKS})
        assert result["errors"] == {const.CONF_BRIDGE: "bridge_cannot_mask"}
        assert bridge.probes == []
        result = await probe(hass, flow_id, **typed, advanced={"masks": "", "zones": ZONES})
        assert result["step_id"] == "confirm"


async def test_a_masked_camera_is_given_to_no_bridge_that_cannot_hide(
    hass: HomeAssistant, entry: MockConfigEntry, client: TestClient[Any, Any]
) -> None:
    """After a step back to an old bridge the camera stays away and says why, until its masks go or the bridge does."""
    async with paired(client, CAN) as bridge:
        subentry = await add_camera(hass, entry, bridge, advanced={"masks": MASKS})
        await bridge.until(lambda it: len(it.cameras) == 1)
        assert reason(hass) == "connecting"
    async with paired(client, CANNOT) as bridge:
        assert bridge.cameras == ()
        assert reason(hass) == "masks_unsupported"

        result = await reconfigure(hass, entry, subentry)
        typed = filled_in(result["data_schema"])
        result = await submit(hass, result["flow_id"], **typed)
        assert result["errors"] == {const.CONF_BRIDGE: "bridge_cannot_mask"}
        typed["advanced"]["masks"] = ""
        result = await submit(hass, result["flow_id"], **typed)
        assert result["type"] is FlowResultType.ABORT
        await bridge.until(lambda it: len(it.cameras) == 1)
        (camera,) = bridge.cameras
        assert camera.masks == ()
        assert reason(hass) == "connecting"

        masked = {**subentry.data, "masks": [[list(corner) for corner in SQUARE]]}
        subentry = entry.subentries[subentry.subentry_id]
        hass.config_entries.async_update_subentry(entry, subentry, data=masked)
        await bridge.until(lambda it: it.cameras == ())
        assert reason(hass) == "masks_unsupported"
    await until_reason(hass, "bridge_away")


async def test_changed_areas_are_shown_in_the_latest_picture(
    hass: HomeAssistant, entry: MockConfigEntry, client: TestClient[Any, Any]
) -> None:
    """Without another probe: the form shows what holds, the next step what was typed; then the bridge is told."""
    async with paired(client, CAN) as bridge:
        subentry = await add_camera(hass, entry, bridge, advanced={"zones": ZONES})
        await bridge.until(lambda it: len(it.cameras) == 1)
        hub = entry.runtime_data
        camera = hub.cameras[subentry.subentry_id]
        await bridge.send(
            Frame(camera=bridge.cameras[0].number, sequence=1, captured_us=1, jpeg=picture())
        )
        await bridge.until(lambda _: camera.source.latest() is not None)

        result = await reconfigure(hass, entry, subentry)
        red, green, _ = colour(await shown(client, result), 0.9, 0.7)
        assert green > red
        typed = filled_in(result["data_schema"])
        assert typed["advanced"]["zones"] == ZONES
        typed["advanced"]["masks"] = MASKS
        result = await submit(hass, result["flow_id"], **typed)
        assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "areas")
        assert max(colour(await shown(client, result), 0.25, 0.15)) < 60

        result = await submit(hass, result["flow_id"], other_areas=True)
        assert result["step_id"] == "reconfigure"
        typed["advanced"]["zones"] = ""
        result = await submit(hass, result["flow_id"], **typed)
        result = await submit(hass, result["flow_id"])
        assert result["type"] is FlowResultType.ABORT
        await bridge.until(lambda it: [camera.masks for camera in it.cameras] == [(SQUARE,)])
        assert bridge.cameras[0].zones == ()
        assert len(bridge.probes) == 1
        assert entry.runtime_data is hub


async def test_areas_of_a_camera_without_pictures_hold_at_once(
    hass: HomeAssistant, entry: MockConfigEntry, client: TestClient[Any, Any]
) -> None:
    """There is nothing to show them in; nor is there where nothing of them changed."""
    async with paired(client, CAN) as bridge:
        subentry = await add_camera(hass, entry, bridge)
        result = await reconfigure(hass, entry, subentry)
        assert result["description_placeholders"]["preview"] == ""
        typed = filled_in(result["data_schema"])
        typed["advanced"]["masks"] = MASKS
        result = await submit(hass, result["flow_id"], **typed)
        assert result["type"] is FlowResultType.ABORT
        await bridge.until(lambda it: [camera.masks for camera in it.cameras] == [(SQUARE,)])


async def test_a_shown_picture_is_a_whole_jpeg(
    hass: HomeAssistant, entry: MockConfigEntry, client: TestClient[Any, Any]
) -> None:
    """As large as the bridge sent it."""
    async with paired(client, CAN):
        flow_id = await open_dialog(hass, entry, "rtsp")
        result = await probe(hass, flow_id, name="Yard", url=URL, advanced={"ignored": MASKS})
        image = Image.open(io.BytesIO(await shown(client, result)))
        image.load()
        assert image.size == (640, 360)
