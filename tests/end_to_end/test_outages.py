"""Every part killed or cut off, and back: what goes on, what is told late, and that every frame is accounted for."""

import pytest

from rigs.model_request import shown_twice
from tests.end_to_end.accounts import lost
from tests.end_to_end.house import BRIDGE, NUMBERS, House
from tests.end_to_end.told import of_event

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.timeout(300)
async def test_messages_resume_when_the_broker_is_back(house: House) -> None:
    """A broker that is gone holds nobody up; back again it gets what is retained, and what happened meanwhile."""
    camera = "shed"
    await house.broker.kill()
    since, fired = len(house.told), len(house.bus)
    async with house.visit(camera):
        started = await house.fired(camera, "started", since=fired)
        await house.state(camera, "activity", "on")
        assert not house.told.since(since, lambda told: told.camera == camera)
        await house.broker.start()
        told = await house.event(camera, "started", since=since)
        await house.event(camera, "updated", since=since)
    assert told.data == {key: started[key] for key in told.data}
    for kind, owner, text in (
        ("status", "", "online"),
        ("connected", camera, "ON"),
        ("activity", camera, "ON"),
    ):
        await house.told.wait_for(
            lambda told, wanted=(kind, owner, text): (told.kind, told.camera, told.text) == wanted,
            since=since,
        )


@pytest.mark.timeout(300)
async def test_a_camera_that_dies_or_freezes_says_why_and_comes_back(house: House) -> None:
    """The connected sensor names the reason, other cameras go on, and the next visit is told as ever."""
    camera = "garage"
    simulator = house.simulator(camera)
    since = len(house.told)
    await simulator.process.kill()
    await house.state(camera, "connected", "off", reason="refused")
    await house.told.wait_for(
        lambda told: (told.camera, told.kind, told.text) == (camera, "connected", "OFF"),
        since=since,
    )
    await house.state("front", "connected", "on", reason="none")
    await house.start_garage(simulator.port)
    await house.state(camera, "connected", "on", reason="none")
    await house.simulator(camera).set(camera, freeze=True)
    await house.state(camera, "connected", "off", reason="timeout")
    await house.simulator(camera).set(camera, freeze=False)
    await house.state(camera, "connected", "on", reason="none")
    async with house.visit(camera):
        started = await house.event(camera, "started", since=since)
        updated = await house.event(camera, "updated", since=since)
        words = await house.words(camera, f"of camera {NUMBERS[camera]}", since=since)
    assert words.data["event"] == updated.data["id"] == started.data["id"]


@pytest.mark.timeout(300)
async def test_a_bridge_killed_in_a_visit_interrupts_it_and_tells_the_next(house: House) -> None:
    """Without its bridge an event ends as interrupted; the bridge started again tells the next visit, and no frame is lost."""
    camera = "garden"
    since = len(house.told)
    async with house.visit(camera):
        started = await house.event(camera, "started", "updated", since=since)
        await house.bridge.kill()
        await house.state(camera, "connected", "off", reason="bridge_away")
        ended = await house.event(camera, "ended", since=since)
    assert ended.data["id"] == started.data["id"]
    assert ended.data["reason"] == "interrupted"
    await house.start_bridge()
    await house.state(BRIDGE, "bridge_connected", "on")
    await house.state(camera, "connected", "on")
    after = len(house.told)
    async with house.visit(camera):
        again = await house.event(camera, "started", since=after)
        updated = await house.event(camera, "updated", since=after)
    assert again.data["continues"] == started.data["id"]
    assert updated.data["id"] == again.data["id"]
    await house.stop_bridge()
    assert [lost(account) for account in (await house.accounts()).values()] == [0] * len(NUMBERS)
    await house.start_bridge()
    await house.state(camera, "connected", "on")


@pytest.mark.timeout(300)
async def test_a_visit_while_the_link_is_down_is_told_once_and_late(house: House) -> None:
    """A visit that nobody could hear of is told in one message when the line is back; no light goes on for it."""
    camera = "yard"
    since, states, fired = len(house.told), len(house.states), len(house.bus)
    house.link.stall()
    await house.pictures(camera, 10)
    house.link.refuse()
    house.link.cut()
    await house.state(camera, "connected", "off", reason="bridge_away")
    async with house.visit(camera):
        await house.pictures(camera, 25)
    truth = (await house.truth(camera))["visits"][-1]
    await house.pictures(camera, 20)
    house.link.restore()
    late = await house.event(camera, since=since)
    assert (late.data["phase"], late.data["late"]) == ("ended", True)
    assert f"of visit {truth['number']}" in late.data["narrative"]
    assert late.data["labels"] == ["person"]
    assert house.requests(camera)[-1].codes[0].captured_ms >= truth["started_ms"] - 6_000
    await house.state(camera, "connected", "on")
    async with house.visit(camera):
        started = await house.event(camera, "started", since=since)
        await house.event(camera, "updated", since=since)
    assert started.data["id"] != late.data["id"]
    phases = [told.data["phase"] for told in house.told.since(since, of_event(camera))]
    assert phases[:2] == ["ended", "started"]
    assert set(phases[2:]) == {"updated"}, "as often as there is more to say"
    # What is past goes to MQTT alone.
    await house.fired(camera, "updated", since=fired)
    ids = {e["data"]["id"] for e in house.bus.since(fired) if e["data"]["camera"] == camera}
    assert ids == {started.data["id"]}
    shown = [state["attributes"] for state in house.written(camera, "event", since=states)]
    assert {attributes.get("event_id") for attributes in shown} <= {started.data["id"]}
    await house.stop_bridge()
    assert [lost(account) for account in (await house.accounts()).values()] == [0] * len(NUMBERS)
    await house.start_bridge()
    await house.state(camera, "connected", "on")


@pytest.mark.timeout(300)
async def test_home_assistant_killed_in_an_event_goes_on_with_it(house: House) -> None:
    """Back after a kill, with the model server down: events arrive, the open one goes on, the story is remembered."""
    camera, other = "drive", "shed"
    asked = len(house.model.requests)
    async with house.visit(camera):
        since = len(house.told)
        started = await house.event(camera, "started", since=since)
        before = await house.words(camera, since=since)
        await house.stored(before.data["text"])
        # Whom one answer alone has seen is told to no other: with a third request there are two.
        await house.asked(camera, 3, since=asked)
        # What an answer was made of and the bridge does not know to have arrived would come again, and be shown again.
        await house.model.stop()
        await house.all_acknowledged()
        house.link.refuse()
        await house.home_assistant.kill()
        after = len(house.told)
        acknowledged = await house.acknowledged()
        house.link.restore()
        await house.start_home_assistant()
        assert [e["state"] for e in await house.client.entries("camera_narrator")] == ["loaded"]
        await house.state(camera, "connected", "on")
        async with house.visit(other):
            await house.event(other, "started", since=after)
            await house.state("", "provider_problem", "on", fault="unreachable")
            asked = len(house.model.requests)
            await house.model.start()
            updated = await house.event(camera, "updated", since=after)
    assert updated.data["id"] == started.data["id"]
    assert not house.told.since(after, of_event(camera, "started", "ended"))
    told = next(r for r in house.requests(camera, since=asked) if r.outcome == "answered")
    assert before.data["text"] in told.words
    assert not shown_twice(house.stories)
    await house.stop_bridge()
    accounts = await house.accounts()
    assert accounts[camera]["base"] > 0
    for key, account in accounts.items():
        # What the first run had received and not settled died with it, and nothing else is missing.
        assert lost(account) == acknowledged[key] - account["base"], (key, account)
    await house.start_bridge()
    await house.state(camera, "connected", "on")
