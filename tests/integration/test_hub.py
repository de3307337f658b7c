"""Cameras and bridges that come and go at a running hub: nothing needs a reload, nothing is left behind."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import (
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    MqttMockHAClient,
)

from custom_components.camera_narrator import const
from custom_components.camera_narrator.diagnostics import async_get_config_entry_diagnostics
from custom_components.camera_narrator.protocol.messages import Activity, Configure
from custom_components.camera_narrator.protocol.vocabulary import ErrorCode
from custom_components.camera_narrator.tokens import token_hash
from tests.integration.gateway.bridge_peer import BridgePeer, frame as wire_frame
from tests.integration.house import (
    BRIDGE,
    CAMERA,
    DEVICE,
    KEY,
    bridge_subentry,
    broker_settles,
    camera_of,
    camera_subentry,
    fresh_frame,
    move_in,
)
from tests.pipeline.fakes import FakeClock

TOKEN = "a-token-of-the-attic"
GARAGE = "garage_bridge"
GARAGE_TOKEN = "a-token-of-the-garage"
ORPHAN = (const.DOMAIN, f"camera_without_bridge_{CAMERA}")

type Client = TestClient[Any, Any]


@pytest.fixture
def expected_lingering_timers() -> bool:
    """Expect aiohttp's heartbeat and that of the client that stands in for MQTT's."""
    return True


@pytest.fixture
async def client(
    hass: HomeAssistant, hass_client_no_auth: ClientSessionGenerator
) -> AsyncIterator[Client]:
    """Open the doors of a house with two bridges, one of which has the camera."""
    entry = MockConfigEntry(
        domain=const.DOMAIN,
        entry_id="hub_entry",
        data={const.CONF_PROVIDER: const.PROVIDER_BUILTIN},
        subentries_data=[
            bridge_subentry(token_hash=token_hash(TOKEN)),
            bridge_subentry(GARAGE, token_hash=token_hash(GARAGE_TOKEN), title="Garage"),
            camera_subentry(),
        ],
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    yield await hass_client_no_auth()
    if entry.state is ConfigEntryState.LOADED:
        await hass.config_entries.async_unload(entry.entry_id)


@pytest.fixture
def entry(hass: HomeAssistant, client: Client) -> MockConfigEntry:
    (entry,) = hass.config_entries.async_entries(const.DOMAIN)
    return entry


async def _bridge(client: Client, token: str = TOKEN, **changes: Any) -> BridgePeer:
    peer = await BridgePeer.connect(client, token, **changes)
    await peer.welcome()
    return peer


async def test_an_added_camera_is_there_at_once(
    hass: HomeAssistant, client: Client, entry: MockConfigEntry
) -> None:
    """It gets its entities, and its bridge gets it under a number of its own."""
    peer = await _bridge(client)
    data = {**camera_subentry()["data"], const.CONF_KEY: "garden", const.CONF_URL: "rtsp://g/1"}
    hass.config_entries.async_add_subentry(
        entry,
        ConfigSubentry(
            data=data, subentry_type=const.SUBENTRY_CAMERA, title="Garden", unique_id=None
        ),
    )
    told = await peer.hear(Configure)
    await hass.async_block_till_done()
    assert [(one.number, one.camera) for one in told.cameras] == [(1, KEY), (2, "garden")]
    assert hass.states.get("sensor.garden_narrative").state == "Nothing has happened yet."
    await peer.leave()


async def test_a_changed_camera_keeps_its_number(
    hass: HomeAssistant, client: Client, entry: MockConfigEntry
) -> None:
    """The bridge hears of a new rate; the name alone is none of its business, but the device's."""
    peer = await _bridge(client)
    camera, subentry = camera_of(entry), entry.subentries[CAMERA]
    hass.config_entries.async_update_subentry(entry, subentry, title="Gate")
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, const.CONF_RATE_FPS: 2.0}
    )
    told = await peer.hear(Configure)
    assert [(one.number, one.rate_fps) for one in told.cameras] == [(1, 2.0)]
    assert told.revision == 2
    assert camera_of(entry) is camera
    device = dr.async_get(hass).async_get_device_by_identifier(
        (const.DOMAIN, CAMERA), entry.entry_id
    )
    assert (device.name, camera.title) == ("Gate", "Gate")
    await peer.leave()


