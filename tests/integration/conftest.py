"""What every test with Home Assistant in process needs."""

from collections.abc import Generator

import pytest


@pytest.fixture(autouse=True)
def _load_custom_components(enable_custom_integrations: None) -> Generator[None]:
    """Let Home Assistant find the integration in this repository."""
    yield
