"""The life of events, by moments alone."""

import pytest

from custom_components.camera_narrator.pipeline.clock import Now
from custom_components.camera_narrator.pipeline.ended import LATE_WORDS_S
from custom_components.camera_narrator.pipeline.events import (
    BACK_S,
    LONGEST_S,
    Visits,
)
from custom_components.camera_narrator.pipeline.late import late_event
from custom_components.camera_narrator.pipeline.models import CameraMemory, Event, Span
from custom_components.camera_narrator.pipeline.request import Analysis
from custom_components.camera_narrator.pipeline.visit import RESUME_S, Words, new_id
from custom_components.camera_narrator.pipeline.vocabulary import EndReason, Label, Phase, Verdict
from tests.pipeline.fakes import saying


def at(s: float) -> Now:
    """Return a moment."""
    return Now(s, s + 1_700_000_000.0)


def span(from_s: float, to_s: float) -> Span:
    """Return a span."""
    return Span(from_s=from_s, to_s=to_s, from_wall_s=at(from_s).wall_s, to_wall_s=at(to_s).wall_s)


def opened(memory: CameraMemory | None = None, onset_s: float = 1000.0) -> Visits:
    """Return visits with an open event."""
    visits = Visits("door", memory or CameraMemory(), at(onset_s))
    visits.onset(onset_s, at(onset_s))
    visits.see(onset_s, at(onset_s))
    assert [event.phase for event in visits.see(onset_s + 1, at(onset_s + 1))] == [Phase.STARTED]
    return visits


def says(analysis: Analysis, from_s: float, to_s: float, frames: int = 3) -> Words:
    """Return an answer to pictures of so long."""
    return Words(analysis=analysis, span=span(from_s, to_s), frames=frames, provider="p")


def tell(
    visits: Visits, analysis: Analysis, now_s: float, visit_id: str | None = None
) -> list[Event]:
    """Bring words for the open visit."""
    if visit_id is None:
        assert visits.current is not None
        visit_id = visits.current.id
    return visits.tell(visit_id, says(analysis, now_s - 2, now_s - 1), at(now_s))


@pytest.mark.parametrize(
    ("captured", "started"),
    [([0, 3], True), ([0, 3.1], False), ([0, 5, 7], True), ([5, 0, 2.5], True), ([0], False)],
)
def test_two_active_frames_within_three_seconds_confirm(
    captured: list[float], *, started: bool
) -> None:
    """In whatever order they arrive."""
    visits = Visits("door", CameraMemory(), at(1000))
    assert visits.see(1000, at(1000)) == []
    visits.onset(1000, at(1000))
    events = [event for s in captured for event in visits.see(1000 + s, at(1010))]
    assert [event.phase for event in events] == [Phase.STARTED] * started
    assert (visits.open is not None) is started
    assert (visits.open_event is not None) is started


def test_a_start_says_what_is_known_already() -> None:
    """Words, labels and verdict of an answer that was there before; `updated` brings them all the same."""
    visits = Visits("door", CameraMemory(), at(1000))
    visit = visits.onset(1000, at(1000))
    started, updated = tell(
        visits, saying("A person comes.", labels=frozenset({Label.PERSON})), 1002
    )
    assert (started.phase, updated.phase) == (Phase.STARTED, Phase.UPDATED)
    for event in (started, updated):
        assert (event.narrative, event.labels) == ("A person comes.", {Label.PERSON})
        assert event.verdict is Verdict.SUBJECT

    visits = Visits("door", CameraMemory(), at(1000))
    visit = visits.onset(1000, at(1000))
    nobody = Analysis(changed=False, narrative="", subject=False)
    visits.keep("another", says(saying("Who?"), 1000, 1000, 1))
    visits.keep(visit.id, says(nobody, 1000, 1000, 1))
    visits.see(1000, at(1000))
    (started,) = visits.see(1001, at(1001))
    assert (started.verdict, started.narrative) == (Verdict.NOTHING, None)