async def test_a_moved_camera_leaves_its_old_bridge_first(
    hass: HomeAssistant, client: Client, entry: MockConfigEntry
) -> None:
    """The old bridge is told to let go, the new one to take it, and the story stays with the camera."""
    attic = await _bridge(client)
    garage = await _bridge(client, GARAGE_TOKEN, bridge="bridge-b", epoch="epoch-b")
    camera, subentry = camera_of(entry), entry.subentries[CAMERA]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, const.CONF_BRIDGE: GARAGE}
    )
    assert (await attic.hear(Configure)).cameras == ()
    assert [one.camera for one in (await garage.hear(Configure)).cameras] == [KEY]
    assert camera_of(entry) is camera
    assert camera.source.connected
    assert not entry.runtime_data.bridges[BRIDGE].holds(camera)
    await attic.leave()
    await garage.leave()


async def test_a_removed_camera_leaves_nothing(
    hass: HomeAssistant, client: Client, entry: MockConfigEntry
) -> None:
    """Its bridge lets go before anything else, its event ends, and its devices and entities are gone."""
    peer = await _bridge(client)
    events = async_capture_events(hass, const.EVENT_TYPE)
    camera = camera_of(entry)
    camera.receive(replace(fresh_frame(1), active=True))
    camera.receive(replace(fresh_frame(2), active=True))
    await hass.async_block_till_done()
    assert [event.data["phase"] for event in events] == ["started"]
    hass.config_entries.async_remove_subentry(entry, CAMERA)
    assert (await peer.hear(Configure)).cameras == ()
    await peer.say(Activity(camera=KEY, active=True, since_us=1, revision=1))
    await peer.settle()
    await hass.async_block_till_done()
    assert events[-1].data["reason"] == "disabled"
    assert entry.runtime_data.cameras == {}
    assert entry.runtime_data.memory.camera(CAMERA, FakeClock()) is None
    outcomes = camera.source.outcomes("epoch")
    assert (outcomes.buffered, outcomes.in_flight, outcomes.settled) == (0, 0, 2)
    assert [e for e in er.async_get(hass).entities.values() if e.config_subentry_id == CAMERA] == []
    assert not [state for state in hass.states.async_entity_ids() if "front_door" in state]
    await peer.leave()


async def test_a_removed_bridge_leaves_its_camera_to_another(
    hass: HomeAssistant, client: Client, entry: MockConfigEntry
) -> None:
    """Its connection is refused for good; the orphan is named in the repairs until it has a bridge again."""
    peer = await _bridge(client)
    hass.config_entries.async_remove_subentry(entry, BRIDGE)
    refuse, _ = await peer.end()
    await hass.async_block_till_done()
    assert (refuse.error.code, refuse.retry) == (ErrorCode.REVOKED, False)
    assert camera_of(entry).coordinator.state.problem == "bridge_away"
    issue = ir.async_get(hass).async_get_issue(*ORPHAN)
    assert issue.translation_placeholders == {"camera": DEVICE}
    subentry = entry.subentries[CAMERA]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, const.CONF_BRIDGE: GARAGE}
    )
    await hass.async_block_till_done()
    assert ir.async_get(hass).async_get_issue(*ORPHAN) is None


@pytest.mark.parametrize("whole", [False, True], ids=["camera", "hub"])
async def test_a_repair_goes_with_what_it_is_about(
    hass: HomeAssistant, client: Client, entry: MockConfigEntry, whole: bool
) -> None:
    """Nobody is asked to repair a camera that was removed, or whose hub was."""
    hass.config_entries.async_remove_subentry(entry, BRIDGE)
    await hass.async_block_till_done()
    assert ir.async_get(hass).async_get_issue(*ORPHAN) is not None
    if whole:
        await hass.config_entries.async_remove(entry.entry_id)
    else:
        hass.config_entries.async_remove_subentry(entry, CAMERA)
    await hass.async_block_till_done()
    assert ir.async_get(hass).async_get_issue(*ORPHAN) is None


