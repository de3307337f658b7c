"""Pictures that stay in the house, and the count of those that leave it."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from PIL import Image
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.camera_narrator import const, local_only
from custom_components.camera_narrator.camera_draft import CameraDraft
from custom_components.camera_narrator.coordinator import SLOW_S
from custom_components.camera_narrator.cost_words import estimate
from custom_components.camera_narrator.entity import describe
from custom_components.camera_narrator.hub import Hub
from custom_components.camera_narrator.providers.builtin import NAME
from rigs.model_server import ModelServer
from tests.integration import house
from tests.integration.dialogs import add_hub

SENSOR = "sensor.camera_narrator_pictures_sent_out_today"
PASSES_ON = {const.CONF_INPUT_PRICE: 0.1, const.CONF_OUTPUT_PRICE: 0.4}
"""A price makes a server in the house one that passes pictures on, so that a test needs none outside."""


def picture() -> bytes:
    """Return a picture that can be read."""
    file = BytesIO()
    Image.new("RGB", (64, 48), "grey").save(file, "JPEG")
    return file.getvalue()


@pytest.fixture
async def server() -> AsyncGenerator[ModelServer]:
    """Return a model server."""
    server = ModelServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def entry(hass: HomeAssistant, server: ModelServer) -> AsyncGenerator[MockConfigEntry]:
    """Return a hub whose server passes pictures on, and a camera with a fresh picture."""
    data = {
        const.CONF_PROVIDER: const.PROVIDER_OPENAI,
        const.CONF_BASE_URL: server.base_url,
        const.CONF_API_KEY: "",
        const.CONF_MODEL: "scripted",
    }
    entry = await add_hub(
        hass, (house.bridge_subentry(), house.camera_subentry()), data=data, options=PASSES_ON
    )
    camera = house.stream(entry)
    camera.receive(replace(house.fresh_frame(), jpeg=picture()))
    yield entry
    await hass.config_entries.async_unload(entry.entry_id)


def hub_of(entry: MockConfigEntry) -> Hub:
    """Return the hub."""
    hub: Hub = entry.runtime_data
    return hub


async def change(hass: HomeAssistant, entry: MockConfigEntry, **data: Any) -> None:
    """Change the camera's settings."""
    subentry = entry.subentries[house.CAMERA]
    hass.config_entries.async_update_subentry(entry, subentry, data={**subentry.data, **data})
    await hass.async_block_till_done()


def asked(server: ModelServer) -> int:
    """Return the requests with a camera's pictures, those of probes left out."""
    return sum(request.schema_name == "narration" for request in server.requests)


@pytest.mark.parametrize(
    ("url", "options", "host"),
    [
        ("https://api.openai.com/v1", {}, "api.openai.com"),
        ("http://192.168.1.20:11434/v1", {}, None),
        ("http://ollama.local/v1", {}, None),
        ("http://192.168.1.20:4000/v1", PASSES_ON, "192.168.1.20"),
        ("https://8.8.8.8/v1", {}, "8.8.8.8"),
    ],
)
def test_where_pictures_go(url: str, options: dict[str, float], host: str | None) -> None:
    """Out of the house to a public address, and to a proxy in it, which has a price."""
    data = {const.CONF_PROVIDER: const.PROVIDER_OPENAI, const.CONF_BASE_URL: url}
    assert local_only.outside(data, options) == host
    assert local_only.outside({const.CONF_PROVIDER: const.PROVIDER_BUILTIN}, options) is None


@pytest.mark.usefixtures("socket_enabled", "library_ends")
async def test_a_camera_kept_in_the_house_is_described_by_code(
    hass: HomeAssistant, server: ModelServer, entry: MockConfigEntry
) -> None:
    """No request with its picture leaves from the moment on that it is chosen, and all do again once it is not."""
    await change(hass, entry, local_only=True)
    camera = house.camera_of(entry)
    told = await describe(camera, None)
    assert told.provider == NAME
    assert asked(server) == 0
    assert hub_of(entry).coordinator.state.pictures_out == 0

    await change(hass, entry, local_only=False)
    camera.receive(replace(house.fresh_frame(3), jpeg=picture()))
    told = await describe(camera, None)
    assert told.provider == "scripted"
    assert asked(server) == 1


