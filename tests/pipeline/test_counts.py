"""What a detector counts, as news."""

from collections.abc import Sequence

import pytest

from custom_components.camera_narrator.pipeline.counts import HOLD_S, Counts
from custom_components.camera_narrator.pipeline.models import Detection, Region
from custom_components.camera_narrator.pipeline.vocabulary import Label

PERSON, ANIMAL = Label.PERSON, Label.ANIMAL


def seen(*labels: Label) -> list[Detection]:
    """Return what a detector told."""
    box = Region(x=0.1, y=0.1, width=0.1, height=0.1)
    return [Detection(label=label, score=0.9, box=box) for label in labels]


@pytest.mark.parametrize(
    ("told", "news"),
    [
        ([(0, (PERSON,)), (2, (PERSON,))], [True, False]),
        ([(0, (PERSON,)), (2, (PERSON, PERSON))], [True, True]),
        ([(0, (PERSON,)), (2, (PERSON, ANIMAL))], [True, True]),
        ([(0, (PERSON,)), (2, ()), (4, (PERSON,))], [True, False, False]),
        ([(0, (PERSON,)), (2, ()), (HOLD_S + 1, (PERSON,))], [True, False, True]),
        ([(0, (PERSON, PERSON)), (2, (PERSON,)), (9, (PERSON, PERSON))], [True, False, False]),
        ([(0, ())], [False]),
    ],
)
def test_a_new_kind_and_one_more_are_news(
    told: Sequence[tuple[float, tuple[Label, ...]]], news: list[bool]
) -> None:
    """Who was lost from sight for a moment has not come again."""
    counts = Counts()
    assert [counts.rise(seen(*labels), at_s) for at_s, labels in told] == news
