"""The file of a timeline: what it holds and what is found in it."""

from pathlib import Path

from custom_components.camera_narrator import timeline_reading
from custom_components.camera_narrator.pipeline.vocabulary import (
    EndReason,
    Label,
    Look,
    Origin,
    Phase,
    ThreatLevel,
    Verdict,
)
from custom_components.camera_narrator.timeline_file import TimelineFile
from custom_components.camera_narrator.timeline_record import (
    PastEvent,
    PastLook,
    PastNote,
    PastPhase,
    Query,
)
from tests.integration.house import CAMERA, NOON_S, event, looked, span
from tests.integration.timeline.past import (
    EVER,
    events,
    ids,
    pictured,
    told,
    visits,
)


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
