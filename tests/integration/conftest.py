"""What every test with Home Assistant in process needs."""

import pytest
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from syrupy.assertion import SnapshotAssertion


@pytest.fixture(autouse=True)
def _load_custom_components(enable_custom_integrations: None) -> None:
    """Let Home Assistant find the integration in this repository."""


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Write states and registry entries the way Home Assistant's own snapshots are written."""
    return snapshot.use_extension(HomeAssistantSnapshotExtension)
