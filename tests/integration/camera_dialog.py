"""The way through the dialog of a camera."""

from hashlib import sha256
from typing import Any

from homeassistant.config_entries import (
    SOURCE_USER,
    ConfigSubentry,
    ConfigSubentryDataWithId,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.camera_narrator import (
    const,
)
from custom_components.camera_narrator.camera_areas import FIELDS
from custom_components.camera_narrator.protocol.messages import Probe, Probed
from custom_components.camera_narrator.protocol.vocabulary import ErrorCode
from custom_components.camera_narrator.protocol.wire_error import WireError
from tests.integration.dialogs import Result, after_progress, submit
from tests.integration.paired_bridge import PairedBridge

TOKEN = "the token of the bridge in the attic"
BRIDGE = "bridge_subentry"
URL = "rtsp://192.0.2.7:554/stream2"


def bridge_subentry(
    subentry_id: str = BRIDGE, token: str = TOKEN, title: str = "Attic"
) -> ConfigSubentryDataWithId:
    """Return a bridge with a token."""
    return ConfigSubentryDataWithId(
        data={
            const.CONF_TOKEN_HASH: sha256(token.encode()).hexdigest(),
            const.CONF_OLD_TOKEN_HASHES: [],
            const.CONF_ADDRESS: "http://192.0.2.10:8123",
        },
        subentry_id=subentry_id,
        subentry_type=const.SUBENTRY_BRIDGE,
        title=title,
        unique_id=None,
    )


def found(probe: Probe, **facts: Any) -> Probed:
    """Return what a probe of a usual camera finds."""
    usual = {"codec": "h264", "width": 640, "height": 360, "fps": 12.5, "key_interval_s": 2.0}
    return Probed(id=probe.id, **{**usual, **facts})


def failed(code: ErrorCode) -> Any:
    """Return an answer to probes: it failed."""
    return lambda probe: Probed(id=probe.id, error=WireError.of(code))


def advanced(**changed: Any) -> dict[str, Any]:
    """Return the section of the form that most leave alone."""
    return {
        const.CONF_TRANSPORT: "tcp",
        const.CONF_RATE_FPS: 1.0,
        const.CONF_HEIGHT_PX: 480,
        const.CONF_QUALITY: 70,
        const.CONF_INTERVAL_S: 5.0,
        const.CONF_FRAMES: 5,
        const.CONF_ONLY_FOR: [],
        const.CONF_OPENED_BY: [],
        const.CONF_REQUIRED: [],
        const.CONF_LOCAL_ONLY: False,
        const.CONF_LANGUAGE: "",
        **dict.fromkeys(FIELDS, ""),
        **changed,
    }


async def open_dialog(hass: HomeAssistant, entry: MockConfigEntry, source: str) -> str:
    """Begin to add a camera; return the flow's id."""
    result: Result = await hass.config_entries.subentries.async_init(
        (entry.entry_id, const.SUBENTRY_CAMERA), context={"source": SOURCE_USER}
    )
    assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "user")
    result = await submit(hass, result["flow_id"], next_step_id=source)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, source)
    flow_id: str = result["flow_id"]
    return flow_id


async def probe(hass: HomeAssistant, flow_id: str, **typed: Any) -> Result:
    """Answer the form and return the step after the probe."""
    result = await submit(hass, flow_id, **typed)
    assert (result["type"], result["step_id"]) == (FlowResultType.SHOW_PROGRESS, "probe")
    assert result["description_placeholders"] == {"bridge": "Attic"}
    return await after_progress(hass.config_entries.subentries, flow_id)


async def add_camera(
    hass: HomeAssistant, entry: MockConfigEntry, bridge: PairedBridge, **typed: Any
) -> ConfigSubentry:
    """Add a camera that answers."""
    flow_id = await open_dialog(hass, entry, "rtsp")
    await probe(hass, flow_id, **{"name": "Front door", "url": URL, **typed})
    result = await submit(hass, flow_id)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    return list(entry.get_subentries_of_type(const.SUBENTRY_CAMERA))[-1]


async def reconfigure(
    hass: HomeAssistant, entry: MockConfigEntry, subentry: ConfigSubentry
) -> Result:
    """Open the dialog that changes a camera."""
    return await hass.config_entries.subentries.async_init(
        (entry.entry_id, const.SUBENTRY_CAMERA),
        context={"source": "reconfigure", "subentry_id": subentry.subentry_id},
    )
