"""What a file of a timeline survives: kills, full and broken disks, copies."""

import os
from pathlib import Path
import signal
import sqlite3
import subprocess
import sys

import pytest

from custom_components.camera_narrator import timeline_file
from custom_components.camera_narrator.timeline_file import TimelineFile, Trouble, trouble_of
from tests.integration.house import NOON_S
from tests.integration.timeline.past import (
    EVER,
    TABLES,
    bounds_of,
    counting,
    ids,
    intact,
    visits,
)

_WRITER = """
import sys
from pathlib import Path
from custom_components.camera_narrator.timeline_file import TimelineFile
from tests.integration.timeline.past import visits

file = TimelineFile(Path(sys.argv[1]))
file.open()
for number in range(100_000):
    file.write(visits(number, 1))
    print(number, flush=True)
"""


def test_a_killed_process_loses_nothing_that_was_committed(path: Path) -> None:
    """A kill -9 in the midst of writing: every commit that was told of is there, whole."""
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    ) as writer:
        assert writer.stdout is not None
        while int(writer.stdout.readline()) < 200:
            pass
        os.kill(writer.pid, signal.SIGKILL)
        committed = max([200, *map(int, writer.stdout)])
    assert writer.returncode == -signal.SIGKILL
    file = TimelineFile(path)
    file.open()
    assert set(ids(file)) >= {f"visit-{number:05}" for number in range(committed + 1)}
    counts = {file.read(counting(table)) for table in TABLES}
    assert len(counts) == 1, "a visit was torn apart"
    assert file.read(intact) == "ok"
    file.close()


def test_a_full_disk_costs_nothing_that_was_committed(file: TimelineFile) -> None:
    """The commit that found no room leaves no trace; with room again it is written."""
    file.write(visits(0, 10))
    pages = file.read(lambda database: database.execute("PRAGMA page_count").fetchone()[0])
    file.read(lambda database: database.execute(f"PRAGMA max_page_count = {pages}").fetchall())
    with pytest.raises(sqlite3.OperationalError) as full:
        file.write(visits(10, 10))
    assert trouble_of(full.value) is Trouble.FULL
    assert len(ids(file)) == 10
    assert file.read(intact) == "ok"
    file.read(lambda database: database.execute("PRAGMA max_page_count = 1000000").fetchall())
    file.write(visits(10, 10))
    assert len(ids(file)) == 20


@pytest.mark.parametrize("at", ["beginning", "middle", "all"])
def test_a_broken_file_is_known_and_set_aside(path: Path, at: str) -> None:
    """Whatever wrote into it: it is not read as a timeline, is kept for who can mend it, and a new one begins."""
    file = TimelineFile(path)
    file.open()
    file.write(visits(0, 200))
    file.close()
    garbage = b"\x5a" * 4096 * 20
    content = path.read_bytes()
    path.write_bytes(
        {
            "beginning": garbage + content[len(garbage) :],
            "middle": content[:8192] + garbage * 20 + content[8192 + 20 * len(garbage) :],
            "all": os.urandom(40_000),
        }[at]
    )
    broken = path.read_bytes()
    with pytest.raises(sqlite3.DatabaseError) as told_of:
        _use(file)
    assert trouble_of(told_of.value) is Trouble.BROKEN
    aside = file.set_aside()
    assert aside.stat().st_size >= len(broken) / 2
    file.open()
    file.write(visits(1, 1))
    assert ids(file) == ["visit-00001"]
    assert file.set_aside() != path
    assert len([one for one in path.parent.iterdir() if ".broken-" in one.name]) == 1
    file.close()


def test_a_copy_that_is_made_while_it_is_written_is_whole(
    file: TimelineFile, path: Path, tmp_path: Path
) -> None:
    """A backup copies the file, and its log a moment later; words that were told in between do no harm."""
    file.write(visits(0, 100))
    file.hold_still(still=True)
    copied = path.read_bytes()
    for number in range(100, 400):
        file.write(visits(number, 1))
    log = path.with_name("hub.db-wal").read_bytes()
    file.hold_still(still=False)
    copy = tmp_path / "restored" / "hub.db"
    copy.parent.mkdir()
    copy.write_bytes(copied)
    copy.with_name("hub.db-wal").write_bytes(log[: len(log) - 5000])
    restored = TimelineFile(copy)
    restored.open()
    assert restored.read(intact) == "ok"
    assert 395 < len(ids(restored, EVER)) < 400
    restored.close()
    assert file.extent().events == 400


def test_erasing_leaves_no_file(file: TimelineFile, path: Path) -> None:
    """The file, its log, what was set aside and the folder; another hub's stays."""
    file.write(visits(0, 1))
    file.set_aside()
    file.open()
    other = TimelineFile(path.with_name("other.db"))
    other.open()
    file.close()
    timeline_file.erase(path)
    other.close()
    assert [one.name for one in path.parent.iterdir()] == ["other.db"]
    timeline_file.erase(other.path)
    assert not path.parent.exists()


def _use(file: TimelineFile) -> None:
    """Do what is done in a day, until something is wrong."""
    file.open()
    for number in range(50):
        file.write(visits(1000 + number, 10))
        file.tidy(bounds_of(from_wall_s=NOON_S + 60.0 * 900))
