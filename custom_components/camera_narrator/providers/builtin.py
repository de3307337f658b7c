"""The built-in describer: honest sentences from activity and its labels, without a model, a key or a picture."""

from collections.abc import AsyncIterator, Sequence
from typing import Final, override

from ..pipeline.models import Region
from ..pipeline.provider import Provider
from ..pipeline.request import Analysis, Chunk, Partial, Usage
from ..pipeline.vocabulary import Label, Look
from .motion import LARGE, SMALL, Motion, heading, motion
from .sightings import Sighting

NAME: Final = "built-in describer"
GOES_ON_S: Final = 2.0
"""Of the visit before the span: from here on the sentence says that it goes on."""
STILL_MOVING_S: Final = 1.0
"""Quiet for less than this is not worth saying: activity states come up to that late."""

WORDS: Final = {
    Label.PERSON: ("a person", "people"),
    Label.VEHICLE: ("a vehicle", "vehicles"),
    Label.ANIMAL: ("an animal", "animals"),
    Label.PACKAGE: ("a package", "packages"),
}
"""One and several of a kind."""
NUMBERS: Final = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class BuiltinProvider(Provider):
    """Says what moves, where, which way and for how long; what it is only where a detector named it."""

    @property
    @override
    def name(self) -> str:
        """Return who writes the words."""
        return NAME

    @property
    @override
    def heartbeats(self) -> bool:
        """Whether a look without activity is worth it: it reads no pictures, so no."""
        return False

    @property
    @override
    def names_subjects(self) -> bool:
        """Whether it names anything by itself: it only repeats what a detector named."""
        return False

    @override
    async def analyse(self, chunk: Chunk) -> AsyncIterator[Partial]:
        """Yield one final partial."""
        seen = motion(chunk.activity, chunk.frames, chunk.span)
        narrative = sentence(chunk, seen)
        labels = frozenset(sighting.label for sighting in seen.named)
        analysis = Analysis(
            changed=bool(narrative),
            narrative=narrative,
            subject=True if labels else None,
            labels=labels,
            of_pictures=False,
        )
        fields = {"changed": analysis.changed, "narrative": narrative}
        yield Partial(
            fields=fields, analysis=analysis, usage=Usage(input_tokens=0, output_tokens=0)
        )


def sentence(chunk: Chunk, seen: Motion) -> str:
    """Return what to say of a chunk, empty where there is nothing new to say."""
    match chunk.look:
        case Look.CLOSING:
            return _closing(seen, chunk.visit_s)
        case Look.CATCH_UP if seen.named:
            verb = "was" if seen.named[0].count == 1 else "were"
            return f"There {verb} {_kinds(seen)} for {_seconds(seen.moved_s)}."
        case Look.CATCH_UP:
            return (
                f"There was movement for {_seconds(seen.moved_s)}{_way(seen)}." if seen.any else ""
            )
        case Look.QUESTION if not seen.any:
            return _still(seen)
        case _:
            return _moving(seen, chunk.visit_s, chunk.span.seconds) if seen.any else ""


def _moving(seen: Motion, visit_s: float, span_s: float) -> str:
    """Tell of a visit that is under way."""
    what = _capital(_named(seen)) if seen.named else f"{_subject(seen)}{_way(seen)}"
    if seen.quiet_s >= STILL_MOVING_S:
        return f"{what}, for {_seconds(seen.moved_s)}, then quiet for {_seconds(seen.quiet_s)}."
    if visit_s > span_s + GOES_ON_S:
        return f"Still {what[0].lower()}{what[1:]}, for {_seconds(visit_s)} so far."
    return f"{what}, for {_seconds(max(seen.moved_s, visit_s))}."


