"""The threat level, decided from what is reported."""

from dataclasses import replace
from itertools import product

import pytest

from custom_components.camera_narrator.pipeline.models import Event, Span
from custom_components.camera_narrator.pipeline.threat import LINGERS_S, is_night, threat_level
from custom_components.camera_narrator.pipeline.vocabulary import (
    Label,
    Phase,
    ThreatLevel,
    Verdict,
)

LEVELS = list(ThreatLevel)


def visit(*labels: Label, seconds: float = 20.0, verdict: Verdict | None = None) -> Event:
    """Return a visit."""
    return Event(
        id="visit",
        camera="door",
        phase=Phase.UPDATED,
        span=Span(from_s=0.0, to_s=seconds, from_wall_s=0.0, to_wall_s=seconds),
        labels=frozenset(labels),
        verdict=verdict,
    )


@pytest.mark.parametrize(
    ("event", "day", "night"),
    [
        (visit(verdict=Verdict.NOTHING), "none", "none"),
        (visit(), "none", "low"),
        (visit(Label.ANIMAL), "none", "none"),
        (visit(Label.PACKAGE), "none", "none"),
        (visit(Label.VEHICLE), "low", "medium"),
        (visit(Label.PERSON, Label.ANIMAL), "low", "medium"),
        (visit(Label.PERSON, seconds=LINGERS_S), "medium", "high"),
        (visit(Label.ANIMAL, seconds=LINGERS_S), "none", "none"),
        (replace(visit(Label.PACKAGE), rule="parcel"), "low", "medium"),
        (replace(visit(Label.PERSON, seconds=LINGERS_S), rule="parcel"), "medium", "high"),
        (replace(visit(verdict=Verdict.NOTHING), sign=True), "medium", "medium"),
        (replace(visit(Label.PERSON), sign=True), "medium", "high"),
        (replace(visit(Label.PERSON, seconds=LINGERS_S), sign=True), "high", "high"),
    ],
)
def test_levels(event: Event, day: str, night: str) -> None:
    """As the table of the documentation has it."""
    assert threat_level(event, night=False) == day
    assert threat_level(event, night=True) == night


def test_nothing_in_a_picture_lowers_the_level() -> None:
    """Whatever is reported, writing that gives orders, a rule and the night only raise it."""
    for labels, verdict, seconds, rule, night in product(
        [(), *((label,) for label in Label), tuple(Label)],
        [None, *Verdict],
        [5.0, LINGERS_S],
        [None, "gate"],
        [False, True],
    ):
        event = replace(visit(*labels, seconds=seconds, verdict=verdict), rule=rule)
        level = LEVELS.index(threat_level(event, night=night))
        assert LEVELS.index(threat_level(replace(event, sign=True), night=night)) >= level
        assert LEVELS.index(threat_level(replace(event, rule="gate"), night=night)) >= level
        assert LEVELS.index(threat_level(event, night=True)) >= level


def test_the_hours_of_the_night() -> None:
    """From 23 to 6."""
    assert [hour for hour in range(24) if is_night(hour)] == [0, 1, 2, 3, 4, 5, 23]
