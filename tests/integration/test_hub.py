"""One hub alive: what changes reaches cameras, bridges and provider without a reload, and nothing is left behind."""

import asyncio
from collections.abc import AsyncIterator, Generator, Mapping
from dataclasses import replace
from typing import Any, override
from unittest.mock import patch

from aiohttp.test_utils import TestClient
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState, ConfigSubentry
from homeassistant.const import Platform
from homeassistant.core import Event as BusEvent, HomeAssistant
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

from custom_components.camera_narrator import const, hub_camera
from custom_components.camera_narrator.diagnostics import async_get_config_entry_diagnostics
from custom_components.camera_narrator.hub import Hub
from custom_components.camera_narrator.hub_camera import HubCamera
from custom_components.camera_narrator.pipeline import narration
from custom_components.camera_narrator.pipeline.errors import Fault, ProviderError
from custom_components.camera_narrator.pipeline.events import STATE_MAX_AGE_S
from custom_components.camera_narrator.pipeline.models import ActivityState
from custom_components.camera_narrator.pipeline.provider import Provider
from custom_components.camera_narrator.pipeline.request import Analysis, Chunk, Partial
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
    camera_of,
    camera_subentry,
    frame,
    fresh_frame,
    hub_entry,
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


class Writer(Provider):
    """Signs every sentence; silent while it has not been asked to speak."""

    def __init__(self, name: str) -> None:
        """Speak at once."""
        self._name = name
        self.asked: list[Chunk] = []
        self.error: ProviderError | None = None
        self.speaks = asyncio.Event()
        self.speaks.set()

    @property
    @override
    def name(self) -> str:
        return self._name

    @property
    @override
    def heartbeats(self) -> bool:
        return False

    @property
    @override
    def names_subjects(self) -> bool:
        return True

    @override
    async def analyse(self, chunk: Chunk) -> AsyncIterator[Partial]:
        self.asked.append(chunk)
        await self.speaks.wait()
        if self.error is not None:
            raise self.error
        text = f"Sentence {len(self.asked)} of {self._name}."
        yield Partial(fields={}, analysis=Analysis(changed=True, narrative=text, subject=True))


@pytest.fixture
def writers() -> Generator[dict[str, Writer]]:
    """Let each model be a writer of its own, by name."""
    made: dict[str, Writer] = {}

    async def create(hass: HomeAssistant, data: Mapping[str, Any], rungs: object) -> Provider:
        return made.setdefault(name := data.get(const.CONF_MODEL, "first"), Writer(name))

    with patch("custom_components.camera_narrator.hub.create", create):
        yield made


@pytest.fixture
def clock() -> Generator[FakeClock]:
    """Let the hub's time pass by hand."""
    clock = FakeClock()
    with patch("custom_components.camera_narrator.hub.SystemClock", lambda: clock):
        yield clock


async def _choose(hass: HomeAssistant, entry: MockConfigEntry, model: str) -> None:
    hass.config_entries.async_update_entry(entry, data={**entry.data, const.CONF_MODEL: model})
    await hass.async_block_till_done()


class Visitor:
    """Walks before the camera, a frame a second."""

    def __init__(self, hass: HomeAssistant, entry: MockConfigEntry, clock: FakeClock) -> None:
        """Let the camera be connected and quiet."""
        self._hass = hass
        self._entry = entry
        self._clock = clock
        self._sequence = 0
        camera_of(entry).connect(epoch="epoch", reports_activity=True, active=False)

    async def walk(self, seconds: int) -> None:
        """Be seen for some seconds, up to now."""
        since_s = self._clock.monotonic()
        for _ in range(seconds):
            camera = camera_of(self._entry)
            self._sequence += 1
            now_s = self._clock.monotonic()
            camera.observe(ActivityState(active=True, since_s=since_s, received_s=now_s))
            _push(camera, self._clock, self._sequence, active=True)
            await self._clock.advance(1)


# -- the provider -------------------------------------------------------------------------------------------------