def test_an_onset_is_not_older_than_the_buffer_or_the_last_end() -> None:
    """A state that began long ago was told by an earlier event, or by none."""
    visits = Visits("door", CameraMemory(), at(1000))
    assert visits.onset(500, at(1000)).onset_s == 1000 - BACK_S
    assert visits.onset(1001, at(1000)).onset_s == 1000
    visits = opened()
    visits.end(EndReason.INTERRUPTED, at(1020))
    visit = visits.onset(1005, at(1050))
    assert visit.onset_s == 1020
    visits.move(1051, at(1051), since_s=900)
    assert visit.onset_s == 1020
    assert visit.onset_wall_s == at(1020).wall_s


def test_words_labels_and_verdict_update() -> None:
    """Only what changes is published; labels gather."""
    visits = opened()
    first = tell(visits, saying("A man.", labels=frozenset({Label.PERSON})), 1004)
    assert [event.phase for event in first] == [Phase.UPDATED]
    assert (first[0].narrative, first[0].frames, first[0].provider) == ("A man.", 3, "p")
    assert (first[0].verdict, first[0].labelled) == (Verdict.SUBJECT, True)
    assert tell(visits, saying("A man."), 1006) == []
    assert tell(visits, saying(changed=False), 1007) == []
    second = tell(visits, saying(changed=False, labels=frozenset({Label.PACKAGE})), 1008)
    assert second[0].labels == {Label.PERSON, Label.PACKAGE}
    assert second[0].narrative == "A man."
    assert tell(visits, saying(subject=False, changed=False), 1009) == []
    assert tell(visits, saying(), 1010, visit_id="another") == []


def test_nothing_is_a_verdict_of_the_first_look_only() -> None:
    """A subject stays one; a scene that changed without subject has no verdict."""
    visits = opened()
    assert tell(visits, saying("Wind.", subject=False), 1004)[0].verdict is None
    assert tell(visits, saying(subject=False, changed=False), 1006) == []
    visits = opened()
    assert tell(visits, saying(subject=None, changed=False), 1004) == []
    assert tell(visits, saying(subject=False, changed=False), 1006)[0].verdict is Verdict.NOTHING
    assert tell(visits, saying("A cat."), 1008)[0].verdict is Verdict.SUBJECT


def test_quiet_ends_after_twenty_seconds() -> None:
    """The span ends where the movement did."""
    visits = opened()
    visits.quiet(1005, at(1005))
    visits.quiet(1007, at(1007))
    assert visits.deadline_s(heard_s=None) == 1025
    assert visits.tick(at(1024.9), heard_s=None) == []
    [ended] = visits.tick(at(1025), heard_s=None)
    assert (ended.phase, ended.reason, ended.span.to_s) == (Phase.ENDED, EndReason.QUIET, 1005)
    assert visits.last_event == ended
    assert visits.open_event is None
    assert visits.deadline_s(heard_s=None) is None
    assert visits.tick(at(2000), heard_s=None) == []


def test_movement_revokes_the_quiet() -> None:
    """A visitor who moves again has not left."""
    visits = opened()
    visits.quiet(1005, at(1005))
    visits.move(1010, at(1010), since_s=1010)
    assert visits.deadline_s(heard_s=1010) == 1020
    assert visits.tick(at(1019), heard_s=1010) == []
    assert visits.deadline_s(heard_s=None) == 1000 + LONGEST_S


def test_an_unheard_state_interrupts() -> None:
    """Ten seconds after the last state, whether confirmed or not."""
    visits = opened()
    assert visits.tick(at(1012), heard_s=1002.5) == []
    [ended] = visits.tick(at(1012.5), heard_s=1002.5)
    assert ended.reason is EndReason.INTERRUPTED
    visits.onset(1100, at(1100))
    assert visits.tick(at(1110), heard_s=1100) == []
    assert visits.current is None


