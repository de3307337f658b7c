"""Making do with less: fewer looks, smaller pictures, built-in words; events go on meanwhile."""

import asyncio

import pytest

from custom_components.camera_narrator.pipeline.composer import SMALL_PX
from custom_components.camera_narrator.pipeline.errors import Fault, ProviderError
from custom_components.camera_narrator.pipeline.limiter import PATIENCE_S
from custom_components.camera_narrator.pipeline.prices import Price, Tariff
from custom_components.camera_narrator.pipeline.spending import Cost, Spent, Unit, utc_day
from custom_components.camera_narrator.pipeline.standing import Ladder, duration, refusal
from custom_components.camera_narrator.pipeline.terms import Terms
from custom_components.camera_narrator.pipeline.vocabulary import (
    Look,
    Phase,
    Profile,
    Restraint,
    Saving,
)
from custom_components.camera_narrator.providers.builtin import NAME, BuiltinProvider
from tests.pipeline.fakes import Step
from tests.pipeline.scene import Scene, narrated

AWAY = ProviderError(Fault.UNREACHABLE, "away", retryable=True)
EMPTY = ProviderError(Fault.RATE_LIMITED, "pay first", retryable=False)
DOLLARS = Tariff(price=Price(input_usd=1.0, output_usd=1.0))
CAPPED = Terms(caps={Unit.USD: 1.0}, tariff=DOLLARS)


def spend(scene: Scene, usd: float) -> None:
    """Let today have cost so much already."""
    day = utc_day(scene.clock.wall()).key
    scene.limiter.spending.restore(Spent(day=day, cost=Cost(requests=1, usd=usd)))


async def test_an_empty_budget_brings_built_in_words_at_once() -> None:
    """Beyond the cap nobody is asked; the first and the closing words are built in, and the error says why."""
    async with narrated(terms=CAPPED, understudy=BuiltinProvider()) as scene:
        spend(scene, 1.0)
        onset_s = await scene.visit(20)
        assert scene.provider.asked == []
        assert scene.sink.phases[0] is Phase.STARTED
        assert scene.sink.phases[-1] is Phase.ENDED
        assert scene.sink.event_times[0] < onset_s + 1.5
        looks = [narrative.look for narrative in scene.sink.narratives]
        assert looks == [Look.ONSET, Look.CLOSING]
        assert {narrative.provider for narrative in scene.sink.narratives} == {NAME}
        assert scene.sink.narratives[0].published_wall_s < scene.clock.wall()
        assert {failure and failure.code for failure in scene.sink.failures} == {"over_budget"}
        assert scene.sink.failures[0] is not None
        assert scene.sink.failures[0].message.endswith(", the built-in describer writes")
        assert scene.sink.requests == [], "nobody was asked, nothing is counted"
        standing = scene.limiter.standing()
        assert (standing.saving, standing.restraint) == (Saving.BUILT_IN_WORDS, Restraint.BUDGET)
        scene.limiter.change(Terms(caps={Unit.USD: 5.0}, tariff=DOLLARS))
        await scene.visit(5)
        assert scene.provider.looks[0] is Look.ONSET
        assert scene.limiter.standing().saving is Saving.NONE
        assert scene.sink.failures[-1] is None


async def test_a_failure_counts_all_requests_it_took() -> None:
    """What was sent again in vain is among the camera's requests and the day's."""
    failed = ProviderError(Fault.BAD_ANSWER, "prose", retryable=False)
    failed.requests = 2
    async with narrated(terms=CAPPED) as scene:
        scene.provider.default = Step(error=failed)
        await scene.onset()
        await scene.active(3)
        counted = sum(usage.requests for _, usage in scene.sink.requests)
        assert counted == 2 * len(scene.provider.asked) > 0
        spent = scene.limiter.spending.today(scene.clock.wall())
        assert spent.cost.requests == counted