async def test_another_provider_goes_on_with_the_story(
    hass: HomeAssistant, clock: FakeClock, writers: dict[str, Writer]
) -> None:
    """Without a reload the next words are another writer's, of the same event, after the same notes."""
    entry = await move_in(hass, Platform.SENSOR)
    hub, camera = entry.runtime_data, camera_of(entry)
    visitor = Visitor(hass, entry, clock)
    await visitor.walk(3)
    before = camera.coordinator.state
    assert before.narrative.text == "Sentence 1 of first."
    await _choose(hass, entry, "second")
    await visitor.walk(12)
    after = camera.coordinator.state
    assert (entry.runtime_data, camera_of(entry)) == (hub, camera)
    assert (after.narrative.provider, after.event.provider) == ("second", "second")
    assert after.event.id == before.event.id
    told = [part.text for part in writers["second"].asked[0].parts if hasattr(part, "text")]
    assert any("Sentence 1 of first." in text for text in told)
    assert hass.states.get("sensor.front_door_narrative").attributes["provider"] == "second"


async def test_pictures_of_an_abandoned_request_are_shown_again(
    hass: HomeAssistant, clock: FakeClock, writers: dict[str, Writer]
) -> None:
    """A model that never answers is changed for another: its pictures go to that one."""
    entry = await move_in(hass, Platform.SENSOR)
    writers["first"].speaks.clear()
    visitor = Visitor(hass, entry, clock)
    await visitor.walk(3)
    held = {one.identity for one in writers["first"].asked[0].frames}
    assert camera_of(entry).source.outcomes("epoch").in_flight == len(held)
    await _choose(hass, entry, "second")
    assert camera_of(entry).source.outcomes("epoch").in_flight == 0
    await visitor.walk(8)
    shown = {one.identity for chunk in writers["second"].asked for one in chunk.frames}
    assert held <= shown
    assert camera_of(entry).source.outcomes("epoch").failed == 0


async def test_what_one_server_said_does_not_hold_another(
    hass: HomeAssistant, clock: FakeClock, writers: dict[str, Writer]
) -> None:
    """A Retry-After of an hour is the old server's word; the new one is asked at once."""
    entry = await move_in(hass, Platform.SENSOR)
    writers["first"].error = ProviderError(
        Fault.RATE_LIMITED, "later", retryable=True, retry_after_s=3600
    )
    visitor = Visitor(hass, entry, clock)
    await visitor.walk(3)
    hub: Hub = entry.runtime_data
    assert hub.limiter.held_until_s is not None
    assert hub.coordinator.state.problem == Fault.RATE_LIMITED
    await _choose(hass, entry, "second")
    assert hub.limiter.held_until_s is None
    assert hub.coordinator.state.problem is None
    await visitor.walk(8)
    assert camera_of(entry).coordinator.state.narrative.provider == "second"


async def test_a_refused_key_asks_for_another_once(
    hass: HomeAssistant, clock: FakeClock, writers: dict[str, Writer]
) -> None:
    """Each look is refused, one dialog waits, and the entry stays loaded."""
    entry = await move_in(hass, Platform.SENSOR)
    server = {const.CONF_BASE_URL: "http://192.0.2.9/v1", const.CONF_API_KEY: "wrong"}
    server[const.CONF_MODEL] = "first"
    hass.config_entries.async_update_entry(entry, data={**entry.data, **server})
    await hass.async_block_till_done()
    writers["first"].error = ProviderError(Fault.UNAUTHORIZED, "no", retryable=False)
    await Visitor(hass, entry, clock).walk(12)
    await hass.async_block_till_done()
    assert len(writers["first"].asked) > 1
    flows = hass.config_entries.flow.async_progress()
    assert [flow["context"]["source"] for flow in flows] == [SOURCE_REAUTH]
    assert entry.state is ConfigEntryState.LOADED
    assert entry.runtime_data.coordinator.state.problem == Fault.UNAUTHORIZED


