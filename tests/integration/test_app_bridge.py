"""The bridge's app announces itself by the Supervisor: added with a name, no token is typed."""

from hashlib import sha256
from typing import Any

from homeassistant.config_entries import SOURCE_HASSIO, SOURCE_IGNORE, SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.service_info.hassio import HassioServiceInfo
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.camera_narrator import const
from custom_components.camera_narrator.app_bridge import CONF_HUB
from tests.integration.dialogs import Result, add_hub
from tests.integration.paired_bridge import PairedBridge

TOKEN = "made-by-the-app"
HASH = sha256(TOKEN.encode()).hexdigest()


async def announce(hass: HomeAssistant, **changes: Any) -> Result:
    """Start the flow as the Supervisor's integration does."""
    config = {"bridge": "bridge-1", "token_hash": HASH, "addon": "Camera Narrator edge bridge"}
    return await hass.config_entries.flow.async_init(
        const.DOMAIN,
        context={"source": SOURCE_HASSIO},
        data=HassioServiceInfo(
            config=config | changes,
            name="Camera Narrator edge bridge",
            slug="a0b1c2d3_camera_narrator_edge_bridge",
            uuid="0123456789abcdef0123456789abcdef",
        ),
    )


async def answer(hass: HomeAssistant, shown: Result, **typed: Any) -> Result:
    """Fill a step in."""
    return await hass.config_entries.flow.async_configure(shown["flow_id"], typed)


@pytest.mark.parametrize("expected_lingering_timers", [True])
async def test_the_app_is_added_without_a_token(
    hass: HomeAssistant, hass_client_no_auth: ClientSessionGenerator
) -> None:
    """A name is all there is to say; the bridge comes with the token that only it knows."""
    hub = await add_hub(hass)
    shown = await announce(hass)
    assert (shown["type"], shown["step_id"]) == (FlowResultType.FORM, "app_bridge")
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["context"]["title_placeholders"] == {"name": "Camera Narrator edge bridge"}
    shown = await answer(hass, shown, name=" ")
    assert shown["errors"] == {"name": "name_missing"}
    added = await answer(hass, shown, name=" Attic ")
    assert (added["type"], added["reason"]) == (FlowResultType.ABORT, "bridge_added")
    await hass.async_block_till_done()

    (bridge,) = hub.get_subentries_of_type(const.SUBENTRY_BRIDGE)
    assert bridge.title == "Attic"
    assert dict(bridge.data) == {
        const.CONF_TOKEN_HASH: HASH,
        const.CONF_OLD_TOKEN_HASHES: [],
        const.CONF_BRIDGE_ID: "bridge-1",
        const.CONF_ADDRESS: bridge.data[const.CONF_ADDRESS],
    }
    client = await hass_client_no_auth()
    async with PairedBridge(client, TOKEN) as connected:
        await connected.until(lambda it: it.welcomed.is_set())
        assert hub.runtime_data.gateway.link(bridge.subentry_id) is not None

    again = await announce(hass)
    assert (again["type"], again["reason"]) == (FlowResultType.ABORT, "bridge_known")
    await hass.config_entries.async_unload(hub.entry_id)


async def test_the_first_app_makes_the_hub_on_the_way(hass: HomeAssistant) -> None:
    """Whoever installs the app first is asked who writes the words, and then for a camera."""
    assert await async_setup_component(hass, "http", {})
    shown = await answer(hass, await announce(hass), name="Attic")
    assert (shown["type"], shown["step_id"]) == (FlowResultType.MENU, "user")
    made = await answer(hass, shown, next_step_id="builtin")
    assert made["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    (bridge,) = made["result"].get_subentries_of_type(const.SUBENTRY_BRIDGE)
    assert (bridge.title, bridge.data[const.CONF_TOKEN_HASH]) == ("Attic", HASH)
    (following,) = hass.config_entries.subentries.async_progress()
    assert following["handler"] == (made["result"].entry_id, const.SUBENTRY_CAMERA)
    assert made["next_flow"][1] == following["flow_id"]
    await hass.config_entries.async_unload(made["result"].entry_id)


async def test_of_several_hubs_one_is_chosen(hass: HomeAssistant) -> None:
    """The bridge serves the cameras of one."""
    first = await add_hub(hass)
    second = MockConfigEntry(domain=const.DOMAIN, title="Cloud", unique_id="second")
    second.add_to_hass(hass)
    added = await answer(hass, await announce(hass), **{"name": "Attic", CONF_HUB: second.entry_id})
    assert added["description_placeholders"] == {"name": "Attic", "hub": "Cloud"}
    assert len(second.get_subentries_of_type(const.SUBENTRY_BRIDGE)) == 1
    assert first.get_subentries_of_type(const.SUBENTRY_BRIDGE) == []
    await hass.config_entries.async_unload(first.entry_id)


async def test_an_app_that_is_ignored_stays_so_and_is_no_hub(hass: HomeAssistant) -> None:
    """Ignored is what Home Assistant remembers; a hub is still made with the first prefix."""
    assert await async_setup_component(hass, "http", {})
    shown = await announce(hass)
    (flow,) = hass.config_entries.flow.async_progress()
    ignored = await hass.config_entries.flow.async_init(
        const.DOMAIN,
        context={"source": SOURCE_IGNORE},
        data={"unique_id": flow["context"]["unique_id"], "title": "Ignored"},
    )
    assert ignored["type"] is FlowResultType.CREATE_ENTRY
    again = await announce(hass)
    assert (again["type"], again["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert shown["flow_id"] not in {
        flow["flow_id"] for flow in hass.config_entries.flow.async_progress()
    }
    other = await announce(hass, bridge="bridge-2", token_hash="0" * 64)
    shown = await answer(hass, other, name="Attic")
    made = await answer(hass, shown, next_step_id="builtin")
    assert made["options"][const.CONF_MQTT_PREFIX] == const.DEFAULT_MQTT_PREFIX
    await hass.async_block_till_done()
    await hass.config_entries.async_unload(made["result"].entry_id)


@pytest.mark.parametrize(
    "changes",
    [
        {"bridge": None},
        {"bridge": ""},
        {"bridge": "x" * 65},
        {"bridge": "a\nb"},
        {"token_hash": None},
        {"token_hash": "made-by-the-app"},
        {"token_hash": HASH.upper()},
    ],
)
async def test_what_is_no_bridge_is_refused(hass: HomeAssistant, changes: dict[str, Any]) -> None:
    """A message of another version, or of another app, opens nothing."""
    refused = await announce(hass, **changes)
    assert (refused["type"], refused["reason"]) == (FlowResultType.ABORT, "not_a_bridge")


async def test_a_dialog_left_open_adds_the_bridge_once(hass: HomeAssistant) -> None:
    """Added meanwhile, by hand or in another browser, it is not added again."""
    hub = await add_hub(hass)
    shown = await announce(hass)
    user = await hass.config_entries.flow.async_init(const.DOMAIN, context={"source": SOURCE_USER})
    assert user["type"] is FlowResultType.MENU
    bridge = hass.config_entries.flow._progress[shown["flow_id"]]._app_bridge
    hass.config_entries.async_add_subentry(hub, bridge.subentry("Attic", "http://ha"))
    await answer(hass, shown, name="Second")
    await hass.async_block_till_done()
    titles = [entry.title for entry in hub.get_subentries_of_type(const.SUBENTRY_BRIDGE)]
    assert titles == ["Attic"]
    await hass.config_entries.async_unload(hub.entry_id)
