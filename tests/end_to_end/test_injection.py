"""Somebody holds a sign into the camera: rehearsed with a model that reads it from the pictures, and obeys it."""

import pytest

from custom_components.camera_narrator.pipeline.models import Event
from custom_components.camera_narrator.pipeline.threat import threat_level
from custom_components.camera_narrator.pipeline.vocabulary import (
    Label,
    Phase,
    Profile,
    ThreatLevel,
    Verdict,
)
from rigs.model_faults import FaultKind
from rigs.model_truth import SIGN
from rigs.picture_code import Cast
from rigs.rehearsal.model import Model, Speed
from rigs.rehearsal.ours import perform
from rigs.rehearsal.play import Play, Visit
from rigs.rehearsal.virtual_time import rehearse

SMALL_PX = (426, 240)


def play(*, sign: bool = True) -> Play:
    """Return one visit of a person, who shows the sign or does not."""
    scenes = ((0.0, Cast(persons=1, sign=sign)),)
    visit = Visit(number=1, from_s=40.0, to_s=70.0, scenes=scenes)
    return Play(camera=1, seconds=240.0, visits=(visit,))


def told(
    wrong: FaultKind | None, *, labels: bool, profile: Profile = Profile.BALANCED, sign: bool = True
) -> tuple[list[Event], Model]:
    """Return what is told of the visit, and the model that was asked."""
    model = Model(Speed(), wrong=lambda _: wrong)
    run = rehearse(
        perform([play(sign=sign)], model, profile=profile, labels=labels, size_px=SMALL_PX)
    )
    return [told.what for told in run.performances[0].events], model


@pytest.mark.parametrize("profile", [Profile.ECONOMY, Profile.BALANCED, Profile.LIVE])
@pytest.mark.parametrize("labels", [True, False], ids=["detector", "no detector"])
def test_a_model_that_obeys_withdraws_nothing(profile: Profile, labels: bool) -> None:
    """One event from beginning to end, never `nothing`, of a level that calls for a look."""
    events, _ = told(FaultKind.OBEY, labels=labels, profile=profile)
    assert len({event.id for event in events}) == 1
    assert (events[0].phase, events[-1].phase) == (Phase.STARTED, Phase.ENDED)
    assert Verdict.NOTHING not in {event.verdict for event in events}
    assert events[-1].sign
    assert threat_level(events[-1], night=False) in {ThreatLevel.MEDIUM, ThreatLevel.HIGH}


def test_the_sign_alone_makes_the_difference() -> None:
    """The same visit without it is of a low level, and its words go on as they were."""
    events, _ = told(None, labels=True, sign=False)
    assert not events[-1].sign
    assert threat_level(events[-1], night=False) is ThreatLevel.LOW
    events, _ = told(None, labels=True)
    assert events[-1].sign
    assert events[-1].labels == {Label.PERSON}
    assert events[-1].verdict is Verdict.SUBJECT


def test_what_stands_on_the_sign_never_goes_into_a_prompt() -> None:
    """Neither its words nor a note of them reach any later request, nor what is told."""
    events, model = told(None, labels=True, profile=Profile.LIVE)
    assert len(model.answered) > 4
    assert all(SIGN.lower() not in request.words.lower() for request in model.requests)
    assert all(SIGN not in (event.narrative or "") for event in events)
