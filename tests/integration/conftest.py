"""What every test with Home Assistant in process needs."""

import pytest


@pytest.fixture(autouse=True)
def _load_custom_components(enable_custom_integrations: None) -> None:
    """Let Home Assistant find the integration in this repository."""
