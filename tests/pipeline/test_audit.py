"""The same pictures again without what is known: when, what is shown, and what comes of it."""

from dataclasses import replace
from itertools import pairwise

from custom_components.camera_narrator.pipeline.audit import (
    APART_S,
    EVERY_FREE,
    EVERY_PRICED,
    WAIT_S,
    Audits,
)
from custom_components.camera_narrator.pipeline.chunk import span_of
from custom_components.camera_narrator.pipeline.claim import (
    Claims,
    Drift,
    LedgerEntry,
    Note,
    Sighting,
)
from custom_components.camera_narrator.pipeline.context import Context, Doubt, Taken
from custom_components.camera_narrator.pipeline.errors import Fault, ProviderError
from custom_components.camera_narrator.pipeline.models import CameraMemory, Frame
from custom_components.camera_narrator.pipeline.request import Analysis, Text
from custom_components.camera_narrator.pipeline.vocabulary import Label, Look, Profile
from tests.pipeline.fakes import WALL_S, Asked, Step, a_frame
from tests.pipeline.scene import Scene, narrated

PERSON = Sighting(subject=Label.PERSON, look="dark coat", where="at the door")
HORSE = Sighting(subject=Label.ANIMAL, look="grey horse", where="at the window")


def lists(*here: Sighting, text: str) -> Analysis:
    """Return an answer that lists who is there."""
    labels = frozenset(one.subject for one in here)
    return Analysis(
        changed=True, narrative=text, subject=bool(here), labels=labels, claims=Claims(here=here)
    )


TRUE = Step(seconds=1.2, answer=lists(PERSON, text="A man waits."))
FALSE = Step(seconds=1.2, answer=lists(HORSE, text="A grey horse."))
LEFT = replace(lists(text="He left."), subject=True, labels=frozenset({Label.PERSON}))


VAN = LedgerEntry(
    number=1,
    subject=Label.VEHICLE,
    look="white van",
    where="in the drive",
    moving=False,
    since_wall_s=WALL_S,
    seen_wall_s=WALL_S,
    expires_wall_s=WALL_S + 6 * 3600,
    confidence=0.9,
    answers=9,
)


def heed(audits: Audits, frame: Frame, taken: Taken | None = None) -> None:
    """Let an answer of one picture be taken over."""
    audits.heed(
        taken or Taken(),
        frames=(frame,),
        span=span_of([frame]),
        named=frozenset(),
        visit_id=None,
        now_s=frame.captured_s,
    )


def audits(scene: Scene) -> list[Asked]:
    """Return the audits that were asked."""
    return [asked for asked in scene.provider.asked if asked.chunk.look is Look.AUDIT]


def words(asked: Asked) -> str:
    """Return all text of a request."""
    return "\n".join(part.text for part in asked.chunk.parts if isinstance(part, Text))


async def test_a_contradiction_is_audited_by_its_own_pictures() -> None:
    """Without notes and ledger, consuming nothing, counted as resent alone, and told to nobody."""
    async with narrated(detects=True) as scene:
        scene.provider.steps = [FALSE]
        scene.provider.default = TRUE
        scene.state(active=True, labels=(Label.PERSON,))
        await scene.visit(12)
        (audit,) = audits(scene)
        first = scene.provider.asked[0]
        assert {frame.identity for frame in audit.chunk.frames} <= {
            frame.identity for frame in first.chunk.frames
        }
        assert "There are no notes." in words(audit)
        assert "Known ones" not in words(audit)
        assert all("horse" not in words(asked) for asked in scene.provider.asked)
        outcomes = scene.outcomes()
        assert outcomes.resent == len(audit.chunk.frames)
        assert outcomes.received == outcomes.settled + outcomes.buffered + outcomes.in_flight
        assert Look.AUDIT not in {narrative.look for narrative in scene.sink.narratives}
        assert Look.AUDIT in {look for look, _ in scene.sink.requests}
        assert scene.sink.memory.drift == Drift(audits=1, differed=1)
        assert all("horse" not in text for _, text in scene.sink.memory.narratives)


async def test_a_note_that_its_pictures_bear_out_comes_back() -> None:
    """Who was there and left between two looks was no falsehood."""
    async with narrated(detects=True) as scene:
        scene.provider.steps = [FALSE]
        scene.provider.default = TRUE
        scene.provider.of_look[Look.AUDIT] = Step(answer=lists(PERSON, HORSE, text="Both."))
        scene.state(active=True, labels=(Label.PERSON,))
        await scene.visit(12)
        assert len(audits(scene)) == 1
        assert scene.sink.memory.drift == Drift(audits=1, differed=0)
        assert scene.sink.memory.narratives[0][1] == "A grey horse."


async def test_an_onset_goes_before_an_audit() -> None:
    """Whoever comes does not wait for it: it is given up, and asked once more when the camera is at rest."""
    async with narrated(detects=True) as scene:
        scene.provider.steps = [FALSE]
        scene.provider.default = TRUE
        scene.provider.of_look[Look.CLOSING] = Step(answer=LEFT)
        scene.provider.of_look[Look.AUDIT] = replace(TRUE, seconds=30.0)
        scene.state(active=True, labels=(Label.PERSON,))
        await scene.visit(12)
        (audit,) = audits(scene)
        assert audit.ended_s is None
        onset_s = await scene.onset()
        assert (audit.cancelled, scene.provider.looks[-1]) == (True, Look.ONSET)
        assert scene.provider.asked[-1].at_s == onset_s
        await scene.active(3)
        await scene.quiet(60)
        assert scene.sink.memory.drift == Drift(audits=1, differed=1)


