"""Whose turn it is: nobody starves, active cameras hardly wait for quiet ones."""

from collections import Counter

from hypothesis import given, strategies as st

from edge_bridge.turns import QUIET_TURN, Turns


def test_cameras_of_one_kind_are_served_in_turn() -> None:
    """Of those that wait, the one that was served longest ago is next."""
    turns = Turns()
    served = [turns.choose(["a", "b", "c"], []) for _ in range(6)]
    assert served == ["a", "b", "c", "a", "b", "c"]


def test_quiet_cameras_get_every_eighth_turn_while_active_ones_wait() -> None:
    """A preview goes out under any pressure, and costs active cameras an eighth."""
    turns = Turns()
    served = Counter(turns.choose(["a", "b"], ["c", "d"]) for _ in range(QUIET_TURN * 10))
    assert served == {"a": 35, "b": 35, "c": 5, "d": 5}


def test_nobody_waits_for_nobody() -> None:
    """Without cameras there is no turn; with quiet ones alone they take all."""
    turns = Turns()
    assert turns.choose([], []) is None
    assert [turns.choose([], ["c"]) for _ in range(3)] == ["c", "c", "c"]


@given(st.lists(st.sets(st.sampled_from("abcdefgh"), min_size=1), min_size=1, max_size=200))
def test_who_always_waits_is_served_within_one_round(rounds: list[set[str]]) -> None:
    """Whoever else comes and goes, a camera that keeps waiting gets every ninth turn at the latest."""
    turns = Turns()
    since = 0
    for others in rounds:
        since = 0 if turns.choose(sorted(others | {"me"}), []) == "me" else since + 1
        assert since <= 8
