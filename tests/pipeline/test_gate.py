"""When to ask, by times alone."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from custom_components.camera_narrator.pipeline.gate import Gate
from custom_components.camera_narrator.pipeline.vocabulary import Look, Profile


def a_gate(profile: Profile = Profile.BALANCED, *, heartbeats: bool = False) -> Gate:
    """Return the gate of a camera whose narration began at 0."""
    return Gate(profile=profile, interval_s=5.0, heartbeats=heartbeats, now_s=0.0)


def looks(
    gate: Gate, until_s: float, *, since_s: float = 0.0, act: Callable[[float], None] | None = None
) -> list[tuple[float, Look]]:
    """Ask at once whenever a look is due, in steps of a second; return when and why."""
    asked = []
    now_s = since_s
    while now_s <= until_s:
        if act is not None:
            act(now_s)
        look = gate.due(now_s)
        if look is not None:
            gate.asked(look, now_s)
            asked.append((now_s, look))
            assert gate.due(now_s) is None, "one look covers all that is due"
        now_s += 1.0
    return asked


def times(asked: list[tuple[float, Look]]) -> list[float]:
    """Return when was asked."""
    return [at_s for at_s, _ in asked]


def visited(profile: Profile = Profile.BALANCED) -> Gate:
    """Return a gate in a confirmed visit that began at 100."""
    gate = a_gate(profile)
    gate.onset(100.0, 100.0)
    gate.confirm(100.5)
    return gate


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (Profile.BALANCED, [100, 104, 110, 120, 180, 240, 300]),
        (Profile.ECONOMY, [103]),
        (Profile.LIVE, list(range(100, 301, 5))),
    ],
)
def test_the_schedule_of_a_visit(profile: Profile, expected: list[float]) -> None:
    """What each profile asks while somebody stays."""
    assert times(looks(visited(profile), 300, since_s=100)) == expected


def test_always_asks_every_interval() -> None:
    """Whatever happens, and nothing besides."""
    gate = a_gate(Profile.ALWAYS, heartbeats=True)
    gate.onset(7.0, 7.0)
    gate.confirm(8.0)
    gate.quiet(9.0)
    assert looks(gate, 21) == [(at_s, Look.SCHEDULE) for at_s in (5.0, 10.0, 15.0, 20.0)]
    gate.retry(Look.SCHEDULE)
    assert gate.due(20.5) is Look.SCHEDULE
    assert not gate.closing_due


def test_an_onset_is_due_at_once_and_a_doubtful_one_only_alone() -> None:
    """Nothing but the onset is asked before confirmation."""
    gate = a_gate()
    gate.onset(100.0, 100.0)
    assert looks(gate, 130, since_s=100) == [(100, Look.ONSET)]
    gate.confirm(130.0)
    assert gate.due(130.0) is Look.SCHEDULE


def test_flicker_waits_and_confirmation_does_not() -> None:
    """A second doubtful onset within ten seconds waits, until it is confirmed."""
    gate = a_gate()
    gate.onset(100.0, 100.0)
    gate.asked(Look.ONSET, 100.0)
    gate.leave()
    gate.onset(104.0, 104.0)
    assert gate.due(104.0) is None
    assert gate.next_s(104.0) == 110.0
    gate.confirm(105.0)
    assert gate.due(105.0) is Look.ONSET


def test_the_closing_look_of_a_quiet_spell() -> None:
    """Five seconds after the last movement, once, also when the event has ended meanwhile."""
    gate = visited()
    assert times(looks(gate, 110, since_s=100)) == [100, 104, 110]
    gate.quiet(111.0)
    assert gate.closing_due
    assert gate.next_s(111.0) == 116.0
    assert gate.due(115.9) is None
    gate.leave()
    assert looks(gate, 200, since_s=112) == [(116, Look.CLOSING)]
    assert not gate.closing_due


def test_a_short_spell_has_no_closing_look() -> None:
    """Who moves again within five seconds is not closed."""
    gate = visited()
    gate.asked(Look.ONSET, 100.0)
    gate.quiet(101.0)
    gate.resume(103.0)
    assert looks(gate, 109, since_s=101) == [(104, Look.SCHEDULE)]


def test_movement_after_a_closing_look_is_news() -> None:
    """The story was closed; it goes on."""
    gate = visited()
    gate.asked(Look.SCHEDULE, 120.0)
    gate.quiet(121.0)
    gate.asked(Look.CLOSING, 126.0)
    gate.resume(130.0)
    assert gate.due(130.0) is Look.NOVELTY


def test_economy_looks_even_where_the_visit_was_short() -> None:
    """Its one look is not lost by quiet."""
    gate = visited(Profile.ECONOMY)
    gate.quiet(101.0)
    assert looks(gate, 120, since_s=101) == [(103, Look.SCHEDULE), (106, Look.CLOSING)]


def test_a_doubtful_onset_has_no_closing_look() -> None:
    """Nothing to close where nothing was."""
    gate = a_gate()
    gate.onset(100.0, 100.0)
    gate.asked(Look.ONSET, 100.0)
    gate.quiet(101.0)
    gate.leave()
    assert looks(gate, 150, since_s=101) == []


def test_news_takes_the_place_of_the_next_look() -> None:
    """At least three seconds after the last, and the planned one falls away."""
    gate = visited()

    def act(now_s: float) -> None:
        if now_s == 105:
            gate.novel(105.0)
            assert gate.novelty_s == 105.0

    assert looks(gate, 200, since_s=100, act=act) == [
        (100, Look.ONSET),
        (104, Look.SCHEDULE),
        (107, Look.NOVELTY),
        (120, Look.SCHEDULE),
        (180, Look.SCHEDULE),
    ]


def test_restless_scenes_cost_a_call_a_minute() -> None:
    """News all the time borrows looks two minutes ahead at most."""
    gate = visited()
    asked = looks(gate, 700, since_s=100, act=gate.novel)
    assert len(asked) <= 5 + 10 + 2
    later = [at_s for at_s in times(asked) if at_s > 150]
    assert max(after - before for before, after in pairwise(later)) <= 60


def test_who_leaves_is_told_by_a_look_that_comes_anyway() -> None:
    """The next planned one gives way where it is near; one a minute ahead is taken half a minute before it."""
    gate = visited()

    def act(now_s: float) -> None:
        if now_s in (105, 125):
            gate.less(now_s)

    asked = looks(gate, 200, since_s=100, act=act)
    assert times(asked) == [100, 104, 107, 120, 150]
    assert [look for _, look in asked][2::2] == [Look.NOVELTY, Look.NOVELTY]
    assert list(gate.news_s) == [105, 125]


def test_who_comes_after_somebody_left_is_looked_at_at_once() -> None:
    """What can wait does not hold back what cannot."""
    gate = visited()

    def act(now_s: float) -> None:
        if now_s == 125:
            gate.less(now_s)
        if now_s == 128:
            gate.novel(now_s)

    assert times(looks(gate, 160, since_s=100, act=act)) == [100, 104, 110, 120, 128]


@pytest.mark.parametrize("profile", [Profile.ECONOMY, Profile.LIVE, Profile.ALWAYS])
def test_only_balanced_follows_news(profile: Profile) -> None:
    """The other profiles keep their times."""
    gate = visited(profile)
    gate.novel(101.0)
    assert gate.novelty_s is None


def test_heartbeats_only_where_looking_is_free_and_nothing_happens() -> None:
    """Every five minutes after the last look."""
    gate = a_gate(heartbeats=True)
    assert looks(gate, 700) == [(300, Look.HEARTBEAT), (600, Look.HEARTBEAT)]
    gate.onset(700.0, 700.0)
    gate.asked(Look.ONSET, 700.0)
    assert gate.due(2000.0) is None
    gate.leave()
    assert gate.due(999.9) is None
    assert gate.due(1000.0) is Look.HEARTBEAT
    assert a_gate().due(10_000.0) is None


def test_a_failed_look_is_due_again() -> None:
    """Of a visit; a glance and a user's question are not repeated."""
    gate = visited()
    gate.asked(Look.ONSET, 100.0)
    gate.retry(Look.ONSET)
    assert gate.due(101.0) is Look.ONSET
    gate.asked(Look.ONSET, 101.0)
    for look in (Look.HEARTBEAT, Look.QUESTION, Look.CATCH_UP):
        gate.retry(look)
        assert gate.due(102.0) is None


