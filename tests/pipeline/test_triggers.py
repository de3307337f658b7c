"""Other sensors: those that open events, and those that events need."""

from dataclasses import replace

import pytest

from custom_components.camera_narrator.pipeline.models import CameraMemory, Permit
from custom_components.camera_narrator.pipeline.vocabulary import EndReason, Look, Origin, Phase
from tests.pipeline.scene import narrated

NEVER = Permit()


async def test_a_trigger_opens_an_event_without_any_movement() -> None:
    """At once, with words of the frames there are; it lasts until the sensor is off and 20 s more."""
    async with narrated() as scene:
        scene.source.trigger(on=True)
        await scene.clock.settle()
        (started,) = scene.sink.events
        assert (started.phase, started.origin) == (Phase.STARTED, Origin.TRIGGER)
        for _ in range(6):
            await scene.clock.advance(10)
            scene.send(active=False)
        assert scene.provider.looks[0] is Look.ONSET
        assert Phase.ENDED not in scene.sink.phases
        scene.source.trigger(on=False)
        await scene.clock.advance(19)
        assert Phase.ENDED not in scene.sink.phases
        await scene.clock.advance(2)
        ended = scene.sink.events[-1]
        assert (ended.phase, ended.reason) == (Phase.ENDED, EndReason.QUIET)
        assert ended.origin is Origin.TRIGGER


async def test_a_trigger_holds_a_visit_that_falls_quiet() -> None:
    """The bridge says quiet, the sensor still on: no closing look and no end before it is off."""
    async with narrated() as scene:
        await scene.onset()
        await scene.active(4)
        scene.source.trigger(on=True)
        await scene.quiet(40)
        assert scene.sink.phases.count(Phase.STARTED) == 1
        assert scene.sink.events[0].origin is Origin.ACTIVITY
        assert Phase.ENDED not in scene.sink.phases
        assert Look.CLOSING not in scene.provider.looks
        scene.source.trigger(on=False)
        await scene.quiet(25, from_start=False)
        assert scene.sink.phases[-1] is Phase.ENDED
        assert Look.CLOSING in scene.provider.looks


async def test_a_trigger_opens_nothing_while_narration_is_off() -> None:
    """Switched on again while the sensor is on, it does."""
    async with narrated(enabled=False) as scene:
        scene.source.trigger(on=True)
        await scene.clock.settle()
        assert scene.sink.events == []
        scene.source.change(replace(scene.source.settings, enabled=True))
        await scene.clock.settle()
        assert scene.sink.phases == [Phase.STARTED]


@pytest.mark.parametrize(("before_s", "starts"), [(9.0, True), (11.0, False)])
async def test_a_sensor_that_was_on_shortly_before_permits(
    before_s: float, *, starts: bool
) -> None:
    """Ten seconds before the first movement count; eleven do not, and nothing is asked then."""
    async with narrated() as scene:
        scene.source.allow(Permit(from_s=scene.now_s - 60, to_s=scene.now_s - before_s))
        await scene.onset(preroll=0)
        await scene.active(6)
        assert (Phase.STARTED in scene.sink.phases) is starts
        assert bool(scene.provider.asked) is starts


async def test_what_moves_without_the_sensor_is_no_event_until_it_comes_on() -> None:
    """Then it is one, which begins about there and not with the trees before."""
    async with narrated() as scene:
        scene.source.allow(NEVER)
        onset_s = await scene.onset()
        await scene.active(30)
        assert scene.sink.events == []
        assert scene.provider.asked == []
        scene.source.allow(Permit(from_s=scene.now_s, to_s=float("inf")))
        await scene.clock.settle()
        (started,) = scene.sink.events
        assert started.span.from_s == pytest.approx(onset_s + 30 - 6)
        await scene.active(5)
        assert scene.provider.asked


async def test_a_triggered_event_goes_on_after_a_restart() -> None:
    """The sensor is still on though the camera is quiet: the same event, not a new one."""
    async with narrated() as scene:
        scene.source.trigger(on=True)
        await scene.clock.settle()
        memory: CameraMemory = scene.sink.memory
    assert memory.open_event is not None
    async with narrated(memory=memory, connected=False, clock=scene.clock) as scene:
        scene.source.triggered = True
        scene.source.connect(epoch="epoch", reports_activity=True, active=False)
        await scene.clock.advance(90)
        assert Phase.ENDED not in scene.sink.phases
        scene.source.trigger(on=False)
        await scene.clock.advance(21)
        (ended,) = scene.sink.events
        assert (ended.id, ended.origin) == (memory.open_event.id, Origin.TRIGGER)
