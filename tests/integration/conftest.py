"""What every test with Home Assistant in process needs."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from syrupy.assertion import SnapshotAssertion

LIBRARY_TURNS = 50
"""Of the event loop: a dropped stream of the client library is ten generators in each other, two turns each."""


@pytest.fixture(autouse=True)
def _load_custom_components(enable_custom_integrations: None) -> None:
    """Let Home Assistant find the integration in this repository."""


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Write states and registry entries the way Home Assistant's own snapshots are written."""
    return snapshot.use_extension(HomeAssistantSnapshotExtension)


@pytest.fixture
async def library_ends() -> AsyncGenerator[None]:
    """Give the generators that the model servers' client library drops the turns they need to end."""
    yield
    for _ in range(LIBRARY_TURNS):
        await asyncio.sleep(0)