def test_a_failed_closing_look_outlives_its_visit() -> None:
    """Until there is nothing left to show."""
    gate = visited()
    gate.asked(Look.SCHEDULE, 104.0)
    gate.retry(Look.SCHEDULE)
    gate.leave()
    assert gate.due(200.0) is None
    gate.retry(Look.SCHEDULE)
    assert gate.due(200.0) is None
    gate.retry(Look.CLOSING)
    assert gate.closing_due
    gate.leave()
    assert gate.due(200.0) is Look.CLOSING
    gate.skip_closing()
    assert not gate.closing_due
    gate.retry(Look.CLOSING)
    gate.clear()
    assert gate.due(200.0) is None


def test_a_question_moves_no_look() -> None:
    """What users ask changes no schedule."""
    gate = visited()
    gate.asked(Look.QUESTION, 100.0)
    gate.asked(Look.CATCH_UP, 100.0)
    assert gate.due(100.0) is Look.ONSET


def test_a_visit_told_before_goes_on_at_once() -> None:
    """After a restart the story is behind, but its onset was told."""
    gate = a_gate()
    gate.onset(-50.0, 5.0, confirmed=True, told=True)
    assert looks(gate, 80, since_s=5) == [(5, Look.SCHEDULE), (65, Look.SCHEDULE)]