def test_half_an_hour_is_one_event() -> None:
    """Then another goes on, and late words of the first still count."""
    visits = opened()
    first = visits.current
    assert first is not None
    now_s = 1000 + LONGEST_S
    ended, started = visits.tick(at(now_s), heard_s=now_s - 1)
    assert (ended.reason, ended.id) == (EndReason.CONTINUED, first.id)
    assert (started.phase, started.continues) == (Phase.STARTED, first.id)
    assert visits.knows(first.id)
    assert visits.knows(started.id)
    [update] = tell(visits, saying(), now_s + 5, visit_id=first.id)
    assert update.closed


def test_late_words_count_once_and_ten_minutes() -> None:
    """After that they are history."""
    visits = opened()
    visits.end(EndReason.QUIET, at(1030))
    ended = visits.ended
    assert ended is not None
    [update] = tell(visits, saying("Gone."), 1030 + LATE_WORDS_S, visit_id=ended.id)
    assert (update.phase, update.closed) == (Phase.UPDATED, True)
    last = visits.last_event
    assert last is not None
    assert (last.narrative, last.reason) == ("Gone.", EndReason.QUIET)
    assert tell(visits, saying("Again."), 1040, visit_id=ended.id) == []
    visits = opened()
    visits.end(EndReason.QUIET, at(1030))
    ended = visits.ended
    assert ended is not None
    assert tell(visits, saying(), 1031 + LATE_WORDS_S, visit_id=ended.id) == []
    assert tell(visits, saying(changed=False, subject=None), 1040, visit_id=ended.id) == []


@pytest.mark.parametrize(
    ("after_s", "labels", "continues"),
    [
        (59, frozenset[Label](), True),
        (61, frozenset[Label](), False),
        (10, frozenset({Label.PERSON}), True),
    ],
)
def test_who_returns_within_a_minute_continues(
    after_s: float, labels: frozenset[Label], *, continues: bool
) -> None:
    """Counted from the end, also over a restart."""
    visits = opened()
    if labels:
        tell(visits, saying(labels=labels), 1004)
    visits.end(EndReason.QUIET, at(1010))
    before = visits.last_event
    assert before is not None
    visits.onset(1010 + after_s, at(1010 + after_s))
    visits.see(1010 + after_s, at(1010 + after_s))
    [started] = visits.see(1011 + after_s, at(1011 + after_s))
    assert started.continues == (before.id if continues else None)
    restarted = opened(CameraMemory(last_event=before), onset_s=before.span.to_s + after_s)
    assert restarted.open is not None
    assert restarted.open.continues == (before.id if continues else None)


def test_other_labels_do_not_continue() -> None:
    """A visitor who left is not the cat that comes; decided where both are named before the start."""
    visits = opened()
    tell(visits, saying(labels=frozenset({Label.PERSON})), 1004)
    visits.end(EndReason.QUIET, at(1010))
    visit = visits.onset(1020, at(1020))
    visit.labels = frozenset({Label.ANIMAL})
    visits.see(1020, at(1020))
    [started] = visits.see(1021, at(1021))
    assert started.continues is None


def test_who_moves_after_a_long_outage_is_another_visitor() -> None:
    """After half an hour without Home Assistant the stored event is over, and the new one is announced."""
    visits = restored(1100 + LONGEST_S)
    [ended] = visits.resume(at(1101 + LONGEST_S), active=True)
    assert ended.reason is EndReason.RESTARTED
    visits.onset(1102 + LONGEST_S, at(1102 + LONGEST_S))
    visits.see(1102 + LONGEST_S, at(1102 + LONGEST_S))
    [started] = visits.see(1103 + LONGEST_S, at(1103 + LONGEST_S))
    assert (started.phase, started.continues) == (Phase.STARTED, None)


def test_a_clock_that_was_set_back_moves_no_event_into_the_future() -> None:
    """A machine without a battery starts before the stored event: pictures of now still belong to it."""
    visits = restored(0)
    assert visits.current is not None
    assert visits.current.onset_s == 0
    assert visits.from_s <= 0


