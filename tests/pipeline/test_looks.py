"""When a camera is looked at: what its profile says, and the glances in between."""

import asyncio

import pytest

from custom_components.camera_narrator.pipeline.models import Region
from custom_components.camera_narrator.pipeline.request import Picture, Text, Usage
from custom_components.camera_narrator.pipeline.vocabulary import (
    Look,
    Phase,
    Profile,
)
from tests.pipeline.fakes import Step, saying
from tests.pipeline.scene import REGION, narrated


@pytest.mark.parametrize(
    ("profile", "looks", "times"),
    [
        (
            Profile.BALANCED,
            [Look.ONSET, Look.SCHEDULE, Look.SCHEDULE, Look.SCHEDULE, Look.SCHEDULE, Look.CLOSING],
            [0, 4, 10, 20, 80, 105],
        ),
        (Profile.ECONOMY, [Look.SCHEDULE, Look.CLOSING], [3, 105]),
        (
            Profile.LIVE,
            [Look.ONSET, *[Look.SCHEDULE] * 20, Look.CLOSING],
            [*range(0, 101, 5), 105],
        ),
    ],
)
async def test_each_profile_looks_when_it_says(
    profile: Profile, looks: list[Look], times: list[float]
) -> None:
    """The schedule of each profile over a visit of 100 s."""
    async with narrated(profile=profile) as scene:
        onset_s = await scene.visit(100)
        assert scene.provider.looks == looks
        assert scene.provider.times(onset_s) == times


async def test_always_is_the_plain_timer() -> None:
    """Every five seconds, whether something moves or not; events come from activity all the same."""
    async with narrated(profile=Profile.ALWAYS) as scene:
        start_s = scene.now_s
        for _ in range(21):
            await scene.clock.advance(1)
            scene.send(active=False)
        assert scene.provider.times(start_s) == [5, 10, 15, 20]
        assert set(scene.provider.looks) == {Look.SCHEDULE}
        assert scene.sink.events == []
        assert [narrative.event_id for narrative in scene.sink.narratives] == [None] * 3
        await scene.onset()
        await scene.active(8)
        assert scene.sink.phases[0] is Phase.STARTED
        assert scene.sink.narratives[-1].event_id == scene.sink.events[0].id


async def test_always_tells_what_nobody_confirmed() -> None:
    """The plain timer's words do not hang on events."""
    async with narrated(profile=Profile.ALWAYS) as scene:
        scene.provider.default = Step(seconds=0.5, answer=saying("A leaf.", subject=False))
        await scene.clock.advance(4.5)
        await scene.onset()
        await scene.clock.advance(2)
        assert [narrative.event_id for narrative in scene.sink.narratives] == [None]
        assert scene.sink.events == []


async def test_a_bridge_that_never_tells_activity_runs_the_timer() -> None:
    """A simple client's camera is narrated every five seconds; once it flags activity, by its profile."""
    async with narrated(reports_activity=False) as scene:
        for _ in range(11):
            await scene.clock.advance(1)
            scene.send(active=False)
        assert scene.provider.looks == [Look.SCHEDULE, Look.SCHEDULE]
        for _ in range(3):
            await scene.clock.advance(1)
            scene.send(active=True)
            await scene.clock.settle()
        assert scene.provider.looks[2] is Look.ONSET
        assert scene.sink.phases[0] is Phase.STARTED
        for _ in range(30):
            await scene.clock.advance(1)
            scene.send(active=False)
        assert scene.sink.phases[-1] is Phase.ENDED
        assert scene.provider.looks[3:] == [Look.CLOSING]


async def test_news_takes_the_place_of_the_next_look() -> None:
    """A second moving thing is looked at within two seconds, instead of the look planned next."""
    async with narrated() as scene:
        onset_s = await scene.onset()
        await scene.active(12)
        scene.state(active=True, regions=(REGION, Region(x=0, y=0, width=0.1, height=0.1)))
        await scene.active(20)
        assert scene.provider.looks[:4] == [Look.ONSET, Look.SCHEDULE, Look.SCHEDULE, Look.NOVELTY]
        assert scene.provider.times(onset_s)[3] - 12 <= 2
        assert Look.SCHEDULE not in scene.provider.looks[5:]


