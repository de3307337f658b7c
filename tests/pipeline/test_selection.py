"""Which frames of a span go into a chunk."""

from itertools import pairwise

from hypothesis import given, strategies as st
import pytest

from custom_components.camera_narrator.pipeline.models import Frame
from custom_components.camera_narrator.pipeline.selection import GAP_S, select
from tests.pipeline.fakes import a_frame


def frames(*times: float, novelty: dict[float, int] | None = None) -> list[Frame]:
    """Return frames at these times."""
    return [
        a_frame(number, at_s, novelty=(novelty or {}).get(at_s, 10))
        for number, at_s in enumerate(times, 1)
    ]


def times(chosen: tuple[Frame, ...]) -> list[float]:
    """Return when the chosen ones were captured."""
    return [frame.captured_s for frame in chosen]


@pytest.mark.parametrize(
    ("captured", "limit", "expected"),
    [
        ([], 5, []),
        ([1], 5, [1]),
        ([1, 2, 3], 1, [3]),
        ([1, 2, 3], 5, [1, 2, 3]),
        ([0, 1, 2, 3, 4], 5, [0, 1, 2, 3, 4]),
        ([0, 0.5, 1, 1.5, 2], 3, [0, 1, 2]),
        ([0, 1, 2, 3, 4, 5, 6, 7, 8], 5, [0, 1, 2, 3, 4, 5, 6, 7, 8]),
        ([0, 10, 20, 30], 2, [0, 10, 20, 30]),
    ],
)
def test_first_and_last_then_the_largest_gaps(
    captured: list[float], limit: int, expected: list[float]
) -> None:
    """The ends are always shown; gaps over 1.2 s are filled, up to twice the limit."""
    assert times(select(frames(*captured), limit)) == expected


def test_a_minute_is_told_in_ten_pictures_at_most() -> None:
    """The whole gap since the last answer is covered evenly."""
    chosen = times(select(frames(*range(61)), 5))
    assert len(chosen) == 10
    assert max(after - before for before, after in pairwise(chosen)) <= 9


def test_without_gaps_the_most_novel_are_shown() -> None:
    """Dense frames are chosen by what is new in them."""
    dense = frames(0, 0.2, 0.4, 0.6, 0.8, 1.0, novelty={0.6: 90, 0.2: 50})
    assert times(select(dense, 4)) == [0, 0.2, 0.6, 1.0]


def test_the_first_frame_after_the_news_is_shown() -> None:
    """What happened between two looks is seen although the gap around it would be filled elsewhere; never at all costs."""
    minute = frames(*range(61))
    assert {7, 33} <= set(times(select(minute, 5, news_s=[6.5, 32.1])))
    assert len(select(minute, 5, news_s=range(0, 60, 3))) == 10
    assert 50 in times(select(minute, 5, news_s=range(1, 51)))
    assert times(select(frames(0, 1, 9, 10), 3, news_s=[1.5, 11])) == times(
        select(frames(0, 1, 9, 10), 3)
    )


def test_near_the_middle_of_a_gap_the_most_novel_wins() -> None:
    """Novelty decides among frames that fill a gap equally well."""
    gap = frames(0, 4.5, 5, 5.5, 10, novelty={5.5: 90})
    assert 5.5 in times(select(gap, 3))


@given(
    st.lists(st.floats(min_value=0, max_value=100), min_size=1, max_size=60, unique=True),
    st.integers(min_value=1, max_value=8),
)
def test_the_choice_keeps_its_promises(captured: list[float], limit: int) -> None:
    """In order, the ends included, never over twice the limit, and over the limit only for a large gap."""
    available = frames(*sorted(captured))
    chosen = select(available, limit)
    assert times(chosen) == sorted(times(chosen))
    assert chosen[-1] == available[-1]
    if limit > 1:
        assert chosen[0] == available[0]
        assert len(chosen) <= 2 * limit
        left = [frame for frame in available if frame not in chosen]
        if len(chosen) < limit:
            assert not left
        if len(chosen) < 2 * limit and len(chosen) >= limit:
            for before, after in pairwise(chosen):
                inside = [f for f in left if before.captured_s < f.captured_s < after.captured_s]
                assert not inside or after.captured_s - before.captured_s <= GAP_S
