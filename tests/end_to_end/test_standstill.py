"""A process that stands still for half a minute, neither dead nor alive: what goes on meanwhile, and after it."""

import signal

import pytest

from rigs.process import Process
from tests.end_to_end.house import BRIDGE, FPS, NUMBERS, House, lost

pytestmark = pytest.mark.asyncio(loop_scope="session")

STILL_S = 30


async def stand_still(house: House, process: Process, *, watched: str) -> None:
    """Stop a process for half a minute by the clock of a camera that goes on."""
    process.send(signal.SIGSTOP)
    await house.pictures(watched, STILL_S * FPS)
    process.send(signal.SIGCONT)


async def tells_of_a_visit(house: House, camera: str) -> None:
    """A visit after it is told as ever."""
    await house.state(camera, "connected", "on")
    since = len(house.told)
    async with house.visit(camera):
        started = await house.event(camera, "started", since=since)
        updated = await house.event(camera, "updated", since=since)
    assert updated.data["id"] == started.data["id"]


async def nothing_is_lost(house: House) -> None:
    """With the bridge's last word every frame is accounted for."""
    await house.stop_bridge()
    assert [lost(account) for account in (await house.accounts()).values()] == [0] * len(NUMBERS)
    await house.start_bridge()
    await house.state(BRIDGE, "bridge_connected", "on")


@pytest.mark.timeout(300)
async def test_camera_that_stands_still_says_so_and_comes_back(house: House) -> None:
    """Its silence is a timeout, the others notice nothing, and it streams again by itself."""
    process = house.simulator("garage").process
    process.send(signal.SIGSTOP)
    await house.state("garage", "connected", "off", reason="timeout")
    await house.state("front", "connected", "on", reason="none")
    await house.pictures("front", STILL_S * FPS)
    process.send(signal.SIGCONT)
    await tells_of_a_visit(house, "garage")
    await nothing_is_lost(house)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("who", ["bridge", "home assistant"])
async def test_side_of_the_wire_that_stands_still_goes_on(house: House, who: str) -> None:
    """Whether the connection outlives it or is made anew: visits are told afterwards, and every frame counted."""
    process = house.bridge if who == "bridge" else house.home_assistant.process
    assert process is not None
    await stand_still(house, process, watched="front")
    await house.state(BRIDGE, "bridge_connected", "on")
    await tells_of_a_visit(house, "yard")
    await nothing_is_lost(house)
