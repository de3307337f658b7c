"""One camera under narration, and a bridge that behaves as the real one does, on a fake clock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from custom_components.camera_narrator.pipeline.backup import Backup
from custom_components.camera_narrator.pipeline.limiter import Limiter
from custom_components.camera_narrator.pipeline.models import (
    ActivityState,
    CameraMemory,
    CameraSettings,
    Detection,
    Region,
)
from custom_components.camera_narrator.pipeline.narration import run
from custom_components.camera_narrator.pipeline.outcomes import Outcomes
from custom_components.camera_narrator.pipeline.provider import Provider
from custom_components.camera_narrator.pipeline.rule import Rule
from custom_components.camera_narrator.pipeline.source import CameraSource
from custom_components.camera_narrator.pipeline.terms import Terms
from custom_components.camera_narrator.pipeline.vocabulary import Label, Look, Profile
from tests.pipeline.fakes import FakeClock, RecordingSink, ScriptedProvider, a_frame

REGION = Region(x=0.4, y=0.4, width=0.2, height=0.4)


@dataclass(kw_only=True)
class Scene:
    """What a test drives and reads."""

    clock: FakeClock
    source: CameraSource
    provider: ScriptedProvider
    sink: RecordingSink
    limiter: Limiter
    epoch: str = "epoch"
    sequence: int = 0
    active_since_s: float | None = None
    labels: tuple[Label, ...] = ()
    """What the bridge's detector tells."""
    sent: list[tuple[str, int]] = field(default_factory=list)

    @property
    def now_s(self) -> float:
        """Return the time."""
        return self.clock.monotonic()

    def send(
        self,
        *,
        active: bool | None = None,
        captured_s: float | None = None,
        replay: bool = False,
        preroll: bool = False,
        novelty: int = 10,
    ) -> None:
        """Send the next frame."""
        self.sequence += 1
        at_s = self.now_s if captured_s is None else captured_s
        frame = a_frame(
            self.sequence,
            at_s,
            epoch=self.epoch,
            active=self.active_since_s is not None if active is None else active,
            replay=replay,
            preroll=preroll,
            novelty=novelty,
            received_s=self.now_s,
        )
        self.source.receive(frame)
        self.sent.append(frame.identity)

    def state(
        self,
        *,
        active: bool,
        regions: tuple[Region, ...] = (REGION,),
        labels: tuple[Label, ...] | None = None,
    ) -> None:
        """Send the activity state; the labels of the last one hold while it is active."""
        if labels is not None:
            self.labels = labels
        if active and self.active_since_s is None:
            self.active_since_s = self.now_s
        self.source.observe(
            ActivityState(
                active=active,
                since_s=self.active_since_s
                if active and self.active_since_s is not None
                else self.now_s,
                received_s=self.now_s,
                regions=regions if active else (),
                detections=tuple(
                    Detection(label=label, score=0.8, box=REGION)
                    for label in (self.labels if active else ())
                ),
            )
        )
        if not active:
            self.active_since_s = None

    async def onset(self, *, preroll: int = 3) -> float:
        """Begin to move: state, pre-roll, onset frame; return the moment."""
        self.state(active=True)
        for index in range(preroll):
            self.send(active=False, captured_s=self.now_s - preroll + index, preroll=True)
        self.send(active=True)
        await self.clock.settle()
        return self.now_s

    async def active(self, seconds: int) -> None:
        """Stay active: a frame a second, two at first, the state every two."""
        for second in range(1, seconds + 1):
            if second <= 3:
                await self.clock.advance(0.5)
                self.send()
                await self.clock.advance(0.5)
            else:
                await self.clock.advance(1)
            if second % 2 == 0:
                self.state(active=True)
            self.send()
            await self.clock.settle()

    async def quiet(self, seconds: int, *, from_start: bool = True) -> None:
        """Fall quiet: six more frames a second, then one per ten."""
        if from_start:
            self.state(active=False)
        for second in range(1, seconds + 1):
            await self.clock.advance(1)
            if (from_start and second <= 6) or second % 10 == 0:
                self.send(active=False)
                await self.clock.settle()

    async def visit(self, seconds: int) -> float:
        """Let somebody come, stay and leave until the event has ended; return the onset."""
        onset_s = await self.onset()
        await self.active(seconds)
        await self.quiet(25)
        return onset_s

    def outcomes(self) -> Outcomes:
        """Return the counters of the present epoch."""
        return self.source.outcomes(self.epoch)

    def accepted(self) -> list[list[tuple[str, int]]]:
        """Return the pictures of each story request that was answered."""
        return [
            [frame.identity for frame in asked.chunk.frames]
            for asked in self.provider.asked
            if asked.accepted and asked.chunk.look is not Look.QUESTION
        ]


@asynccontextmanager
async def narrated(
    *,
    profile: Profile = Profile.BALANCED,
    heartbeats: bool = False,
    memory: CameraMemory | None = None,
    enabled: bool = True,
    connected: bool = True,
    reports_activity: bool = True,
    concurrency: int = 2,
    only_for: frozenset[Label] = frozenset(),
    rules: tuple[Rule, ...] = (),
    detects: bool = False,
    names: bool = True,
    clock: FakeClock | None = None,
    source: CameraSource | None = None,
    terms: Terms | None = None,
    understudy: Provider | None = None,
    fallback: Backup | None = None,
) -> AsyncIterator[Scene]:
    """Run the narration of one camera for the block."""
    if source is not None:
        clock = cast("FakeClock", source._clock)
        connected = False
    clock = clock or FakeClock()
    source = source or CameraSource(
        camera="door",
        settings=CameraSettings(
            title="Front door",
            profile=profile,
            enabled=enabled,
            only_for=only_for,
            rules=rules,
        ),
        clock=clock,
        memory=memory,
    )
    scene = Scene(
        clock=clock,
        source=source,
        provider=ScriptedProvider(clock, heartbeats=heartbeats, names=names),
        sink=RecordingSink(clock),
        limiter=Limiter(clock=clock, terms=terms or Terms(concurrency=concurrency)),
    )
    if connected:
        source.connect(
            epoch="epoch", reports_activity=reports_activity, active=False, detects=detects
        )
    task = asyncio.create_task(
        run(
            source,
            scene.provider,
            scene.sink,
            limiter=scene.limiter,
            clock=clock,
            understudy=understudy,
            fallback=fallback,
        )
    )
    await clock.settle()
    try:
        yield scene
        assert not task.done() or source.withdrawn, "the narration ended by itself"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
