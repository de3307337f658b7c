"""A hub of remembering cameras behind the real gateway, and a client for its real socket."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from tests.integration.gateway.fake_hub import FakeHub, fake_hub


@pytest.fixture
def expected_lingering_timers() -> bool:
    """Expect aiohttp's heartbeat, which it arms again when the peer's goodbye answers ours."""
    return True


@pytest.fixture
async def hub(hass: HomeAssistant) -> AsyncGenerator[FakeHub]:
    assert await async_setup_component(hass, "http", {})
    hub = fake_hub(hass)
    yield hub
    hub.gateway.close(hub)
    for bridge in hub.bridges.values():
        bridge.close()
    hub.gateway.stop()
    links = list(hub.gateway._links)
    async with asyncio.timeout(5):
        await asyncio.gather(*(link.ended.wait() for link in links))
    assert all(timer.cancelled() for link in links for timer in link._timers.values())


@pytest.fixture
async def client(hub: FakeHub, hass_client_no_auth: ClientSessionGenerator) -> TestClient[Any, Any]:
    return await hass_client_no_auth()
