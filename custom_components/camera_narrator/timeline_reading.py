"""The questions that are put to the timeline's tables. Each takes an open database and blocks."""

from collections import defaultdict
from collections.abc import Iterable
import sqlite3
from typing import Any, Final

from .pipeline.events import LONGEST_S
from .timeline_record import (
    Extent,
    PastEvent,
    PastLook,
    PastNote,
    PastPhase,
    PictureRecord,
    Query,
    Recollection,
)

NOTES_MOST: Final = 20
"""Sentences that go along with a question: of a lively hour, in at most 1500 tokens."""
PICTURES_MOST: Final = 10
"""More than one request shows of the past."""
_LONGEST_S: Final = 2 * LONGEST_S
"""No event began longer before a moment that it touches, so that no reading walks through all of the past."""
_AT_A_TIME: Final = 500
"""Ids in one statement: far below what the oldest SQLite takes."""


def events(database: sqlite3.Connection, query: Query) -> list[PastEvent]:
    """Return events that touch the span, newest first."""
    where = ["events.to_wall_s >= ?", "events.from_wall_s BETWEEN ? AND ?"]
    given: list[Any] = [query.from_wall_s, query.from_wall_s - _LONGEST_S, query.to_wall_s]
    where.append(f"events.camera IN ({_marks(query.cameras)})")
    given += query.cameras
    if query.labels:
        where.append("(" + " OR ".join("events.labels LIKE ?" for _ in query.labels) + ")")
        given += [f"%,{label},%" for label in sorted(query.labels)]
    if query.text:
        where.append("instr(events.folded, ?) > 0")
        given.append(query.text.casefold())
    rows = database.execute(
        "SELECT events.*, EXISTS (SELECT 1 FROM pictures WHERE pictures.event = events.id) AS picture "  # noqa: S608
        f"FROM events WHERE {' AND '.join(where)} ORDER BY events.from_wall_s DESC LIMIT ?",
        (*given, query.limit),
    ).fetchall()
    ids = [row["id"] for row in rows]
    phases = _phases(database, ids) if query.details else {}
    looks = _looks(database, ids) if query.details else {}
    return [_event(row, phases.get(row["id"], ()), looks.get(row["id"], ())) for row in rows]


def picture(database: sqlite3.Connection, event_id: str) -> PictureRecord | None:
    """Return the picture of an event."""
    row = database.execute("SELECT * FROM pictures WHERE event = ?", (event_id,)).fetchone()
    return None if row is None else _picture(row)


def recollection(
    database: sqlite3.Connection, camera: str, from_wall_s: float, to_wall_s: float
) -> Recollection:
    """Return the last words of each visit of a camera in a span, and its pictures; the newest where there are many."""
    span = (camera, from_wall_s, to_wall_s)
    notes = database.execute(
        "SELECT max(at_wall_s) AS at_wall_s, note FROM looks "
        "WHERE camera = ? AND at_wall_s BETWEEN ? AND ? AND note <> '' "
        "GROUP BY coalesce(visit, at_wall_s) ORDER BY 1 DESC LIMIT ?",
        (*span, NOTES_MOST),
    ).fetchall()
    pictures = database.execute(
        "SELECT * FROM pictures WHERE camera = ? AND taken_wall_s BETWEEN ? AND ? "
        "ORDER BY taken_wall_s DESC LIMIT ?",
        (*span, PICTURES_MOST),
    ).fetchall()
    return Recollection(
        notes=tuple(PastNote(at_wall_s=row["at_wall_s"], text=row["note"]) for row in notes[::-1]),
        pictures=tuple(_picture(row) for row in pictures[::-1]),
    )


def extent(database: sqlite3.Connection) -> Extent:
    """Return how much there is."""
    page, pages, free = (
        database.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_size", "page_count", "freelist_count")
    )
    return Extent(
        size_bytes=page * (pages - free),
        file_bytes=page * pages,
        events=database.execute("SELECT count(*) FROM events").fetchone()[0],
        pictures=database.execute("SELECT count(*) FROM pictures").fetchone()[0],
        oldest_wall_s=database.execute("SELECT min(from_wall_s) FROM events").fetchone()[0],
    )


def _phases(database: sqlite3.Connection, ids: list[str]) -> dict[str, list[PastPhase]]:
    found: dict[str, list[PastPhase]] = defaultdict(list)
    for some in _split(ids):
        for row in database.execute(
            f"SELECT * FROM phases WHERE event IN ({_marks(some)}) ORDER BY at_wall_s",  # noqa: S608
            some,
        ):
            found[row["event"]].append(
                PastPhase(
                    at_wall_s=row["at_wall_s"],
                    phase=row["phase"],
                    labels=_labels(row["labels"]),
                    narrative=row["narrative"],
                    closed=bool(row["closed"]),
                )
            )
    return found


def _looks(database: sqlite3.Connection, ids: list[str]) -> dict[str, list[PastLook]]:
    found: dict[str, list[PastLook]] = defaultdict(list)
    for some in _split(ids):
        for row in database.execute(
            f"SELECT * FROM looks WHERE visit IN ({_marks(some)}) ORDER BY at_wall_s",  # noqa: S608
            some,
        ):
            found[row["visit"]].append(
                PastLook(
                    at_wall_s=row["at_wall_s"],
                    look=row["look"],
                    frames=row["frames"],
                    provider=row["provider"],
                    labels=_labels(row["labels"]),
                    narrative=row["narrative"],
                    input_tokens=row["input_tokens"],
                    output_tokens=row["output_tokens"],
                )
            )
    return found


def _event(row: sqlite3.Row, phases: Iterable[PastPhase], looks: Iterable[PastLook]) -> PastEvent:
    return PastEvent(
        id=row["id"],
        camera=row["camera"],
        from_wall_s=row["from_wall_s"],
        to_wall_s=row["to_wall_s"],
        ended=bool(row["ended"]),
        labels=_labels(row["labels"]),
        verdict=row["verdict"],
        narrative=row["narrative"],
        origin=row["origin"],
        reason=row["reason"],
        continues=row["continues"],
        late=bool(row["late"]),
        frames=row["frames"],
        provider=row["provider"],
        threat_level=row["threat_level"],
        rule=row["rule"],
        picture=bool(row["picture"]),
        phases=tuple(phases),
        looks=tuple(looks),
    )


def _picture(row: sqlite3.Row) -> PictureRecord:
    return PictureRecord(
        camera=row["camera"],
        event_id=row["event"],
        taken_wall_s=row["taken_wall_s"],
        width=row["width"],
        height=row["height"],
        jpeg=row["jpeg"],
    )


def _labels(stored: str) -> tuple[str, ...]:
    return tuple(filter(None, stored.split(",")))


def _split(ids: list[str]) -> Iterable[list[str]]:
    return (ids[start : start + _AT_A_TIME] for start in range(0, len(ids), _AT_A_TIME))


def _marks(values: Iterable[object]) -> str:
    return ",".join("?" for _ in values)