def restored(now_s: float) -> Visits:
    """Return visits of a run that found an open event stored."""
    before = opened()
    tell(before, saying("A man."), 1004)
    return Visits("door", CameraMemory(open_event=before.open_event), at(now_s))


def test_a_stored_event_waits_for_its_bridge() -> None:
    """A minute at most; quiet means it is over; active means it goes on."""
    visits = restored(1100)
    assert visits.deadline_s(heard_s=None) == 1100 + RESUME_S
    assert visits.tick(at(1159), heard_s=None) == []
    [ended] = visits.tick(at(1160), heard_s=None)
    assert ended.reason is EndReason.RESTARTED
    [ended] = restored(1100).resume(at(1110), active=False)
    assert (ended.reason, ended.narrative) == (EndReason.RESTARTED, "A man.")
    visits = restored(1100)
    assert visits.resume(at(1110), active=True) == []
    assert visits.resume(at(1111), active=False) == [], "decided once"
    event = visits.open_event
    assert event is not None
    assert event.phase is Phase.UPDATED
    assert (event.span.from_s, event.span.to_s) == (1000, 1110)
    assert event.narrative == "A man."


def test_ending_nothing_publishes_nothing() -> None:
    """A doubtful onset leaves no trace."""
    visits = Visits("door", CameraMemory(), at(1000))
    assert visits.end(EndReason.DISABLED, at(1000)) == []
    assert visits.from_s == float("-inf")
    visits.quiet(1000, at(1000))
    visits.move(1000, at(1000))
    visits.onset(1000, at(1000))
    assert visits.end(EndReason.DISABLED, at(1001)) == []
    assert visits.from_s == 1000 - 6
    assert not visits.knows(None)


def test_ids_sort_by_time() -> None:
    """32 hexadecimal digits, the later the higher, never the same."""
    ids = [new_id(at(s)) for s in (1000, 1000.001, 1001, 99_999)]
    assert ids == sorted(ids)
    assert all(len(each) == 32 and int(each, 16) for each in ids)
    assert new_id(at(1000)) != ids[0]


def test_a_late_event_needs_words() -> None:
    """A subject without a sentence is not a story."""
    told = late_event("door", says(saying(changed=False), 0, 9), at(99))
    assert told is None


PERSON, CAT = frozenset({Label.PERSON}), frozenset({Label.ANIMAL})


def waiting(only_for: frozenset[Label] = frozenset(), onset_s: float = 1000.0) -> Visits:
    """Return visits of which one may open."""
    visits = Visits("door", CameraMemory(), at(onset_s))
    visits.only_for = only_for
    visits.onset(onset_s, at(onset_s))
    return visits


def test_a_told_label_opens_an_event_by_itself() -> None:
    """The bridge tells only what it saw in two of three looks; a label is a subject, and news once."""
    visits = waiting()
    [started] = visits.name(PERSON, 1001, at(1001))
    assert (started.phase, started.labels, started.labelled) == (Phase.STARTED, PERSON, True)
    assert started.verdict is Verdict.SUBJECT
    assert visits.name(PERSON, 1003, at(1003)) == []
    [updated] = visits.name(PERSON | CAT, 1005, at(1005))
    assert (updated.phase, updated.labels) == (Phase.UPDATED, PERSON | CAT)
    assert visits.name(frozenset(), 1007, at(1007)) == []
    assert Visits("door", CameraMemory(), at(1000)).name(PERSON, 1000, at(1000)) == []


def test_no_look_takes_back_what_the_detector_saw() -> None:
    """A model that overlooks somebody withdraws no notification; one that was wrong is overruled."""
    visits = waiting()
    visits.name(PERSON, 1001, at(1001))
    assert tell(visits, saying(subject=False, changed=False), 1004) == []
    visits = opened()
    assert tell(visits, saying(subject=False, changed=False), 1004)[0].verdict is Verdict.NOTHING
    [updated] = visits.name(PERSON, 1005, at(1005))
    assert updated.verdict is Verdict.SUBJECT


