"""What is written into the timeline's tables, and what leaves them. Each takes an open database and blocks."""

from collections.abc import Iterable
import sqlite3
from typing import Any, Final

from .pipeline.vocabulary import Label, Phase
from .timeline_record import Bounds, LookRecord, PhaseRecord, PictureRecord, Record

LEAVE_AT_A_TIME: Final = 200
"""Events of one step: some 10 MB with their pictures, so that a write waits a moment, not minutes."""
SHRINK_PAGES: Final = 2048
"""Given back to the disk in one step: 8 MB."""
ROOM: Final = 0.95
"""Of the size allowed is left once it was exceeded, so that not every event costs another."""

_MALFORMED: Final = (ValueError, OverflowError, sqlite3.ProgrammingError, sqlite3.IntegrityError)
"""A record that no table takes; the disk has no part in it."""


def write(database: sqlite3.Connection, records: Iterable[Record]) -> int:
    """Commit records, all or none; return how many could not be written because of what they are."""
    refused = 0
    database.execute("BEGIN IMMEDIATE")
    try:
        for record in records:
            database.execute("SAVEPOINT record")
            try:
                _insert(database, record)
            except _MALFORMED:
                database.execute("ROLLBACK TO record")
                refused += 1
            database.execute("RELEASE record")
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
    return refused


def tidy(database: sqlite3.Connection, bounds: Bounds) -> bool:
    """Let one portion of what is out of bounds go, oldest first; return whether there may be more."""
    database.execute("BEGIN IMMEDIATE")
    try:
        left = _leave(database, bounds)
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
    return left or _shrink(database, bounds)


def _insert(database: sqlite3.Connection, record: Record) -> None:
    match record:
        case PhaseRecord():
            _insert_phase(database, record)
        case LookRecord():
            _insert_look(database, record)
        case PictureRecord():
            database.execute(
                "INSERT OR REPLACE INTO pictures (event, camera, taken_wall_s, width, height, jpeg) "
                "SELECT ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM events WHERE id = ?)",
                (
                    record.event_id,
                    record.camera,
                    record.taken_wall_s,
                    record.width,
                    record.height,
                    record.jpeg,
                    record.event_id,
                ),
            )


def _insert_phase(database: sqlite3.Connection, record: PhaseRecord) -> None:
    """Write the phase, and the event as it stands with it; what an end said is not unsaid by later words."""
    event = record.event
    database.execute(
        "INSERT INTO events VALUES (:id, :camera, :from_wall_s, :to_wall_s, :ended, :labels, :verdict, :narrative,"
        " :folded, :origin, :reason, :continues, :late, :frames, :provider, :threat_level, :rule) "
        "ON CONFLICT (id) DO UPDATE SET from_wall_s = min(from_wall_s, :from_wall_s),"
        " to_wall_s = max(to_wall_s, :to_wall_s), ended = max(ended, :ended), labels = :labels,"
        " verdict = :verdict, narrative = coalesce(:narrative, narrative),"
        " folded = CASE WHEN :narrative IS NULL THEN folded ELSE :folded END,"
        " reason = coalesce(:reason, reason), continues = coalesce(:continues, continues),"
        " frames = :frames, provider = coalesce(:provider, provider), threat_level = :threat_level,"
        " rule = coalesce(:rule, rule)",
        {
            "id": event.id,
            "camera": record.camera,
            "from_wall_s": event.span.from_wall_s,
            "to_wall_s": event.span.to_wall_s,
            "ended": event.phase is Phase.ENDED or event.closed,
            "labels": _labels(event.labels),
            "verdict": event.verdict,
            "narrative": event.narrative,
            "folded": (event.narrative or "").casefold(),
            "origin": event.origin,
            "reason": event.reason,
            "continues": event.continues,
            "late": event.late,
            "frames": event.frames,
            "provider": event.provider,
            "threat_level": event.threat_level,
            "rule": event.rule,
        },
    )
    database.execute(
        "INSERT OR REPLACE INTO phases VALUES (?, ?, ?, ?, ?, ?)",
        (
            event.id,
            record.at_wall_s,
            event.phase,
            _labels(event.labels),
            event.narrative,
            event.closed,
        ),
    )


