"""Conditions in plain words: what is asked, when, and what answers make of them."""

from dataclasses import replace

import pytest

from custom_components.camera_narrator.pipeline.answered import analysis
from custom_components.camera_narrator.pipeline.clock import Now
from custom_components.camera_narrator.pipeline.models import CameraMemory
from custom_components.camera_narrator.pipeline.prompt import schema
from custom_components.camera_narrator.pipeline.request import Text
from custom_components.camera_narrator.pipeline.rule import (
    RULE_VALID_S,
    Rule,
    RuleAnswer,
    RuleState,
)
from custom_components.camera_narrator.pipeline.rules import Rules
from custom_components.camera_narrator.pipeline.vocabulary import Look, Profile
from tests.pipeline.fakes import Step, saying
from tests.pipeline.scene import Scene, narrated

PARCEL = Rule(key="parcel", name="Parcel", question="a parcel lies at the door")
YES = RuleAnswer(holds=True, confidence=0.9)
NO = RuleAnswer(holds=False, confidence=0.9)
UNSURE = RuleAnswer(holds=None, confidence=0.9)


def at(s: float) -> Now:
    """Return a moment."""
    return Now(s, s + 1_700_000_000.0)


def asked(rule: Rule, states: dict[str, RuleState] | None = None) -> Rules:
    """Return rules of which one is watched."""
    rules = Rules(states or {})
    rules.change((rule,))
    return rules


@pytest.mark.parametrize(
    ("needed", "of", "answers", "holds"),
    [
        (1, 1, [YES], True),
        (2, 3, [YES], None),
        (2, 3, [YES, YES], True),
        (2, 3, [YES, NO, YES], True),
        (2, 3, [YES, YES, NO], True),
        (2, 3, [YES, YES, NO, NO], False),
        (1, 3, [YES, NO], False),
        (2, 2, [YES, NO, YES, NO], None),
        (2, 3, [YES, UNSURE, YES], True),
        (2, 3, [YES, RuleAnswer(holds=True, confidence=0.69)], None),
    ],
)
def test_so_many_of_the_last_answers_decide(
    needed: int, of: int, answers: list[RuleAnswer], *, holds: bool | None
) -> None:
    """The newest answer holds once enough of the last agree with it; doubtful ones count for nothing."""
    rules = asked(replace(PARCEL, needed=needed, of=of))
    for number, answer in enumerate(answers):
        rules.answer({"parcel": answer}, at(number))
    assert rules.states["parcel"].holds is holds


def test_what_is_not_sure_leaves_the_rule_unknown() -> None:
    """No state, no event, no further look."""
    rules = asked(PARCEL)
    outcome = rules.answer({"parcel": UNSURE, "other": YES}, at(0))
    assert (outcome.told, outcome.again, outcome.fired) == (False, False, ())
    assert rules.states == {}


def test_a_change_is_asked_again_until_it_is_decided() -> None:
    """And a decided answer that is given again is not."""
    rules = asked(replace(PARCEL, needed=3))
    agains = [rules.answer({"parcel": YES}, at(number)).again for number in range(4)]
    assert agains == [True, True, False, False]
    assert rules.answer({"parcel": NO}, at(5)).again


def test_it_fires_when_it_comes_true_and_then_rests() -> None:
    """Once per cooldown, never while it stays true."""
    rules = asked(replace(PARCEL, needed=1, cooldown_s=60))
    fired = [
        bool(rules.answer({"parcel": answer}, at(s)).fired)
        for s, answer in [(0, YES), (10, YES), (20, NO), (30, YES), (40, NO), (90, YES)]
    ]
    assert fired == [True, False, False, False, False, True]


def test_old_votes_count_no_more() -> None:
    """An answer of a quarter of an hour ago says nothing of now, so the next one begins anew."""
    rules = asked(PARCEL)
    rules.answer({"parcel": YES}, at(0))
    rules.answer({"parcel": YES}, at(RULE_VALID_S + 1))
    assert rules.states["parcel"].holds is None
    rules.answer({"parcel": YES}, at(RULE_VALID_S + 11))
    assert rules.states["parcel"].holds is True


def test_another_question_is_another_rule() -> None:
    """What was answered to the old words is forgotten; a new name changes nothing."""
    rules = asked(replace(PARCEL, needed=1))
    rules.answer({"parcel": YES}, at(0))
    assert not rules.change((replace(PARCEL, name="Post"),))
    assert rules.states["parcel"].holds is True
    assert rules.change((replace(PARCEL, question="the gate is open"),))
    assert rules.states == {}


