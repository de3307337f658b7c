"""The ledger: bounded, aged and expired by code, whatever is proposed."""

from dataclasses import replace
from itertools import count

from hypothesis import given, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from custom_components.camera_narrator.pipeline.claim import LedgerEntry, Sighting
from custom_components.camera_narrator.pipeline.ledger import (
    CLAIM_S,
    ENTRIES_MAX,
    FORGOTTEN,
    MOVING_S,
    STAYING_S,
    SURE,
    Ledger,
    confirmed,
    doubtful,
)
from custom_components.camera_narrator.pipeline.vocabulary import Label
from tests.pipeline.fakes import WALL_S

PERSON = Sighting(subject=Label.PERSON, look="dark coat", where="at the door")
CAR = Sighting(subject=Label.VEHICLE, look="white van", where="in the drive", moving=False)


def see(
    ledger: Ledger, at_s: float, *sightings: Sighting, named: frozenset[Label] = frozenset()
) -> frozenset[int]:
    """Let the ledger take sightings of a moment over."""
    used = {entry.number for entry in ledger.entries}
    numbers = (number for number in count(1) if number not in used)
    return ledger.see(
        sightings,
        at_wall_s=WALL_S + at_s,
        named=named,
        told_wall_s=WALL_S + at_s,
        number=lambda: next(numbers),
    )


def test_two_answers_confirm() -> None:
    """One is a claim; the second, or the detector, makes it hold an event."""
    ledger = Ledger()
    see(ledger, 0, PERSON)
    assert not ledger.holds(WALL_S)
    assert doubtful(ledger.entries[0])
    see(ledger, 4, replace(PERSON, where="in the drive"))
    (entry,) = ledger.entries
    assert (entry.where, entry.since_wall_s, entry.seen_wall_s) == (
        "in the drive",
        WALL_S,
        WALL_S + 4,
    )
    assert ledger.holds(WALL_S + 4)
    detected = Ledger()
    see(detected, 0, PERSON, named=frozenset({Label.PERSON}))
    assert detected.holds(WALL_S)


def test_what_stays_holds_no_event() -> None:
    """A parked car and a parcel may be there for hours; a car that moves may not."""
    ledger = Ledger()
    parcel = Sighting(subject=Label.PACKAGE, moving=True)
    see(ledger, 0, CAR, parcel, named=frozenset(Label))
    assert not ledger.holds(WALL_S)
    see(ledger, 4, replace(CAR, moving=True))
    assert ledger.holds(WALL_S + 4)


def test_a_number_of_another_kind_is_another() -> None:
    """A model that mixes numbers up makes no car of a person; the same kind without number is the same one."""
    ledger = Ledger()
    (person,) = see(ledger, 0, PERSON)
    (car,) = see(ledger, 4, replace(CAR, number=person))
    assert car != person
    assert see(ledger, 8, PERSON) == {person}
    assert len(see(ledger, 12, replace(PERSON, number=person), PERSON)) == 2


def test_who_is_missed_goes() -> None:
    """A single sighting at once, any number of them after two misses; what stays is overlooked more often."""
    for answers, misses in ((1, 1), (2, 2), (20, 2)):
        ledger = Ledger()
        for number in range(answers):
            see(ledger, number, PERSON)
        for miss in range(misses):
            (entry,) = ledger.entries
            assert (ledger.miss(entry) is None) is (miss < misses - 1)
            assert not ledger.holds(WALL_S + answers)
        assert ledger.entries == ()
    ledger = Ledger()
    for number in range(20):
        see(ledger, number, CAR)
    for _ in range(2):
        assert ledger.miss(ledger.entries[0]) is None


def test_everything_expires() -> None:
    """By what it is: who moves within minutes, one answer's claim in ten, a parked car within the day."""
    ledger = Ledger()
    see(ledger, 0, PERSON, CAR, named=frozenset({Label.VEHICLE}))
    assert ledger.expire(WALL_S + MOVING_S - 1) == ()
    assert [entry.subject for entry in ledger.expire(WALL_S + MOVING_S)] == [Label.PERSON]
    assert ledger.expire(WALL_S + STAYING_S - 1) == ()
    assert len(ledger.expire(WALL_S + STAYING_S)) == 1
    see(ledger, 0, CAR)
    assert len(ledger.expire(WALL_S + CLAIM_S)) == 1


