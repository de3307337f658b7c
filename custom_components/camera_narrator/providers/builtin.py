"""The built-in describer: honest sentences from activity alone, without a model, a key or a picture."""

from collections.abc import AsyncIterator
from typing import Final, override

from ..pipeline.models import Analysis, Chunk, Look, Partial, Region, Usage
from ..pipeline.provider import Provider
from .motion import LARGE, SMALL, Motion, motion

NAME: Final = "built-in describer"
GOES_ON_S: Final = 2.0
"""Of the visit before the span: from here on the sentence says that it goes on."""
STILL_MOVING_S: Final = 1.0
"""Quiet for less than this is not worth saying: activity states come up to that late."""


class BuiltinProvider(Provider):
    """Says what moves, where, which way and for how long; never what it is."""

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

    @override
    async def analyse(self, chunk: Chunk) -> AsyncIterator[Partial]:
        """Yield one final partial."""
        narrative = sentence(chunk)
        analysis = Analysis(changed=bool(narrative), narrative=narrative)
        fields = {"changed": analysis.changed, "narrative": narrative}
        yield Partial(
            fields=fields, analysis=analysis, usage=Usage(input_tokens=0, output_tokens=0)
        )


def sentence(chunk: Chunk) -> str:
    """Return what to say of a chunk, empty where there is nothing new to say."""
    seen = motion(chunk.activity, chunk.frames, chunk.span)
    match chunk.look:
        case Look.CLOSING:
            return _closing(seen, chunk.visit_s)
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
    what = f"{_subject(seen)}{_way(seen)}"
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
    return f"{_subject(seen)} for {_seconds(moved_s)}{_way(seen, past=True)}{ending}"


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
