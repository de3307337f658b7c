"""One house for all tests; what runs in it are processes, so this one needs its sockets."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import pytest_socket

from rigs.broker import find_mosquitto
from tests.end_to_end.demo import Demo, demo
from tests.end_to_end.house import API_KEY, House
from tests.end_to_end.logs import complaints


@pytest.fixture(autouse=True, scope="session")
def _sockets_for_the_house() -> None:
    pytest_socket.enable_socket()


@pytest.fixture(autouse=True)
def _sockets_for_the_test(_sockets_for_the_house: None) -> None:
    # Each test's setup closes them anew.
    pytest_socket.enable_socket()


@pytest.fixture(autouse=True)
def verify_cleanup() -> None:
    """Stand in for the check of a Home Assistant in process: here there is none, and the house goes on."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house() -> AsyncIterator[House]:
    """Everything that a real house has, up and running."""
    if find_mosquitto() is None:
        pytest.skip("mosquitto cannot be had here: see script/bootstrap mosquitto")
    async with House() as house:
        yield house
        assert complaints(house.processes.folder, API_KEY, house.token) == []


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def minute(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    """A minute of the demo, from its start; `everything.json` lies beside its temporary folder."""
    folder = tmp_path_factory.mktemp("demo")
    arguments = ("--minutes", "1", "--json", str(folder / "everything.json"))
    async with demo(folder, *arguments) as run:
        yield run


@pytest.fixture(autouse=True, scope="session")
def _begin_the_minute_first(request: pytest.FixtureRequest, _sockets_for_the_house: None) -> None:
    # It takes its time, and little else: the other tests run meanwhile.
    if any("minute" in getattr(item, "fixturenames", ()) for item in request.session.items):
        request.getfixturevalue("minute")