async def test_an_audit_under_way_may_take_its_time() -> None:
    """A slow server's answer counts however long ago it was asked for; only one that waits grows too old."""
    async with narrated(detects=True) as scene:
        scene.provider.steps = [FALSE]
        scene.provider.default = TRUE
        scene.provider.of_look[Look.CLOSING] = Step(answer=LEFT)
        scene.provider.of_look[Look.AUDIT] = replace(TRUE, seconds=WAIT_S + 30)
        scene.state(active=True, labels=(Label.PERSON,))
        await scene.visit(12)
        await scene.quiet(int(WAIT_S) + 60, from_start=False)
        assert [audit.accepted for audit in audits(scene)] == [True]
        assert scene.sink.memory.drift == Drift(audits=1, differed=1)


def test_an_answer_is_for_the_audit_that_was_asked() -> None:
    """What a look brings meanwhile waits for an audit of its own; its pictures are not judged by these."""
    context = Context(CameraMemory(ledger=(VAN,)))
    asking = Audits(context, Drift())
    asking.every = 1
    first, second = a_frame(1, 1000.0), a_frame(2, 1030.0)
    heed(asking, first)
    asked = asking.wanted(1001.0, next_look_s=None)
    assert asked is not None
    doubt = Doubt(note=Note(WALL_S, "A grey horse."), subjects=frozenset({Label.ANIMAL}))
    heed(asking, second, Taken(unsure=True))
    heed(asking, second, Taken(doubted=(doubt,)))
    asking.answer(asked, lists(text="A van stands there."), now_s=1040.0)
    waiting = asking.wanted(1041.0, next_look_s=None)
    assert waiting is not None
    assert (waiting.frames, waiting.doubts) == ((second,), (doubt,))


def test_an_audit_is_not_swayed_by_orders_in_the_picture() -> None:
    """Who is denied beside orders stays known; without the orders the same answer takes the van off."""
    for sign, kept in ((True, [Label.VEHICLE]), (False, [])):
        context = Context(CameraMemory(ledger=(VAN,)))
        asking = Audits(context, Drift())
        asking.every = 1
        heed(asking, a_frame(1, 1000.0))
        asked = asking.wanted(1001.0, next_look_s=None)
        assert asked is not None
        denied = replace(lists(text="There is nothing."), sign=sign)
        asking.answer(asked, denied, now_s=1002.0)
        assert [entry.subject for entry in context.ledger.entries] == kept
        assert asking.drift.audits == int(not sign)


async def test_every_so_often_the_ledger_is_audited() -> None:
    """After so many answers, more of them where each costs money; what the pictures do not show goes."""
    for heartbeats, every in ((True, EVERY_FREE), (False, EVERY_PRICED)):
        memory = CameraMemory(ledger=(VAN,))
        async with narrated(profile=Profile.LIVE, heartbeats=heartbeats, memory=memory) as scene:
            scene.provider.default = TRUE
            await scene.onset()
            while len(scene.provider.asked) < every:
                await scene.active(5)
                assert audits(scene) == []
            await scene.quiet(40)
            assert len(audits(scene)) == 1
            assert scene.sink.memory.drift.audits == 1


async def test_an_audit_without_a_reason_fits_into_what_visits_leave() -> None:
    """Five looks a visit leave no room for it where each costs money; short visits do."""
    for seconds, expected in ((25, 0), (12, 1)):
        async with narrated(detects=True) as scene:
            scene.provider.default = TRUE
            scene.provider.of_look[Look.CLOSING] = Step(answer=LEFT)
            scene.state(active=True, labels=(Label.PERSON,))
            while len(scene.provider.asked) < EVERY_PRICED + 12:
                await scene.visit(seconds)
            assert len(audits(scene)) == expected
            assert len(scene.provider.asked) <= 5 * len({e.id for e in scene.sink.events})


async def test_an_audit_that_finds_no_answer_is_given_up() -> None:
    """It is not worth a second try, shows no failure, and leaves what is doubted out of prompts."""
    away = ProviderError(Fault.UNREACHABLE, "away", retryable=True)
    async with narrated(detects=True) as scene:
        scene.provider.steps = [FALSE]
        scene.provider.default = TRUE
        scene.provider.of_look[Look.AUDIT] = Step(error=away)
        scene.state(active=True, labels=(Label.PERSON,))
        await scene.visit(30)
        await scene.quiet(120, from_start=False)
        assert len(audits(scene)) == 1
        assert scene.sink.memory.drift == Drift()
        assert set(scene.sink.failures) == {None}
        assert all("horse" not in text for _, text in scene.sink.memory.narratives)


async def test_contradictions_cost_one_audit_in_ten_minutes() -> None:
    """A model that never agrees with itself is not asked twice for each look; what it claims stays out all the same."""
    async with narrated(detects=True) as scene:
        scene.provider.steps = [step for _ in range(40) for step in (FALSE, TRUE)]
        scene.provider.of_look[Look.AUDIT] = TRUE
        scene.state(active=True, labels=(Label.PERSON,))
        began_s = await scene.onset()
        while scene.now_s < began_s + 1500:
            await scene.active(6)
            await scene.quiet(30)
            scene.state(active=True, labels=(Label.PERSON,))
            await scene.onset()
        times = [asked.at_s for asked in audits(scene)]
        assert 2 <= len(times) <= 3
        assert all(after - before >= APART_S for before, after in pairwise(times))
        assert all("horse" not in words(asked) for asked in scene.provider.asked)
