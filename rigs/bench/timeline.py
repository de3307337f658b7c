"""How long the timeline takes for a write and for a day, once 120 000 events are in it."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import batched
from pathlib import Path
import random
from tempfile import TemporaryDirectory
import time
from typing import Final

from custom_components.camera_narrator import timeline_reading
from custom_components.camera_narrator.pipeline.looked import Looked
from custom_components.camera_narrator.pipeline.models import Event, Span
from custom_components.camera_narrator.pipeline.request import Usage
from custom_components.camera_narrator.pipeline.vocabulary import Label, Look, Phase
from custom_components.camera_narrator.timeline_file import TimelineFile
from custom_components.camera_narrator.timeline_json import event_json
from custom_components.camera_narrator.timeline_record import (
    LookRecord,
    PhaseRecord,
    PictureRecord,
    Query,
    Record,
)
from rigs.bench.figure import Figure, percentile

EVENTS: Final = 120_000
_CAMERAS: Final = tuple(f"camera-{number:02}" for number in range(12))
_VISITS_A_DAY: Final = 30
_DAY_S: Final = 86_400.0
_FROM_S: Final = 1_790_000_000.0
_PICTURE_BYTES: Final = 40_000
_AT_A_TIME: Final = 2_000
_WORDS: Final = "A person in a dark jacket comes up the path, rings the bell, waits and leaves towards the street."


def measure(*, quick: bool, say: Callable[[str], None], events: int = EVENTS) -> list[Figure]:
    """Return both figures, of a file on the disk where temporary files are."""
    rounds = 100 if quick else 1000
    with TemporaryDirectory() as folder:
        file = TimelineFile(Path(folder) / "timeline" / "hub.db")
        file.open()
        say(f"{events} events of {events / len(_CAMERAS) / _VISITS_A_DAY:.0f} days")
        for some in batched(range(events), _AT_A_TIME, strict=False):
            file.write([record for number in some for record in _visit(number)])
        file.settle()
        say(f"{rounds} writes, {rounds} days read")
        writes_ms = list(_write(file, events, rounds))
        reads_ms = list(_read(file, events, rounds))
        file.close()
    about = f"{events} events with 4 phases and 3 looks each in the file"
    return [
        Figure(
            name="timeline.write_ms_120k.p95",
            value=percentile(writes_ms, 0.95),
            n=len(writes_ms),
            how=f"{about}; one commit with a phase, a look and a picture of 40 kB",
        ),
        Figure(
            name="timeline.read_day_ms.p95",
            value=percentile(reads_ms, 0.95),
            n=len(reads_ms),
            how=f"{about}; all events of a random day of 12 cameras, as JSON",
        ),
    ]


def _write(file: TimelineFile, first: int, rounds: int) -> Iterator[float]:
    jpeg = random.Random(1).randbytes(_PICTURE_BYTES)
    for number in range(first, first + rounds):
        phase, *_ = _visit(number)
        records = (phase, _look(number, 0), _picture(number, jpeg))
        begun_s = time.perf_counter()
        file.write(records)
        yield (time.perf_counter() - begun_s) * 1000


def _read(file: TimelineFile, events: int, rounds: int) -> Iterator[float]:
    days = max(1, int(events / len(_CAMERAS) / _VISITS_A_DAY))
    chance = random.Random(2)
    for _ in range(rounds):
        from_s = _FROM_S + chance.randrange(days) * _DAY_S
        query = Query(cameras=_CAMERAS, from_wall_s=from_s, to_wall_s=from_s + _DAY_S, limit=1000)
        begun_s = time.perf_counter()
        found = file.read(partial(timeline_reading.events, query=query))
        told = [event_json(one, camera="key", view="view", details=False) for one in found]
        yield (time.perf_counter() - begun_s) * 1000
        expected = len(_CAMERAS) * _VISITS_A_DAY
        if events >= expected and len(told) < expected:
            raise ValueError(f"a day holds {len(told)} events instead of {expected}")


def _visit(number: int) -> list[Record]:
    begun_s = _begun_s(number)
    records: list[Record] = []
    for at_s, phase, words in (
        (1.0, Phase.STARTED, None),
        (3.0, Phase.UPDATED, _WORDS[:60]),
        (9.0, Phase.UPDATED, _WORDS),
        (40.0, Phase.ENDED, _WORDS),
    ):
        event = Event(
            id=f"{number:032x}",
            camera="key",
            phase=phase,
            span=_span(begun_s, at_s),
            labels=frozenset({Label.PERSON}) if words else frozenset(),
            narrative=words,
            frames=5,
            provider="a-model",
        )
        record = PhaseRecord(camera=_camera(number), at_wall_s=begun_s + at_s, event=event)
        records.append(record)
    return [*records, *(_look(number, index) for index in range(3))]


def _look(number: int, index: int) -> LookRecord:
    begun_s = _begun_s(number)
    looked = Looked(
        look=(Look.ONSET, Look.SCHEDULE, Look.CLOSING)[index],
        span=_span(begun_s, 4.0 * index + 1),
        frames=5,
        answered_wall_s=begun_s + 4.0 * index + 3,
        provider="a-model",
        visit_id=f"{number:032x}",
        labels=frozenset({Label.PERSON}),
        narrative=_WORDS,
        note=_WORDS,
        usage=Usage(input_tokens=1800, output_tokens=60),
    )
    return LookRecord(camera=_camera(number), looked=looked)


def _picture(number: int, jpeg: bytes) -> PictureRecord:
    return PictureRecord(
        camera=_camera(number),
        event_id=f"{number:032x}",
        taken_wall_s=_begun_s(number),
        width=854,
        height=480,
        jpeg=jpeg,
    )


def _camera(number: int) -> str:
    return _CAMERAS[number % len(_CAMERAS)]


def _begun_s(number: int) -> float:
    """Return when a visit began: those of a day evenly over it."""
    return _FROM_S + number * _DAY_S / (len(_CAMERAS) * _VISITS_A_DAY)


def _span(begun_s: float, seconds: float) -> Span:
    return Span(
        from_s=begun_s, to_s=begun_s + seconds, from_wall_s=begun_s, to_wall_s=begun_s + seconds
    )
