"""A clock that tests move, a provider that follows a script, and a sink that writes down what it gets."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
import heapq
from itertools import count
from typing import override

from custom_components.camera_narrator.pipeline.clock import Clock
from custom_components.camera_narrator.pipeline.looked import Looked
from custom_components.camera_narrator.pipeline.models import (
    CameraMemory,
    Event,
    Failure,
    Frame,
    Narrative,
)
from custom_components.camera_narrator.pipeline.narration import Sink
from custom_components.camera_narrator.pipeline.provider import Provider
from custom_components.camera_narrator.pipeline.request import Analysis, Chunk, Partial, Usage
from custom_components.camera_narrator.pipeline.rule import RuleAnswer, RuleState
from custom_components.camera_narrator.pipeline.vocabulary import Label, Look, Phase

WALL_S = 1_700_000_000.0


class FakeClock(Clock):
    """Time stands still until a test advances it; timers then fire in order, and all work they cause is done."""

    def __init__(self, start_s: float = 1000.0) -> None:
        self._s = start_s
        self._wall_offset_s = WALL_S - start_s
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._cancelled: set[int] = set()

    @override
    def monotonic(self) -> float:
        return self._s

    @override
    def wall(self) -> float:
        return self._s + self._wall_offset_s

    @override
    def call_at(self, when_s: float, callback: Callable[[], None]) -> Callable[[], None]:
        number = next(self._numbers)
        heapq.heappush(self._timers, (when_s, number, callback))
        return lambda: self._cancelled.add(number)

    async def advance(self, seconds: float) -> None:
        """Let time pass, stopping at each timer on the way."""
        await self.advance_to(self._s + seconds)

    async def advance_to(self, until_s: float) -> None:
        """Let time pass up to a moment."""
        await self.settle()
        while self._timers and self._timers[0][0] <= until_s:
            when_s, number, callback = heapq.heappop(self._timers)
            if number in self._cancelled:
                self._cancelled.discard(number)
                continue
            self._s = max(self._s, when_s)
            callback()
            await self.settle()
        self._s = max(self._s, until_s)
        await self.settle()

    async def settle(self) -> None:
        """Let everything run that can run now; fail where that never ends."""
        loop = asyncio.get_running_loop()
        for _ in range(10_000):
            await asyncio.sleep(0)
            timers = self._timers
            due = [
                timer for timer in timers if timer[0] <= self._s and timer[1] not in self._cancelled
            ]
            for timer in sorted(due):
                timers.remove(timer)
                timer[2]()
            heapq.heapify(timers)
            if not loop._ready and not due:
                return
        raise AssertionError("the loop never comes to rest: something polls")


def saying(
    text: str = "A person walks by.",
    *,
    subject: bool | None = True,
    changed: bool = True,
    labels: frozenset[Label] = frozenset(),
    visible_text: str = "",
    rules: Mapping[str, RuleAnswer] | None = None,
    sign: bool = False,
) -> Analysis:
    """Return an answer."""
    return Analysis(
        changed=changed,
        narrative=text if changed else "",
        subject=subject,
        labels=labels,
        visible_text=visible_text,
        rules=rules or {},
        sign=sign,
    )


@dataclass(kw_only=True)
class Step:
    """What the provider does with one request: wait, then answer or fail."""

    seconds: float = 0.0
    answer: Analysis | None = None
    error: Exception | None = None
    unfinished: bool = False
    begins: tuple[tuple[float, Partial], ...] = ()
    """What of the answer comes before it is complete, each after some more seconds."""
    usage: Usage = field(default_factory=lambda: Usage(input_tokens=100, output_tokens=20))


@dataclass(kw_only=True)
class Asked:
    """One request as the provider saw it."""

    at_s: float
    chunk: Chunk
    ended_s: float | None = None
    cancelled: bool = False
    accepted: bool = False


class ScriptedProvider(Provider):
    """Follows its steps one by one, then answers with numbered sentences at once."""

    def __init__(self, clock: FakeClock, *, heartbeats: bool = False, names: bool = True) -> None:
        self._clock = clock
        self._heartbeats = heartbeats
        self._names = names
        self.steps: list[Step] = []
        self.default = Step(seconds=1.2)
        self.of_look: dict[Look, Step] = {}
        """What a look gets whatever the steps are."""
        self.asked: list[Asked] = []

    @property
    @override
    def name(self) -> str:
        return "scripted"

    @property
    @override
    def heartbeats(self) -> bool:
        return self._heartbeats

    @property
    @override
    def names_subjects(self) -> bool:
        return self._names

    @override
    async def analyse(self, chunk: Chunk) -> AsyncIterator[Partial]:
        asked = Asked(at_s=self._clock.monotonic(), chunk=chunk)
        self.asked.append(asked)
        step = self.of_look.get(chunk.look)
        if step is None:
            step = self.steps.pop(0) if self.steps else self.default
        number = len(self.asked)
        yield Partial(fields={})
        try:
            for seconds, partial in step.begins:
                await self._pass(seconds)
                yield partial
            await self._pass(step.seconds)
        except asyncio.CancelledError:
            asked.cancelled = True
            raise
        asked.ended_s = self._clock.monotonic()
        if step.error is not None:
            raise step.error
        if step.unfinished:
            return
        asked.accepted = True
        answer = step.answer or saying(f"Sentence {number}.")
        yield Partial(fields={}, analysis=answer, usage=step.usage)

    async def _pass(self, seconds: float) -> None:
        if seconds:
            waited = asyncio.Event()
            self._clock.call_at(self._clock.monotonic() + seconds, waited.set)
            await waited.wait()

    @property
    def looks(self) -> list[Look]:
        """Return why each request was made, in order."""
        return [asked.chunk.look for asked in self.asked]

    def times(self, since_s: float) -> list[float]:
        """Return when each request was made, relative to a moment."""
        return [round(asked.at_s - since_s, 3) for asked in self.asked]


class RecordingSink(Sink):
    """Keeps everything."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.events: list[Event] = []
        self.event_times: list[float] = []
        self.narratives: list[Narrative] = []
        self.failures: list[Failure | None] = []
        self.memory = CameraMemory()
        self.rule_states: dict[str, RuleState] = {}
        self.fired: list[str] = []
        self.watched: list[tuple[float, float]] = []
        self.looks: list[Looked] = []
        self.requests: list[tuple[Look, Usage]] = []

    @override
    def publish(self, event: Event) -> None:
        self.events.append(event)
        self.event_times.append(self._clock.monotonic())

    @override
    def narrate(self, narrative: Narrative) -> None:
        self.narratives.append(narrative)

    @override
    def fail(self, failure: Failure | None) -> None:
        self.failures.append(failure)

    @override
    def rules(self, states: Mapping[str, RuleState], fired: tuple[str, ...]) -> None:
        self.rule_states = dict(states)
        self.fired += fired

    @override
    def watch(self, *, rate_fps: float, seconds: float) -> None:
        self.watched.append((rate_fps, seconds))

    @override
    def remember(self, memory: CameraMemory) -> None:
        self.memory = memory

    @override
    def looked(self, looked: Looked) -> None:
        self.looks.append(looked)

    @override
    def account(self, look: Look, usage: Usage) -> None:
        self.requests.append((look, usage))

    @property
    def phases(self) -> list[Phase]:
        """Return the phases published, in order."""
        return [event.phase for event in self.events]


def a_frame(
    sequence: int,
    captured_s: float,
    *,
    epoch: str = "epoch",
    active: bool = False,
    replay: bool = False,
    preroll: bool = False,
    novelty: int = 10,
    received_s: float | None = None,
    size_bytes: int = 100,
) -> Frame:
    """Return a frame whose bytes name it."""
    jpeg = f"{epoch}/{sequence}".encode().ljust(size_bytes, b".")
    return Frame(
        camera="door",
        epoch=epoch,
        sequence=sequence,
        captured_s=captured_s,
        captured_wall_s=captured_s + WALL_S - 1000.0,
        received_s=captured_s if received_s is None else received_s,
        width=854,
        height=480,
        active=active,
        replay=replay,
        preroll=preroll,
        novelty=novelty,
        jpeg=jpeg,
    )
