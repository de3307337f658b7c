"""What the product is measured against: the plain design, and the one that sends clips. Small, honest programs."""

import asyncio
from base64 import b64encode
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from custom_components.camera_narrator.pipeline.models import Frame
from rigs.rehearsal.model import Model, Refused
from rigs.rehearsal.play import Play
from rigs.rehearsal.stand_in_bridge import WIRE_S, StandInBridge
from rigs.rehearsal.virtual_time import until

TIMER_S: Final = 5.0
FRAMES: Final = 5
"""Both as the plain design has them."""
CLIP_S: Final = 10.0
"""What recorders cut their clips to."""
UPLINK_BYTES_PER_S: Final = 1_250_000
"""10 Mbit/s, as many houses have."""
CLIP_BYTES_PER_S: Final = 500_000
"""A 4 Mbit/s stream, uploaded as it is."""
_SYSTEM: Final = "You watch a security camera. Describe what happens, given the story so far."


@dataclass(slots=True, kw_only=True)
class Answer:
    """One answer of the plain design, or the chunk that was lost instead."""

    number: int
    sent_s: float
    newest_captured_s: float
    frames: int
    answered_s: float | None = None
    text: str = ""
    had_the_last_answer: bool = False
    """Whether the text of the answer before stood in the request."""


@dataclass(slots=True, kw_only=True)
class PlainCamera:
    """A frame a second into an unbounded queue; every 5 s five of it, oldest first, as a task nobody waits for."""

    play: Play
    model: Model
    history_max: int | None = None
    """Sentences that go along; None for all, as the plain design has it."""
    size_px: tuple[int, int] = (854, 480)
    answers: list[Answer] = field(default_factory=list)
    received: list[float] = field(default_factory=list)
    """When each frame came."""
    queue: deque[Frame] = field(default_factory=deque)
    applied: list[int] = field(default_factory=list)
    """Numbers of the answers, in the order in which they joined the history."""

    async def run(self, pictures: Callable[[], Frame] | None = None) -> None:
        """Play everything to its end."""
        history: list[str] = []
        async with asyncio.TaskGroup() as group:
            receiver = group.create_task(self._receive(pictures))
            asking = asyncio.TaskGroup()
            async with asking:
                at_s = TIMER_S
                while at_s <= self.play.seconds:
                    await until(at_s)
                    if self.queue:
                        count = min(FRAMES, len(self.queue))
                        frames = [self.queue.popleft() for _ in range(count)]
                        asking.create_task(self._ask(frames, history))
                    at_s += TIMER_S
            receiver.cancel()

    async def _receive(self, pictures: Callable[[], Frame] | None) -> None:
        bridge = StandInBridge(self.play, key="plain", size_px=self.size_px)
        second = 1.0
        while True:
            await until(second + WIRE_S)
            self.queue.append(bridge.picture(second) if pictures is None else pictures())
            self.received.append(asyncio.get_running_loop().time())
            second += 1.0

    async def _ask(self, frames: list[Frame], history: list[str]) -> None:
        told = history if self.history_max is None else history[-self.history_max :]
        last = self.answers[-1] if self.answers else None
        answer = Answer(
            number=len(self.answers) + 1,
            sent_s=asyncio.get_running_loop().time(),
            newest_captured_s=frames[-1].captured_s,
            frames=len(frames),
            had_the_last_answer=last is None or last.answered_s is not None,
        )
        self.answers.append(answer)
        try:
            text = ""
            async for _, delta in self.model.complete(_body(frames, told)):
                text += delta
        except Refused:
            return  # the loose task ends, and its frames with it
        answer.answered_s, answer.text = asyncio.get_running_loop().time(), text
        history.append(text)
        self.applied.append(answer.number)


@dataclass(slots=True, kw_only=True)
class ClipCamera:
    """Records 10 s, uploads the file, waits for the answer, and only then takes the next clip."""

    play: Play
    model: Model
    size_px: tuple[int, int] = (854, 480)
    answers: list[Answer] = field(default_factory=list)
    uploads: int = 0
    """A connection each."""
    disk_bytes: int = 0
    received: list[float] = field(default_factory=list)

    async def run(self) -> None:
        """Play everything to its end."""
        bridge = StandInBridge(self.play, key="clip", size_px=self.size_px)
        loop = asyncio.get_running_loop()
        while loop.time() + CLIP_S < self.play.seconds:
            begun_s = loop.time()
            frames = []
            for second in range(1, int(CLIP_S) + 1):
                await until(begun_s + second)
                frames.append(bridge.picture(begun_s + second))
                self.received.append(loop.time())
            size_bytes = int(CLIP_S * CLIP_BYTES_PER_S)
            self.disk_bytes += size_bytes
            self.uploads += 1
            await asyncio.sleep(size_bytes / UPLINK_BYTES_PER_S)
            answer = Answer(
                number=self.uploads,
                sent_s=loop.time(),
                newest_captured_s=frames[-1].captured_s,
                frames=len(frames),
            )
            self.answers.append(answer)
            try:
                async for _, delta in self.model.complete(_body(frames, [])):
                    answer.text += delta
            except Refused:
                continue
            answer.answered_s = loop.time()


def _body(frames: list[Frame], history: list[str]) -> dict[str, Any]:
    pictures = [
        {
            "type": "image_url",
            "image_url": {"url": f"data:image/jpeg;base64,{b64encode(frame.jpeg).decode()}"},
        }
        for frame in frames
    ]
    story = "The story so far:\n" + "\n".join(history)
    return {
        "model": "oracle",
        "messages": [
            {"role": "system", "content": _SYSTEM},
            {"role": "user", "content": [{"type": "text", "text": story}, *pictures]},
        ],
    }
