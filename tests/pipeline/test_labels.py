"""What a bridge's detector names: it opens events, is news, and is what an event may be only for."""

from dataclasses import replace

from custom_components.camera_narrator.pipeline.errors import Fault, ProviderError
from custom_components.camera_narrator.pipeline.vocabulary import (
    EndReason,
    Label,
    Look,
    Phase,
    Verdict,
)
from tests.pipeline.fakes import Step, saying
from tests.pipeline.scene import Scene, narrated

PERSON, ANIMAL = Label.PERSON, Label.ANIMAL
ONLY_PEOPLE = frozenset({PERSON})
A_TREE = saying("A tree moves.", subject=False)
A_MAN = saying("A man comes.", labels=ONLY_PEOPLE)
AWAY = ProviderError(Fault.UNREACHABLE, "nobody there", retryable=True)


async def restless(scene: Scene, seconds: int) -> None:
    """Let trees move, and end before it is quiet."""
    await scene.onset()
    await scene.active(seconds)


async def test_a_label_confirms_before_a_second_frame_does() -> None:
    """The event carries it from its start, and the model is asked as ever."""
    async with narrated(detects=True) as scene:
        scene.provider.default = Step(seconds=3600)
        onset_s = await scene.onset()
        await scene.clock.advance(0.2)
        scene.state(active=True, labels=(PERSON,))
        await scene.clock.settle()
        [started] = scene.sink.events
        assert (started.phase, started.labels) == (Phase.STARTED, ONLY_PEOPLE)
        assert (started.labelled, started.verdict) == (True, Verdict.SUBJECT)
        assert scene.sink.event_times == [onset_s + 0.2]
        assert scene.provider.looks == [Look.ONSET]


async def test_a_new_label_updates_the_event_and_is_news() -> None:
    """It takes the place of the next look, and labels gather."""
    async with narrated(detects=True) as scene:
        await scene.onset()
        scene.state(active=True, labels=(PERSON,))
        await scene.active(12)
        asked = len(scene.provider.asked)
        scene.state(active=True, labels=(PERSON, ANIMAL))
        await scene.active(3)
        assert scene.provider.looks[asked:] == [Look.NOVELTY]
        assert scene.sink.events[-1].labels == {PERSON, ANIMAL}
        labelled = [event for event in scene.sink.events if ANIMAL in event.labels]
        assert labelled[0].phase is Phase.UPDATED
        assert labelled[0].narrative == scene.sink.narratives[-2].text


async def test_a_label_that_is_repeated_publishes_nothing() -> None:
    """The state is told every two seconds; an event only where something changed."""
    async with narrated(detects=True) as scene:
        scene.provider.default = Step(seconds=3600)
        await scene.onset()
        scene.state(active=True, labels=(PERSON,))
        await scene.active(20)
        assert scene.sink.phases == [Phase.STARTED]


async def test_only_for_with_a_detector_waits_for_it_and_asks_nothing() -> None:
    """Trees and cats cost no request and open nothing; then the look is asked at once."""
    async with narrated(only_for=ONLY_PEOPLE, detects=True) as scene:
        scene.provider.default = Step(answer=A_MAN)
        await restless(scene, 30)
        scene.state(active=True, labels=(ANIMAL,))
        await scene.active(4)
        assert scene.provider.asked == []
        assert scene.sink.events == []
        scene.state(active=True, labels=(PERSON,))
        named_s = scene.now_s
        await scene.clock.settle()
        assert scene.provider.looks == [Look.ONSET]
        assert scene.sink.phases == [Phase.STARTED, Phase.UPDATED]
        assert scene.sink.events[0].span.from_s == named_s - 6
        assert scene.provider.asked[0].chunk.span.from_s >= named_s - 12
        scene.labels = ()
        await scene.quiet(25)
        assert scene.sink.events[-1].reason is EndReason.QUIET
        assert scene.provider.looks[-1] is Look.CLOSING


async def test_only_for_without_a_detector_asks_and_takes_the_models_word() -> None:
    """Looks go on by the profile until one names what is waited for; what they say before is told to nobody."""
    async with narrated(only_for=ONLY_PEOPLE) as scene:
        scene.provider.default = Step(seconds=0.5, answer=A_TREE)
        await restless(scene, 5)
        assert scene.provider.looks == [Look.ONSET, Look.SCHEDULE]
        assert (scene.sink.events, scene.sink.narratives) == ([], [])
        assert scene.sink.memory.narratives == ()
        scene.provider.default = Step(seconds=0.5, answer=A_MAN)
        await scene.active(7)
        assert scene.sink.phases == [Phase.STARTED, Phase.UPDATED]
        assert scene.sink.narratives[0].event_id == scene.sink.events[0].id
        started = scene.sink.events[0]
        assert started.span.from_s == scene.provider.asked[2].chunk.span.from_s


async def test_nothing_named_leaves_nothing_behind() -> None:
    """Neither event nor words nor memory; every frame has its outcome."""
    async with narrated(only_for=ONLY_PEOPLE) as scene:
        scene.provider.default = Step(seconds=0.5, answer=A_TREE)
        await scene.visit(10)
        await scene.clock.advance(100)
        assert (scene.sink.events, scene.sink.narratives) == ([], [])
        assert scene.provider.looks[-1] is Look.CLOSING
        outcomes = scene.outcomes()
        assert outcomes.settled == outcomes.received


async def test_a_slow_model_loses_nobody() -> None:
    """Its word comes after the visit: the visit is told in one piece."""
    async with narrated(only_for=ONLY_PEOPLE) as scene:
        scene.provider.default = Step(seconds=60, answer=A_MAN)
        await scene.visit(4)
        assert scene.sink.events == []
        await scene.clock.advance(60)
        assert scene.sink.phases == [Phase.STARTED, Phase.UPDATED, Phase.ENDED]
        assert scene.sink.events[-1].narrative == "A man comes."
        assert len({event.id for event in scene.sink.events}) == 1
        assert scene.sink.narratives[0].event_id == scene.sink.events[0].id


async def test_a_provider_that_is_away_delays_the_name() -> None:
    """The look is tried again while the visit lasts, and the failure is shown."""
    async with narrated(only_for=ONLY_PEOPLE) as scene:
        scene.provider.steps = [Step(error=AWAY), Step(error=AWAY)]
        scene.provider.default = Step(answer=A_MAN)
        await restless(scene, 20)
        assert scene.sink.failures[0] is not None
        assert scene.sink.phases[0] is Phase.STARTED


async def test_where_nobody_can_name_anything_movement_is_enough() -> None:
    """The bridge came back without its detector: events by movement rather than none."""
    async with narrated(only_for=ONLY_PEOPLE, detects=True, names=False) as scene:
        await restless(scene, 5)
        assert scene.sink.events == []
        scene.source.connect(epoch="epoch", reports_activity=True, active=True, detects=False)
        await scene.active(3)
        assert scene.sink.phases[0] is Phase.STARTED
        assert not scene.sink.events[0].labelled


async def test_the_option_is_taken_back_within_a_visit() -> None:
    """What moves already is an event then."""
    async with narrated(only_for=ONLY_PEOPLE, detects=True) as scene:
        await restless(scene, 5)
        scene.source.change(replace(scene.source.settings, only_for=frozenset()))
        await scene.active(2)
        assert scene.sink.phases[0] is Phase.STARTED
        assert scene.provider.looks[0] is Look.ONSET
