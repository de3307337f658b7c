"""The file of a timeline: what it holds, how it came to its version, its bounds, and what it survives."""

from collections.abc import Callable, Generator
import os
from pathlib import Path
import signal
import sqlite3
import subprocess
import sys

import pytest

from custom_components.camera_narrator import timeline_file, timeline_reading
from custom_components.camera_narrator.pipeline.models import Event
from custom_components.camera_narrator.pipeline.vocabulary import (
    EndReason,
    Label,
    Look,
    Origin,
    Phase,
    ThreatLevel,
    Verdict,
)
from custom_components.camera_narrator.timeline_file import TimelineFile, Trouble, trouble_of
from custom_components.camera_narrator.timeline_record import (
    Bounds,
    PastEvent,
    PastLook,
    PastNote,
    PastPhase,
    PhaseRecord,
    PictureRecord,
    Query,
    Record,
)
from custom_components.camera_narrator.timeline_schema import (
    STEPS,
    ForeignFileError,
    Step,
    TooNewError,
)
from tests.integration.house import CAMERA, NOON_S, event, looked, span

EVER = Query(cameras=(CAMERA,), from_wall_s=0.0, to_wall_s=2 * NOON_S, limit=10**6, details=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the file shall be; its folder is not there yet."""
    return tmp_path / "camera_narrator" / "hub.db"


@pytest.fixture
def file(path: Path) -> Generator[TimelineFile]:
    """Return an open file."""
    file = TimelineFile(path)
    file.open()
    yield file
    file.close()


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


def test_a_visit_is_kept_whole(file: TimelineFile) -> None:
    """Phases with their words, looks with what they used, the picture; the event says what was told last."""
    file.write(
        [
            told(event(span=span(0, 1), frames=2), at_s=1),
            pictured("visit-1", b"start"),
            looked(
                look=Look.ONSET,
                visit_id="visit-1",
                narrative="A person rings.",
                labels=frozenset({Label.PERSON}),
                at_s=2,
            ),
            told(
                event(
                    Phase.UPDATED,
                    Label.PERSON,
                    span=span(0, 2),
                    labelled=True,
                    verdict=Verdict.SUBJECT,
                    narrative="A person rings.",
                    frames=3,
                    provider="a-model",
                ),
                at_s=2,
            ),
            pictured("visit-1", b"name"),
            told(
                event(
                    Phase.ENDED,
                    Label.PERSON,
                    span=span(0, 9),
                    narrative="A person rings.",
                    reason=EndReason.QUIET,
                    rule="parcel",
                    frames=3,
                    provider="a-model",
                ),
                at_s=29,
            ),
            told(
                event(
                    Phase.UPDATED,
                    Label.PERSON,
                    span=span(0, 9),
                    narrative="A person rang and left.",
                    closed=True,
                    frames=5,
                    provider="a-model",
                    threat_level=ThreatLevel.MEDIUM,
                    verdict=Verdict.SUBJECT,
                ),
                at_s=31,
            ),
        ]
    )
    (kept,) = events(file, EVER)
    assert kept == PastEvent(
        id="visit-1",
        camera=CAMERA,
        from_wall_s=NOON_S,
        to_wall_s=NOON_S + 9,
        ended=True,
        labels=("person",),
        verdict="subject",
        narrative="A person rang and left.",
        origin=Origin.ACTIVITY,
        reason="quiet",
        continues=None,
        late=False,
        frames=5,
        provider="a-model",
        threat_level="medium",
        rule="parcel",
        picture=True,
        phases=tuple(
            PastPhase(
                at_wall_s=NOON_S + at_s,
                phase=phase,
                labels=labels,
                narrative=words,
                closed=closed,
            )
            for at_s, phase, labels, words, closed in (
                (1, "started", (), None, False),
                (2, "updated", ("person",), "A person rings.", False),
                (29, "ended", ("person",), "A person rings.", False),
                (31, "updated", ("person",), "A person rang and left.", True),
            )
        ),
        looks=(
            PastLook(
                at_wall_s=NOON_S + 2,
                look="onset",
                frames=5,
                provider="a-model",
                labels=("person",),
                narrative="A person rings.",
                input_tokens=900,
                output_tokens=40,
            ),
        ),
    )
    picture = file.read(lambda database: timeline_reading.picture(database, "visit-1"))
    assert picture is not None
    assert picture.jpeg == b"name"


def test_writing_twice_changes_nothing(file: TimelineFile) -> None:
    """A commit whose end nobody heard is written again; nothing is there twice."""
    records = visits(1, 3)
    file.write(records)
    before = events(file, EVER)
    file.write(records)
    again = events(file, EVER)
    assert again == before
    assert len(before) == 3
    assert [len(one.looks) for one in before] == [1, 1, 1]


def test_what_is_asked_for(file: TimelineFile) -> None:
    """By camera, span, label and words, newest first, as many as wanted; a picture without an event is none."""
    file.write(
        [
            told(event(id="van", span=span(0, 30), narrative="A van of ÄRZTE stops.")),
            told(event(Phase.UPDATED, Label.PERSON, id="man", span=span(100, 130))),
            told(event(Phase.UPDATED, Label.ANIMAL, id="cat", span=span(200, 230))),
            told(event(id="garden", span=span(100, 130)), camera="garden"),
            pictured("never", b"nobody told of it"),
        ]
    )
    assert ids(file) == ["cat", "man", "van"]
    both = Query(cameras=(CAMERA, "garden"), from_wall_s=0, to_wall_s=9e9)
    assert set(ids(file, both)) == {"cat", "man", "van", "garden"}

    def found(**given: object) -> list[str]:
        given = {"from_wall_s": 0.0, "to_wall_s": 9e9, **given}
        return ids(file, Query(cameras=(CAMERA,), **given))  # type: ignore[arg-type]

    assert found(from_wall_s=NOON_S + 20, to_wall_s=NOON_S + 110) == ["man", "van"]
    assert found(from_wall_s=NOON_S + 31, to_wall_s=NOON_S + 99) == []
    assert found(labels=frozenset({Label.ANIMAL, Label.PERSON})) == ["cat", "man"]
    assert found(text="ärzte") == ["van"]
    assert found(text="%") == []
    assert found(limit=1) == ["cat"]
    assert file.read(lambda database: timeline_reading.picture(database, "never")) is None


def test_a_recollection_holds_the_last_words_of_each_visit(file: TimelineFile) -> None:
    """Oldest first, without what stood written in the pictures, and with the pictures of the span."""
    file.write(
        [
            told(event(id="one", span=span(0, 9))),
            told(event(id="two", span=span(100, 109))),
            looked(visit_id="one", at_s=5, note="A person comes."),
            looked(visit_id="one", at_s=9, note="A person came with [writing]."),
            looked(visit_id="two", at_s=109, note="A cat passes."),
            looked(visit_id=None, at_s=150, note="", look=Look.HEARTBEAT),
            looked(visit_id="late", at_s=900, note="Too late."),
            pictured("one", b"first", at_s=2),
            pictured("two", b"second", at_s=102),
        ]
    )

    def recollect(from_s: float, to_s: float) -> tuple[list[PastNote], list[bytes]]:
        found = file.read(
            lambda database: timeline_reading.recollection(
                database, CAMERA, NOON_S + from_s, NOON_S + to_s
            )
        )
        return list(found.notes), [picture.jpeg for picture in found.pictures]

    assert recollect(0, 200) == (
        [
            PastNote(at_wall_s=NOON_S + 9, text="A person came with [writing]."),
            PastNote(at_wall_s=NOON_S + 109, text="A cat passes."),
        ],
        [b"first", b"second"],
    )
    assert recollect(50, 105) == ([], [b"second"])


def test_a_malformed_record_costs_itself_alone(file: TimelineFile) -> None:
    """Half a surrogate pair is no text to SQLite; what stands beside it is written."""
    broken = told(event(id="broken", narrative="half a sign: \ud83d"))
    assert file.write([*visits(1, 1), broken, *visits(2, 1)]) == 1
    assert ids(file) == ["visit-00002", "visit-00001"]


def test_nobody_else_may_read_it(file: TimelineFile, path: Path) -> None:
    """Folder, file and log belong to Home Assistant's user alone, whatever the umask."""
    file.write(visits(1, 1))
    modes = {one.name: one.stat().st_mode & 0o777 for one in path.parent.iterdir()}
    assert modes == {"hub.db": 0o600, "hub.db-wal": 0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


# -- versions -------------------------------------------------------------------------------------------------


def test_every_version_there_was_is_brought_here(path: Path) -> None:
    """From an empty file and from each step on the way; what was told before is still there."""
    for version in range(len(STEPS) + 1):
        earlier = TimelineFile(path, steps=STEPS[:version])
        earlier.open()
        if version:
            with_words = "INSERT INTO phases VALUES ('visit-1', 1.0, 'started', ',', 'words', 0)"
            earlier.read(lambda database, sql=with_words: database.execute(sql).fetchall())  # type: ignore[misc]
        earlier.close()
        now = TimelineFile(path)
        now.open()
        assert now.write(visits(1, 2)) == 0
        assert now.read(_version) == len(STEPS)
        kept = now.read(_words)
        assert kept == (["words"] if version else [])
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
    assert "mood" not in file.read(_columns)
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
        assert later.read(_version) == len(STEPS) + 1
        assert "mood" in later.read(_columns)
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


# -- bounds ---------------------------------------------------------------------------------------------------


def test_what_is_too_old_leaves_whole(file: TimelineFile) -> None:
    """Events that ended before, their phases, looks and pictures, looks of no event; what touches the day stays."""
    file.write([*visits(0, 450), looked(visit_id=None, at_s=1, look=Look.HEARTBEAT)])
    from_wall_s = NOON_S + 60.0 * 440 + 2
    assert tidied(file, _bounds(from_wall_s=from_wall_s)) > 2
    assert ids(file) == [f"visit-{number:05}" for number in range(449, 439, -1)]
    assert {table: file.read(_counting(table)) for table in _TABLES} == dict.fromkeys(_TABLES, 10)


def test_the_file_becomes_smaller_again(file: TimelineFile, path: Path) -> None:
    """What left is given back to the disk."""
    file.write(visits(0, 1000))
    file.settle()
    full_bytes = path.stat().st_size
    assert full_bytes > 20_000_000
    tidied(file, _bounds(from_wall_s=NOON_S + 60.0 * 990))
    assert path.stat().st_size < full_bytes / 2
    assert len(ids(file)) == 10


def test_the_size_is_bounded_by_letting_the_oldest_go(file: TimelineFile, path: Path) -> None:
    """With visits without end the file stays within its size, and the newest are there."""
    bounds = _bounds(size_bytes=4_000_000)
    for start in range(0, 1000, 50):
        file.write(visits(start, 50))
        tidied(file, bounds)
        assert path.stat().st_size <= bounds.size_bytes
        assert file.extent().size_bytes <= bounds.size_bytes
    kept = ids(file)
    assert kept == [f"visit-{number:05}" for number in range(999, 999 - len(kept), -1)]
    assert 100 < len(kept) < 200
    assert [file.read(_counting(table)) for table in _TABLES] == [len(kept)] * len(_TABLES)


def test_looks_alone_are_bounded_too(file: TimelineFile) -> None:
    """A camera that only glances fills no disk either."""
    bounds = _bounds(size_bytes=600_000)
    file.write(
        [looked(visit_id=None, at_s=number, note="x" * 300) for number in range(3000)]  # 1 MB
    )
    tidied(file, bounds)
    assert file.extent().size_bytes <= bounds.size_bytes
    assert 500 < file.read(_counting("looks")) < 3000


def test_a_removed_camera_leaves_nothing(file: TimelineFile) -> None:
    """Its events, phases, looks and pictures go; the other camera's stay."""
    file.write([*visits(0, 250), *visits(1000, 5, camera="garden")])
    tidied(file, _bounds(cameras=frozenset({"garden"})))
    assert ids(file, Query(cameras=(CAMERA,), from_wall_s=0, to_wall_s=9e9)) == []
    assert len(ids(file, Query(cameras=("garden",), from_wall_s=0, to_wall_s=9e9))) == 5
    assert [file.read(_counting(table)) for table in _TABLES] == [5] * len(_TABLES)


# -- what it survives -----------------------------------------------------------------------------------------

_WRITER = """
import sys
from pathlib import Path
from custom_components.camera_narrator.timeline_file import TimelineFile
from tests.integration.test_timeline_file import visits

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
        cwd=Path(__file__).parents[2],
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
    counts = {file.read(_counting(table)) for table in _TABLES}
    assert len(counts) == 1, "a visit was torn apart"
    assert file.read(_intact) == "ok"
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
    assert file.read(_intact) == "ok"
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
    assert restored.read(_intact) == "ok"
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


_TABLES = ("events", "phases", "looks", "pictures")


def _bounds(
    *,
    from_wall_s: float = 0.0,
    size_bytes: int = 2**30,
    cameras: frozenset[str] = frozenset({CAMERA}),
) -> Bounds:
    return Bounds(from_wall_s=from_wall_s, size_bytes=size_bytes, cameras=cameras)


def _use(file: TimelineFile) -> None:
    """Do what is done in a day, until something is wrong."""
    file.open()
    for number in range(50):
        file.write(visits(1000 + number, 10))
        file.tidy(_bounds(from_wall_s=NOON_S + 60.0 * 900))


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _words(database: sqlite3.Connection) -> list[str]:
    rows = database.execute("SELECT narrative FROM phases WHERE at_wall_s = 1.0")
    return [row[0] for row in rows]


def _columns(database: sqlite3.Connection) -> list[str]:
    return [row["name"] for row in database.execute("PRAGMA table_info(events)")]


def _intact(database: sqlite3.Connection) -> str:
    return str(database.execute("PRAGMA integrity_check").fetchone()[0])


def _counting(table: str) -> Callable[[sqlite3.Connection], int]:
    sql = f"SELECT count(*) FROM {table}"  # noqa: S608  # one of ours
    return lambda database: int(database.execute(sql).fetchone()[0])
