"""A hub's second model server: its dialog, who writes when, what it costs, and where its pictures may go."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from io import BytesIO
import json
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from PIL import Image
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.camera_narrator import const
from custom_components.camera_narrator.diagnostics import async_get_config_entry_diagnostics
from custom_components.camera_narrator.hub import Hub
from custom_components.camera_narrator.pipeline.spending import Unit
from rigs.model_faults import Fault
from rigs.model_server import ModelServer
from tests.integration import house
from tests.integration.dialogs import Result, add_hub, suggested

FIRST_KEY, SECOND_KEY = "sk-first-0123456789abcdef", "sk-second-0123456789abcdef"
PRICED = {const.CONF_INPUT_PRICE: 200.0, const.CONF_OUTPUT_PRICE: 200.0}
LOCAL = {const.CONF_LOCAL_ONLY: True}


@pytest.fixture
async def servers(
    socket_enabled: None, library_ends: None
) -> AsyncGenerator[tuple[ModelServer, ModelServer]]:
    """Return two model servers, each with a key of its own."""
    first = ModelServer(api_key=FIRST_KEY, models=("first",))
    second = ModelServer(api_key=SECOND_KEY, models=("second",))
    await first.start()
    await second.start()
    yield first, second
    await first.stop()
    await second.stop()


def of_second(server: ModelServer, **given: Any) -> dict[str, Any]:
    """Return the options of the second server."""
    return {
        const.CONF_BASE_URL: server.base_url,
        const.CONF_API_KEY: SECOND_KEY,
        const.CONF_MODEL: "second",
        **given,
    }


@pytest.fixture
async def entry(
    hass: HomeAssistant, servers: tuple[ModelServer, ModelServer]
) -> AsyncGenerator[MockConfigEntry]:
    """Return a hub with both, the second with a price of its own, and a camera."""
    first, second = servers
    data = {
        const.CONF_PROVIDER: const.PROVIDER_OPENAI,
        const.CONF_BASE_URL: first.base_url,
        const.CONF_API_KEY: FIRST_KEY,
        const.CONF_MODEL: "first",
    }
    options = {
        const.CONF_MQTT_PREFIX: "camera_narrator",
        const.CONF_FALLBACK: of_second(second, **PRICED, usd_per_day=9.0),
    }
    subentries = (house.bridge_subentry(), house.camera_subentry())
    entry = await add_hub(hass, subentries, data=data, options=options)
    yield entry
    await hass.config_entries.async_unload(entry.entry_id)


def hub_of(entry: MockConfigEntry) -> Hub:
    """Return the hub."""
    hub: Hub = entry.runtime_data
    return hub


async def described(entry: MockConfigEntry, sequence: int) -> str:
    """Show a new picture, ask what is on it, and return who answered."""
    camera = house.camera_of(entry)
    camera.connect(epoch="epoch", reports_activity=True, active=False)
    file = BytesIO()
    Image.new("RGB", (64, 48), "grey").save(file, "JPEG")
    camera.receive(replace(house.fresh_frame(sequence), jpeg=file.getvalue()))
    async with asyncio.timeout(20):
        return (await camera.describe()).provider


async def open_options(hass: HomeAssistant, entry: MockConfigEntry) -> Result:
    """Open the options and choose a second server."""
    result: Result = await hass.config_entries.options.async_init(entry.entry_id)
    typed = {**suggested(result), const.CONF_FALLBACK: const.FALLBACK_SERVER}
    return await hass.config_entries.options.async_configure(result["flow_id"], typed)


async def test_the_second_writes_where_the_first_refuses_and_gives_way_again(
    hass: HomeAssistant, entry: MockConfigEntry, servers: tuple[ModelServer, ModelServer]
) -> None:
    """Its name stands with the words; the first one's trouble stays visible until it answers again."""
    first, second = servers
    first.script.add(Fault(kind=Fault.overloaded().kind, status=402, code="pay", times=1))
    assert await described(entry, 2) == "second"
    assert (len(first.requests), len(second.requests)) == (1, 1)
    assert hub_of(entry).coordinator.state.problem == "rate_limited"
    hub_of(entry).limiter.release()
    assert await described(entry, 3) == "first"
    assert hub_of(entry).coordinator.state.problem is None
    assert len(second.requests) == 1


async def test_it_is_not_contacted_before_it_has_to_write(
    hass: HomeAssistant, entry: MockConfigEntry, servers: tuple[ModelServer, ModelServer]
) -> None:
    """Neither at set-up nor while the first one answers."""
    assert await described(entry, 2) == "first"
    assert servers[1].requests == []


async def test_what_it_costs_is_its_own_and_the_days(
    hass: HomeAssistant, entry: MockConfigEntry, servers: tuple[ModelServer, ModelServer]
) -> None:
    """Its cap counts it, the sensor of the day shows it, and a restart forgets neither."""
    servers[0].script.add(Fault(kind=Fault.overloaded().kind, status=402, code="pay", times=None))
    assert await described(entry, 2) == "second"
    hub = hub_of(entry)
    backup = hub.fallback.backup
    assert backup is not None
    assert backup.limiter.terms.caps == {Unit.USD: 9.0}
    usd = hub.fallback.usd_today
    assert usd > 0
    assert hub.coordinator.state.cost_usd == pytest.approx(usd, abs=1e-4)
    assert hub.limiter.spending.today(hub.clock.wall()).cost.usd == 0
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert hub_of(entry).fallback.usd_today == pytest.approx(usd)


