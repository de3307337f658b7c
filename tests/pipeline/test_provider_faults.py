"""A provider that is slow, away or broken costs words, never an event."""

import pytest

from custom_components.camera_narrator.pipeline.errors import (
    Fault,
    ProviderError,
)
from custom_components.camera_narrator.pipeline.vocabulary import (
    Look,
    Phase,
    Profile,
)
from tests.pipeline.fakes import Step
from tests.pipeline.scene import narrated

LIMITED = ProviderError(Fault.RATE_LIMITED, "slow down", retryable=True, retry_after_s=60.0)
AWAY = ProviderError(Fault.UNREACHABLE, "nobody there", retryable=True)
KEY_REFUSED = ProviderError(Fault.UNAUTHORIZED, "who are you", retryable=False)


async def test_a_stall_delays_words_only() -> None:
    """Thirty seconds of silence: frames are received all along, and one look tells the whole gap."""
    async with narrated(profile=Profile.LIVE) as scene:
        scene.provider.steps = [Step(seconds=30)]
        onset_s = await scene.onset()
        await scene.active(40)
        assert scene.outcomes().received == len(scene.sent)
        assert scene.provider.times(onset_s)[:3] == [0, 30, 35]
        chunk = scene.provider.asked[1].chunk
        assert len(chunk.frames) == 10
        assert chunk.frames[0].captured_s == onset_s + 0.5
        assert chunk.frames[-1].captured_s == onset_s + 29, "the newest frame at that moment"


async def test_a_storm_of_429_costs_one_call() -> None:
    """Retry-After holds the hub; then one chunk covers the whole gap, with the newest frames."""
    async with narrated(profile=Profile.LIVE) as scene:
        scene.provider.steps = [Step(seconds=0.5, error=LIMITED)]
        onset_s = await scene.onset()
        await scene.active(40)
        assert scene.limiter.held_until_s == onset_s + 60.5
        assert scene.limiter.waiting == 1
        assert scene.sink.phases == [Phase.STARTED]
        assert [failure.code for failure in scene.sink.failures if failure] == ["rate_limited"]
        await scene.active(25)
        assert scene.provider.times(onset_s)[:2] == [0, 60.5]
        chunk = scene.provider.asked[1].chunk
        assert len(chunk.frames) == 10
        assert chunk.frames[0].captured_s == onset_s - 3, "frames of the refused request are told"
        assert scene.sink.failures[-1] is None
        assert scene.limiter.held_until_s is None


async def test_a_provider_that_is_away_is_asked_ever_more_rarely() -> None:
    """Without Retry-After the pauses double up to a minute; events come all the same."""
    async with narrated() as scene:
        scene.provider.default = Step(seconds=0, error=AWAY)
        onset_s = await scene.visit(60)
        times = scene.provider.times(onset_s)
        assert times[:6] == [0, 1, 3, 7, 15, 31]
        assert scene.sink.phases == [Phase.STARTED, Phase.ENDED]
        assert scene.sink.narratives == []
        scene.provider.default = Step()
        await scene.clock.advance(70)
        assert scene.sink.events[-1].closed
        assert scene.provider.looks[-1] is Look.CLOSING


async def test_a_refused_key_is_not_retried() -> None:
    """What waiting does not help is asked again only when the next look is due."""
    async with narrated() as scene:
        scene.provider.default = Step(seconds=0, error=KEY_REFUSED)
        onset_s = await scene.visit(6)
        assert scene.provider.times(onset_s) == [0, 4, 11]
        assert scene.sink.failures[-1] is not None


@pytest.mark.parametrize(
    "error", [RuntimeError("defect"), None], ids=["a provider with a defect", "no final part"]
)
async def test_a_broken_provider_never_ends_the_narration(error: Exception | None) -> None:
    """A defect or a missing end of an answer is a failure like others."""
    async with narrated() as scene:
        scene.provider.default = Step(seconds=0.5, error=error, unfinished=error is None)
        await scene.visit(6)
        assert scene.sink.phases == [Phase.STARTED, Phase.ENDED]
        assert {failure.code for failure in scene.sink.failures if failure} == {"bad_answer"}


async def test_a_closing_look_that_failed_is_tried_again() -> None:
    """The visit's sentence comes late rather than never."""
    async with narrated(profile=Profile.ECONOMY) as scene:
        scene.provider.steps = [Step(seconds=1), Step(seconds=1, error=LIMITED)]
        await scene.visit(6)
        await scene.clock.advance(60)
        assert scene.provider.looks == [Look.SCHEDULE, Look.CLOSING, Look.CLOSING]
        assert scene.sink.events[-1].closed