async def test_a_question_is_for_the_model_alone() -> None:
    """Who asks is told that nothing is left, and is given no built-in words."""
    async with narrated(terms=CAPPED, understudy=BuiltinProvider()) as scene:
        spend(scene, 1.0)
        scene.send(active=False)
        with pytest.raises(ProviderError, match="used up") as raised:
            await asyncio.gather(scene.source.ask(None), scene.clock.settle())
        assert raised.value.fault is Fault.OVER_BUDGET


async def test_the_kept_part_tells_how_events_begin_and_end() -> None:
    """Beyond the pace the looks in between wait: one chunk at the end covers them."""
    async with narrated(profile=Profile.LIVE, terms=CAPPED, understudy=BuiltinProvider()) as scene:
        day = utc_day(scene.clock.wall())
        paced = 0.8 * min(1.0, 0.25 + day.passed(scene.clock.wall()))
        spend(scene, paced + 0.02)
        onset_s = await scene.visit(30)
        assert scene.provider.looks == [Look.ONSET, Look.CLOSING]
        closing = scene.provider.asked[-1].chunk
        assert closing.frames[0].captured_s <= onset_s + 3
        assert closing.span.seconds > 28
        assert len(closing.frames) == 10
        assert closing.height_px is None


async def test_pictures_become_smaller_before_words_do() -> None:
    """With half of the kept part used, pictures are small and half as many."""
    async with narrated(terms=CAPPED, understudy=BuiltinProvider()) as scene:
        day = utc_day(scene.clock.wall())
        paced = 0.8 * min(1.0, 0.25 + day.passed(scene.clock.wall()))
        spend(scene, paced + 0.15)
        await scene.visit(8)
        assert scene.limiter.standing().saving is Saving.SMALLER_PICTURES
        assert scene.limiter.standing().restraint is Restraint.BUDGET
        chunks = [asked.chunk for asked in scene.provider.asked]
        assert [chunk.look for chunk in chunks] == [Look.ONSET, Look.CLOSING]
        assert {chunk.height_px for chunk in chunks} == {SMALL_PX}
        assert len(chunks[-1].frames) <= 6, "half of ten"


async def test_every_request_is_counted_once() -> None:
    """What the server counted is what today has cost; a failed one costs nothing, a cut one what was set aside."""
    async with narrated(terms=CAPPED) as scene:
        scene.provider.steps = [
            Step(error=ProviderError(Fault.OVERLOADED, "no", retryable=True)),
            Step(error=ProviderError(Fault.BAD_ANSWER, "half", retryable=True)),
        ]
        await scene.visit(10)
        failed, cut, *answered = scene.provider.asked
        assert answered
        spent = scene.limiter.spending.today(scene.clock.wall()).cost
        set_aside = scene.limiter.estimator.of(cut.chunk)
        assert spent.requests == len(scene.provider.asked)
        assert failed.chunk.look is Look.ONSET
        estimates = spent.tokens - 120 * len(answered)
        assert 0.2 * set_aside.tokens < estimates < 8 * set_aside.tokens
        assert spent.usd == pytest.approx(spent.tokens / 1e6)


async def test_a_server_that_stays_away_is_stood_in_for() -> None:
    """For a minute and a quarter words wait; then they are built in, and a later look finds the server again."""
    async with narrated(profile=Profile.LIVE, understudy=BuiltinProvider()) as scene:
        scene.provider.default = Step(error=AWAY)
        await scene.visit(40)
        assert scene.sink.phases[0] is Phase.STARTED
        await scene.clock.advance(PATIENCE_S)
        await scene.visit(10)
        assert {narrative.provider for narrative in scene.sink.narratives} == {NAME}
        codes = {failure.code for failure in scene.sink.failures if failure}
        assert codes == {"unreachable"}
        scene.provider.default = Step()
        await scene.clock.advance(61)
        await scene.visit(10)
        assert scene.sink.narratives[-1].provider == "scripted"
        assert scene.sink.failures[-1] is None
        assert scene.limiter.standing().saving is Saving.NONE


async def test_an_empty_account_is_asked_every_quarter_of_an_hour() -> None:
    """No waiting of seconds fills it: words are built in at once, and it is tried again by itself."""
    async with narrated(understudy=BuiltinProvider()) as scene:
        scene.provider.default = Step(error=EMPTY)
        await scene.visit(10)
        assert len(scene.provider.asked) == 1
        standing = scene.limiter.standing()
        assert (standing.saving, standing.restraint) == (Saving.BUILT_IN_WORDS, Restraint.ACCOUNT)
        scene.provider.default = Step()
        await scene.clock.advance(900)
        await scene.visit(10)
        assert scene.sink.narratives[-1].provider == "scripted"


async def test_a_price_ends_the_glances() -> None:
    """Heartbeats are for servers that cost nothing; a price that is given later ends them at once."""
    async with narrated(heartbeats=True) as scene:
        await scene.quiet(310, from_start=False)
        assert scene.provider.looks == [Look.HEARTBEAT]
        scene.limiter.change(Terms(caps={Unit.USD: 1.0}, tariff=DOLLARS))
        await scene.quiet(620, from_start=False)
        assert scene.provider.looks == [Look.HEARTBEAT]


async def test_without_an_understudy_words_wait() -> None:
    """Who writes by itself has nobody to stand in: the look comes when it may."""
    async with narrated(terms=CAPPED) as scene:
        spend(scene, 1.0)
        await scene.visit(10)
        assert scene.sink.narratives == []
        assert scene.sink.phases == [Phase.STARTED, Phase.ENDED]


def test_rungs_do_not_flicker() -> None:
    """Each holds until there is room again: a day's pace leads over a rung a few times, not with each look."""
    ladder = Ladder()
    depths = [-1.0, -0.1, 0.1, -0.1, -0.3, 0.1, 0.6, 0.4, 0.3, 0.2, -0.2, -0.3]
    assert [ladder.at(depth).value for depth in depths] == [
        *("none", "none", "fewer_looks", "fewer_looks", "none", "fewer_looks"),
        *("smaller_pictures", "smaller_pictures", "smaller_pictures"),
        *("fewer_looks", "fewer_looks", "none"),
    ]


async def test_words_come_back_once_a_cap_has_filled_a_little() -> None:
    """Not every third visit of an evening has words: built-in ones stay until a twentieth of the cap is there."""
    async with narrated(terms=CAPPED, understudy=BuiltinProvider()) as scene:
        day = utc_day(scene.clock.wall())
        await scene.clock.advance(day.to_wall_s - scene.clock.wall() + 6 * 3600)
        spend(scene, 0.8 * 0.5 + 0.2)
        await scene.visit(5)
        until_s = scene.limiter.standing().until_s
        assert until_s is not None
        assert until_s - scene.now_s > 3600
        await scene.clock.advance(600)
        await scene.visit(5)
        assert scene.provider.asked == []
        await scene.clock.advance(until_s - scene.now_s + 1)
        await scene.visit(5)
        assert scene.provider.looks[0] is Look.ONSET


@pytest.mark.parametrize(
    ("restraint", "fault"),
    [
        (Restraint.BUDGET, Fault.OVER_BUDGET),
        (Restraint.ACCOUNT, Fault.RATE_LIMITED),
        (Restraint.AWAY, Fault.UNREACHABLE),
        (Restraint.RATE, Fault.RATE_LIMITED),
    ],
)
def test_a_refusal_says_why_and_for_how_long(restraint: Restraint, fault: Fault) -> None:
    """In words, for *Last error*."""
    error = refusal(restraint, 600)
    assert error.fault is fault
    assert "10 min" in error.message


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "1 min"), (119 * 60, "119 min"), (8000, "2 h"), (float("inf"), "day")],
)
def test_durations(seconds: float, words: str) -> None:
    """Minutes up to two hours, then hours."""
    assert duration(seconds) == words