async def test_pictures_that_stay_go_to_no_second_server_outside(
    hass: HomeAssistant, entry: MockConfigEntry, servers: tuple[ModelServer, ModelServer]
) -> None:
    """One in the house may write for such a camera, one outside never; those that go out are counted."""
    fallback = hub_of(entry).fallback
    assert fallback.outside, "with a price it passes pictures on"
    assert fallback.backup_for({}) is fallback.backup is not None
    assert fallback.backup_for(LOCAL) is None
    inside = {const.CONF_FALLBACK: of_second(servers[1])}
    hass.config_entries.async_update_entry(entry, options={**entry.options, **inside})
    await hass.async_block_till_done()
    assert fallback.backup_for(LOCAL) is fallback.backup is not None
    servers[0].script.add(Fault(kind=Fault.overloaded().kind, status=402, code="pay", times=None))
    assert await described(entry, 2) == "second"
    assert hub_of(entry).coordinator.state.pictures_out == 0


async def test_the_dialog_takes_and_drops_it(
    hass: HomeAssistant, entry: MockConfigEntry, servers: tuple[ModelServer, ModelServer]
) -> None:
    """The form is prefilled but for the key, which stays; who chooses the describer again has no second server."""
    result = await open_options(hass, entry)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "fallback")
    shown = suggested(result)
    assert shown[const.CONF_BASE_URL] == servers[1].base_url
    assert const.CONF_API_KEY not in shown
    typed = {**shown, const.CONF_MODEL: "other", const.CONF_USD_PER_DAY: 2.0}
    result = await hass.config_entries.options.async_configure(result["flow_id"], typed)
    await hass.async_block_till_done()
    kept = entry.options[const.CONF_FALLBACK]
    assert (kept[const.CONF_MODEL], kept[const.CONF_API_KEY]) == ("other", SECOND_KEY)
    backup = hub_of(entry).fallback.backup
    assert backup is not None
    assert (backup.provider.name, backup.limiter.terms.caps) == ("other", {Unit.USD: 2.0})

    result = await hass.config_entries.options.async_init(entry.entry_id)
    assert suggested(result)[const.CONF_FALLBACK] == const.FALLBACK_SERVER
    typed = {**suggested(result), const.CONF_FALLBACK: const.FALLBACK_BUILTIN}
    await hass.config_entries.options.async_configure(result["flow_id"], typed)
    await hass.async_block_till_done()
    assert const.CONF_FALLBACK not in entry.options
    assert hub_of(entry).fallback.backup is None


@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        ({const.CONF_BASE_URL: "ftp://x"}, {const.CONF_BASE_URL: "invalid_url"}),
        (
            {const.CONF_BASE_URL: "", const.CONF_SERVER: "ollama"},
            {const.CONF_BASE_URL: "address_missing"},
        ),
        ({const.CONF_MODEL: " "}, {const.CONF_MODEL: "model_missing"}),
        ({const.CONF_INPUT_PRICE: 1.0}, {"base": "half_a_price"}),
    ],
)
async def test_what_is_missing_is_said(
    hass: HomeAssistant, entry: MockConfigEntry, typed: dict[str, Any], errors: dict[str, str]
) -> None:
    """At its field; nothing is kept before it is right."""
    before = dict(entry.options)
    result = await open_options(hass, entry)
    given = {**suggested(result), **typed}
    if const.CONF_INPUT_PRICE in typed:
        del given[const.CONF_OUTPUT_PRICE]
    result = await hass.config_entries.options.async_configure(result["flow_id"], given)
    assert result["errors"] == errors
    assert entry.options == before


async def test_a_key_stays_with_the_server_it_was_typed_for(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Another host gets none unless it is typed; where it is outside, the house is asked whether pictures may go there."""
    result = await open_options(hass, entry)
    typed = {**suggested(result), const.CONF_SERVER: "openai", const.CONF_BASE_URL: ""}
    result = await hass.config_entries.options.async_configure(result["flow_id"], typed)
    assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "fallback_consent")
    assert result["description_placeholders"] == {"server": "api.openai.com"}
    assert entry.options[const.CONF_FALLBACK][const.CONF_MODEL] == "second", "not before the yes"
    step = {"next_step_id": "fallback_consent_given"}
    await hass.config_entries.options.async_configure(result["flow_id"], step)
    await hass.async_block_till_done()
    kept = entry.options[const.CONF_FALLBACK]
    assert kept[const.CONF_BASE_URL] == "https://api.openai.com/v1"
    assert kept[const.CONF_API_KEY] == ""


async def test_diagnostics_tell_of_it_without_its_key(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Name, limits and spending are there; neither key is, nor a path."""
    told = await async_get_config_entry_diagnostics(hass, entry)
    text = json.dumps(told)
    assert SECOND_KEY not in text
    assert FIRST_KEY not in text
    assert told["hub"]["fallback"]["provider"] == "second"
    assert told["hub"]["fallback"]["terms"]["caps"] == {"usd": 9.0}
    assert told["entry"]["options"][const.CONF_FALLBACK][const.CONF_API_KEY] == "**REDACTED**"
    assert "/v1" not in told["entry"]["options"][const.CONF_FALLBACK][const.CONF_BASE_URL]
