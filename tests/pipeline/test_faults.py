"""Whatever goes wrong, every frame ends in exactly one counter and no picture is told twice."""

import asyncio
from collections import Counter
from dataclasses import replace
from itertools import pairwise
import random

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.camera_narrator.pipeline.errors import Fault, NarratorError, ProviderError
from custom_components.camera_narrator.pipeline.outcomes import Outcomes
from custom_components.camera_narrator.pipeline.vocabulary import Label, Look, Phase, Profile
from tests.pipeline.fakes import Step, a_frame, saying
from tests.pipeline.scene import Scene, narrated

ERRORS = [
    None,
    None,
    None,
    ProviderError(Fault.RATE_LIMITED, "later", retryable=True, retry_after_s=20.0),
    ProviderError(Fault.UNREACHABLE, "away", retryable=True),
    ProviderError(Fault.TIMEOUT, "slow", retryable=True),
    ProviderError(Fault.UNAUTHORIZED, "no", retryable=False),
    RuntimeError("defect"),
]

ONLY_FOR = frozenset({Label.PERSON})


class Chaos:
    """A bridge, a provider and a user without any discipline, driven by a seed."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self.scene = scene
        self.random = random.Random(seed)  # noqa: S311 - a test's dice
        self.received: Counter[str] = Counter()
        self.duplicates: Counter[str] = Counter()
        self.away: list[float] = []
        self.linked = True
        self.epoch = 0
        self.asking: list[asyncio.Task[object]] = []

    async def act(self) -> None:
        """Do one thing of many."""
        scene, dice = self.scene, self.random
        action = dice.choices(
            [
                self.frame,
                self.state,
                self.link,
                self.duplicate,
                self.reject,
                self.settings,
                self.ask,
                self.die,
            ],
            weights=[60, 14, 5, 4, 2, 2, 3, 1],
        )[0]
        action()
        scene.provider.default = Step(
            seconds=dice.choice([0, 0.5, 2, 8, 40]),
            error=dice.choice(ERRORS),
            unfinished=dice.random() < 0.05,
            answer=saying(
                f"Words {dice.random()}",
                subject=dice.choice([True, False, None]),
                changed=dice.random() < 0.8,
                labels=self.labels(),
            ),
        )
        await scene.clock.advance(dice.choice([0, 0.1, 0.5, 0.5, 1, 1, 3, 12]))
        self.check()

    def frame(self) -> None:
        """Send a frame, or keep it for the replay while the link is down."""
        if self.linked:
            early = self.random.choice([0, 0, 0, 2.5])
            self.scene.send(
                active=self.scene.active_since_s is not None and not early,
                captured_s=self.scene.now_s - early,
                novelty=self.random.randrange(256),
            )
            self.received[self.scene.epoch] += 1
        else:
            self.away.append(self.scene.now_s)

    def state(self) -> None:
        """Change or repeat the activity."""
        active = self.scene.active_since_s is not None
        if self.linked:
            self.scene.state(
                active=active is (self.random.random() < 0.6), labels=tuple(self.labels())
            )

    def labels(self) -> frozenset[Label]:
        """Name nothing most of the time."""
        return frozenset(label for label in Label if self.random.random() < 0.15)

    def link(self) -> None:
        """Lose the link, or come back and replay."""
        scene = self.scene
        if self.linked:
            scene.source.disconnect()
        else:
            scene.source.connect(
                epoch=scene.epoch,
                reports_activity=True,
                active=scene.active_since_s is not None,
                detects=self.random.random() < 0.5,
            )
            for captured_s in self.away:
                scene.send(active=self.random.random() < 0.6, captured_s=captured_s, replay=True)
                self.received[scene.epoch] += 1
            self.away.clear()
            if self.random.random() < 0.7:
                scene.source.replayed()
        self.linked = not self.linked

    def duplicate(self) -> None:
        """Send a frame again whose acknowledgement was lost."""
        if self.scene.sent and self.linked:
            epoch, sequence = self.random.choice(self.scene.sent[-40:])
            self.scene.source.receive(a_frame(sequence, self.scene.now_s, epoch=epoch, replay=True))
            self.duplicates[epoch] += 1

    def reject(self) -> None:
        """Send something malformed."""
        self.scene.source.reject(self.scene.epoch)
        self.received[self.scene.epoch] += 1

    def settings(self) -> None:
        """Let the user change their mind."""
        source = self.scene.source
        source.change(
            replace(
                source.settings,
                enabled=self.random.random() < 0.7,
                profile=self.random.choice(list(Profile)),
                frames_per_chunk=self.random.choice([1, 3, 5]),
                only_for=self.random.choice([frozenset(), self.labels(), ONLY_FOR]),
            )
        )

    def ask(self) -> None:
        """Let the user ask."""
        self.asking.append(asyncio.ensure_future(self.scene.source.ask("What now?")))

    def die(self) -> None:
        """Let the bridge start anew, with nothing kept."""
        self.epoch += 1
        self.scene.epoch = f"epoch {self.epoch}"
        self.away.clear()
        self.linked = True
        self.scene.source.connect(epoch=self.scene.epoch, reports_activity=True, active=False)

    def check(self) -> None:
        """Hold the sum, in every epoch, at every moment."""
        for epoch in {identity[0] for identity in self.scene.sent} | {self.scene.epoch}:
            outcomes = self.scene.source.outcomes(epoch)
            assert outcomes.received == self.received[epoch]
            assert outcomes.duplicates == self.duplicates[epoch]
            assert outcomes.received == outcomes.settled + outcomes.buffered + outcomes.in_flight
            assert self.scene.source.settled(epoch) == outcomes.settled
            assert min(outcomes.buffered, outcomes.in_flight) >= 0
            assert outcomes.in_flight <= 10
        assert self.scene.source.buffer.size_bytes <= 6 * 2**20

    def check_story(self) -> None:
        """Hold what must be true of all requests and events."""
        scene = self.scene
        shown = Counter(picture for pictures in scene.accepted() for picture in pictures)
        assert not [picture for picture, times in shown.items() if times > 1]
        analysed = sum(scene.source.outcomes(epoch).analysed for epoch in self.received)
        assert analysed == sum(shown.values())
        story = [a for a in scene.provider.asked if a.accepted and a.chunk.look.story]
        live = [asked.chunk.span for asked in story if asked.chunk.look is not Look.CATCH_UP]
        for before, after in pairwise(live):
            assert after.from_s > before.to_s, "the story is told in order"
        open_ids: set[str] = set()
        ended_ids: set[str] = set()
        for event in scene.sink.events:
            match event.phase:
                case Phase.STARTED:
                    assert event.id not in open_ids | ended_ids, "an event starts once"
                    open_ids.add(event.id)
                    assert len(open_ids) == 1 or event.id < min(open_ids - {event.id}), (
                        "one event at a time, and one that got its name after its end"
                    )
                case Phase.ENDED if not event.late:
                    open_ids.remove(event.id)
                    ended_ids.add(event.id)
                case Phase.UPDATED:
                    assert (event.id in open_ids) is not event.closed

    def check_rest(self) -> None:
        """Hold that nothing is left when everything is over."""
        for epoch in self.received:
            outcomes = self.scene.source.outcomes(epoch)
            assert (outcomes.buffered, outcomes.in_flight) == (0, 0)


async def live_through(seed: int, *, steps: int, withdrawn: bool) -> list[Outcomes]:
    """Run a random life, check it all the way, and return what each epoch came to."""
    dice = random.Random(seed)  # noqa: S311 - a test's dice
    async with narrated(
        profile=dice.choice(list(Profile)),
        only_for=dice.choice([frozenset(), ONLY_FOR]),
        detects=dice.random() < 0.5,
        names=dice.random() < 0.7,
        heartbeats=dice.random() < 0.5,
        concurrency=dice.choice([1, 2]),
    ) as scene:
        chaos = Chaos(scene, seed)
        for _ in range(steps):
            await chaos.act()
        if withdrawn:
            scene.source.withdraw()
            await scene.clock.settle()
        else:
            scene.source.replayed()
            scene.provider.default = Step()
            await scene.clock.advance(900)
        chaos.check()
        chaos.check_story()
        chaos.check_rest()
        results = await asyncio.gather(*chaos.asking, return_exceptions=True)
        assert all(
            isinstance(r, NarratorError) or not isinstance(r, BaseException) for r in results
        )
        return [scene.source.outcomes(epoch) for epoch in chaos.received]


@given(seed=st.integers(min_value=0, max_value=2**32), withdrawn=st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_sum_holds_over_faults(seed: int, *, withdrawn: bool) -> None:
    """A hundred random acts of bridge, link, provider and user; the sum after each, nothing left at the end."""
    ends = asyncio.run(live_through(seed, steps=100, withdrawn=withdrawn))
    assert [end.settled for end in ends] == [end.received for end in ends]


@pytest.mark.parametrize("seed", range(3))
async def test_the_sum_holds_over_a_long_life(seed: int) -> None:
    """A thousand acts at a stretch, over many epochs: some pictures are told, some are lost, none is forgotten."""
    ends = await live_through(seed, steps=1000, withdrawn=False)
    assert len(ends) > 1
    assert 0 < sum(end.analysed for end in ends) < sum(end.received for end in ends)
    assert [end.settled for end in ends] == [end.received for end in ends]
