"""What people rely on of events, rehearsed with a model that reads the pictures: one a visit, words in time or after."""

from dataclasses import replace

import pytest

from custom_components.camera_narrator.pipeline.models import Event
from custom_components.camera_narrator.pipeline.vocabulary import Phase, Profile, Verdict
from rigs.rehearsal.model import Model, Speed
from rigs.rehearsal.ours import Told, perform
from rigs.rehearsal.play import Play
from rigs.rehearsal.virtual_time import rehearse

SMALL_PX = (426, 240)
QUICK = Speed(first_token_s=0.5)


def told(
    play: Play, model: Model, *, profile: Profile = Profile.BALANCED, labels: bool = True
) -> list[Told[Event]]:
    """Return the phases of all events, and when each was told."""
    run = rehearse(perform([play], model, profile=profile, labels=labels, size_px=SMALL_PX))
    return run.performances[0].events


@pytest.mark.parametrize("labels", [True, False], ids=["detector", "no detector"])
@pytest.mark.parametrize("profile", [Profile.ECONOMY, Profile.BALANCED, Profile.LIVE])
def test_each_visit_is_one_event(profile: Profile, labels: bool) -> None:
    """Four different visits, with and without names from the bridge: each starts, is told and ends, once."""
    play = Play.of_visits(1, 4)
    events = told(play, Model(QUICK), profile=profile, labels=labels)
    for phase in (Phase.STARTED, Phase.ENDED):
        assert sum(one.what.phase is phase for one in events) == len(play.visits)
    ends = [one.what for one in events if one.what.phase is Phase.ENDED]
    assert all(end.narrative and end.verdict is Verdict.SUBJECT for end in ends)
    assert not any(end.continues for end in ends)
    for visit, end in zip(play.visits, ends, strict=True):
        started_s = min(one.at_s for one in events if one.what.id == end.id)
        assert visit.from_s <= started_s <= visit.from_s + 2


def test_a_visit_while_the_model_is_away_is_told_all_the_same() -> None:
    """Start and end come as ever; the words come late, once, when the model is back, and say so."""
    play = Play.of_visits(1, 1)
    (visit,) = play.visits
    storm = (visit.from_s - 1, visit.to_s + 30)
    events = told(play, Model(QUICK, storm=storm), labels=False)
    phases = [one.what.phase for one in events]
    assert phases[0] is Phase.STARTED
    assert events[0].at_s <= visit.from_s + 2
    end = next(one for one in events if one.what.phase is Phase.ENDED)
    assert end.at_s <= visit.to_s + 22
    late = [one for one in events if one.what.closed]
    assert len(late) == 1
    assert late[0].at_s > storm[1]
    assert late[0].what.narrative
    assert late[0].what.verdict is Verdict.SUBJECT


def test_words_of_a_slow_model_come_after_the_end() -> None:
    """What is answered 50 s later is published once, with the event's id, within ten minutes."""
    play = replace(Play.of_one(1, 20.0), seconds=400.0)
    events = told(play, Model(Speed(first_token_s=50.0)))
    assert len({one.what.id for one in events}) == 1
    end_s = next(one.at_s for one in events if one.what.phase is Phase.ENDED)
    closed = [one for one in events if one.what.closed]
    assert len(closed) == 1
    assert end_s < closed[0].at_s < end_s + 600


def test_the_first_words_of_a_visit_come_with_their_first_sentence() -> None:
    """At 80 tokens a second 300 ms after the answer's first field, long before its end."""
    model = Model(Speed())
    run = rehearse(perform([Play.of_visits(1, 4)], model, size_px=SMALL_PX))
    first_s: dict[str, float] = {}
    for one in run.performances[0].events:
        if one.what.narrative:
            first_s.setdefault(one.what.id, one.at_s)
    assert len(first_s) == 4
    for at_s in first_s.values():
        asked = max(
            (
                one
                for one in run.asked
                if one.first_field_s is not None and one.first_field_s <= at_s
            ),
            key=lambda one: one.first_field_s or 0.0,
        )
        assert asked.first_field_s is not None
        assert at_s - asked.first_field_s <= 0.3
        assert asked.answered_s is not None
        assert asked.answered_s - at_s > 0.3