async def test_who_leaves_costs_no_look_of_its_own() -> None:
    """Others stay: the closing look shows the first picture without who left, whatever lies around it."""
    async with narrated() as scene:
        both = (REGION, Region(x=0, y=0, width=0.1, height=0.1))
        onset_s = await scene.onset()
        for second in range(1, 49):
            await scene.clock.advance(1)
            scene.state(active=True, regions=both if second < 25 else both[:1])
            scene.send(novelty=200 if second == 25 else 10)
            await scene.clock.settle()
        await scene.quiet(8)
        asked = [one for one in scene.provider.asked if one.at_s > onset_s + 22]
        assert [one.chunk.look for one in asked] == [Look.CLOSING]
        assert onset_s + 25 in [frame.captured_s for frame in asked[0].chunk.frames]


async def test_a_jump_between_frames_is_news() -> None:
    """A frame far more novel than the visit's others is looked at ahead of the schedule."""
    async with narrated() as scene:
        onset_s = await scene.onset()
        await scene.active(24)
        await scene.clock.advance(1)
        scene.send(novelty=200)
        await scene.clock.settle()
        assert scene.provider.looks[-1] is Look.NOVELTY
        assert scene.provider.times(onset_s)[-1] == 25


async def test_the_first_chunk_holds_the_seconds_before_the_onset() -> None:
    """Pre-roll and onset frame go out at once, in order, each with its number and time."""
    async with narrated() as scene:
        await scene.clock.advance(20)
        scene.send(active=False)
        await scene.clock.advance(10)
        onset_s = await scene.onset()
        chunk = scene.provider.asked[0].chunk
        assert scene.provider.asked[0].at_s == onset_s
        assert [frame.captured_s - onset_s for frame in chunk.frames] == [-3, -2, -1, 0]
        texts = [part.text for part in chunk.parts if isinstance(part, Text)]
        assert "Picture 4 of 4, +3.0 s" in texts
        assert [part.index for part in chunk.parts if isinstance(part, Picture)] == [0, 1, 2, 3]
        assert chunk.activity[-1].active


async def test_an_onset_waits_for_the_frame_that_shows_it() -> None:
    """The state may come first; a picture of the quiet scene alone is not worth a look."""
    async with narrated() as scene:
        scene.send(active=False)
        await scene.clock.advance(5)
        scene.state(active=True)
        await scene.clock.advance(1)
        assert scene.provider.asked == []
        scene.send()
        await scene.clock.settle()
        assert scene.provider.looks == [Look.ONSET]


async def test_heartbeats_where_looking_is_free() -> None:
    """One frame every five minutes; nothing where the provider costs money."""
    async with narrated(heartbeats=True) as scene:
        start_s = scene.now_s
        for _ in range(65):
            await scene.quiet(10, from_start=False)
        assert scene.provider.looks == [Look.HEARTBEAT, Look.HEARTBEAT]
        assert scene.provider.times(start_s) == [300, 600]
        assert [len(asked.chunk.frames) for asked in scene.provider.asked] == [1, 1]
        assert scene.provider.asked[0].chunk.schema.max_tokens == 130
        assert [narrative.event_id for narrative in scene.sink.narratives] == [None, None]
        assert scene.sink.events == []
    async with narrated() as scene:
        for _ in range(65):
            await scene.quiet(10, from_start=False)
        assert scene.provider.asked == []


async def test_no_heartbeat_of_a_picture_of_the_past() -> None:
    """A camera that sends nothing is not looked at."""
    async with narrated(heartbeats=True) as scene:
        scene.send(active=False)
        await scene.clock.advance(400)
        assert scene.provider.asked == []


async def test_an_onset_does_not_wait_for_a_heartbeat() -> None:
    """The glance is cancelled and its frame eligible again; the onset leaves at once."""
    async with narrated(heartbeats=True) as scene:
        scene.provider.steps = [Step(seconds=30)]
        await scene.clock.advance(299)
        scene.send(active=False)
        await scene.clock.advance(1)
        assert scene.provider.looks == [Look.HEARTBEAT]
        await scene.clock.advance(2)
        onset_s = await scene.onset(preroll=0)
        assert scene.provider.asked[0].cancelled
        assert scene.provider.looks == [Look.HEARTBEAT, Look.ONSET]
        assert scene.provider.asked[1].at_s == onset_s
        assert len(scene.provider.asked[1].chunk.frames) == 2
        assert scene.sink.requests[0] == (Look.HEARTBEAT, Usage())
        assert scene.sink.failures == []


async def test_a_request_of_an_open_event_is_never_cancelled() -> None:
    """Whatever happens meanwhile, its answer is awaited."""
    async with narrated() as scene:
        scene.provider.default = Step(seconds=25)
        await scene.onset()
        await scene.active(10)
        asking = asyncio.create_task(scene.source.ask("Who is it?"))
        await scene.quiet(60)
        assert not any(asked.cancelled for asked in scene.provider.asked)
        assert (await asking).text == "Sentence 2."
