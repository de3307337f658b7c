"""How a file of a timeline comes to its version, and which ones are left alone."""

from pathlib import Path
import sqlite3

import pytest

from custom_components.camera_narrator import timeline_file
from custom_components.camera_narrator.timeline_file import TimelineFile
from custom_components.camera_narrator.timeline_schema import (
    STEPS,
    ForeignFileError,
    Step,
    TooNewError,
)
from tests.integration.house import CAMERA
from tests.integration.timeline.past import (
    columns,
    events,
    ids,
    version,
    visits,
    words,
)


def test_every_version_there_was_is_brought_here(path: Path) -> None:
    """From an empty file and from each step on the way; what was told before is still there."""
    for before in range(len(STEPS) + 1):
        earlier = TimelineFile(path, steps=STEPS[:before])
        earlier.open()
        if before:
            with_words = "INSERT INTO phases VALUES ('visit-1', 1.0, 'started', ',', 'words', 0)"
            earlier.read(lambda database, sql=with_words: database.execute(sql).fetchall())  # type: ignore[misc]
        earlier.close()
        now = TimelineFile(path)
        now.open()
        assert now.write(visits(1, 2)) == 0
        assert now.read(version) == len(STEPS)
        kept = now.read(words)
        assert kept == (["words"] if before else [])
        now.close()
        timeline_file.erase(path)


def test_a_visit_of_the_first_version_is_read(path: Path) -> None:
    """It was told before there were threat levels and rules, and says so."""
    first = TimelineFile(path, steps=STEPS[:1])
    first.open()
    old = "('old', ?, 1000.0, 1009.0, 1, ',person,', 'subject', 'A Man.', 'a man.', 'activity', 'quiet', NULL, 0, 4, 'a')"
    first.read(lambda database: database.execute(f"INSERT INTO events VALUES {old}", (CAMERA,)))  # noqa: S608
    first.close()
    now = TimelineFile(path)
    now.open()
    (kept,) = events(now)
    assert (kept.id, kept.narrative, kept.labels) == ("old", "A Man.", ("person",))
    assert (kept.threat_level, kept.rule) == ("none", None)
    now.close()


def test_a_step_that_fails_changes_nothing(path: Path) -> None:
    """Half a migration is none: the version before still opens the file, and its words are there."""
    file = TimelineFile(path)
    file.open()
    file.write(visits(1, 2))
    file.close()
    torn: Step = ("ALTER TABLE events ADD COLUMN mood TEXT", "UPDATE nothing SET there = 1")
    later = TimelineFile(path, steps=(*STEPS, torn))
    with pytest.raises(sqlite3.OperationalError):
        later.open()
    file.open()
    assert ids(file) == ["visit-00002", "visit-00001"]
    assert "mood" not in file.read(columns)
    file.close()


def test_a_step_more_keeps_what_was_told(path: Path) -> None:
    """The next version opens a file of this one, once and again."""
    file = TimelineFile(path)
    file.open()
    file.write(visits(1, 2))
    file.close()
    for _ in range(2):
        later = TimelineFile(path, steps=(*STEPS, ("ALTER TABLE events ADD COLUMN mood TEXT",)))
        later.open()
        assert later.read(version) == len(STEPS) + 1
        assert "mood" in later.read(columns)
        assert ids(later) == ["visit-00002", "visit-00001"]
        later.close()


def test_a_newer_file_is_left_as_it_is(path: Path) -> None:
    """It is refused with both versions named, and not a byte of it changes."""
    later = TimelineFile(path, steps=(*STEPS, ("CREATE TABLE moods (mood TEXT)",)))
    later.open()
    later.write(visits(1, 2))
    later.close()
    before = path.read_bytes()
    with pytest.raises(TooNewError, match=rf"version {len(STEPS) + 1}, known is {len(STEPS)}"):
        TimelineFile(path).open()
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["hub.db"]


def test_a_database_of_somebody_else_is_not_touched(path: Path) -> None:
    """It is no timeline, and stays what it is."""
    path.parent.mkdir()
    with sqlite3.connect(path) as foreign:
        foreign.execute("CREATE TABLE recipes (cake TEXT)")
    foreign.close()
    before = path.read_bytes()
    with pytest.raises(ForeignFileError):
        TimelineFile(path).open()
    assert path.read_bytes() == before
