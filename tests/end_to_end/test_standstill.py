"""A process that stands still for half a minute, neither dead nor alive: what goes on meanwhile, and after it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import signal

import pytest

from rigs.process import Process
from tests.end_to_end.accounts import lost
from tests.end_to_end.house import BRIDGE, House

pytestmark = pytest.mark.asyncio(loop_scope="session")

STILL_S = 30


@asynccontextmanager
async def still(house: House, process: Process) -> AsyncIterator[None]:
    """Stop a process for half a minute by the clock of a camera, and what the block takes before."""
    process.send(signal.SIGSTOP)
    try:
        yield
        await house.goes_by("front", STILL_S)
    finally:
        process.send(signal.SIGCONT)


async def missing(house: House) -> list[int]:
    """Return what nobody can account for, per camera, with the bridge's last word."""
    await house.stop_bridge()
    missing = [lost(account) for account in (await house.accounts()).values()]
    await house.start_bridge()
    await house.state(BRIDGE, "bridge_connected", "on")
    return missing


async def tells_of_a_visit(house: House, camera: str) -> None:
    """A visit after it is told as ever."""
    await house.state(camera, "connected", "on")
    since = len(house.told)
    async with house.visit(camera):
        started = await house.event(camera, "started", since=since)
        updated = await house.event(camera, "updated", since=since)
    assert updated.data["id"] == started.data["id"]


@pytest.mark.timeout(300)
async def test_camera_that_stands_still_says_so_and_comes_back(house: House) -> None:
    """Its silence is a timeout, the others notice nothing, and it streams again by itself."""
    before = await missing(house)
    await house.state("garage", "connected", "on")
    async with still(house, house.simulator("garage").process):
        await house.state("garage", "connected", "off", reason="timeout")
        await house.state("front", "connected", "on", reason="none")
    await tells_of_a_visit(house, "garage")
    assert await missing(house) == before


@pytest.mark.timeout(300)
@pytest.mark.parametrize("who", ["bridge", "home assistant"])
async def test_side_of_the_wire_that_stands_still_goes_on(house: House, who: str) -> None:
    """Whether the connection outlives it or is made anew: visits are told afterwards, and every frame counted."""
    before = await missing(house)
    await house.state("front", "connected", "on")
    process = house.bridge if who == "bridge" else house.home_assistant.process
    assert process is not None
    async with still(house, process):
        pass
    await house.state(BRIDGE, "bridge_connected", "on")
    await tells_of_a_visit(house, "yard")
    assert await missing(house) == before