async def test_a_wall_clock_that_jumps_changes_no_latency(
    hass: HomeAssistant, clock: FakeClock, writers: dict[str, Writer]
) -> None:
    """The network's time arrives while a request is under way: its words took seconds all the same."""
    entry = await move_in(hass, Platform.SENSOR)
    writers["first"].speaks.clear()
    await Visitor(hass, entry, clock).walk(3)
    clock._wall_offset_s += 86_400
    writers["first"].speaks.set()
    await clock.advance(0.5)
    assert 0 < camera_of(entry).coordinator.state.latency_s < 5
    attributes = hass.states.get("sensor.front_door_narrative").attributes
    assert 0 < attributes["latency"] < 5


# -- activity ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("narrated", [True, False])
async def test_the_flags_of_a_simple_client_switch_lights(
    hass: HomeAssistant, clock: FakeClock, writers: dict[str, Writer], *, narrated: bool
) -> None:
    """Who sends no activity says by its frames what moves; a client that falls silent leaves no light on."""
    entry = await move_in(hass, Platform.BINARY_SENSOR)
    camera = camera_of(entry)
    await camera.set_enabled(on=narrated)
    await hass.async_block_till_done()
    camera.connect(epoch="epoch", reports_activity=False, active=False)
    shown = []
    for sequence, active in enumerate((False, True, True, False, True), 1):
        _push(camera, clock, sequence, active=active)
        shown.append(hass.states.get("binary_sensor.front_door_activity").state)
        await clock.advance(1)
    assert shown == ["off", "on", "on", "off", "on"]
    await clock.advance(STATE_MAX_AGE_S)
    assert hass.states.get("binary_sensor.front_door_activity").state == "off"


async def test_a_reconnected_camera_shows_at_once_that_it_is_active(
    hass: HomeAssistant, clock: FakeClock, writers: dict[str, Writer]
) -> None:
    """The hello tells it; nobody waits for the next repetition of the state."""
    entry = await move_in(hass, Platform.BINARY_SENSOR)
    camera = camera_of(entry)
    await Visitor(hass, entry, clock).walk(2)
    camera.disconnect()
    assert camera.coordinator.state.active is None
    camera.connect(epoch="epoch", reports_activity=True, active=True)
    assert camera.coordinator.state.active is True


# -- a narration that breaks ---------------------------------------------------------------------------------------


