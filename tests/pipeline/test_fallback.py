"""A second model server: when it writes, under whose name, at whose cost, and how the first one comes back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import override

from custom_components.camera_narrator.pipeline.backup import Backup
from custom_components.camera_narrator.pipeline.errors import Fault, ProviderError
from custom_components.camera_narrator.pipeline.limiter import Limiter
from custom_components.camera_narrator.pipeline.prices import Price, Tariff
from custom_components.camera_narrator.pipeline.request import Usage
from custom_components.camera_narrator.pipeline.spending import Cost, Spent, Unit, utc_day
from custom_components.camera_narrator.pipeline.terms import Terms
from custom_components.camera_narrator.pipeline.turn import Urgency
from custom_components.camera_narrator.pipeline.vocabulary import (
    Look,
    Phase,
    Profile,
    Restraint,
    Saving,
)
from custom_components.camera_narrator.providers.builtin import NAME, BuiltinProvider
from tests.pipeline.fakes import FakeClock, ScriptedProvider, Step
from tests.pipeline.scene import Scene, narrated

AWAY = Step(error=ProviderError(Fault.UNREACHABLE, "away", retryable=True))
REFUSED = Step(error=ProviderError(Fault.UNAUTHORIZED, "no such key", retryable=False))
DOLLARS = Tariff(price=Price(input_usd=1.0, output_usd=1.0))
CAPPED = Terms(caps={Unit.USD: 1.0}, tariff=DOLLARS)


class Second(ScriptedProvider):
    """The second server."""

    @property
    @override
    def name(self) -> str:
        return "second"


def backup(clock: FakeClock, terms: Terms | None = None) -> tuple[Second, Backup]:
    """Return a second server and its place."""
    second = Second(clock)
    limiter = Limiter(clock=clock, terms=terms or Terms())
    return second, Backup(provider=second, limiter=limiter)


@contextmanager
def used_up(limiter: Limiter, clock: FakeClock) -> Iterator[None]:
    """Let today have cost all there is, for the block."""
    day = utc_day(clock.wall()).key
    limiter.spending.restore(Spent(day=day, cost=Cost(requests=1, usd=1.0)))
    yield
    limiter.spending.restore(Spent())
    limiter.change(limiter.terms)


def writers(scene: Scene) -> list[str]:
    """Return who wrote the words, one after the other."""
    told = [narrative.provider for narrative in scene.sink.narratives]
    return [name for place, name in enumerate(told) if place == 0 or told[place - 1] != name]


async def test_a_failure_for_good_is_written_by_the_second_with_the_same_pictures() -> None:
    """A refused key costs no picture and no word; why the first does not write stays visible."""
    clock = FakeClock()
    second, place = backup(clock)
    async with narrated(clock=clock, understudy=BuiltinProvider(), fallback=place) as scene:
        scene.provider.default = REFUSED
        await scene.visit(10)
        assert writers(scene) == ["second"]
        assert scene.sink.phases[-1] is Phase.ENDED
        assert scene.sink.events[-1].provider == "second"
        shown = [asked.chunk.frames for asked in scene.provider.asked]
        assert [asked.chunk.frames for asked in second.asked] == shown
        assert sum(usage.requests for _, usage in scene.sink.requests) == 2 * len(shown) > 0
        frames = [frame.identity for frames in shown for frame in frames]
        assert len(frames) == len(set(frames)), "each picture is in one story request"
        assert {failure and failure.code for failure in scene.sink.failures} == {"unauthorized"}


async def test_a_server_that_is_away_gives_way_and_comes_back_by_itself() -> None:
    """Short pauses are waited for; then the second writes of new pictures until the first one answers again."""
    clock = FakeClock()
    second, place = backup(clock)
    async with narrated(
        profile=Profile.LIVE, clock=clock, understudy=BuiltinProvider(), fallback=place
    ) as scene:
        scene.provider.default = AWAY
        onset_s = await scene.onset()
        await scene.active(40)
        assert writers(scene) == ["second"]
        assert second.times(onset_s)[0] < 15
        assert len(scene.provider.asked) > 3, "it is tried further and further apart"
        standing = scene.limiter.standing()
        assert (standing.saving, standing.restraint) == (Saving.FALLBACK, Restraint.AWAY)
        ages = [asked.at_s - asked.chunk.frames[-1].captured_s for asked in second.asked]
        assert max(ages) < 2, "what is shown is new"
        scene.provider.default = Step(seconds=0.5)
        await scene.active(70)
        assert writers(scene) == ["second", "scripted"]
        assert scene.limiter.standing().saving is Saving.NONE
        assert scene.sink.failures[-1] is None


async def test_beyond_the_budget_the_second_writes_on_its_own_account() -> None:
    """Routine looks too; what it costs is counted by its own limiter, and the first is not asked."""
    clock = FakeClock()
    second, place = backup(clock, CAPPED)
    async with narrated(
        terms=CAPPED, clock=clock, understudy=BuiltinProvider(), fallback=place
    ) as scene:
        with used_up(scene.limiter, clock):
            await scene.visit(30)
        assert scene.provider.asked == []
        assert writers(scene) == ["second"]
        assert Look.SCHEDULE in second.looks
        spent = place.limiter.spending.today(clock.wall()).cost
        assert spent.requests == len(second.asked) == len(scene.sink.requests)
        assert spent.usd > 0
        assert {failure and failure.code for failure in scene.sink.failures} == {"over_budget"}
        await scene.visit(5)
        assert scene.provider.looks[0] is Look.ONSET
        assert writers(scene) == ["second", "scripted"]


async def test_where_both_are_beyond_their_budget_the_describer_writes_of_what_is_new() -> None:
    """The first and the closing words are built in; the error names what the first one lacks."""
    clock = FakeClock()
    second, place = backup(clock, CAPPED)
    async with narrated(
        terms=CAPPED, clock=clock, understudy=BuiltinProvider(), fallback=place
    ) as scene:
        with used_up(scene.limiter, clock), used_up(place.limiter, clock):
            await scene.visit(20)
        assert (scene.provider.asked, second.asked) == ([], [])
        assert [narrative.look for narrative in scene.sink.narratives] == [Look.ONSET, Look.CLOSING]
        assert writers(scene) == [NAME]
        assert scene.sink.requests == [], "nobody was asked, nothing is counted"


async def test_where_both_fail_the_fault_is_the_first_ones() -> None:
    """Its key is what the house is asked for; both reasons are told."""
    clock = FakeClock()
    second, place = backup(clock)
    async with narrated(clock=clock, fallback=place) as scene:
        scene.provider.default = REFUSED
        second.default = Step(
            error=ProviderError(Fault.MODEL_UNKNOWN, "no such model", retryable=False)
        )
        await scene.onset()
        await scene.active(5)
        failure = scene.sink.failures[-1]
        assert failure is not None
        assert failure.code == "unauthorized"
        assert "no such key" in failure.message
        assert "no such model" in failure.message
        assert scene.sink.narratives == []


async def test_a_second_that_may_not_be_asked_does_not_hide_why_the_first_failed() -> None:
    """A key that is refused stays the fault while the second is beyond its budget."""
    clock = FakeClock()
    second, place = backup(clock, CAPPED)
    async with narrated(clock=clock, fallback=place) as scene:
        scene.provider.default = REFUSED
        with used_up(place.limiter, clock):
            await scene.onset()
            await scene.active(5)
        assert second.asked == []
        failure = scene.sink.failures[-1]
        assert failure is not None
        assert failure.code == "unauthorized"
        assert "What today may cost" in failure.message


async def test_what_became_urgent_at_the_first_is_urgent_at_the_second() -> None:
    """A heartbeat that an onset raised while it waited goes before another camera's closing look."""
    clock = FakeClock()
    second, place = backup(clock, Terms(concurrency=0))
    async with narrated(heartbeats=True, clock=clock, fallback=place) as scene:
        scene.provider.default = REFUSED
        await scene.quiet(299)
        scene.limiter.hold(2.5)
        await scene.quiet(1, from_start=False)
        scene.send(active=False)
        await clock.advance(0.1)
        assert scene.limiter.waiting == 1
        await scene.onset()
        other = place.limiter.turn("other", Urgency.CLOSING)
        place.limiter.enter(other)
        await clock.advance(3)
        assert scene.provider.looks == [Look.ONSET]
        place.limiter.change(Terms(concurrency=1))
        assert not other.granted.is_set()
        await clock.settle()
        assert second.looks == [Look.ONSET]
        place.limiter.leave(other)


async def test_what_was_asked_before_it_was_cut_off_counts() -> None:
    """A glance that gives way to an onset was sent to both servers, or to the first alone while the second waited."""
    for waits, requests in ((False, 2), (True, 1)):
        clock = FakeClock()
        second, place = backup(clock)
        async with narrated(heartbeats=True, clock=clock, fallback=place) as scene:
            scene.provider.of_look[Look.HEARTBEAT] = REFUSED
            second.of_look[Look.HEARTBEAT] = Step(seconds=600.0)
            place.limiter.change(Terms(concurrency=0 if waits else 1))
            await scene.quiet(310)
            assert len(second.asked) == int(not waits)
            await scene.onset()
            assert scene.sink.requests[0] == (Look.HEARTBEAT, Usage(requests=requests))


async def test_the_beginning_of_an_answer_bears_the_name_of_its_writer() -> None:
    """Words are told while they come, by whoever writes them."""
    clock = FakeClock()
    second, place = backup(clock)
    async with narrated(clock=clock, fallback=place) as scene:
        scene.provider.default = REFUSED
        await scene.onset()
        await scene.active(3)
        told = [event.provider for event in scene.sink.events if event.narrative]
        assert told
        assert set(told) == {"second"}
        assert second.asked[0].accepted
