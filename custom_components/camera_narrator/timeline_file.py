"""The file of a timeline: opened, written, kept within its bounds, and set aside where it is broken. Blocks."""

from collections.abc import Callable, Sequence
import contextlib
from datetime import UTC, datetime
from enum import StrEnum
import errno
import os
from pathlib import Path
import sqlite3
from typing import Final

from . import timeline_reading, timeline_writing
from .timeline_record import Bounds, Extent, Record
from .timeline_schema import STEPS, ForeignFileError, Step, TooNewError, prepare

LOCKED_S: Final = 5.0
"""An instance that just stopped still holds the file for a moment."""
BESIDE: Final = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a file."""
ASIDE: Final = ".broken-"
CHECKPOINT_PAGES: Final = 1000
"""Of 4 KiB in the log before they go into the file: SQLite's own default."""

_FULL: Final = {errno.ENOSPC, errno.EDQUOT}
_BROKEN: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

type FileError = OSError | sqlite3.Error | TooNewError | ForeignFileError
FILE_ERRORS: Final = (OSError, sqlite3.Error, TooNewError, ForeignFileError)


class Trouble(StrEnum):
    """Why nothing can be written."""

    FULL = "full"
    """The disk is."""
    BROKEN = "broken"
    """What is there is no timeline, or no longer."""
    TOO_NEW = "too_new"
    UNWRITABLE = "unwritable"
    """A disk or a folder that is away, read-only or somebody else's."""


def trouble_of(error: FileError) -> Trouble:
    """Return what an error means for the file."""
    match error:
        case TooNewError():
            return Trouble.TOO_NEW
        case ForeignFileError():
            return Trouble.BROKEN
        case OSError():
            return Trouble.FULL if error.errno in _FULL else Trouble.UNWRITABLE
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return Trouble.FULL
    return Trouble.BROKEN if code in _BROKEN else Trouble.UNWRITABLE


class TimelineFile:
    """One open file; all methods belong onto one thread and raise FILE_ERRORS."""

    def __init__(self, path: Path, *, steps: Sequence[Step] = STEPS) -> None:
        """Name the file; nothing is opened yet."""
        self.path = path
        self._steps = steps
        self._database: sqlite3.Connection | None = None
        self._still = False

    def open(self) -> None:
        """Open the file, make it where there is none, and bring it to this version."""
        self.close()
        self.path.parent.mkdir(mode=0o700, exist_ok=True)
        # Before SQLite makes it for everybody; what it keeps beside it has the same mode.
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        database = sqlite3.connect(self.path, timeout=LOCKED_S, isolation_level=None)
        try:
            database.row_factory = sqlite3.Row
            prepare(database, self._steps)
        except BaseException:
            database.close()
            raise
        self._database = database

    def close(self) -> None:
        """Close the file; what is in its log goes into it."""
        if self._database is not None:
            database, self._database = self._database, None
            database.close()

    def write(self, records: Sequence[Record]) -> int:
        """Commit records, all or none; return how many no table takes."""
        return timeline_writing.write(self._open, records)

    def tidy(self, bounds: Bounds) -> bool:
        """Let a portion of what is out of bounds go; return whether there may be more."""
        return timeline_writing.tidy(self._open, bounds)

    def read[T](self, reading: Callable[[sqlite3.Connection], T]) -> T:
        """Return what a question of timeline_reading finds."""
        return reading(self._open)

    def extent(self) -> Extent:
        """Return how much there is."""
        return self.read(timeline_reading.extent)

    def settle(self) -> None:
        """Take what is in the log into the file, which has its true size then."""
        if not self._still:
            self._open.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def hold_still(self, *, still: bool) -> None:
        """Write into the log alone for a while, so that the file and its log can be copied one after the other."""
        self._still = False
        self.settle()
        self._still = still
        pages = 0 if still else CHECKPOINT_PAGES
        self._open.execute(f"PRAGMA wal_autocheckpoint = {pages}").fetchall()

    def set_aside(self) -> Path:
        """Rename a file that is of no use, with what belongs to it, for whoever can mend it; the last one is kept."""
        with contextlib.suppress(sqlite3.Error):
            self.close()
        for earlier in _aside(self.path):
            earlier.unlink(missing_ok=True)
        stamp = datetime.fromtimestamp(self.path.stat().st_mtime, UTC).strftime("%Y%m%d-%H%M%S")
        aside = self.path.with_name(f"{self.path.name}{ASIDE}{stamp}")
        for beside in BESIDE:
            with contextlib.suppress(FileNotFoundError):
                self.path.with_name(self.path.name + beside).rename(
                    aside.with_name(aside.name + beside)
                )
        return self.path.rename(aside)

    @property
    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            raise OSError(errno.EBADF, "the timeline is not open", str(self.path))
        return self._database


def erase(path: Path) -> None:
    """Delete a timeline, what was set aside of it, and its folder if nothing else is in there."""
    for file in (path, *(path.with_name(path.name + beside) for beside in BESIDE), *_aside(path)):
        file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # another hub's is still there
        path.parent.rmdir()


def _aside(path: Path) -> list[Path]:
    return list(path.parent.glob(f"{path.name}{ASIDE}*"))
