"""Rehearsals: time that jumps, the three designs in front of one play, and the tables made of them."""

import asyncio
from contextlib import suppress
from dataclasses import replace
import json
from pathlib import Path

import pytest

from custom_components.camera_narrator.pipeline.vocabulary import Phase, Profile
from rigs.bench import bill, claim, report
from rigs.bench.budget import NARRATION_BUDGETS
from rigs.bench.claim import Claim
from rigs.bench.comparison import limits, wire
from rigs.bench.figure import Figure
from rigs.bench.rehearsed import storm
from rigs.bench.shown import show
from rigs.bench.visited import profiles
from rigs.model_faults import FaultKind
from rigs.model_truth import FALSEHOOD
from rigs.rehearsal import observer
from rigs.rehearsal.model import Model, Speed
from rigs.rehearsal.ours import perform
from rigs.rehearsal.plain import ClipCamera, PlainCamera
from rigs.rehearsal.play import Play
from rigs.rehearsal.virtual_time import StandstillError, VirtualClock, rehearse

SMALL_PX = (426, 240)


def test_time_jumps_in_order() -> None:
    """An hour is over at once; what is due sooner comes first."""
    order: list[str] = []

    async def wait(name: str, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.Event().wait()
        order.append(name)

    async def play() -> float:
        VirtualClock().call_at(1800.0, lambda: order.append("timer"))
        await asyncio.gather(wait("late", 3600.0), wait("soon", 1.0))
        return VirtualClock().monotonic()

    assert rehearse(play()) == pytest.approx(3600.0)
    assert order == ["soon", "timer", "late"]


def test_a_play_that_waits_for_nothing_fails() -> None:
    """Everybody waits and no timer runs: that is told, not waited out."""
    with pytest.raises(StandstillError):
        rehearse(asyncio.Event().wait())


def test_one_visit_is_one_event_in_order_and_accounted_for() -> None:
    """The product narrates a rehearsed visit: labels, words, an end, and no picture lost or doubled."""
    play = Play.of_visits(1, 1)
    ours = show([play], profile=Profile.BALANCED)
    (performance,) = ours.run.performances
    assert {told.what.id for told in performance.events} == {performance.events[0].what.id}
    assert performance.events[0].what.phase is Phase.STARTED
    assert performance.events[-1].what.phase is Phase.ENDED
    assert {label.value for label in performance.events[-1].what.labels} == {"person", "package"}
    assert all(request.outcome == "answered" for request in ours.model.requests)
    assert all(len(one.codes) == len(one.pictures) for one in ours.model.requests)
    assert observer.doubled(ours.model.answered) == observer.reordered(ours.model.requests) == 0
    outcomes = performance.outcomes
    assert performance.sampled == outcomes.settled + outcomes.buffered + outcomes.in_flight > 0


def test_an_onset_with_nobody_is_withdrawn() -> None:
    """The nuisance between two visits opens an event whose verdict is nothing."""
    play = Play.of_visits(1, 2, nuisances=1)
    (performance,) = show([play]).run.performances
    ends = [told.what for told in performance.events if told.what.phase is Phase.ENDED]
    assert [str(event.verdict) for event in ends] == ["subject", "nothing", "subject"]


def test_a_hallucination_reaches_the_words_once() -> None:
    """What the oracle is told to invent is told, and not invented again by itself."""
    lies = iter([FaultKind.HALLUCINATE])
    model = Model(Speed(), wrong=lambda _: next(lies, None))
    run = rehearse(perform([Play.of_visits(1, 1)], model, size_px=SMALL_PX))
    told = [FALSEHOOD in one.what.text for one in run.performances[0].narratives]
    assert told[0]
    assert not any(told[1:])


def test_the_plain_timer_is_as_plain_as_it_says() -> None:
    """It asks every 5 s with 5 pictures whatever happens, loosely, and loses what is refused."""
    play = Play.of_one(1, 60.0)
    slow = PlainCamera(play=play, model=Model(Speed(first_token_s=12.0)), size_px=SMALL_PX)
    rehearse(slow.run())
    sent = [answer.sent_s for answer in slow.answers]
    assert sent == pytest.approx([5.0 * number for number in range(1, len(sent) + 1)])
    assert {answer.frames for answer in slow.answers[1:]} == {5}
    assert not any(answer.had_the_last_answer for answer in slow.answers[1:])
    refused = PlainCamera(play=play, model=Model(Speed(), per_minute=1), size_px=SMALL_PX)
    rehearse(refused.run())
    assert sum(answer.answered_s is None for answer in refused.answers) > 20


def test_a_clip_is_received_only_between_answers() -> None:
    """The next clip begins when the last answer is there; each is an upload of its own."""
    clip = ClipCamera(play=Play.of_one(1, 60.0), model=Model(Speed()), size_px=SMALL_PX)
    rehearse(clip.run())
    assert clip.uploads == len(clip.answers) > 3
    gaps = [b - a for a, b in zip(clip.received, clip.received[1:], strict=False)]
    assert max(gaps) > 6.0


def test_a_server_with_limits_costs_the_timer_chunks_and_us_none() -> None:
    """Refused requests are told again by us, and gone for the others."""
    refused, lost = limits([Play.of_visits(camera, 1) for camera in range(1, 5)])
    assert refused.timer is not None
    assert lost.timer is not None
    assert lost.timer > 50
    assert refused.ours < refused.timer / 5
    assert lost.ours == 0


def test_a_storm_is_over_soon() -> None:
    """After a minute of 429 the last of four cameras has words again before the minute's half."""
    (figure,) = storm(quick=True)
    assert figure.n == 4
    assert 0 < figure.value < 30


def test_a_bill_counts_pictures_as_they_are_sent() -> None:
    """Ten pictures on one sheet cost far less than ten, words and answers the same; half the requests cost half."""
    model = show([Play.of_visits(1, 1)], size_px=(854, 480)).model
    request = next(one for one in model.answered if len(one.pictures) == 10)
    words = replace(request, pictures=())
    whole, loose, told = (
        bill.usd([request] * 2),
        bill.usd([request] * 2, arranged=False),
        bill.usd([words] * 2),
    )
    assert 0 < told < whole < loose
    assert (loose - told) > 2 * (whole - told)
    assert bill.usd([request]) == pytest.approx(whole / 2)


def test_each_profile_has_its_figures() -> None:
    """The table names what was measured, each figure once, and the money of a month is no nonsense."""
    figures = profiles(quick=True)
    names = [figure.name for figure in figures]
    assert len(set(names)) == len(names) == 6
    values = {figure.name: figure.value for figure in figures}
    economy, live = (
        values[f"narration.usd_per_month.12x30_visits.{name}"] for name in ("economy", "live")
    )
    assert 0 < economy < live < 100
    assert values["narration.calls_per_visit.economy"] == 2


def test_binary_frames_are_a_quarter_smaller() -> None:
    """The same JPEGs, once as base64 in JSON and once as they are."""
    (weight,) = wire(Play.of_one(1, 60.0), seconds=5)
    assert weight.timer is not None
    assert 1.3 < weight.timer / weight.ours < 1.4


def test_claims_read_as_a_table_and_as_flat_json() -> None:
    """A number that makes no sense is a dash, and no name in JSON."""
    claims = [Claim(name="age", what="age, s", clip=None, timer=12.5, ours=3, how="made up")]
    assert claim.table(claims)[-1] == "| age, s | – | 12.5 | 3 | made up |"
    assert json.loads(claim.as_json(claims)) == {"claims.age": 3, "claims.age.timer": 12.5}
    assert claim.lines(claims)[-1].split() == ["age,", "s", "–", "12.5", "3"]


def test_each_table_goes_between_its_own_marks(tmp_path: Path) -> None:
    """Three commands write into one document, and none touches the others' parts."""
    document = tmp_path / "benchmarks.md"
    document.write_text(f"{report.BEGIN}\nedge\n{report.END}\n{claim.BEGIN}\nold\n{claim.END}\n")
    report.write(document, f"{claim.BEGIN}\nnew\n{claim.END}", begin=claim.BEGIN, end=claim.END)
    assert document.read_text() == (
        f"{report.BEGIN}\nedge\n{report.END}\n{claim.BEGIN}\nnew\n{claim.END}\n"
    )


@pytest.mark.parametrize("name", NARRATION_BUDGETS)
def test_budgets_of_the_narration_are_judged(name: str) -> None:
    """A figure finds its budget by its name, also one of zero; a baseline has none."""
    budget = Figure(name=name, value=0, n=1, how="").budget
    assert budget is NARRATION_BUDGETS[name]
    assert Figure(name=f"{name}.baseline", value=0, n=1, how="").budget is None
    assert budget.passes(budget.limit)
