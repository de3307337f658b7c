"""What every test with Home Assistant in process needs."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from syrupy.assertion import SnapshotAssertion

from custom_components.camera_narrator import timeline

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
async def library_ends() -> AsyncGenerator[None]:
    """Give the generators that the model servers' client library drops the turns they need to end."""
    yield
    for _ in range(LIBRARY_TURNS):
        await asyncio.sleep(0)