async def test_a_removed_hub_revokes_its_tokens(
    hass: HomeAssistant, client: Client, entry: MockConfigEntry
) -> None:
    """A bridge of a removed hub is told that its token is revoked, not that nobody knows it."""
    gateway = entry.runtime_data.gateway
    await hass.config_entries.async_remove(entry.entry_id)
    assert gateway.tokens.find(TOKEN).revoked
    assert gateway.tokens.find("any other") is None


async def test_diagnostics_tell_of_the_connection(
    hass: HomeAssistant, client: Client, entry: MockConfigEntry
) -> None:
    """What a bridge sent in vain and how far away it is are told, the token is not."""
    peer = await _bridge(client)
    await peer.socket.send_str('{"type": "of another version"}')
    await peer.say(wire_frame(1, camera=9))
    await peer.settle()
    told = await async_get_config_entry_diagnostics(hass, entry)
    connection = next(one["connection"] for one in told["bridges"] if one["connection"])
    assert (connection["garbage"], connection["unknown"]) == (1, 1)
    assert connection["round_trip_s"] < 5
    assert token_hash(TOKEN) not in str(told)
    await peer.leave()


async def test_two_hubs_keep_to_themselves(
    hass: HomeAssistant, client: Client, entry: MockConfigEntry
) -> None:
    """Each bridge gets the cameras of its own hub, and one hub's end leaves the other's connection alone."""
    other = MockConfigEntry(
        domain=const.DOMAIN,
        entry_id="other",
        data={const.CONF_PROVIDER: const.PROVIDER_BUILTIN},
        options={const.CONF_MQTT_PREFIX: "other"},
        subentries_data=[
            bridge_subentry("other_bridge", token_hash=token_hash("other"), title="Other")
        ],
    )
    other.add_to_hass(hass)
    assert await hass.config_entries.async_setup(other.entry_id)
    await hass.async_block_till_done()
    mine = await BridgePeer.connect(client, TOKEN)
    theirs = await BridgePeer.connect(client, "other", bridge="bridge-b")
    assert [one.camera for one in (await mine.welcome()).cameras] == [KEY]
    welcome = await theirs.welcome()
    assert (welcome.cameras, welcome.mqtt_prefix) == ((), "other")
    assert await hass.config_entries.async_unload(other.entry_id)
    await theirs.end()
    await mine.settle()
    assert entry.runtime_data.bridges[BRIDGE].coordinator.state.connected
    await mine.leave()


# -- what MQTT retains -----------------------------------------------------------------------------------------------


async def test_another_prefix_moves_what_is_retained(
    hass: HomeAssistant, mqtt_mock: MqttMockHAClient
) -> None:
    """The old topics are cleared, the new ones carry the present state."""
    entry = await move_in(hass, Platform.SENSOR)
    camera = camera_of(entry)
    camera.publisher.connected(connected=True)
    await broker_settles(hass, mqtt_mock)
    mqtt_mock.async_publish.reset_mock()
    hass.config_entries.async_update_entry(entry, options={const.CONF_MQTT_PREFIX: "house"})
    await broker_settles(hass, mqtt_mock)
    told = {call.args[0]: call.args[1] for call in mqtt_mock.async_publish.mock_calls}
    assert told == {
        f"camera_narrator/{KEY}/activity": "",
        f"camera_narrator/{KEY}/connected": "",
        "camera_narrator/status": "",
        "house/status": "online",
        f"house/{KEY}/activity": "OFF",
        f"house/{KEY}/connected": "ON",
    }


async def test_a_removed_hub_clears_what_is_retained(
    hass: HomeAssistant, mqtt_mock: MqttMockHAClient
) -> None:
    """No broker goes on telling of cameras that are no more."""
    entry = await move_in(hass, Platform.SENSOR)
    await hass.async_block_till_done()
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    told = {call.args[0]: call.args[1] for call in mqtt_mock.async_publish.mock_calls}
    assert told == dict.fromkeys(
        (
            "camera_narrator/status",
            *(f"camera_narrator/{KEY}/{n}" for n in ("activity", "connected")),
        ),
        "",
    )
