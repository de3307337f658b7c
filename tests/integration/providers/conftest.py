"""Model servers to ask, for every test here."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from rigs.model_server import ModelServer
from tests.integration.providers.scripted import KEY

LIBRARY_TURNS = 50
"""Of the event loop: a dropped stream of the client library is ten generators in each other, two turns each."""


@pytest.fixture(autouse=True)
async def _sockets(socket_enabled: None) -> AsyncGenerator[None]:
    """Let the servers here listen; give the client library's dropped generators the turns they need to end."""
    yield
    for _ in range(LIBRARY_TURNS):
        await asyncio.sleep(0)


@pytest.fixture
async def server() -> AsyncGenerator[ModelServer]:
    """A scripted model server that reads the pictures."""
    scripted = ModelServer(api_key=KEY)
    await scripted.start()
    yield scripted
    await scripted.stop()