async def test_a_defect_costs_a_moment(
    hass: HomeAssistant,
    clock: FakeClock,
    writers: dict[str, Writer],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A narration that raises is logged with its trace, counted, and begins again; its event goes on."""
    monkeypatch.setattr(hub_camera, "RESTART_FIRST_S", 0)
    entry = await move_in(hass, Platform.SENSOR)
    visitor = Visitor(hass, entry, clock)
    await visitor.walk(3)
    camera = camera_of(entry)
    event_id = camera.coordinator.state.event.id
    broken = asyncio.Event()

    def hear(_: object) -> None:
        if camera.defects:
            broken.set()
        raise ZeroDivisionError("a defect")

    with patch.object(narration._Narration, "hear", hear):
        camera.source.wake()
        await broken.wait()
    assert "The narration of camera front_door broke off" in caplog.text
    assert "ZeroDivisionError: a defect" in caplog.text
    await visitor.walk(12)
    assert camera.coordinator.state.event.id == event_id
    assert camera.coordinator.state.narrative.text != "Sentence 1 of first."
    assert await hass.config_entries.async_unload(entry.entry_id)


# -- cameras and bridges that come and go ------------------------------------------------------------------------------


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


# -- options, reload, unload ------------------------------------------------------------------------------------------


async def test_another_prefix_moves_what_is_retained(
    hass: HomeAssistant, mqtt_mock: MqttMockHAClient
) -> None:
    """The old topics are cleared, the new ones carry the present state."""
    entry = await move_in(hass, Platform.SENSOR)
    camera = camera_of(entry)
    camera.publisher.connected(connected=True)
    await _settle(hass, mqtt_mock)
    mqtt_mock.async_publish.reset_mock()
    hass.config_entries.async_update_entry(entry, options={const.CONF_MQTT_PREFIX: "house"})
    await _settle(hass, mqtt_mock)
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


async def test_a_reload_keeps_the_open_event(
    hass: HomeAssistant, clock: FakeClock, writers: dict[str, Writer]
) -> None:
    """Nothing ends at the reload; where the camera is still active its event goes on under its id."""
    events = async_capture_events(hass, const.EVENT_TYPE)
    entry = await move_in(hass, Platform.SENSOR)
    await Visitor(hass, entry, clock).walk(3)
    before = camera_of(entry)
    event_id = before.coordinator.state.event.id
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    camera = camera_of(entry)
    assert camera is not before
    assert camera.source.memory.open_event.id == event_id
    camera.connect(epoch="epoch", reports_activity=True, active=True)
    await Visitor(hass, entry, clock).walk(8)
    assert _ids(events) == {event_id}
    assert "ended" not in [event.data["phase"] for event in events]


async def test_a_reload_of_a_quiet_camera_ends_its_event(
    hass: HomeAssistant, clock: FakeClock, writers: dict[str, Writer]
) -> None:
    """The hello says that nothing moves any more: the event ends as restarted, once."""
    events = async_capture_events(hass, const.EVENT_TYPE)
    entry = await move_in(hass, Platform.SENSOR)
    await Visitor(hass, entry, clock).walk(3)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    camera_of(entry).connect(epoch="epoch", reports_activity=True, active=False)
    await clock.advance(1)
    assert [event.data["reason"] for event in events if event.data["phase"] == "ended"] == [
        "restarted"
    ]


async def test_a_change_that_meets_the_unload_starts_nothing(
    hass: HomeAssistant, writers: dict[str, Writer]
) -> None:
    """A camera added while its hub stops is the next start's: no narration outlives the hub."""
    entry = await move_in(hass, Platform.SENSOR)
    hub: Hub = entry.runtime_data
    async with hub._changing:
        hass.config_entries.async_add_subentry(
            entry,
            ConfigSubentry(
                data={**camera_subentry()["data"], const.CONF_KEY: "garden"},
                subentry_type=const.SUBENTRY_CAMERA,
                title="Garden",
                unique_id=None,
            ),
        )
        hub._stopped = True
    await hass.async_block_till_done()
    assert list(hub.cameras) == [CAMERA]
    assert await hass.config_entries.async_unload(entry.entry_id)
    running = [task.get_name() for task in asyncio.all_tasks()]
    assert [name for name in running if const.DOMAIN in name] == []


async def test_settings_that_change_during_the_start_are_taken_over(
    hass: HomeAssistant, writers: dict[str, Writer]
) -> None:
    """Between building the hub and its platforms a user may already have edited it."""
    entry = hub_entry()
    entry.add_to_hass(hass)
    forward = hass.config_entries.async_forward_entry_setups

    async def edit_first(*given: Any) -> None:
        subentry = entry.subentries[CAMERA]
        hass.config_entries.async_update_subentry(
            entry, subentry, data={**subentry.data, const.CONF_ENABLED: False}
        )
        await forward(*given)

    with (
        patch("custom_components.camera_narrator.PLATFORMS", (Platform.SWITCH,)),
        patch.object(hass.config_entries, "async_forward_entry_setups", edit_first),
    ):
        assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
    assert hass.states.get("switch.front_door_narration").state == "off"
    assert not camera_of(entry).source.settings.enabled


def _push(camera: HubCamera, clock: FakeClock, sequence: int, *, active: bool) -> None:
    camera.receive(
        replace(
            frame(sequence=sequence, active=active),
            captured_s=clock.monotonic(),
            captured_wall_s=clock.wall(),
            received_s=clock.monotonic(),
        )
    )


async def _settle(hass: HomeAssistant, broker: MqttMockHAClient) -> None:
    """Wait until nothing more is published."""
    seen = -1
    while seen != broker.async_publish.call_count:
        seen = broker.async_publish.call_count
        for _ in range(10):
            await hass.async_block_till_done()


def _ids(events: list[BusEvent]) -> set[str]:
    return {event.data["id"] for event in events}
