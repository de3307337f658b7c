"""The story of a camera goes on at its hub: over another provider, a defect, a reload."""

import asyncio
from collections.abc import AsyncIterator, Generator, Mapping
from dataclasses import replace
from typing import Any, override
from unittest.mock import patch

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState, ConfigSubentry
from homeassistant.const import Platform
from homeassistant.core import Event as BusEvent, HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events

from custom_components.camera_narrator import const, hub_camera
from custom_components.camera_narrator.hub import Hub
from custom_components.camera_narrator.hub_camera import HubCamera
from custom_components.camera_narrator.pipeline import narration
from custom_components.camera_narrator.pipeline.errors import Fault, ProviderError
from custom_components.camera_narrator.pipeline.events import STATE_MAX_AGE_S
from custom_components.camera_narrator.pipeline.models import ActivityState
from custom_components.camera_narrator.pipeline.provider import Provider
from custom_components.camera_narrator.pipeline.request import Analysis, Chunk, Partial
from tests.integration.house import (
    CAMERA,
    camera_of,
    camera_subentry,
    frame,
    hub_entry,
    move_in,
)
from tests.pipeline.fakes import FakeClock


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


# -- reload, unload, start ---------------------------------------------------------------------------------------------


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


def _ids(events: list[BusEvent]) -> set[str]:
    return {event.data["id"] for event in events}