def _insert_look(database: sqlite3.Connection, record: LookRecord) -> None:
    looked = record.looked
    database.execute(
        "INSERT OR REPLACE INTO looks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            record.camera,
            looked.answered_wall_s,
            looked.look,
            looked.visit_id,
            looked.span.from_wall_s,
            looked.span.to_wall_s,
            looked.frames,
            looked.provider,
            _labels(looked.labels),
            looked.narrative,
            looked.note,
            looked.usage.input_tokens,
            looked.usage.output_tokens,
        ),
    )


def _labels(labels: Iterable[Label]) -> str:
    """Return labels between commas, so that each is found by itself."""
    return "".join(f",{label}" for label in sorted(labels)) + ","


def _leave(database: sqlite3.Connection, bounds: Bounds) -> bool:
    """Delete what belongs to nobody, what is too old and, if that is not enough, what is oldest."""
    cameras = tuple(bounds.cameras)
    known = ",".join("?" for _ in cameras)
    foreign: tuple[str, tuple[Any, ...]] = (f"camera NOT IN ({known})", cameras)
    old: tuple[str, tuple[Any, ...]] = ("to_wall_s < ?", (bounds.from_wall_s,))
    for condition, given in (foreign, old):
        if _leave_events(database, condition, given):
            return True
    database.execute(f"DELETE FROM looks WHERE {foreign[0]}", foreign[1])  # noqa: S608
    database.execute("DELETE FROM looks WHERE at_wall_s < ?", (bounds.from_wall_s,))
    if _used_bytes(database) <= bounds.size_bytes:
        return False
    return _leave_oldest(database, bounds)


def _leave_oldest(database: sqlite3.Connection, bounds: Bounds) -> bool:
    goal_bytes = ROOM * bounds.size_bytes
    events = _leave_events(database, "TRUE", (), goal_bytes=goal_bytes)
    row = database.execute("SELECT min(to_wall_s) FROM events").fetchone()
    oldest_wall_s = float("inf") if row[0] is None else row[0]
    looks = database.execute(
        "DELETE FROM looks WHERE (camera, at_wall_s, look) IN (SELECT camera, at_wall_s, look FROM looks "
        "WHERE at_wall_s < ? ORDER BY at_wall_s LIMIT ?)",
        (oldest_wall_s, LEAVE_AT_A_TIME * 10),
    ).rowcount
    return bool(events or looks) and _used_bytes(database) > goal_bytes


def _leave_events(
    database: sqlite3.Connection,
    condition: str,
    given: tuple[Any, ...],
    *,
    goal_bytes: float = 0.0,
) -> bool:
    """Delete events with all that hangs on them, oldest first, until enough of them are gone for one step."""
    ids = [
        row[0]
        for row in database.execute(
            f"SELECT id FROM events WHERE {condition} ORDER BY to_wall_s LIMIT ?",  # noqa: S608
            (*given, LEAVE_AT_A_TIME),
        )
    ]
    for event_id in ids:
        for table, key in (
            ("pictures", "event"),
            ("phases", "event"),
            ("looks", "visit"),
            ("events", "id"),
        ):
            database.execute(f"DELETE FROM {table} WHERE {key} = ?", (event_id,))  # noqa: S608
        if goal_bytes and _used_bytes(database) <= goal_bytes:
            break
    return bool(ids)


def _used_bytes(database: sqlite3.Connection) -> int:
    page, pages, free = (
        database.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_size", "page_count", "freelist_count")
    )
    return int(page * (pages - free))


def _shrink(database: sqlite3.Connection, bounds: Bounds) -> bool:
    """Give a portion of the free pages back to the disk; a file within its bounds keeps some to write into."""
    free = int(database.execute("PRAGMA freelist_count").fetchone()[0])
    page, pages = (
        int(database.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_size", "page_count")
    )
    if free <= SHRINK_PAGES and page * pages <= bounds.size_bytes:
        return False
    if not free:
        return False
    database.execute(f"PRAGMA incremental_vacuum({SHRINK_PAGES})").fetchall()
    return free > SHRINK_PAGES