def test_a_new_profile_holds_at_once() -> None:
    """Also for a visit under way; the same settings again change nothing."""
    gate = visited()
    gate.asked(Look.ONSET, 100.0)
    gate.change(profile=Profile.BALANCED, interval_s=5.0, now_s=103.0)
    assert gate.next_s(103.0) == 104.0
    gate.change(profile=Profile.LIVE, interval_s=2.0, now_s=103.0)
    assert gate.next_s(103.0) == 105.0
    gate.leave()
    gate.change(profile=Profile.BALANCED, interval_s=2.0, now_s=110.0)
    assert gate.next_s(110.0) is None


def test_a_held_onset_waits_for_its_name() -> None:
    """Then it is asked about at once, and the schedule counts from when the visit truly began."""
    gate = Gate(profile=Profile.BALANCED, interval_s=5.0, heartbeats=False, now_s=0.0)
    gate.change(profile=Profile.BALANCED, interval_s=5.0, now_s=0.0, held=True)
    gate.onset(100.0, 100.0)
    assert (gate.due(150.0), gate.next_s(100.0)) == (None, None)
    gate.confirm(150.0, onset_s=144.0)
    assert gate.due(150.0) is Look.ONSET
    gate.asked(Look.ONSET, 150.0)
    assert gate.next_s(150.0) == 154.0


def test_an_onset_that_is_held_no_longer_is_asked_about() -> None:
    """The bridge came back without its detector: only a look can name now."""
    gate = Gate(profile=Profile.BALANCED, interval_s=5.0, heartbeats=False, now_s=0.0)
    gate.change(profile=Profile.BALANCED, interval_s=5.0, now_s=0.0, held=True)
    gate.onset(100.0, 100.0)
    gate.change(profile=Profile.BALANCED, interval_s=5.0, now_s=101.0, held=False)
    assert gate.due(101.0) is Look.ONSET
