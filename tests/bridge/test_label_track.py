"""Which named things count: what moves or appears, in two looks of three."""

from collections import Counter

from edge_bridge.label_track import (
    STOOD_UNSEEN_LOOKS,
    THINGS_MOST,
    UNSEEN_LOOKS,
    LabelTrack,
)
from edge_bridge.protocol.area import Detection, Region
from edge_bridge.protocol.vocabulary import Label

LOOK_US = 500_000
PERSON = Region(x=0.4, y=0.5, width=0.1, height=0.4)
CAR = Region(x=0.6, y=0.6, width=0.2, height=0.15)
BOX = Region(x=0.3, y=0.8, width=0.06, height=0.06)
PATH = Region(x=0.2, y=0.4, width=0.4, height=0.6)
"""Where somebody walks; the box lies in it, the car does not."""


def one(label: Label, box: Region, score: float = 0.5) -> Detection:
    return Detection(label=label, score=score, box=box)


def moved(box: Region, right: float, down: float = 0.0) -> Region:
    return Region(x=box.x + right, y=box.y + down, width=box.width, height=box.height)


class Looks:
    """A track, looked at twice a second."""

    def __init__(self) -> None:
        self.track = LabelTrack()
        self._now_us = 60_000_000

    def __call__(self, *seen: Detection, motion: tuple[Region, ...] = (PATH,)) -> bool:
        """Look half a second later."""
        self._now_us += LOOK_US
        return self.track.look(seen, motion, self._now_us)

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        self._now_us += int(seconds * 1e6)

    @property
    def told(self) -> dict[Label, int]:
        """How many of what are told."""
        return dict(Counter(detection.label for detection in self.track.labels))


def test_a_label_counts_in_two_looks_of_three() -> None:
    """One sighting is none; the second tells, one miss does not take it back, two do."""
    looks = Looks()
    person = one(Label.PERSON, PERSON)
    assert [looks(person), looks(), looks()] == [False, False, False]
    assert [looks(person), looks(), looks(person)] == [False, False, True]
    assert looks.track.labels == (person,)
    assert [looks(person), looks(), looks()] == [False, False, True]
    assert looks.told == {}


def test_the_number_is_what_two_looks_agree_on() -> None:
    """A second person is a change, once both were seen twice; boxes are those of the newest look that shows so many."""
    looks = Looks()
    first, second = one(Label.PERSON, PERSON, 0.8), one(Label.PERSON, moved(PERSON, 0.1), 0.6)
    looks(first)
    assert looks(first)
    assert not looks(first, second)
    assert looks(first, second)
    assert looks.told == {Label.PERSON: 2}
    assert not looks(first)
    assert looks.track.labels == (first, second)


def test_what_does_not_move_is_nobody() -> None:
    """A coat on its hook is taken for a person in every look; a branch that moves elsewhere does not make it one."""
    looks = Looks()
    for _ in range(6):
        looks(one(Label.PERSON, moved(PERSON, 0.4)), one(Label.ANIMAL, moved(BOX, 0.4)))
    assert looks.told == {}


def test_one_who_stops_stays_a_person() -> None:
    """Who has moved in this activity goes on to count, however still they stand."""
    looks = Looks()
    person = one(Label.PERSON, PERSON)
    looks(person)
    for _ in range(6):
        looks(person, motion=())
    assert looks.told == {Label.PERSON: 1}


def test_a_parked_car_is_no_event() -> None:
    """Neither alone, nor while somebody walks past it, in front of it and half hides it."""
    looks = Looks()
    for step in range(8):
        walker = moved(PERSON, 0.05 * step)
        hidden = Region(x=0.7, y=CAR.y, width=0.1, height=CAR.height)
        looks(
            one(Label.PERSON, walker),
            one(Label.VEHICLE, hidden if step in {4, 5} else CAR),
            motion=(walker, Region(x=walker.x, y=0.45, width=0.2, height=0.5)),
        )
    assert looks.told == {Label.PERSON: 1}


def test_light_on_a_parked_car_does_not_make_it_drive() -> None:
    """Headlights sweep over it just as it is found for the first time, and again in the next night."""
    looks = Looks()
    everywhere = (Region(x=0, y=0, width=1, height=1),)
    for _ in range(4):
        looks(one(Label.VEHICLE, CAR), motion=everywhere)
        assert looks.told == {}
    looks.track.quiet()
    looks.pause(3600)
    for _ in range(4):
        looks(one(Label.VEHICLE, CAR), motion=everywhere)
        assert looks.told == {}


def test_a_car_that_drives_counts() -> None:
    """A quarter of its length in each look is enough; so is one that is somewhere else each time."""
    for step in (0.06, 0.3):
        looks = Looks()
        for index in range(3):
            car = moved(CAR, step * index - 0.5)
            looks(one(Label.VEHICLE, car), motion=(car,))
        assert looks.told == {Label.VEHICLE: 1}, step


def test_a_car_that_comes_straight_on_counts() -> None:
    """Its box grows and grows."""
    looks = Looks()
    for index in range(5):
        grown = Region(
            x=0.4 - 0.02 * index,
            y=0.4 - 0.01 * index,
            width=0.1 + 0.04 * index,
            height=0.1 + 0.04 * index,
        )
        looks(one(Label.VEHICLE, grown), motion=(grown,))
    assert looks.told == {Label.VEHICLE: 1}


def test_a_car_that_parks_is_told_until_the_activity_ends_and_not_again() -> None:
    """In the next activity it stands where it stood; when it leaves, it counts."""
    looks = Looks()
    for index in range(4):
        looks(one(Label.VEHICLE, moved(CAR, 0.08 * index - 0.24)), motion=(CAR, PATH))
    for _ in range(3):
        looks(one(Label.VEHICLE, CAR), one(Label.PERSON, PERSON))
    assert looks.told == {Label.VEHICLE: 1, Label.PERSON: 1}
    looks.track.quiet()
    assert looks.told == {}
    looks.pause(600)
    for _ in range(3):
        looks(one(Label.VEHICLE, CAR), one(Label.PERSON, PERSON))
    assert looks.told == {Label.PERSON: 1}
    for index in range(1, 4):
        looks(one(Label.VEHICLE, moved(CAR, -0.08 * index)), motion=(CAR, PATH))
    assert looks.told == {Label.VEHICLE: 1}


def test_a_place_is_free_again_when_its_car_is_gone() -> None:
    """Others may drive through it: after twenty looks without it nothing stands there."""
    looks = Looks()
    for _ in range(3):
        looks(one(Label.VEHICLE, CAR))
    for _ in range(STOOD_UNSEEN_LOOKS):
        looks()
    looks(one(Label.VEHICLE, CAR), motion=(CAR,))
    looks(one(Label.VEHICLE, moved(CAR, -0.3)), motion=(moved(CAR, -0.3),))
    assert looks.told == {Label.VEHICLE: 1}


def test_a_package_counts_when_it_appears_and_stays() -> None:
    """Somebody comes, puts it down and leaves; in the next activity it is one of the things that lie about."""
    looks = Looks()
    person = one(Label.PERSON, PERSON)
    package = one(Label.PACKAGE, BOX)
    for _ in range(4):
        looks(person)
    assert [looks(person, package) for _ in range(4)] == [False] * 4
    assert looks(person, package)
    assert looks.told == {Label.PERSON: 1, Label.PACKAGE: 1}
    looks.track.quiet()
    for _ in range(8):
        looks(person, package)
    assert looks.told == {Label.PERSON: 1}


def test_a_package_that_was_there_or_is_carried_does_not_count() -> None:
    """One lies there from the first look on, one changes its place, one is where nobody has been."""
    looks = Looks()
    for index in range(10):
        looks(
            one(Label.PACKAGE, BOX),
            *[one(Label.PACKAGE, moved(BOX, 0.04 * index, -0.3))][: index // 3],
            *[one(Label.PACKAGE, moved(BOX, 0.6))][: index // 3],
        )
    assert looks.told == {}


def test_looks_far_apart_are_not_counted_together() -> None:
    """Two sightings with half a minute between them are two times one."""
    looks = Looks()
    for _ in range(4):
        assert not looks(one(Label.PERSON, PERSON))
        looks.pause(30)
    assert looks.told == {}


def test_what_is_remembered_is_bounded() -> None:
    """A busy street leaves no traces: the gone are forgotten, and there is an upper bound."""
    looks = Looks()
    for index in range(40):
        row = 0.02 * index
        looks(
            *(
                one(Label.VEHICLE, Region(x=0.11 * column, y=row, width=0.1, height=0.02))
                for column in range(9)
            )
        )
        assert len(looks.track._things) <= THINGS_MOST
    for _ in range(UNSEEN_LOOKS):
        looks()
    assert looks.track._things == []
