"""Model servers to ask, for every test here."""

from collections.abc import AsyncGenerator

import pytest

from rigs.model_server import ModelServer
from tests.integration.providers.scripted import KEY


@pytest.fixture(autouse=True)
def _sockets(socket_enabled: None, library_ends: None) -> None:
    """Let the servers here listen, and the client library end."""


@pytest.fixture
async def server() -> AsyncGenerator[ModelServer]:
    """A scripted model server that reads the pictures."""
    scripted = ModelServer(api_key=KEY)
    await scripted.start()
    yield scripted
    await scripted.stop()
