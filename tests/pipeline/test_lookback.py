"""Questions about the last seconds and minutes: what is shown and told, and that nothing is consumed for them."""

import asyncio
from dataclasses import replace

import pytest

from custom_components.camera_narrator.pipeline.claim import Note
from custom_components.camera_narrator.pipeline.errors import CannotAsk, Obstacle
from custom_components.camera_narrator.pipeline.past import STEP_S, Past
from custom_components.camera_narrator.pipeline.question import Lookback
from custom_components.camera_narrator.pipeline.request import Text
from custom_components.camera_narrator.pipeline.vocabulary import Look
from tests.pipeline.fakes import WALL_S, Step, a_frame
from tests.pipeline.scene import Scene, narrated


async def _asked(scene: Scene, prompt: str, back: Lookback) -> str:
    asking = asyncio.create_task(scene.source.ask(prompt, back))
    await scene.quiet(3, from_start=False)
    return (await asking).text


def _told(scene: Scene) -> str:
    parts = scene.provider.asked[-1].chunk.parts
    return "\n".join(part.text for part in parts if isinstance(part, Text))


async def test_a_minute_is_shown_though_it_was_told() -> None:
    """Pictures that the story consumed are shown again, spread over the whole span; only ``resent`` counts them."""
    async with narrated() as scene:
        onset_s = await scene.visit(20)
        before = scene.outcomes()
        memory = scene.sink.memory
        told = len(scene.sink.narratives)
        await _asked(scene, "Who was it?", Lookback(seconds=60))
        chunk = scene.provider.asked[-1].chunk
        assert chunk.look is Look.QUESTION
        times = [frame.captured_s for frame in chunk.frames]
        assert times == sorted(times)
        assert times[0] <= onset_s
        assert times[-1] >= onset_s + 26
        assert 5 <= len(times) <= 10
        assert any(onset_s < at_s < onset_s + 20 for at_s in times)
        assert "(of all of the last 60 s, not of the present alone) Who was it?" in _told(scene)
        assert scene.outcomes() == replace(before, resent=before.resent + len(times))
        assert scene.sink.memory == memory
        assert len(scene.sink.narratives) == told


async def test_seconds_are_only_those() -> None:
    """What was before the span is not shown."""
    async with narrated() as scene:
        await scene.onset()
        await scene.active(30)
        await _asked(scene, "What now?", Lookback(seconds=8))
        frames = scene.provider.asked[-1].chunk.frames
        assert scene.provider.asked[-1].chunk.look is Look.QUESTION
        assert all(frame.captured_s >= scene.now_s - 3 - 8 for frame in frames)


async def test_what_is_kept_goes_along() -> None:
    """Stored pictures come before those of the buffer, stored words in the place of the newest notes."""
    async with narrated() as scene:
        await scene.visit(10)
        scene.provider.default = Step(seconds=1)
        stored = a_frame(7, scene.now_s - 500, epoch="")
        overlapping = a_frame(8, scene.now_s - 5, epoch="")
        words = (Note(WALL_S + 20, "A van stops."), Note(WALL_S + 80, "It leaves."))
        before = scene.outcomes()
        await _asked(
            scene,
            "What came?",
            Lookback(seconds=600, frames=(stored, overlapping), notes=words),
        )
        frames = scene.provider.asked[-1].chunk.frames
        assert frames[0] == stored
        assert overlapping not in frames
        assert len(frames) > 3
        assert '"A van stops."' in _told(scene)
        assert '(60 s later) "It leaves."' in _told(scene)
        assert "Sentence 1." not in _told(scene)
        assert "last 10 min" in _told(scene)
        assert scene.outcomes().resent == before.resent + len(frames) - 1
        assert scene.source.outcomes("").resent == 0


async def test_the_past_can_be_asked_of_a_camera_that_is_away() -> None:
    """Half a minute without a picture leaves no present, but there was a past; without either, there is no answer."""
    async with narrated() as scene:
        await scene.visit(10)
        scene.source.disconnect()
        await scene.clock.advance(40)
        with pytest.raises(CannotAsk) as refused:
            await scene.source.ask("Who is there?")
        assert refused.value.obstacle is Obstacle.NO_PICTURE
        asking = asyncio.create_task(scene.source.ask("Who was there?", Lookback(seconds=80)))
        await scene.clock.advance(3)
        assert (await asking).frames > 1
        await scene.clock.advance(100)
        with pytest.raises(CannotAsk):
            await scene.source.ask("Who was there?", Lookback(seconds=80))


async def test_a_question_about_the_past_waits_for_no_heartbeat() -> None:
    """A glance at a quiet scene gives way to it."""
    async with narrated(heartbeats=True) as scene:
        scene.provider.steps = [Step(seconds=30)]
        await scene.quiet(301, from_start=False)
        assert scene.provider.looks == [Look.HEARTBEAT]
        asking = asyncio.create_task(scene.source.ask("Who?", Lookback(seconds=60)))
        await scene.clock.advance(2)
        assert scene.provider.looks == [Look.HEARTBEAT, Look.QUESTION]
        assert scene.provider.asked[0].cancelled
        assert (await asking).text == "Sentence 2."


def test_the_past_is_thin_and_bounded() -> None:
    """A picture per two seconds, as many bytes as allowed, the oldest out first, nothing older than wished."""
    past = Past(age_max_s=90, bytes_max=1000)
    for number in range(100):
        past.add(a_frame(number, 1000 + number / 2))
    times = [frame.captured_s for frame in past.since(0)]
    assert times == [1000 + 48 - STEP_S * back for back in range(9, -1, -1)]
    assert [frame.captured_s for frame in past.since(1043)] == [1044, 1046, 1048]
    past.add(a_frame(100, 1048 + 90 - 4))
    assert [frame.captured_s for frame in past.since(0)] == [1044, 1046, 1048, 1134]
    past.clear()
    assert past.since(0) == ()