def test_detector_labels_decide_whether_a_visit_goes_on() -> None:
    """Who was named before the start is compared with who was there last."""
    for again, continues in ((PERSON, True), (CAT, False)):
        visits = opened()
        visits.name(PERSON, 1002, at(1002))
        visits.end(EndReason.QUIET, at(1010))
        visits.onset(1020, at(1020))
        [started] = visits.name(again, 1020, at(1020))
        assert (started.continues is not None) is continues


def test_only_for_needs_its_label_and_movement_is_not_enough() -> None:
    """Neither frames nor other labels open the event; then it begins when somebody came, not when trees moved."""
    visits = waiting(PERSON)
    assert visits.see(1000, at(1000)) == []
    assert visits.see(1001, at(1001)) == []
    assert visits.current is not None
    assert visits.current.moving
    assert visits.name(CAT, 1002, at(1002)) == []
    assert visits.open is None
    [started] = visits.name(PERSON | CAT, 1050, at(1050))
    assert started.labels == PERSON | CAT
    assert started.span.from_s == 1050 - 6
    visits.move(1052, at(1052), since_s=1000)
    assert visits.current.onset_s == 1050 - 6


def test_only_for_takes_the_models_word() -> None:
    """A label of its answer opens the event; a subject of another kind does not."""
    visits = waiting(PERSON)
    assert tell(visits, saying("A cat.", labels=CAT), 1004) == []
    started, updated = tell(visits, saying("A man.", labels=PERSON), 1006)
    assert (started.phase, updated.phase) == (Phase.STARTED, Phase.UPDATED)
    assert (started.span.from_s, updated.narrative) == (1004, "A man.")


def test_a_name_that_comes_after_the_end_tells_the_whole_visit() -> None:
    """Slow models lose nobody: start, words and end follow at once; movement alone waits for no name."""
    visits = waiting(PERSON)
    assert visits.current is not None
    visit_id = visits.current.id
    visits.see(1000, at(1000))
    visits.see(1001, at(1001))
    assert visits.end(EndReason.QUIET, at(1025)) == []
    assert not visits.knows(visit_id)
    assert tell(visits, saying("A cat.", labels=CAT), 1030, visit_id=visit_id) == []
    events = tell(visits, saying("A man.", labels=PERSON), 1040, visit_id=visit_id)
    assert [event.phase for event in events] == [Phase.STARTED, Phase.UPDATED, Phase.ENDED]
    assert visits.last_event == events[-1]
    assert {event.id for event in events} == {visit_id}
    [last] = tell(visits, saying("He left.", labels=PERSON), 1045, visit_id=visit_id)
    assert (last.phase, last.closed, last.narrative) == (Phase.UPDATED, True, "He left.")
    visits.onset(1050, at(1050))
    assert visits.name(PERSON, 1051, at(1051))[0].continues == visit_id
    visits = waiting()
    assert visits.current is not None
    visit_id = visits.current.id
    visits.end(EndReason.QUIET, at(1025))
    assert tell(visits, saying("A man.", labels=PERSON), 1030, visit_id=visit_id) == []


def test_a_name_later_than_ten_minutes_is_history() -> None:
    """Nobody is told then."""
    visits = waiting(PERSON)
    assert visits.current is not None
    visit_id = visits.current.id
    visits.see(1000, at(1000))
    visits.see(1001, at(1001))
    visits.end(EndReason.QUIET, at(1025))
    late_s = 1026 + LATE_WORDS_S
    assert tell(visits, saying(labels=PERSON), late_s, visit_id=visit_id) == []


@pytest.mark.parametrize(
    ("analysis", "told"),
    [
        (saying(labels=PERSON), True),
        (saying(labels=CAT), False),
        (saying(subject=False), False),
        (saying(subject=None), True),
    ],
)
def test_a_late_event_keeps_to_what_is_waited_for(analysis: Analysis, *, told: bool) -> None:
    """Where nobody could name anything, it is told all the same: it is announced to nobody."""
    event = late_event("door", says(analysis, 0, 9), at(99), only_for=PERSON)
    assert (event is not None) is told
