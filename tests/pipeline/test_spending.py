"""What a day may cost: paced, a part kept, counted over restarts."""

from hypothesis import given, strategies as st
import pytest

from custom_components.camera_narrator.pipeline.spending import (
    DAY_S,
    HEAD_START,
    KEPT,
    NOTHING,
    REFILL,
    Cost,
    Spending,
    Spent,
    Unit,
    utc_day,
)

MIDNIGHT_S = 20_000 * DAY_S
CAP = 1.0


def spending(usd: float = 0.0, *, day: str = "20000", cap: float = CAP) -> Spending:
    """Return a day's spending with a cap in dollars."""
    spent = Spent(day=day, cost=Cost(requests=1, usd=usd))
    return Spending({Unit.USD: cap}, calendar=utc_day, spent=spent)


def a_cent(usd: float = 0.01) -> Cost:
    """Return what a request costs."""
    return Cost(requests=1, tokens=1000, usd=usd)


@pytest.mark.parametrize(
    ("hour", "spent", "routine", "new"),
    [
        (0, 0.0, True, True),
        (0, 0.25, False, True),
        (0, 0.395, False, False),
        (12, 0.55, True, True),
        (12, 0.60, False, True),
        (18, 0.795, False, True),
        (23, 0.985, False, True),
        (23, 0.995, False, False),
    ],
)
def test_pace(hour: float, spent: float, *, routine: bool, new: bool) -> None:
    """A quarter of the day is there at once, the rest comes evenly; a fifth of the cap is for new events."""
    day = spending(spent)
    wall_s = MIDNIGHT_S + hour * 3600
    assert (day.opens_s(a_cent(), wall_s, new=False) <= wall_s) is routine
    assert (day.opens_s(a_cent(), wall_s, new=True) <= wall_s) is new


@given(
    spent=st.floats(0, CAP), usd=st.floats(0.0001, 0.5), hour=st.floats(0, 23.9), new=st.booleans()
)
def test_it_opens_when_it_says(spent: float, usd: float, hour: float, *, new: bool) -> None:
    """At the moment that was named the request is within the pace, a second before it was not."""
    day, cost = spending(spent), a_cent(usd)
    wall_s = MIDNIGHT_S + hour * 3600
    opens_s = day.opens_s(cost, wall_s, new=new)
    assert wall_s <= opens_s <= MIDNIGHT_S + DAY_S
    if wall_s < opens_s < MIDNIGHT_S + DAY_S - 1:
        assert day.opens_s(cost, opens_s + 0.01, new=new) <= opens_s + 0.01
        if opens_s - 1 > wall_s:
            assert day.opens_s(cost, opens_s - 1, new=new) > opens_s - 1


@given(amounts=st.lists(st.tuples(st.floats(0.001, 0.3), st.booleans()), max_size=60))
def test_the_kept_part_is_for_new_events(amounts: list[tuple[float, bool]]) -> None:
    """Whatever comes, looks of no new event leave their fifth, and all together leave nothing below the cap."""
    day, spent = spending(), {False: 0.0, True: 0.0}
    wall_s = MIDNIGHT_S + 20 * 3600
    for usd, new in amounts:
        if day.opens_s(a_cent(usd), wall_s, new=new) <= wall_s:
            day.reserve(a_cent(usd))
            day.settle(a_cent(usd), a_cent(usd), wall_s)
            spent[new] += usd
    assert spent[False] <= (1 - KEPT) * CAP + 1e-9
    assert spent[False] + spent[True] <= CAP + 1e-9


def test_a_cap_that_was_used_up_fills_a_little_first() -> None:
    """A twentieth of the cap is an hour and a half of the pace; what is open is not asked to wait for it."""
    day, wall_s = spending(0.2 + KEPT), MIDNIGHT_S
    soon_s = day.opens_s(a_cent(), wall_s, new=True)
    later_s = day.opens_s(a_cent(), wall_s, new=True, refilled=True)
    assert later_s - soon_s == pytest.approx(REFILL / (1 - KEPT) * DAY_S)
    assert spending().opens_s(a_cent(), wall_s, new=True, refilled=True) == wall_s


def test_midnight_begins_anew() -> None:
    """Another day counts from nothing; what flies over midnight counts where it ends."""
    day = spending(0.9)
    day.reserve(a_cent(0.05))
    tomorrow_s = MIDNIGHT_S + DAY_S + 1
    assert day.today(tomorrow_s).cost == NOTHING
    day.settle(a_cent(0.05), a_cent(0.04), tomorrow_s)
    assert day.today(tomorrow_s).cost.usd == pytest.approx(0.04)
    assert day.share(tomorrow_s) == pytest.approx(0.96)


def test_a_restart_goes_on_where_it_was() -> None:
    """What is stored holds what was under way, so that a crash spends nothing twice."""
    before = spending(0.5)
    before.reserve(a_cent(0.1))
    stored = before.committed(MIDNIGHT_S + 60)
    assert stored.cost.usd == pytest.approx(0.6)
    after = Spending({Unit.USD: CAP}, calendar=utc_day, spent=Spent())
    after.restore(stored)
    assert after.share(MIDNIGHT_S + 60) == pytest.approx(0.4)


def test_the_tightest_cap_counts() -> None:
    """Of several caps the one with the least left says when to go on, and is the one to raise."""
    day = Spending(
        {Unit.USD: 1.0, Unit.REQUESTS: 10, Unit.TOKENS: 0},
        calendar=utc_day,
        spent=Spent(day="20000", cost=Cost(requests=10, tokens=5000, usd=0.1)),
    )
    noon_s = MIDNIGHT_S + DAY_S / 2
    assert day.tightest(noon_s) is Unit.REQUESTS
    assert day.opens_s(a_cent(), noon_s, new=True) == MIDNIGHT_S + DAY_S
    assert day.ends_wall_s(noon_s) == MIDNIGHT_S + DAY_S


def test_depth_says_how_far_the_kept_part_is_used() -> None:
    """0 on the pace, 1 where the kept part is gone, too; nothing without a cap."""
    paced = (1 - KEPT) * CAP * HEAD_START
    assert spending(paced).depth(MIDNIGHT_S) == pytest.approx(0.0)
    assert spending(paced + KEPT * CAP).depth(MIDNIGHT_S) == pytest.approx(1.0)
    free = Spending({}, calendar=utc_day, spent=Spent())
    assert free.depth(MIDNIGHT_S) < 0
    assert (free.share(MIDNIGHT_S), free.tightest(MIDNIGHT_S)) == (None, None)
