"""Which of the named things count: what moves or appears, seen more than once. Pure; one camera, active times only.

One look is little: the detector misses people who stand behind a post and sees some in a coat on its hook. So a label
is told with the number that two of the last three looks agree on, and only for things that have to do with what goes
on: people and animals who move, vehicles that drive (a parked one is no event, however often somebody walks past),
and packages that were not there before and stay.
"""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass

from .cells import Cells, none, painted, share
from .protocol.area import Detection, Region
from .protocol.limits import MAX_DETECTIONS
from .protocol.vocabulary import Label

LOOKS = 3
AGREE = 2
"""A label counts when two of three looks show it."""
APART_US = 15_000_000
"""Looks farther apart are not of one scene: longer than the longest group of pictures cameras use."""
SAME = 0.3
"""Boxes that share so much (intersection over union) half a second apart are of one thing."""
STIRRED = 0.1
"""Of a box of a living being that must be in motion: one who stands still moves an arm."""
DRIVES = 0.5
"""Of a vehicle's box that must be in motion when it is seen for the first time: a shadow or a branch moves less."""
DRIVES_ON = 0.25
"""Of a vehicle's box that must be in motion when it is no longer where it was: plain sides show no motion."""
STAYED = 0.75
"""A thing whose boxes share less (of the smaller one) has moved. One that is half hidden by a passer-by shares all."""
GREW = 1.5
"""A vehicle whose box grew or shrank so much (in area) comes into the picture, drives towards the camera or away."""
CROSSED = 0.1
CROSSED_US = 1_500_000
"""Unless living beings covered so much of it not so long ago: then it was half hidden."""
NEW_AFTER_LOOKS = 2
"""A package seen in the first looks was there before."""
STAYS_US = 1_500_000
"""A package that somebody carries past does not stay so long in one place."""
UNSEEN_LOOKS = 3
"""Things that have gone are forgotten after so many looks."""
STOOD_UNSEEN_LOOKS = 20
"""What stood is remembered longer: the detector overlooks parked cars for a while, in the dark above all."""
THINGS_MOST = 32


@dataclass(slots=True, kw_only=True)
class _Thing:
    label: Label
    box: Region
    anchor: Region
    """Where it was when it was first seen, since it last moved or since this activity began."""
    anchored_us: int
    looks: int = 1
    """In which it was seen at its anchor."""
    unseen: int = 0
    crossed_us: int = -CROSSED_US
    """When it was last half hidden, or may have been."""
    moves: bool = False
    """It has moved in this activity."""
    appeared: bool = False
    """It was not there when this activity began."""


