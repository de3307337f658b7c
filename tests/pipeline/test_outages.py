"""What a bridge sends again after an outage."""

import pytest

from custom_components.camera_narrator.pipeline.errors import (
    Fault,
    ProviderError,
)
from custom_components.camera_narrator.pipeline.vocabulary import (
    EndReason,
    Look,
    Phase,
)
from tests.pipeline.fakes import Step, saying
from tests.pipeline.scene import Scene, narrated

LIMITED = ProviderError(Fault.RATE_LIMITED, "slow down", retryable=True, retry_after_s=60.0)
KEY_REFUSED = ProviderError(Fault.UNAUTHORIZED, "who are you", retryable=False)


async def replay(scene: Scene, onset_s: float, seconds: int = 12) -> None:
    """Bring the frames of a visit that happened while the link was down."""
    scene.source.connect(epoch="epoch", reports_activity=True, active=False)
    for second in range(-3, seconds + 10):
        scene.send(active=0 <= second < seconds, captured_s=onset_s + second, replay=True)
    scene.source.replayed()
    await scene.clock.settle()


async def test_a_visit_during_an_outage_is_told_once() -> None:
    """One catch-up chunk without history, one late event; no started, no sentence of the camera."""
    async with narrated() as scene:
        await scene.visit(6)
        told = len(scene.sink.events), len(scene.sink.narratives)
        scene.source.disconnect()
        await scene.clock.advance(100)
        onset_s = scene.now_s - 60
        await replay(scene, onset_s)
        await scene.clock.advance(5)
        chunk = scene.provider.asked[-1].chunk
        assert chunk.look is Look.CATCH_UP
        assert len(chunk.frames) == 10
        assert all(frame.active for frame in chunk.frames)
        assert "Sentence" not in str(chunk.parts)
        late = scene.sink.events[-1]
        assert (late.phase, late.late, late.reason) == (Phase.ENDED, True, EndReason.QUIET)
        assert late.span.from_s == onset_s
        assert late.id not in {event.id for event in scene.sink.events[:-1]}
        assert (len(scene.sink.events), len(scene.sink.narratives)) == (told[0] + 1, told[1])
        assert late.narrative not in [text for _, text in scene.sink.memory.narratives]


@pytest.mark.parametrize(
    ("subject", "frames", "published"),
    [(True, 1, True), (False, 12, False), (None, 12, True), (None, 1, False)],
)
async def test_a_catch_up_needs_a_subject(
    subject: bool | None, frames: int, published: bool
) -> None:
    """The model must name one; where the provider cannot tell, two active frames are enough."""
    async with narrated() as scene:
        scene.provider.default = Step(answer=saying("Somebody.", subject=subject))
        scene.source.disconnect()
        await scene.clock.advance(100)
        await replay(scene, scene.now_s - 60, seconds=frames)
        await scene.clock.advance(5)
        assert [event.late for event in scene.sink.events] == [True] * published


async def test_a_catch_up_waits_for_its_turn() -> None:
    """It survives a refusal for now, and is given up after one for good."""
    async with narrated() as scene:
        scene.provider.steps = [Step(error=LIMITED), Step(error=KEY_REFUSED)]
        scene.source.disconnect()
        await scene.clock.advance(100)
        await replay(scene, scene.now_s - 60)
        await scene.clock.advance(59)
        assert scene.provider.looks == [Look.CATCH_UP]
        await scene.clock.advance(60)
        assert scene.provider.looks == [Look.CATCH_UP, Look.CATCH_UP]
        outcomes = scene.outcomes()
        assert outcomes.failed == 10
        assert outcomes.received == outcomes.settled


async def test_replayed_frames_of_an_open_visit_join_its_story() -> None:
    """A short outage within a visit leaves no hole in it, in whatever order state and frames come."""
    async with narrated() as scene:
        await scene.clock.advance(100)
        began_s = scene.now_s - 20
        for second in range(20):
            scene.send(active=True, captured_s=began_s + second, replay=True)
        scene.active_since_s = began_s
        scene.state(active=True)
        scene.send()
        scene.source.replayed()
        await scene.clock.settle()
        assert scene.sink.phases == [Phase.STARTED]
        assert scene.sink.events[0].span.from_s == began_s
        assert scene.provider.looks == [Look.ONSET]
        assert scene.provider.asked[0].chunk.span.from_s == began_s


async def test_the_bridge_knows_better_when_a_visit_began() -> None:
    """A hello says only that the camera is active; the state after it says since when."""
    async with narrated(connected=False) as scene:
        await scene.clock.advance(100)
        began_s = scene.now_s - 30
        scene.source.connect(epoch="epoch", reports_activity=True, active=True)
        await scene.clock.settle()
        scene.active_since_s = began_s
        scene.state(active=True)
        await scene.clock.settle()
        scene.send(captured_s=began_s + 1, active=True, replay=True)
        scene.send(captured_s=began_s + 2, active=True, replay=True)
        await scene.clock.settle()
        assert scene.sink.phases == [Phase.STARTED]
        assert scene.sink.events[0].span.from_s == began_s


async def test_a_switched_off_camera_has_no_catch_up() -> None:
    """Off means no requests; the late frames are let go."""
    async with narrated(enabled=False) as scene:
        scene.source.disconnect()
        await scene.clock.advance(100)
        await replay(scene, scene.now_s - 60)
        await scene.clock.advance(10)
        assert scene.provider.asked == []
        assert scene.outcomes().evicted == 12