@pytest.mark.usefixtures("socket_enabled", "library_ends")
async def test_a_server_in_the_house_reads_it_all_the_same(
    hass: HomeAssistant, server: ModelServer, entry: MockConfigEntry
) -> None:
    """Kept in the house is not kept from its own server; pictures to that are not counted as sent out."""
    hass.config_entries.async_update_entry(entry, options={})
    await change(hass, entry, local_only=True)
    told = await describe(house.camera_of(entry), None)
    assert told.provider == "scripted"
    assert hub_of(entry).coordinator.state.pictures_out == 0


@pytest.mark.usefixtures("socket_enabled", "library_ends")
async def test_a_describer_tells_nothing_of_the_hubs_server(
    hass: HomeAssistant, server: ModelServer, entry: MockConfigEntry
) -> None:
    """Words of a camera kept in the house do not hide that the server is in trouble."""
    await change(hass, entry, local_only=True)
    hub = hub_of(entry)
    hub.provider_failed(house.failure())
    await describe(house.camera_of(entry), None)
    assert hub.coordinator.state.problem == "timeout"


@pytest.mark.usefixtures("socket_enabled", "library_ends")
async def test_pictures_sent_out_are_counted_by_day(
    hass: HomeAssistant,
    server: ModelServer,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Each picture of each request counts, over a restart, until the house's midnight."""
    assert hass.states.get(SENSOR).state == "0"
    # The fixture's is of another time than the clock that stands still.
    house.camera_of(entry).receive(replace(house.fresh_frame(3), jpeg=picture()))
    await describe(house.camera_of(entry), None)
    shown = len(server.requests[-1].pictures)
    hub_of(entry).pictures_out.sent(3)
    assert hub_of(entry).coordinator.state.pictures_out == shown + 3 > 3

    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert hass.states.get(SENSOR).state == str(shown + 3)

    midnight = dt_util.start_of_local_day(dt_util.now() + timedelta(days=1))
    freezer.move_to(midnight + timedelta(seconds=1))
    async_fire_time_changed(hass, midnight + timedelta(seconds=1))
    await hass.async_block_till_done()
    async_fire_time_changed(hass, midnight + timedelta(seconds=SLOW_S + 2))
    await hass.async_block_till_done()
    assert hass.states.get(SENSOR).state == "0"


@pytest.mark.usefixtures("socket_enabled", "library_ends")
async def test_the_dialog_says_what_a_camera_kept_in_the_house_lacks(
    hass: HomeAssistant, server: ModelServer, entry: MockConfigEntry
) -> None:
    """Nobody answers its rules or names anybody, and it costs nothing."""
    draft = CameraDraft(hass, entry, house.CAMERA)
    typed = {**draft.typed, const.CONF_RULES: [{"question": "the gate is open"}]}
    advanced = draft.typed[const.SECTION_ADVANCED]

    draft.take({**typed, const.SECTION_ADVANCED: {**advanced, const.CONF_LOCAL_ONLY: True}})
    assert draft.errors == {const.CONF_RULES: "rules_stay"}
    draft.take({**typed, const.SECTION_ADVANCED: {**advanced, const.CONF_LOCAL_ONLY: False}})
    assert draft.errors == {}
    assert "stay in the house" in await estimate(hass, entry, {const.CONF_LOCAL_ONLY: True})
    assert "A day of" in await estimate(hass, entry, {})


@pytest.mark.usefixtures("socket_enabled", "library_ends")
async def test_a_second_server_in_the_house_reads_what_the_first_may_not(
    hass: HomeAssistant, server: ModelServer, entry: MockConfigEntry
) -> None:
    """Where the fallback stands in the house, it writes for a camera whose pictures stay there."""
    second = ModelServer(models=("inner",))
    await second.start()
    fallback = {
        const.CONF_BASE_URL: second.base_url,
        const.CONF_API_KEY: "",
        const.CONF_MODEL: "inner",
    }
    options = {**PASSES_ON, const.CONF_FALLBACK: fallback}
    hass.config_entries.async_update_entry(entry, options=options)
    await change(hass, entry, local_only=True)
    told = await describe(house.camera_of(entry), None)
    assert told.provider == "inner"
    assert asked(server) == 0
    assert hub_of(entry).coordinator.state.pictures_out == 0
    assert not local_only.answered_by_code(entry, {const.CONF_LOCAL_ONLY: True})
    passes_on = {**PASSES_ON, const.CONF_FALLBACK: {**fallback, **PASSES_ON}}
    hass.config_entries.async_update_entry(entry, options=passes_on)
    await hass.async_block_till_done()
    told = await describe(house.camera_of(entry), None)
    assert told.provider == NAME
    assert local_only.answered_by_code(entry, {const.CONF_LOCAL_ONLY: True})
    await second.stop()
