"""The set of sequences that have come."""

from hypothesis import given, strategies as st

from custom_components.camera_narrator.pipeline.sequences import RANGES_MAX, Sequences


@given(st.lists(st.integers(min_value=0, max_value=60)))
def test_it_tells_new_from_known_like_a_set(numbers: list[int]) -> None:
    """Whatever the order, a number is new exactly once."""
    known: set[int] = set()
    sequences = Sequences()
    for number in numbers:
        assert sequences.add(number) is (number not in known)
        known.add(number)


def test_it_forgets_the_oldest_gap_before_it_grows() -> None:
    """Gaps are bounded; the oldest closes, as nobody will fill it any more."""
    sequences = Sequences()
    for number in range(0, 2 * (RANGES_MAX + 1), 2):
        assert sequences.add(number)
    assert not sequences.add(1)
    assert sequences.add(3)
