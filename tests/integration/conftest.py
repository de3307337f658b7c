"""What every test with Home Assistant in process needs."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion

from custom_components.camera_narrator import progress, timeline
from tests.integration.camera_dialog import TOKEN, bridge_subentry, found
from tests.integration.dialogs import add_hub
from tests.integration.paired_bridge import PairedBridge

LIBRARY_TURNS = 50
"""Of the event loop: a dropped stream of the client library is ten generators in each other, two turns each."""


@pytest.fixture(autouse=True)
def _load_custom_components(enable_custom_integrations: None) -> None:
    """Let Home Assistant find the integration in this repository."""


@pytest.fixture(autouse=True)
def timelines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of the test's own for timelines: the tests' configuration folder is shared by all of them."""

    def path_of(_: object, entry_id: str) -> Path:
        return tmp_path / "camera_narrator" / f"{entry_id}.db"

    monkeypatch.setattr(timeline, "path_of", path_of)
    return tmp_path / "camera_narrator"


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Write states and registry entries the way Home Assistant's own snapshots are written."""
    return snapshot.use_extension(HomeAssistantSnapshotExtension)


@pytest.fixture
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let progress steps end at once: nobody has to see them."""
    monkeypatch.setattr(progress, "SHOWN_S", 0)


@pytest.fixture
async def entry(hass: HomeAssistant) -> AsyncGenerator[MockConfigEntry]:
    """Return a hub with one bridge; where a test needs another, it says so itself."""
    entry = await add_hub(hass, (bridge_subentry(),))
    yield entry
    await hass.config_entries.async_unload(entry.entry_id)


@pytest.fixture
async def client(
    entry: MockConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> TestClient[Any, Any]:
    """Return what connects to Home Assistant's real HTTP server, without a login, once a test's hub is set up."""
    return await hass_client_no_auth()


@pytest.fixture
async def bridge(hass: HomeAssistant, client: TestClient[Any, Any]) -> AsyncGenerator[PairedBridge]:
    """Return the bridge, connected, that finds a camera at every address."""
    async with PairedBridge(client, TOKEN) as bridge:
        bridge.answer = found
        await bridge.until(lambda it: it.welcomed.is_set())
        yield bridge


@pytest.fixture
async def library_ends() -> AsyncGenerator[None]:
    """Give the generators that the model servers' client library drops the turns they need to end."""
    yield
    for _ in range(LIBRARY_TURNS):
        await asyncio.sleep(0)