def _closing(seen: Motion, visit_s: float) -> str:
    """Tell of the whole visit, at its end or where it seems to end."""
    moved_s = visit_s - seen.quiet_s if visit_s > seen.quiet_s else seen.moved_s
    if moved_s <= 0:
        return ""
    ending = "." if seen.quiet_s >= STILL_MOVING_S else "; not over yet."
    if not seen.named:
        return f"{_subject(seen)} for {_seconds(moved_s)}{_way(seen, past=True)}{ending}"
    course = _course(seen.named[0], past=True) if len(seen.named) == 1 else ""
    return f"{_capital(_kinds(seen))} for {_seconds(moved_s)}{course}{ending}"


def _named(seen: Motion) -> str:
    """Tell who and what the detector named, each where it is, and what moves beside it."""
    alone = len(seen.named) == 1 and seen.unnamed is None
    items = [f"{_many(sighting)}{_course(sighting, way=alone)}" for sighting in seen.named]
    if seen.unnamed is not None:
        items.append(f"movement {_at(_place(seen.unnamed))}")
    return _listed(items)


def _kinds(seen: Motion) -> str:
    return _listed([_many(sighting) for sighting in seen.named])


def _many(sighting: Sighting) -> str:
    """Count things of one kind in words."""
    one, several = WORDS[sighting.label]
    if sighting.count == 1:
        return one
    number = NUMBERS[sighting.count] if sighting.count < len(NUMBERS) else str(sighting.count)
    return f"{number} {several}"


def _course(sighting: Sighting, *, way: bool = False, past: bool = False) -> str:
    """Say where things of one kind are, and of one its way, with a leading space; empty where they are all over."""
    if sighting.count > 1:
        places = list(dict.fromkeys(_place(box) for box in sighting.last))
        return "" if len(places) > 2 else f" {_listed([_at(place) for place in places])}"
    first, last = sighting.first[0], sighting.last[0]
    here, there = _place(first), _place(last)
    if here != there:
        return f"{',' if past else ''} from {here} to {there}"
    going = heading(first, last) if way else None
    return f" {_at(there)}" if going is None else f" {_at(there)}, {going}"


def _still(seen: Motion) -> str:
    """Tell somebody who asks that there is nothing to tell."""
    if seen.quiet_s < STILL_MOVING_S:
        return "Nothing moves."
    return f"Nothing has moved for {_seconds(seen.quiet_s)}."


def _subject(seen: Motion) -> str:
    """Name what moves by what is known of it: its size, how many."""
    if seen.count > 1:
        return f"Movement in {seen.count} places"
    if seen.last is not None and seen.area < SMALL:
        return "Slight movement"
    return "Large movement" if seen.area > LARGE else "Movement"


def _way(seen: Motion, *, past: bool = False) -> str:
    """Say where and which way, with a leading space; empty where that is not known."""
    if seen.first is None or seen.last is None:
        return ""
    here, there = _place(seen.first), _place(seen.last)
    if seen.count > 1:
        return f", most of it {_at(there)}"
    if here != there:
        comma = "," if past else ""
        return f"{comma} from {here} to {there}"
    if seen.heading is None or past:
        return f" {_at(there)}"
    return f" {_at(there)}, {seen.heading}"


def _place(region: Region) -> str:
    """Name the ninth of the picture in which a region's centre lies."""
    column = _third(region.x + region.width / 2, "left", "", "right")
    row = _third(region.y + region.height / 2, "upper", "", "lower")
    if row and column:
        return f"the {row} {column}"
    if column:
        return f"the {column}"
    return {"upper": "the top", "lower": "the bottom"}.get(row, "the middle")


def _listed(items: Sequence[str]) -> str:
    *before, last = items
    return f"{', '.join(before)} and {last}" if before else last


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _at(place: str) -> str:
    preposition = {"the left": "on", "the right": "on", "the top": "at", "the bottom": "at"}
    return f"{preposition.get(place, 'in')} {place}"


def _third(fraction: float, low: str, middle: str, high: str) -> str:
    if fraction < 1 / 3:
        return low
    return high if fraction > 2 / 3 else middle


def _seconds(seconds: float) -> str:
    """Write a duration as people say it."""
    whole = max(1, round(seconds))
    if whole < 100:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min"
