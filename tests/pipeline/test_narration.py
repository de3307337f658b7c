"""The whole loop of one camera, on a fake clock with a scripted provider."""

import pytest

from custom_components.camera_narrator.pipeline.models import EndReason, Look, Phase, Profile
from tests.pipeline.scene import narrated


async def test_a_visit_is_started_told_and_ended() -> None:
    """The way of an event: started on confirmation, words under the same id, ended after 20 s of quiet."""
    async with narrated() as scene:
        await scene.onset()
        assert scene.sink.phases == []
        await scene.active(6)
        assert scene.sink.phases[:2] == [Phase.STARTED, Phase.UPDATED]
        await scene.quiet(25)
        assert scene.sink.phases[-1] is Phase.ENDED
        assert scene.sink.events[-1].reason is EndReason.QUIET
        assert len({event.id for event in scene.sink.events}) == 1
        assert scene.sink.events[-1].narrative == scene.sink.narratives[-1].text


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
