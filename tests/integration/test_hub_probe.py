"""What a hub finds out of its model server: when, once, and at what cost."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.camera_narrator import const
from custom_components.camera_narrator.diagnostics import async_get_config_entry_diagnostics
from custom_components.camera_narrator.hub import Hub
from custom_components.camera_narrator.hub_probe import AFTER_S
from custom_components.camera_narrator.pipeline.spending import Cost
from custom_components.camera_narrator.pipeline.turn import Turn, Urgency
from rigs.model_faults import Fault
from rigs.model_manners import MANNERS
from rigs.model_server import ModelServer
from tests.integration.dialogs import add_hub

KEY = "sk-test-0123456789abcdef"
PRICED = {const.CONF_INPUT_PRICE: 1000.0, const.CONF_OUTPUT_PRICE: 1000.0}
"""A tenth of a cent a token: what three small questions cost is seen in a cap of dollars."""


@pytest.fixture
async def server(socket_enabled: None, library_ends: None) -> AsyncGenerator[ModelServer]:
    """Return a model server that takes one picture in a request."""
    server = ModelServer(api_key=KEY, manners=MANNERS["vllm"])
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def entry(hass: HomeAssistant, server: ModelServer) -> AsyncGenerator[MockConfigEntry]:
    """Return a hub with that server, whose requests cost money."""
    data = {
        const.CONF_PROVIDER: const.PROVIDER_OPENAI,
        const.CONF_BASE_URL: server.base_url,
        const.CONF_API_KEY: KEY,
        const.CONF_MODEL: "scripted",
    }
    options = {**PRICED, const.CONF_USD_PER_DAY: 50.0}
    entry = await add_hub(hass, data=data, options=options)
    yield entry
    await hass.config_entries.async_unload(entry.entry_id)


def hub_of(entry: MockConfigEntry) -> Hub:
    """Return the hub."""
    hub: Hub = entry.runtime_data
    return hub


async def rest(hass: HomeAssistant) -> None:
    """Let the hub be at rest for as long as the probe waits, and let it ask."""
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=AFTER_S + 1))
    await hass.async_block_till_done()
    (entry,) = hass.config_entries.async_entries(const.DOMAIN)
    if (task := entry.runtime_data.probe.task) is not None:
        async with asyncio.timeout(20):
            await task


async def test_a_server_is_found_out_once(
    hass: HomeAssistant, entry: MockConfigEntry, server: ModelServer
) -> None:
    """Not at set-up, not before its first answer, then at rest, and never again; diagnostics tell it."""
    await rest(hass)
    assert server.requests == []
    hub = hub_of(entry)
    hub.provider_answered()
    assert server.requests == []
    await rest(hass)
    asked = len(server.requests)
    assert asked >= 3
    told = (await async_get_config_entry_diagnostics(hass, entry))["hub"]["servers"]
    (known,) = told.values()
    assert known["pictures_most"] == 1
    assert known["context_tokens"] == 32768
    assert known["quiet"] == {"chat_template_kwargs": {"enable_thinking": False}}
    hub.provider_answered()
    await rest(hass)
    assert len(server.requests) == asked


async def test_what_is_known_survives_a_restart(
    hass: HomeAssistant, entry: MockConfigEntry, server: ModelServer
) -> None:
    """The file tells it; nobody is asked again."""
    hub_of(entry).provider_answered()
    await rest(hass)
    asked = len(server.requests)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    hub_of(entry).provider_answered()
    await rest(hass)
    assert len(server.requests) == asked


async def test_the_probe_counts_in_limits_and_money(
    hass: HomeAssistant, entry: MockConfigEntry, server: ModelServer
) -> None:
    """Its requests and tokens are the hub's; without the money there is none."""
    hub = hub_of(entry)
    hub.provider_answered()
    await rest(hass)
    spent = hub.limiter.spending.today(hub.clock.wall()).cost
    assert spent.requests == len([one for one in server.requests if one.outcome == "answered"]) + 1
    counted = sum(
        MANNERS["vllm"].input_tokens(one) for one in server.requests if one.outcome == "answered"
    )
    assert spent.tokens >= counted
    assert spent.usd == pytest.approx(spent.tokens / 1000)


async def test_a_look_comes_first(
    hass: HomeAssistant, entry: MockConfigEntry, server: ModelServer
) -> None:
    """While a request of a camera is under way the probe waits, and goes on afterwards."""
    hub = hub_of(entry)
    hub.provider_answered()
    async with Turn(hub.limiter, "front_door", Urgency.ONSET, estimate=lambda: Cost(requests=1)):
        await rest(hass)
        assert server.requests == []
    await rest(hass)
    assert len(server.requests) >= 3


async def test_a_server_that_fails_is_left_alone(
    hass: HomeAssistant, entry: MockConfigEntry, server: ModelServer
) -> None:
    """A probe without an answer is not tried at every look, and what is known stays as it was."""
    server.script.add(Fault.overloaded(times=None))
    hub = hub_of(entry)
    hub.provider_answered()
    await rest(hass)
    assert len(server.requests) == 1
    hub.limiter.release()
    hub.provider_answered()
    await rest(hass)
    assert len(server.requests) == 1


async def test_another_model_is_found_out_anew(
    hass: HomeAssistant, entry: MockConfigEntry, server: ModelServer
) -> None:
    """What was planned for the server before is off; the new one is asked after its own first answer."""
    server.models = ("scripted", "other")
    hub = hub_of(entry)
    hub.provider_answered()
    hass.config_entries.async_update_entry(entry, data={**entry.data, const.CONF_MODEL: "other"})
    await hass.async_block_till_done()
    await rest(hass)
    assert server.requests == []
    hub.provider_answered()
    await rest(hass)
    assert {request.model for request in server.requests} == {"other"}
