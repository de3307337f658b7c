"""Does for one rehearsed camera what the bridge does: rate by activity, pre-roll, states and labels, in virtual time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
import heapq
from typing import Final

from custom_components.camera_narrator.pipeline.models import (
    ActivityState,
    Detection,
    Frame,
    Region,
)
from custom_components.camera_narrator.pipeline.vocabulary import Label
from rigs.picture_code import Cast, Code
from rigs.rehearsal import easel
from rigs.rehearsal.play import NOBODY, Play, Visit
from rigs.rehearsal.virtual_time import WALL_S, until

NOTICE_S: Final = 0.3
"""From the first picture that shows a change to the state that says so: what the edge benchmark has at the worst."""
WIRE_S: Final = 0.05
_QUIET_EVERY_S: Final = 10.0
_PREROLL_S: Final = (3.0, 2.0, 1.0)
_DENSE_S: Final = 3.0
_AFTER_S: Final = 6.0
_REPEAT_S: Final = 2.0


@dataclass(frozen=True, slots=True, order=True)
class _Step:
    at_s: float
    rank: int
    """States go before frames of the same moment."""
    captured_s: float
    frame: bool
    active: bool
    preroll: bool = False
    since_s: float = 0.0


class StandInBridge:
    """Plays one camera into whatever takes frames and states."""

    def __init__(
        self, play: Play, *, key: str, labels: bool = True, size_px: tuple[int, int] = (854, 480)
    ) -> None:
        """Without `labels` it has no detector."""
        self.sampled = 0
        self._play = play
        self._key = key
        self._labels = labels
        self._size_px = size_px

    def picture(self, at_s: float) -> Frame:
        """Return the picture of a moment, for those who ask for no activity."""
        return self._frame(_Step(at_s, 1, at_s, frame=True, active=False), novelty=10)

    async def run(
        self, receive: Callable[[Frame], None], observe: Callable[[ActivityState], None]
    ) -> None:
        """Play everything to its end."""
        last_cast = NOBODY
        for step in _steps(self._play):
            await until(step.at_s)
            if step.frame:
                cast = self._cast_at(step.captured_s)
                receive(self._frame(step, novelty=120 if cast != last_cast else 10))
                last_cast = cast
            else:
                observe(self._state(step))

    def _cast_at(self, at_s: float) -> Cast:
        visit = self._play.visit_at(at_s)
        return NOBODY if visit is None else visit.cast_at(at_s)

    def _frame(self, step: _Step, *, novelty: int) -> Frame:
        self.sampled += 1
        width_px, height_px = self._size_px
        at_s = step.captured_s
        code = Code(
            camera=self._play.camera,
            epoch=1,
            sequence=self.sampled,
            captured_ms=round((at_s + WALL_S) * 1000),
            visit=self._play.last_before(at_s),
            active=self._play.visit_at(at_s) is not None,
            cast=self._cast_at(at_s),
        )
        return Frame(
            camera=self._key,
            epoch="1",
            sequence=self.sampled,
            captured_s=at_s,
            captured_wall_s=at_s + WALL_S,
            received_s=step.at_s,
            width=width_px,
            height=height_px,
            active=step.active,
            preroll=step.preroll,
            activity=60 if step.active else 0,
            novelty=novelty,
            jpeg=easel.paint(code, width_px=width_px, height_px=height_px),
        )

    def _state(self, step: _Step) -> ActivityState:
        cast = self._cast_at(step.captured_s) if step.active else NOBODY
        movers = max(1, cast.persons + cast.vehicles + cast.animals) if step.active else 0
        boxes = [
            Region(x=0.05 + 0.24 * place, y=0.4, width=0.1, height=0.4) for place in range(movers)
        ]
        named = sorted(cast.labels) if self._labels else []
        return ActivityState(
            active=step.active,
            since_s=step.since_s,
            received_s=step.at_s,
            score=0.5 if step.active else 0.0,
            regions=tuple(boxes[:4]),
            detections=tuple(
                Detection(label=Label(name), score=0.8, box=boxes[0]) for name in named
            ),
        )


def _steps(play: Play) -> Iterator[_Step]:
    return heapq.merge(_quiet_steps(play), *(list(_visit_steps(visit)) for visit in play.visits))


def _quiet_steps(play: Play) -> Iterator[_Step]:
    count = int(play.seconds / _QUIET_EVERY_S)
    for index in range(1, count + 1):
        at_s = index * _QUIET_EVERY_S
        near = any(
            visit.from_s - 1 <= at_s <= visit.to_s + _AFTER_S + 2
            for visit in (play.visit_at(at_s), play.visit_at(at_s + 1), play.visit_at(at_s - 8))
            if visit is not None
        )
        if not near:
            yield _Step(at_s + WIRE_S, 1, at_s, frame=True, active=False)


def _visit_steps(visit: Visit) -> Iterator[_Step]:
    told_s = visit.from_s + NOTICE_S
    steps = [_Step(told_s, 0, told_s, frame=False, active=True, since_s=visit.from_s)]
    steps += [
        _Step(told_s, 1, visit.from_s - ago_s, frame=True, active=False, preroll=True)
        for ago_s in _PREROLL_S
    ]
    at_s = told_s
    while at_s < visit.to_s:
        steps.append(_Step(at_s + WIRE_S, 1, at_s, frame=True, active=True))
        at_s += 0.5 if at_s - told_s < _DENSE_S else 1.0
    # The state comes again every two seconds, and at once when what moves has changed.
    moments = {told_s + _REPEAT_S * n for n in range(1, int((visit.to_s - told_s) / _REPEAT_S) + 1)}
    moments |= {visit.from_s + since_s + NOTICE_S for since_s, _ in visit.scenes[1:]}
    steps += [
        _Step(moment, 0, moment, frame=False, active=True, since_s=visit.from_s)
        for moment in moments
        if moment < visit.to_s
    ]
    over_s = visit.to_s + NOTICE_S
    steps.append(_Step(over_s, 0, over_s, frame=False, active=False, since_s=visit.to_s))
    steps += [
        _Step(over_s + n + WIRE_S, 1, over_s + n, frame=True, active=False)
        for n in range(int(_AFTER_S) + 1)
    ]
    yield from sorted(steps)