def test_a_clock_set_back_makes_nothing_immortal() -> None:
    """What was seen in the future was seen now."""
    ledger = Ledger()
    see(ledger, 1_000_000, PERSON, CAR, named=frozenset(Label))
    ledger.expire(WALL_S)
    assert all(entry.since_wall_s <= entry.seen_wall_s <= WALL_S for entry in ledger.entries)
    ledger.expire(WALL_S + STAYING_S)
    assert ledger.entries == ()


def test_more_than_fit_push_out_the_least_sure() -> None:
    """Who many answers saw stays; a stored ledger that is too long is cut, too."""
    ledger = Ledger()
    for number in range(3):
        see(ledger, number, PERSON)
    see(ledger, 10, *(replace(CAR, look=str(number)) for number in range(20)))
    assert len(ledger.entries) == ENTRIES_MAX
    assert any(entry.subject is Label.PERSON for entry in ledger.entries)
    many = [replace(ledger.entries[0], number=number) for number in range(50)]
    assert len(Ledger(many).entries) == ENTRIES_MAX


SIGHTINGS = st.builds(
    Sighting,
    subject=st.sampled_from(Label),
    number=st.integers(min_value=0, max_value=30),
    look=st.text(max_size=5),
    where=st.text(max_size=5),
    moving=st.booleans(),
)


class AnyAnswers(RuleBasedStateMachine):
    """Whatever models say, and whatever the clock does."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.now_s = 0.0

    @rule(
        sightings=st.lists(SIGHTINGS, max_size=12),
        named=st.frozensets(st.sampled_from(Label)),
        ago_s=st.floats(min_value=-30, max_value=90),
    )
    def answer(self, sightings: list[Sighting], named: frozenset[Label], ago_s: float) -> None:
        """Take over what an answer proposes."""
        seen = see(self.ledger, self.now_s - ago_s, *sightings, named=named)
        assert seen <= {entry.number for entry in self.ledger.entries}

    @rule(place=st.integers(min_value=0, max_value=7))
    def miss(self, place: int) -> None:
        """Let an answer not see one of them."""
        if place < len(self.ledger.entries):
            before = self.ledger.entries[place]
            gone = self.ledger.miss(before)
            assert gone is None or gone == before

    @rule(seconds=st.floats(min_value=-10_000, max_value=20_000))
    def pass_time(self, seconds: float) -> None:
        """Let the wall clock go on, or back."""
        self.now_s += seconds
        self.ledger.expire(WALL_S + self.now_s)
        for entry in self.ledger.entries:
            assert WALL_S + self.now_s < entry.expires_wall_s <= WALL_S + self.now_s + STAYING_S

    @rule(numbers=st.lists(st.integers(min_value=0, max_value=30), max_size=4))
    def remove(self, numbers: list[int]) -> None:
        """Take some out."""
        self.ledger.remove(numbers)
        assert not {entry.number for entry in self.ledger.entries} & set(numbers)

    @invariant()
    def bounded(self) -> None:
        """Hold what must hold at any time."""
        entries = self.ledger.entries
        assert len(entries) <= ENTRIES_MAX
        assert len({entry.number for entry in entries}) == len(entries)
        for entry in entries:
            assert FORGOTTEN <= entry.confidence <= SURE
            assert entry.since_wall_s <= entry.seen_wall_s <= entry.expires_wall_s
            assert entry.answers >= 1


TestAnyAnswers = AnyAnswers.TestCase


@given(st.lists(st.sampled_from(["see", "miss"]), max_size=30))
def test_only_what_was_seen_and_not_missed_since_is_confirmed(turns: list[str]) -> None:
    """The last look rules: after a miss nobody who moves holds an event."""
    ledger = Ledger()
    for at_s, turn in enumerate(turns):
        entries: tuple[LedgerEntry, ...] = ledger.entries
        if turn == "see":
            see(ledger, at_s, PERSON)
        elif entries:
            ledger.miss(entries[0])
            assert not any(confirmed(entry) for entry in ledger.entries)