class LabelTrack:
    """Follows what the detector names in one camera's active pictures."""

    def __init__(self) -> None:
        """Start without having seen anything."""
        self._things: list[_Thing] = []
        self._counted: deque[tuple[Detection, ...]] = deque(maxlen=LOOKS)
        self._looked_us = 0
        self._looks = 0
        self._stirred: Cells = none()
        """Where anything moved in this activity."""
        self.labels: tuple[Detection, ...] = ()
        """What is to be told now, the surest first."""

    def look(self, seen: Sequence[Detection], regions: Sequence[Region], captured_us: int) -> bool:
        """Take one look and what moved in its picture; return whether the labels or their counts changed."""
        if captured_us - self._looked_us > APART_US:
            self._counted.clear()
        self._looked_us = captured_us
        motion = painted(regions)
        self._stirred |= motion
        # People who pass in front of a parked car are no reason to think that it drives.
        beings = painted([one.box for one in seen if one.label in {Label.PERSON, Label.ANIMAL}])
        traffic = motion & ~beings
        matched = self._matched(seen)
        counting: list[Detection] = []
        for detection, known in zip(seen, matched, strict=True):
            thing = known or self._found(detection, traffic, captured_us)
            if share(beings, detection.box) >= CROSSED:
                thing.crossed_us = captured_us
            if known is not None:
                _follow(known, detection.box, traffic, captured_us)
            if thing.label in {Label.PERSON, Label.ANIMAL}:
                thing.moves |= share(motion, thing.box) >= STIRRED
            if _counts(thing, captured_us):
                counting.append(detection)
        self._forget(matched)
        self._looks += 1
        self._counted.append(tuple(counting))
        before = Counter(detection.label for detection in self.labels)
        self.labels = _agreed(self._counted)
        return before != Counter(detection.label for detection in self.labels)

    def quiet(self) -> None:
        """Take note that the activity is over: nothing is told, and what is there now was there before."""
        self.labels = ()
        self._counted.clear()
        self._looks = 0
        self._stirred[:] = False
        self._things = [thing for thing in self._things if _stands(thing)]
        for thing in self._things:
            thing.moves = thing.appeared = False
            thing.anchor = thing.box

    def _matched(self, seen: Sequence[Detection]) -> list[_Thing | None]:
        """Return for each detection the thing that it shows, each thing once, the best pairs first."""
        pairs = [
            (common, index, thing)
            for index, detection in enumerate(seen)
            for thing in self._things
            if thing.label is detection.label
            and (common := _union_share(thing.box, detection.box)) >= SAME
        ]
        pairs.sort(key=lambda pair: pair[0], reverse=True)
        matched: list[_Thing | None] = [None] * len(seen)
        taken: set[int] = set()
        for _, index, thing in pairs:
            if matched[index] is None and id(thing) not in taken:
                matched[index] = thing
                taken.add(id(thing))
        return matched

    def _found(self, detection: Detection, traffic: Cells, captured_us: int) -> _Thing:
        box = detection.box
        thing = _Thing(
            label=detection.label,
            box=box,
            anchor=box,
            anchored_us=captured_us,
            moves=detection.label is Label.VEHICLE and share(traffic, box) >= DRIVES,
            appeared=self._looks >= NEW_AFTER_LOOKS and share(self._stirred, box) >= DRIVES,
        )
        self._things.append(thing)
        return thing

    def _forget(self, matched: Sequence[_Thing | None]) -> None:
        present = {id(thing) for thing in matched if thing is not None}
        for thing in self._things:
            if id(thing) not in present and thing.anchored_us != self._looked_us:
                thing.unseen += 1
        self._things = [
            thing
            for thing in self._things
            if thing.unseen < (STOOD_UNSEEN_LOOKS if _stands(thing) else UNSEEN_LOOKS)
        ]
        self._things.sort(key=lambda thing: thing.unseen)
        del self._things[THINGS_MOST:]


def _follow(thing: _Thing, box: Region, traffic: Cells, captured_us: int) -> None:
    """Take the box in which a known thing is seen now."""
    thing.box = box
    thing.unseen = 0
    crossed = captured_us - thing.crossed_us < CROSSED_US
    if not _displaced(thing.anchor, box, crossed=crossed):
        thing.looks += 1
        if thing.label is Label.VEHICLE and thing.looks == AGREE:
            # Seen anew amid motion, and then in the same place: it was something else that moved.
            thing.moves = False
    elif thing.label is not Label.VEHICLE or share(traffic, box) >= DRIVES_ON:
        thing.moves = thing.label is not Label.PACKAGE
        thing.anchor = box
        thing.anchored_us = captured_us
        # More than one, so that a vehicle that stops still counts as one that came.
        thing.looks = AGREE + 1


def _counts(thing: _Thing, captured_us: int) -> bool:
    if thing.label is Label.PACKAGE:
        stays = captured_us - thing.anchored_us >= STAYS_US and thing.looks >= LOOKS
        return thing.appeared and stays
    return thing.moves


def _stands(thing: _Thing) -> bool:
    return thing.label in {Label.VEHICLE, Label.PACKAGE} and thing.looks >= AGREE


def _agreed(looks: Sequence[tuple[Detection, ...]]) -> tuple[Detection, ...]:
    """Return what so many looks agree on, as the newest of them shows it."""
    told: list[Detection] = []
    for label in Label:
        of_label = [[one for one in look if one.label is label] for look in looks]
        counts = sorted((len(found) for found in of_label), reverse=True)
        count = counts[AGREE - 1] if len(counts) >= AGREE else 0
        newest = next((found for found in reversed(of_label) if len(found) >= count), [])
        told += newest[:count]
    told.sort(key=lambda detection: detection.score, reverse=True)
    return tuple(told[:MAX_DETECTIONS])


def _displaced(anchor: Region, box: Region, *, crossed: bool) -> bool:
    smaller = min(_area(anchor), _area(box))
    larger = max(_area(anchor), _area(box))
    if smaller <= 0:
        return False
    aside = _shared(anchor, box) / smaller < STAYED
    return aside or (larger / smaller >= GREW and not crossed)


def _union_share(one: Region, other: Region) -> float:
    shared = _shared(one, other)
    union = _area(one) + _area(other) - shared
    return shared / union if union > 0 else 0.0


def _shared(one: Region, other: Region) -> float:
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return max(0.0, width) * max(0.0, height)


def _area(region: Region) -> float:
    return region.width * region.height