def test_the_shape_of_the_answer() -> None:
    """Every rule must be answered, before the words, with room for it; without rules nothing changes."""
    plain, asking = schema(Look.CLOSING), schema(Look.CLOSING, (PARCEL,))
    assert asking.max_tokens > plain.max_tokens
    required = asking.json_schema["required"]
    assert isinstance(required, list)
    assert required.index("rules") < required.index("story")
    assert "rules" not in str(plain)
    assert schema(Look.HEARTBEAT, ()) == schema(Look.RULE, ())


def test_answers_are_read_one_by_one() -> None:
    """A malformed answer is none; the others and the words count."""
    fields = {
        "changed": True,
        "subject": False,
        "narrative": "It is quiet.",
        "rules": {
            "a": {"answer": "yes", "confidence": 3},
            "b": {"answer": "unsure", "confidence": 0.5},
            "c": {"answer": "maybe", "confidence": 1},
            "d": {"answer": "no", "confidence": "high"},
            "e": "no",
        },
    }
    assert analysis(fields).rules == {
        "a": RuleAnswer(holds=True, confidence=1.0),
        "b": RuleAnswer(holds=None, confidence=0.5),
    }
    assert analysis({**fields, "rules": ["yes"]}).rules == {}


def _questions(scene: Scene) -> list[bool]:
    """Return of each request whether it asked the rule."""
    return [
        any(
            isinstance(part, Text) and "a parcel lies at the door" in part.text
            for part in one.chunk.parts
        )
        for one in scene.provider.asked
    ]


async def test_a_parcel_is_seen_within_half_a_minute() -> None:
    """The closing look asks, a second look 10 s later confirms, and the bridge is asked for a picture."""
    async with narrated(rules=(PARCEL,)) as scene:
        scene.provider.default = Step(seconds=3, answer=saying(rules={"parcel": YES}))
        await scene.onset()
        await scene.active(6)
        quiet_s = scene.now_s
        await scene.quiet(30)
        assert scene.provider.looks[-2:] == [Look.CLOSING, Look.RULE]
        assert _questions(scene) == [False] * (len(scene.provider.asked) - 2) + [True, True]
        assert scene.sink.rule_states["parcel"].holds is True
        assert scene.sink.fired == ["parcel"]
        decided = scene.provider.asked[-1].ended_s
        assert decided is not None
        assert decided - quiet_s <= 30
        assert [rate for rate, _ in scene.sink.watched] == [1.0]
        assert scene.sink.memory.rules == scene.sink.rule_states


async def test_without_movement_it_is_seen_within_six_minutes() -> None:
    """Rules bring heartbeats to providers that cost money, too; one that changes nothing is not asked again."""
    async with narrated(rules=(PARCEL,)) as scene:
        scene.provider.default = Step(
            seconds=2, answer=saying(changed=False, subject=False, rules={"parcel": NO})
        )
        start_s = scene.now_s
        for _ in range(36):
            await scene.quiet(10, from_start=False)
        assert scene.provider.looks == [Look.HEARTBEAT, Look.RULE]
        assert scene.sink.rule_states["parcel"].holds is False
        ended_s = scene.provider.asked[-1].ended_s
        assert ended_s is not None
        assert ended_s - start_s <= 360
        for _ in range(30):
            await scene.quiet(10, from_start=False)
        assert scene.provider.looks == [Look.HEARTBEAT, Look.RULE, Look.HEARTBEAT]


async def test_movement_takes_the_place_of_the_second_look() -> None:
    """Somebody comes before it: the closing look of that visit asks instead."""
    async with narrated(rules=(PARCEL,)) as scene:
        scene.provider.default = Step(seconds=1, answer=saying(rules={"parcel": YES}))
        await scene.onset()
        await scene.active(5)
        await scene.quiet(9)
        assert scene.provider.looks[-1] is Look.CLOSING
        await scene.onset(preroll=0)
        await scene.active(12)
        assert Look.RULE not in scene.provider.looks


async def test_the_timer_asks_with_every_look() -> None:
    """In the profile `always` there is no closing look."""
    async with narrated(rules=(PARCEL,), profile=Profile.ALWAYS) as scene:
        await scene.onset()
        await scene.active(10)
        assert _questions(scene)
        assert all(_questions(scene))


async def test_what_is_known_survives_a_restart() -> None:
    """State and votes go on; so does the rule's rest."""
    known = RuleState(
        question=PARCEL.question, holds=True, votes=(True, True), answered_wall_s=1_700_000_000.0
    )
    async with narrated(rules=(PARCEL,), memory=CameraMemory(rules={"parcel": known})) as scene:
        scene.provider.default = Step(answer=saying(rules={"parcel": YES}))
        await scene.onset()
        await scene.active(5)
        await scene.quiet(20)
        assert scene.sink.rule_states["parcel"].votes == (True, True, True)
        assert scene.sink.fired == []
