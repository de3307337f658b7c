"""What is news in front of a camera, and what can wait for the next look."""

import pytest

from custom_components.camera_narrator.pipeline.models import ActivityState, Detection, Region
from custom_components.camera_narrator.pipeline.news import Change, News, appeared, jumped
from custom_components.camera_narrator.pipeline.vocabulary import Label

ONE = Region(x=0.1, y=0.1, width=0.2, height=0.2)
NEAR = Region(x=0.2, y=0.2, width=0.2, height=0.2)
FAR = Region(x=0.8, y=0.8, width=0.2, height=0.2)


def state(at_s: float, *regions: Region, labels: tuple[Label, ...] = ()) -> ActivityState:
    """Return a state told then."""
    return ActivityState(
        active=True,
        since_s=0.0,
        received_s=at_s,
        regions=regions,
        detections=tuple(Detection(label=label, score=0.9, box=ONE) for label in labels),
    )


@pytest.mark.parametrize(
    ("before", "after", "more"),
    [
        ((), (), False),
        ((ONE,), (ONE,), False),
        ((ONE,), (NEAR,), False),
        ((ONE,), (FAR,), True),
        ((ONE,), (ONE, NEAR), True),
        ((ONE, FAR), (ONE,), False),
        ((ONE, NEAR), (FAR,), True),
        ((ONE, FAR), (FAR, NEAR), False),
    ],
)
def test_which_regions_are_more(
    before: tuple[Region, ...], after: tuple[Region, ...], *, more: bool
) -> None:
    """A larger number, or one where none was near."""
    assert appeared(before, after) is more


@pytest.mark.parametrize(
    ("novelty", "average", "news"),
    [(200, 10, True), (47, 0, False), (100, 50, False), (125, 50, True)],
)
def test_which_frames_are_news(novelty: int, average: float, *, news: bool) -> None:
    """Far above the visit's average, and above noise."""
    assert jumped(novelty, average) is news


def test_states_are_compared_with_the_one_before() -> None:
    """The first is no news; then more is, fewer can wait, and a new name counts whatever moves."""
    news = News()
    assert news.of_state(state(1.0, ONE)) is None
    assert news.of_state(state(2.0, ONE, FAR)) is Change.MORE
    assert news.of_state(state(3.0, ONE, FAR)) is None
    assert news.of_state(state(4.0, ONE)) is Change.LESS
    assert news.of_state(state(5.0, labels=(Label.PERSON,))) is Change.MORE


def test_a_jump_is_explained_by_who_left() -> None:
    """The picture in which somebody is missing differs as much as one with somebody more."""
    news = News()
    news.of_state(state(1.0, ONE, FAR))
    assert [news.of_frame(at_s, 10) for at_s in (1.0, 2.0)] == [None, None]
    assert news.of_state(state(3.0, ONE)) is Change.LESS
    assert news.of_frame(3.2, 200) is Change.LESS
    for at_s in range(4, 20):
        news.of_frame(at_s, 10)
    assert news.of_frame(20.0, 200) is Change.MORE
