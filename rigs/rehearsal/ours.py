"""The product's narration in a rehearsal: real pipeline, real limiter, one process, one virtual clock."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, override

from custom_components.camera_narrator.pipeline.limiter import Limiter
from custom_components.camera_narrator.pipeline.looked import Looked
from custom_components.camera_narrator.pipeline.models import (
    CameraMemory,
    CameraSettings,
    Event,
    Failure,
    Frame,
    Narrative,
)
from custom_components.camera_narrator.pipeline.narration import run
from custom_components.camera_narrator.pipeline.outcomes import Outcomes
from custom_components.camera_narrator.pipeline.request import Usage
from custom_components.camera_narrator.pipeline.rule import RuleState
from custom_components.camera_narrator.pipeline.sink import Sink
from custom_components.camera_narrator.pipeline.source import CameraSource
from custom_components.camera_narrator.pipeline.terms import Terms
from custom_components.camera_narrator.pipeline.vocabulary import Look, Profile
from rigs.rehearsal.model import Model
from rigs.rehearsal.oracle import Asked, Oracle
from rigs.rehearsal.play import Play
from rigs.rehearsal.stand_in_bridge import StandInBridge
from rigs.rehearsal.virtual_time import VirtualClock

CONCURRENCY: Final = 2
"""As a new hub has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told[T]:
    """Something that was published, and when."""

    at_s: float
    what: T


@dataclass(slots=True, kw_only=True)
class Performance(Sink):
    """One camera's part of a rehearsal: the truth, what was published, and where the frames are."""

    play: Play
    events: list[Told[Event]] = field(default_factory=list)
    narratives: list[Told[Narrative]] = field(default_factory=list)
    failures: list[Told[Failure]] = field(default_factory=list)
    usage: list[Usage] = field(default_factory=list)
    received: list[float] = field(default_factory=list)
    """When each frame came."""
    sampled: int = 0
    outcomes: Outcomes = field(default_factory=Outcomes)
    memory: CameraMemory | None = None
    """What a restart would bring back."""

    @override
    def publish(self, event: Event) -> None:
        self.events.append(Told(at_s=_now_s(), what=event))

    @override
    def narrate(self, narrative: Narrative) -> None:
        self.narratives.append(Told(at_s=_now_s(), what=narrative))

    @override
    def fail(self, failure: Failure | None) -> None:
        if failure is not None:
            self.failures.append(Told(at_s=_now_s(), what=failure))

    @override
    def rules(self, states: Mapping[str, RuleState], fired: tuple[str, ...]) -> None:
        """No rule is watched here."""

    @override
    def watch(self, *, rate_fps: float, seconds: float) -> None:
        """The bridge sends what it sends."""

    @override
    def remember(self, memory: CameraMemory) -> None:
        self.memory = memory

    @override
    def looked(self, looked: Looked) -> None:
        """Nothing is kept here."""

    @override
    def account(self, look: Look, usage: Usage) -> None:
        self.usage.append(usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """Everything of one run."""

    performances: tuple[Performance, ...]
    asked: tuple[Asked, ...]
    """What the cameras asked, in order."""


async def perform(
    plays: Sequence[Play],
    model: Model,
    *,
    profile: Profile = Profile.BALANCED,
    labels: bool = True,
    concurrency: int = CONCURRENCY,
    size_px: tuple[int, int] = (854, 480),
) -> Rehearsal:
    """Narrate all plays at once, as the cameras of one hub."""
    clock, oracle = VirtualClock(), Oracle(model)
    limiter = Limiter(clock=clock, terms=Terms(concurrency=concurrency))
    performances: list[Performance] = []

    async def one(play: Play) -> None:
        key = f"camera_{play.camera}"
        settings = CameraSettings(title=f"Camera {play.camera}", profile=profile)
        source = CameraSource(camera=key, settings=settings, clock=clock)
        source.connect(epoch="1", reports_activity=True, active=False, detects=labels)
        performance = Performance(play=play)
        performances.append(performance)
        bridge = StandInBridge(play, key=key, labels=labels, size_px=size_px)

        def receive(frame: Frame) -> None:
            performance.received.append(_now_s())
            source.receive(frame)

        async with asyncio.TaskGroup() as group:
            narration = group.create_task(
                run(source, oracle, performance, limiter=limiter, clock=clock)
            )
            await bridge.run(receive, source.observe)
            await asyncio.sleep(max(0.0, play.seconds - _now_s()))
            performance.sampled, performance.outcomes = bridge.sampled, source.outcomes("1")
            narration.cancel()

    async with asyncio.TaskGroup() as group:
        for play in plays:
            group.create_task(one(play))
    return Rehearsal(performances=tuple(performances), asked=tuple(oracle.asked))


def _now_s() -> float:
    return asyncio.get_running_loop().time()
