"""Somebody new in front of a quiet camera: found by looks that nobody asked for by moving."""

from custom_components.camera_narrator.pipeline.found import APART_S
from custom_components.camera_narrator.pipeline.request import Text
from custom_components.camera_narrator.pipeline.vocabulary import (
    EndReason,
    Label,
    Look,
    Origin,
    Phase,
    Profile,
)
from tests.pipeline.fakes import Step, saying
from tests.pipeline.scene import Scene, narrated

DOG = saying("A dog lies on the mat.", labels=frozenset({Label.ANIMAL}))
STILL = saying(changed=False, labels=frozenset({Label.ANIMAL}))
NOBODY = saying(subject=False, changed=False)


async def quietly(scene: Scene, seconds: int) -> None:
    """Let time pass in front of a quiet camera that sends a picture a second."""
    for _ in range(seconds):
        await scene.clock.advance(1)
        scene.send(active=False)
    await scene.clock.settle()


async def test_two_looks_at_somebody_new_open_an_event() -> None:
    """The heartbeat finds it, a look ten seconds later bears it out; the event begins at the first and has its words."""
    async with narrated(heartbeats=True) as scene:
        scene.provider.steps = [Step(seconds=1.0, answer=DOG), Step(seconds=1.0, answer=STILL)]
        scene.provider.default = Step(seconds=1.0, answer=NOBODY)
        await quietly(scene, 305)
        assert scene.provider.looks == [Look.HEARTBEAT]
        assert scene.sink.events == []
        assert scene.sink.watched
        await quietly(scene, 12)
        assert scene.provider.looks[:2] == [Look.HEARTBEAT, Look.RULE]
        apart_s = scene.provider.asked[1].chunk.span.to_s - scene.provider.asked[0].chunk.span.to_s
        assert apart_s >= APART_S
        assert scene.sink.phases[0] is Phase.STARTED
        assert {event.origin for event in scene.sink.events} == {Origin.MODEL}
        started, latest = scene.sink.events[0], scene.sink.events[-1]
        assert started.span.from_s == scene.provider.asked[0].chunk.span.to_s
        assert (latest.labels, latest.narrative) == ({Label.ANIMAL}, "A dog lies on the mat.")
        await quietly(scene, 200)
        assert scene.sink.phases[-1] is Phase.ENDED
        assert scene.sink.events[-1].reason in {EndReason.QUIET, EndReason.GONE}
        assert scene.sink.phases.count(Phase.STARTED) == 1


async def test_a_find_who_is_waited_for_begins_with_the_first_look_too() -> None:
    """*Only for* cuts off what moved before its name was known; both looks have named it."""
    async with narrated(heartbeats=True, only_for=frozenset({Label.ANIMAL})) as scene:
        scene.provider.steps = [Step(seconds=1.0, answer=DOG), Step(seconds=1.0, answer=STILL)]
        scene.provider.default = Step(seconds=1.0, answer=NOBODY)
        await quietly(scene, 320)
        first, second, *_ = scene.provider.asked
        assert scene.sink.phases[0] is Phase.STARTED
        assert scene.sink.events[-1].span.from_s == first.chunk.span.to_s < second.chunk.span.to_s


async def test_one_look_alone_opens_nothing() -> None:
    """What the second look does not see was a reflection, or the model's invention."""
    async with narrated(heartbeats=True) as scene:
        scene.provider.steps = [Step(seconds=1.0, answer=DOG), Step(seconds=1.0, answer=NOBODY)]
        scene.provider.default = Step(seconds=1.0, answer=NOBODY)
        await quietly(scene, 330)
        assert scene.provider.looks[:2] == [Look.HEARTBEAT, Look.RULE]
        assert scene.sink.events == []


async def test_who_lies_there_for_hours_is_found_once() -> None:
    """Looks that see the same again open no second event."""
    async with narrated(heartbeats=True) as scene:
        scene.provider.default = Step(seconds=1.0, answer=DOG)
        await quietly(scene, 1500)
        assert scene.sink.phases.count(Phase.STARTED) == 1


async def test_who_has_just_been_told_of_is_not_new() -> None:
    """A person who was seen to come and stays is no find of the next heartbeat."""
    person = saying("A man.", labels=frozenset({Label.PERSON}))
    async with narrated(heartbeats=True) as scene:
        scene.provider.default = Step(seconds=1.0, answer=person)
        await scene.visit(8)
        await quietly(scene, 700)
        origins = {event.origin for event in scene.sink.events}
        assert origins == {Origin.ACTIVITY}


async def test_movement_meanwhile_is_the_same_event() -> None:
    """Who was found and then moves goes on under the same id."""
    async with narrated(heartbeats=True) as scene:
        scene.provider.steps = [Step(seconds=1.0, answer=DOG), Step(seconds=1.0, answer=STILL)]
        await quietly(scene, 318)
        await scene.onset()
        await scene.active(6)
        assert {event.origin for event in scene.sink.events} == {Origin.MODEL}
        assert len({event.id for event in scene.sink.events}) == 1
        assert scene.sink.phases[-1] is Phase.UPDATED


async def test_the_plain_timer_finds_too() -> None:
    """In `always` two of its looks make the event, the second at least ten seconds after the first."""
    async with narrated(profile=Profile.ALWAYS) as scene:
        scene.provider.default = Step(seconds=1.0, answer=DOG)
        await quietly(scene, 13)
        assert len(scene.provider.asked) == 2
        assert scene.sink.events == []
        await quietly(scene, 7)
        assert scene.sink.events[0].origin is Origin.MODEL


async def test_a_second_look_asks_nothing_of_rules_where_there_are_none() -> None:
    """It is asked as a glance."""
    async with narrated(heartbeats=True) as scene:
        scene.provider.default = Step(seconds=1.0, answer=DOG)
        await quietly(scene, 317)
        texts = [
            part.text for part in scene.provider.asked[1].chunk.parts if isinstance(part, Text)
        ]
        assert not any("questions below" in text for text in texts)
