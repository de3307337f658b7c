"""Events that a restart interrupts."""

from custom_components.camera_narrator.pipeline.vocabulary import (
    EndReason,
    Look,
    Phase,
)
from tests.pipeline.fakes import Step
from tests.pipeline.scene import Scene, narrated


async def interrupted_visit() -> Scene:
    """Return a scene whose Home Assistant stopped in the middle of a visit."""
    async with narrated() as scene:
        await scene.onset()
        await scene.active(6)
    assert scene.sink.memory.open_event is not None
    return scene


async def test_an_open_event_goes_on_after_a_restart() -> None:
    """Where the camera is still active the event keeps its id and is not announced again."""
    before = await interrupted_visit()
    await before.clock.advance(20)
    async with narrated(memory=before.sink.memory, connected=False, clock=before.clock) as scene:
        assert scene.sink.events == []
        scene.source.connect(epoch="epoch", reports_activity=True, active=True)
        await scene.clock.settle()
        await scene.active(6)
        assert scene.sink.phases[0] is Phase.UPDATED
        assert scene.provider.looks[0] is Look.SCHEDULE
        await scene.quiet(25)
        assert {event.id for event in scene.sink.events} == {before.sink.events[0].id}
        assert scene.sink.events[-1].reason is EndReason.QUIET
        assert scene.sink.events[-1].span.from_wall_s == before.sink.events[0].span.from_wall_s
        assert "Sentence 1." in str(scene.provider.asked[0].chunk.parts)


async def test_an_open_event_ends_restarted_where_it_is_quiet() -> None:
    """The bridge's hello decides."""
    before = await interrupted_visit()
    async with narrated(memory=before.sink.memory, connected=False) as scene:
        scene.source.connect(epoch="epoch", reports_activity=True, active=False)
        await scene.clock.settle()
        assert [event.reason for event in scene.sink.events] == [EndReason.RESTARTED]
        assert scene.sink.memory.open_event is None


async def test_an_open_event_waits_a_minute_for_its_bridge() -> None:
    """Without a hello it ends `restarted`."""
    before = await interrupted_visit()
    async with narrated(memory=before.sink.memory, connected=False) as scene:
        await scene.clock.advance(59)
        assert scene.sink.events == []
        await scene.clock.advance(1)
        assert [event.reason for event in scene.sink.events] == [EndReason.RESTARTED]


async def test_an_open_event_of_a_camera_switched_off_meanwhile_ends() -> None:
    """Off is off, whatever was stored."""
    before = await interrupted_visit()
    async with narrated(memory=before.sink.memory, enabled=False, connected=False) as scene:
        assert [event.reason for event in scene.sink.events] == [EndReason.DISABLED]


async def test_pictures_under_way_when_narration_stops_are_told_by_the_next() -> None:
    """Stopped in the middle of a request, its frames are eligible again."""
    async with narrated() as scene:
        scene.provider.default = Step(seconds=60)
        await scene.onset()
        await scene.active(3)
        under_way = scene.outcomes().in_flight
        assert under_way == 4
    assert scene.outcomes().in_flight == 0
    assert scene.outcomes().buffered == len(scene.sent)
    async with narrated(source=scene.source) as after:
        await after.clock.advance(2)
        assert after.provider.asked[0].chunk.frames[0].sequence == 1


async def test_a_new_run_on_the_same_source_takes_the_event_over() -> None:
    """A changed provider restarts narration while the bridge stays connected."""
    before = await interrupted_visit()
    async with narrated(source=before.source) as scene:
        scene.sequence, scene.active_since_s = before.sequence, before.active_since_s
        await scene.active(6)
        await scene.quiet(25)
        assert {event.id for event in scene.sink.events} == {before.sink.events[0].id}
        outcomes = scene.outcomes()
        assert outcomes.in_flight == 0
        assert outcomes.received == outcomes.settled + outcomes.buffered
