"""The tables of the timeline and the steps that lead to them, one for each version of the file."""

from collections.abc import Sequence
import sqlite3
from typing import Final

from .pipeline.errors import NarratorError

type Step = Sequence[str]

STEPS: Final[tuple[Step, ...]] = (
    (
        """
        CREATE TABLE events (
            id TEXT PRIMARY KEY,
            camera TEXT NOT NULL,
            from_wall_s REAL NOT NULL,
            to_wall_s REAL NOT NULL,
            ended INTEGER NOT NULL,
            labels TEXT NOT NULL,
            verdict TEXT,
            narrative TEXT,
            folded TEXT NOT NULL,
            origin TEXT NOT NULL,
            reason TEXT,
            continues TEXT,
            late INTEGER NOT NULL,
            frames INTEGER NOT NULL,
            provider TEXT
        ) WITHOUT ROWID
        """,
        "CREATE INDEX events_from ON events (from_wall_s)",
        "CREATE INDEX events_to ON events (to_wall_s)",
        "CREATE INDEX events_camera ON events (camera, from_wall_s)",
        """
        CREATE TABLE phases (
            event TEXT NOT NULL,
            at_wall_s REAL NOT NULL,
            phase TEXT NOT NULL,
            labels TEXT NOT NULL,
            narrative TEXT,
            closed INTEGER NOT NULL,
            PRIMARY KEY (event, at_wall_s, phase)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE looks (
            camera TEXT NOT NULL,
            at_wall_s REAL NOT NULL,
            look TEXT NOT NULL,
            visit TEXT,
            from_wall_s REAL NOT NULL,
            to_wall_s REAL NOT NULL,
            frames INTEGER NOT NULL,
            provider TEXT NOT NULL,
            labels TEXT NOT NULL,
            narrative TEXT NOT NULL,
            note TEXT NOT NULL,
            input_tokens INTEGER,
            output_tokens INTEGER,
            PRIMARY KEY (camera, at_wall_s, look)
        ) WITHOUT ROWID
        """,
        "CREATE INDEX looks_at ON looks (at_wall_s)",
        "CREATE INDEX looks_visit ON looks (visit)",
        """
        CREATE TABLE pictures (
            event TEXT PRIMARY KEY,
            camera TEXT NOT NULL,
            taken_wall_s REAL NOT NULL,
            width INTEGER NOT NULL,
            height INTEGER NOT NULL,
            jpeg BLOB NOT NULL
        )
        """,
        "CREATE INDEX pictures_taken ON pictures (camera, taken_wall_s)",
    ),
    (
        "ALTER TABLE events ADD COLUMN threat_level TEXT NOT NULL DEFAULT 'none'",
        "ALTER TABLE events ADD COLUMN rule TEXT",
    ),
)
"""What makes version n + 1 of a file of version n. A step that was released is never changed, only followed."""

PREPARATION: Final = (
    # No shared memory: one process alone has the file, so disks on the network do, too.
    "PRAGMA locking_mode = EXCLUSIVE",
    # Takes hold before there is a table; where there are some, it changes nothing.
    "PRAGMA auto_vacuum = INCREMENTAL",
    "PRAGMA journal_mode = WAL",
    # A killed process loses nothing that was committed; a machine without power at most the last moments.
    "PRAGMA synchronous = NORMAL",
    # Deleted words are overwritten where that costs no further page; the rest goes when the file shrinks.
    "PRAGMA secure_delete = FAST",
    # After a large write the log becomes small again, else it keeps its size for ever.
    "PRAGMA journal_size_limit = 4194304",
)


class TooNewError(NarratorError):
    """The file was written by a later version of this integration; it is left as it is."""

    def __init__(self, found: int, known: int) -> None:
        """Say which versions."""
        super().__init__(f"the timeline is of version {found}, known is {known}")


class ForeignFileError(NarratorError):
    """The file is a database, but never was a timeline."""


def prepare(database: sqlite3.Connection, steps: Sequence[Step] = STEPS) -> None:
    """Bring an open database to the version of this code; raise before anything of a file that is not ours changes."""
    database.execute(PREPARATION[0])
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > len(steps):
        raise TooNewError(version, len(steps))
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if version < 0 or bool(version) != bool(tables):
        raise ForeignFileError("the file is no timeline")
    for pragma in PREPARATION[1:]:
        database.execute(pragma).fetchall()
    for number in range(version, len(steps)):
        database.execute("BEGIN IMMEDIATE")
        try:
            for statement in steps[number]:
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {number + 1}")
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise
