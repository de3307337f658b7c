"""Somebody stands still: the event is held, looked at every half minute, and ends when they are gone or after two minutes."""

from itertools import pairwise

from custom_components.camera_narrator.pipeline.claim import Claims, Sighting
from custom_components.camera_narrator.pipeline.request import Analysis, Text
from custom_components.camera_narrator.pipeline.vocabulary import EndReason, Label, Look, Phase
from tests.pipeline.fakes import Step, saying
from tests.pipeline.scene import Scene, narrated

PERSON = Sighting(subject=Label.PERSON, look="dark coat", where="at the door")
CAR = Sighting(subject=Label.VEHICLE, where="in the drive", moving=False)


def lists(*here: Sighting, text: str = "Somebody stands there.") -> Analysis:
    """Return an answer that lists who is there."""
    labels = frozenset(one.subject for one in here) or frozenset({Label.PERSON})
    told = saying(text, labels=labels)
    return Analysis(
        changed=True,
        narrative=told.narrative,
        subject=True,
        labels=labels,
        claims=Claims(here=here),
    )


def ends(scene: Scene) -> list[tuple[EndReason | None, float]]:
    """Return why events ended, and how long after the start of the test."""
    return [
        (event.reason, at_s)
        for event, at_s in zip(scene.sink.events, scene.sink.event_times, strict=True)
        if event.phase is Phase.ENDED
    ]


async def visit(scene: Scene, seconds: int = 12) -> float:
    """Let somebody come and stop moving; return when it fell quiet."""
    await scene.onset()
    await scene.active(seconds)
    quiet_s = scene.now_s
    await scene.quiet(6)
    return quiet_s


async def test_who_stands_still_is_looked_at_until_the_hold_is_over() -> None:
    """A closing look, then one every 30 s; after 20 s of quiet and two minutes more the event ends."""
    async with narrated() as scene:
        scene.provider.default = Step(seconds=1.2, answer=lists(PERSON))
        quiet_s = await visit(scene)
        await scene.quiet(200, from_start=False)
        closing = [
            asked.at_s - quiet_s
            for asked in scene.provider.asked
            if asked.chunk.look is Look.CLOSING
        ]
        assert closing[0] == 5
        assert len(closing) == 5
        assert all(30 <= after - before <= 40 for before, after in pairwise(closing))
        assert ends(scene) == [(EndReason.QUIET, quiet_s + 140)]
        assert scene.sink.watched == [(1.0, 5.0)] * 4


async def test_a_hold_ends_with_who_was_there() -> None:
    """The look that sees them gone ends the event at once, and the event says so."""
    async with narrated() as scene:
        scene.provider.default = Step(seconds=1.2, answer=lists(PERSON))
        quiet_s = await visit(scene)
        await scene.quiet(15, from_start=False)
        scene.provider.default = Step(seconds=1.2, answer=lists(text="They left."))
        await scene.quiet(60, from_start=False)
        ((reason, at_s),) = ends(scene)
        assert reason is EndReason.GONE
        assert quiet_s + 35 < at_s < quiet_s + 50
        assert not [asked for asked in scene.provider.asked if asked.at_s > at_s]


async def test_who_left_before_the_end_is_told_without_a_hold() -> None:
    """The closing look saw them leave: 20 s of quiet, reason gone."""
    async with narrated() as scene:
        scene.provider.default = Step(seconds=1.2, answer=lists(PERSON))
        await scene.onset()
        await scene.active(12)
        scene.provider.default = Step(seconds=1.2, answer=lists(text="They left."))
        quiet_s = scene.now_s
        await scene.quiet(40)
        assert ends(scene) == [(EndReason.GONE, quiet_s + 20)]
        assert scene.sink.watched == []


async def test_what_stays_by_itself_holds_nothing() -> None:
    """A parked car, one answer's word alone, and plain words: the event ends after 20 s of quiet."""
    for steps in (
        [Step(answer=lists(CAR))] * 9,
        [Step(answer=lists(text="Nobody."))] * 3 + [Step(answer=lists(PERSON))],
        [Step(answer=saying("A person.", subject=None))] * 9,
    ):
        async with narrated() as scene:
            scene.provider.steps = list(steps)
            scene.provider.default = Step(answer=saying("A person.", subject=None))
            quiet_s = await visit(scene)
            await scene.quiet(40, from_start=False)
            assert ends(scene) == [(EndReason.QUIET, quiet_s + 20)]


async def test_movement_ends_the_hold_and_not_the_event() -> None:
    """Who moves again is in the same event, which is held again when they stop."""
    async with narrated() as scene:
        scene.provider.default = Step(seconds=1.2, answer=lists(PERSON))
        await visit(scene)
        await scene.quiet(60, from_start=False)
        assert ends(scene) == []
        scene.state(active=True)
        await scene.active(6)
        quiet_s = scene.now_s
        await scene.quiet(150)
        assert ends(scene) == [(EndReason.QUIET, quiet_s + 140)]
        assert len({event.id for event in scene.sink.events}) == 1


async def test_who_is_there_survives_a_restart() -> None:
    """The first request of the next run knows them and the last sentences, and a hold is judged by them."""
    async with narrated() as scene:
        scene.provider.default = Step(seconds=1.2, answer=lists(PERSON))
        await visit(scene)
        memory, clock = scene.sink.memory, scene.clock
    async with narrated(memory=memory, clock=clock) as again:
        again.provider.default = Step(seconds=1.2, answer=lists(PERSON))
        await again.onset()
        await again.active(6)
        words = [
            part.text for part in again.provider.asked[0].chunk.parts if isinstance(part, Text)
        ]
        (known,) = [text for text in words if text.startswith("Known ones")]
        assert "person, dark coat, at the door; seen" in known
        assert sum("Somebody stands there." in text for text in words) == len(memory.narratives)
        quiet_s = again.now_s
        await again.quiet(150)
        assert ends(again)[1:] == [(EndReason.QUIET, quiet_s + 140)]
