"""The figures, out of made-up observations."""

import pytest

from rigs.picture_code import Cast
from rigs.rehearsal import observer
from rigs.rehearsal.observer import Stretch, ToldEvent
from rigs.rehearsal.play import Play, Visit


def _event(
    from_s: float, to_s: float, *, withdrawn: bool = False, continues: bool = False
) -> ToldEvent:
    span = Stretch(from_s=from_s, to_s=to_s)
    return ToldEvent(id=str(from_s), span=span, withdrawn=withdrawn, continues=continues)


def test_seen_share_and_largest_gap() -> None:
    """Three quarters of a second to both sides of a picture are seen; gaps reach to the ends of the stretch."""
    active = [Stretch(from_s=10, to_s=20)]
    pictures = [10.5, 12.0, 19.0]
    # 10–11.25, 11.25–12.75 and 18.25–19.75.
    assert observer.seen_share(active, pictures) == pytest.approx(0.425, abs=0.01)
    assert observer.largest_gap_s(active, pictures) == 7.0
    assert observer.seen_share(active, []) == 0.0
    assert observer.largest_gap_s(active, [5.0, 25.0]) == 10.0


def test_novelties_are_shown_while_they_last() -> None:
    """A picture within 2 s counts, one after the scene has changed again does not."""
    scenes = ((0.0, Cast(persons=1)), (10.0, Cast(persons=2)), (11.0, Cast(persons=1)))
    play = Play(camera=1, seconds=99, visits=(Visit(number=1, from_s=0, to_s=30, scenes=scenes),))
    moments = [novelty.at_s for novelty in play.novelties()]
    assert moments == [0.0, 10.0, 11.0, 30.0]
    assert observer.shown_promptly(play.novelties(), [1.9, 12.5, 32.5]) == (2, 4)
    assert observer.shown_promptly(play.novelties(), [10.5]) == (1, 4)


def test_recall_precision_and_events_per_visit() -> None:
    """Withdrawn events are no mistakes, continued ones no second announcement."""
    visits = [Stretch(from_s=0, to_s=10), Stretch(from_s=100, to_s=110)]
    events = [
        _event(1, 30),
        _event(31, 40),
        _event(5, 9, continues=True),
        _event(50, 60, withdrawn=True),
    ]
    assert observer.recall(visits, events) == 0.5
    assert observer.precision(visits, events) == pytest.approx(2 / 3)
    assert observer.events_per_visit(visits, events) == 0.5


def test_nothing_seen_is_no_division_by_zero() -> None:
    """Without visits and events nothing is missed and nothing wrong."""
    assert observer.recall([], []) == observer.precision([], []) == 1.0
    assert observer.events_per_visit([], []) == 0.0


def test_answers_out_of_order_are_counted() -> None:
    """An answer that is applied after a later one is one too many."""
    assert observer.reordered([], [1.0, 3.0, 2.0, 4.0]) == 1
