"""Users' questions to a camera."""

import asyncio
from dataclasses import replace

import pytest

from custom_components.camera_narrator.pipeline.errors import (
    CannotAsk,
    Fault,
    Obstacle,
    ProviderError,
)
from custom_components.camera_narrator.pipeline.outcomes import Outcomes
from custom_components.camera_narrator.pipeline.vocabulary import (
    Look,
)
from tests.pipeline.fakes import Step, saying
from tests.pipeline.scene import narrated

KEY_REFUSED = ProviderError(Fault.UNAUTHORIZED, "who are you", retryable=False)


async def test_a_question_is_answered_and_consumes_nothing() -> None:
    """The answer comes back, the pictures stay for the story, and only `resent` counts them."""
    async with narrated() as scene:
        scene.send(active=False)
        asking = asyncio.create_task(scene.source.ask("Is the gate open?"))
        await scene.clock.advance(2)
        assert (await asking).text == "Sentence 1."
        assert (await asking).look is Look.QUESTION
        assert "Is the gate open?" in str(scene.provider.asked[0].chunk.parts)
        assert scene.outcomes() == Outcomes(received=1, buffered=1, resent=1)
        assert scene.sink.narratives == []
        assert scene.sink.memory.narratives == ()


async def test_a_plain_description_is_the_cameras_sentence() -> None:
    """The button has a visible effect."""
    async with narrated() as scene:
        scene.send(active=False)
        asking = asyncio.create_task(scene.source.ask(None))
        await scene.clock.advance(2)
        assert scene.sink.narratives == [await asking]


async def test_consumed_pictures_may_be_asked_about() -> None:
    """A question during a visit shows the newest frames, told or not, and names the event."""
    async with narrated() as scene:
        await scene.onset()
        await scene.active(6)
        asking = asyncio.create_task(scene.source.ask("Who?"))
        await scene.clock.advance(1.5)
        narrative = await asking
        assert narrative.frames >= 5
        assert narrative.event_id == scene.sink.events[0].id
        assert scene.outcomes().resent == narrative.frames


async def test_a_question_does_not_wait_for_a_heartbeat() -> None:
    """A person waits; the glance is cancelled."""
    async with narrated(heartbeats=True) as scene:
        scene.provider.steps = [Step(seconds=30)]
        await scene.clock.advance(299)
        scene.send(active=False)
        await scene.clock.advance(1)
        asking = asyncio.create_task(scene.source.ask(None))
        await scene.clock.advance(2)
        assert scene.provider.looks == [Look.HEARTBEAT, Look.QUESTION]
        assert asking.done()


async def test_a_question_gets_the_providers_error() -> None:
    """The user hears why."""
    async with narrated() as scene:
        scene.send(active=False)
        scene.provider.steps = [Step(error=KEY_REFUSED)]
        asking = asyncio.create_task(scene.source.ask(None))
        await scene.clock.advance(1)
        with pytest.raises(ProviderError, match="who are you"):
            await asking
        assert scene.sink.narratives == []


async def test_an_answer_without_words_is_an_error_to_who_asked() -> None:
    """A model that says `changed: false` to a question has not answered it."""
    async with narrated() as scene:
        scene.send(active=False)
        scene.provider.steps = [Step(answer=saying(changed=False))]
        asking = asyncio.create_task(scene.source.ask(None))
        await scene.clock.advance(1)
        with pytest.raises(ProviderError, match="no words"):
            await asking
        assert scene.sink.narratives == []


async def test_an_answer_nobody_waits_for_harms_nobody() -> None:
    """Who asked may have gone, before or during the request."""
    async with narrated() as scene:
        for step in (Step(seconds=5), Step(seconds=5, error=KEY_REFUSED)):
            scene.send(active=False)
            scene.provider.steps = [step]
            asking = asyncio.create_task(scene.source.ask("?"))
            await scene.clock.advance(1)
            asking.cancel()
            await scene.clock.advance(10)
        assert scene.provider.looks == [Look.QUESTION, Look.QUESTION]


async def test_questions_that_cannot_be_put_say_why() -> None:
    """No picture, switched off, too many, ended: each has its obstacle."""

    async def obstacle(asking: asyncio.Task[object]) -> Obstacle:
        with pytest.raises(CannotAsk) as raised:
            await asking
        return raised.value.obstacle

    async with narrated() as scene:

        def ask() -> asyncio.Task[object]:
            return asyncio.create_task(scene.source.ask("?"))

        assert await obstacle(ask()) is Obstacle.NO_PICTURE
        scene.send(active=False)
        scene.provider.default = Step(seconds=600)
        waiting = [ask() for _ in range(6)]
        await scene.clock.settle()
        assert await obstacle(waiting[4]) is Obstacle.BUSY
        waiting[1].cancel()
        scene.source.change(replace(scene.source.settings, enabled=False))
        await scene.clock.settle()
        assert await obstacle(waiting[2]) is Obstacle.SWITCHED_OFF
        assert await obstacle(ask()) is Obstacle.SWITCHED_OFF
        scene.source.change(replace(scene.source.settings, enabled=True))
        scene.send(active=False)
        await scene.clock.settle()
        last = ask()
        await scene.clock.settle()
        scene.source.withdraw()
        await scene.clock.settle()
        assert await obstacle(last) is Obstacle.STOPPED
        assert await obstacle(ask()) is Obstacle.STOPPED


async def test_a_question_outlived_by_its_picture_is_refused() -> None:
    """Held up by a limit, it would be answered about the past."""
    async with narrated() as scene:
        scene.send(active=False)
        scene.limiter.hold(60)
        asking = asyncio.create_task(scene.source.ask("?"))
        await scene.clock.advance(61)
        with pytest.raises(CannotAsk):
            await asking
        assert scene.provider.asked == []
