"""How long and how much a file of a timeline holds."""

from pathlib import Path

from custom_components.camera_narrator.pipeline.vocabulary import (
    Look,
)
from custom_components.camera_narrator.timeline_file import TimelineFile
from custom_components.camera_narrator.timeline_record import (
    Query,
)
from tests.integration.house import CAMERA, NOON_S, looked
from tests.integration.timeline.past import (
    TABLES,
    bounds_of,
    counting,
    ids,
    tidied,
    visits,
)


def test_what_is_too_old_leaves_whole(file: TimelineFile) -> None:
    """Events that ended before, their phases, looks and pictures, looks of no event; what touches the day stays."""
    file.write([*visits(0, 450), looked(visit_id=None, at_s=1, look=Look.HEARTBEAT)])
    from_wall_s = NOON_S + 60.0 * 440 + 2
    assert tidied(file, bounds_of(from_wall_s=from_wall_s)) > 2
    assert ids(file) == [f"visit-{number:05}" for number in range(449, 439, -1)]
    assert {table: file.read(counting(table)) for table in TABLES} == dict.fromkeys(TABLES, 10)


def test_the_file_becomes_smaller_again(file: TimelineFile, path: Path) -> None:
    """What left is given back to the disk."""
    file.write(visits(0, 1000))
    file.settle()
    full_bytes = path.stat().st_size
    assert full_bytes > 20_000_000
    tidied(file, bounds_of(from_wall_s=NOON_S + 60.0 * 990))
    assert path.stat().st_size < full_bytes / 2
    assert len(ids(file)) == 10


def test_the_size_is_bounded_by_letting_the_oldest_go(file: TimelineFile, path: Path) -> None:
    """With visits without end the file stays within its size, and the newest are there."""
    bounds = bounds_of(size_bytes=4_000_000)
    for start in range(0, 1000, 50):
        file.write(visits(start, 50))
        tidied(file, bounds)
        assert path.stat().st_size <= bounds.size_bytes
        assert file.extent().size_bytes <= bounds.size_bytes
    kept = ids(file)
    assert kept == [f"visit-{number:05}" for number in range(999, 999 - len(kept), -1)]
    assert 100 < len(kept) < 200
    assert [file.read(counting(table)) for table in TABLES] == [len(kept)] * len(TABLES)


def test_looks_alone_are_bounded_too(file: TimelineFile) -> None:
    """A camera that only glances fills no disk either."""
    bounds = bounds_of(size_bytes=600_000)
    file.write(
        [looked(visit_id=None, at_s=number, note="x" * 300) for number in range(3000)]  # 1 MB
    )
    tidied(file, bounds)
    assert file.extent().size_bytes <= bounds.size_bytes
    assert 500 < file.read(counting("looks")) < 3000


def test_a_removed_camera_leaves_nothing(file: TimelineFile) -> None:
    """Its events, phases, looks and pictures go; the other camera's stay."""
    file.write([*visits(0, 250), *visits(1000, 5, camera="garden")])
    tidied(file, bounds_of(cameras=frozenset({"garden"})))
    assert ids(file, Query(cameras=(CAMERA,), from_wall_s=0, to_wall_s=9e9)) == []
    assert len(ids(file, Query(cameras=("garden",), from_wall_s=0, to_wall_s=9e9))) == 5
    assert [file.read(counting(table)) for table in TABLES] == [5] * len(TABLES)
