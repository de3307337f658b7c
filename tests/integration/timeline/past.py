"""Visits to be kept, and what is found of them in a file."""

from collections.abc import Callable
import sqlite3

from custom_components.camera_narrator import timeline_reading
from custom_components.camera_narrator.pipeline.models import Event
from custom_components.camera_narrator.pipeline.vocabulary import (
    Phase,
)
from custom_components.camera_narrator.timeline_file import TimelineFile
from custom_components.camera_narrator.timeline_record import (
    Bounds,
    PastEvent,
    PhaseRecord,
    PictureRecord,
    Query,
    Record,
)
from tests.integration.house import CAMERA, NOON_S, event, looked, span

EVER = Query(cameras=(CAMERA,), from_wall_s=0.0, to_wall_s=2 * NOON_S, limit=10**6, details=True)


TABLES = ("events", "phases", "looks", "pictures")


def told(what: Event, *, at_s: float = 0.0, camera: str = CAMERA) -> PhaseRecord:
    """Return a phase told some seconds after noon."""
    return PhaseRecord(camera=camera, at_wall_s=NOON_S + at_s, event=what)


def visits(first: int, count: int, *, camera: str = CAMERA) -> list[Record]:
    """Return visits a minute apart, each with a look and a picture of 20 kB."""
    records: list[Record] = []
    for number in range(first, first + count):
        at_s = 60.0 * number
        name = f"visit-{number:05}"
        over = event(Phase.ENDED, id=name, span=span(at_s, at_s + 4), narrative=f"Visit {number}.")
        records += [
            told(over, at_s=at_s + 5, camera=camera),
            looked(visit_id=name, at_s=at_s + 5, camera=camera),
            pictured(name, bytes([number % 256]) * 20_000, at_s=at_s, camera=camera),
        ]
    return records


def pictured(
    event_id: str, jpeg: bytes, *, at_s: float = 0.0, camera: str = CAMERA
) -> PictureRecord:
    """Return the picture of an event."""
    return PictureRecord(
        camera=camera,
        event_id=event_id,
        taken_wall_s=NOON_S + at_s,
        width=854,
        height=480,
        jpeg=jpeg,
    )


def events(file: TimelineFile, query: Query = EVER) -> list[PastEvent]:
    """Return what a query finds."""
    return file.read(lambda database: timeline_reading.events(database, query))


def ids(file: TimelineFile, query: Query = EVER) -> list[str]:
    """Return the ids of what a query finds."""
    return [one.id for one in events(file, query)]


def tidied(file: TimelineFile, bounds: Bounds) -> int:
    """Tidy until nothing is left to do, and return in how many steps."""
    steps = 1
    while file.tidy(bounds):
        steps += 1
        assert steps < 1000, "tidying never ends"
    file.settle()
    return steps


def bounds_of(
    *,
    from_wall_s: float = 0.0,
    size_bytes: int = 2**30,
    cameras: frozenset[str] = frozenset({CAMERA}),
) -> Bounds:
    """Return bounds, by default so wide that nothing leaves."""
    return Bounds(from_wall_s=from_wall_s, size_bytes=size_bytes, cameras=cameras)


def version(database: sqlite3.Connection) -> int:
    """Return the version of a file."""
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def words(database: sqlite3.Connection) -> list[str]:
    """Return the words of phases that a test wrote by hand."""
    rows = database.execute("SELECT narrative FROM phases WHERE at_wall_s = 1.0")
    return [row[0] for row in rows]


def columns(database: sqlite3.Connection) -> list[str]:
    """Return the columns of events."""
    return [row["name"] for row in database.execute("PRAGMA table_info(events)")]


def intact(database: sqlite3.Connection) -> str:
    """Return what SQLite says of the whole file: `ok`."""
    return str(database.execute("PRAGMA integrity_check").fetchone()[0])


def counting(table: str) -> Callable[[sqlite3.Connection], int]:
    """Return what counts the rows of a table."""
    sql = f"SELECT count(*) FROM {table}"  # noqa: S608  # one of ours
    return lambda database: int(database.execute(sql).fetchone()[0])
