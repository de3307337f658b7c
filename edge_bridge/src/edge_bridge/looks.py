"""The detector at work: one thread for all cameras, behind everything else.

It is given pictures of active cameras and answers when it has looked; nobody waits for it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
import logging
import os
from pathlib import Path
import sys
import threading
import time
from typing import Any

from av.video.frame import VideoFrame

from .detector_model import problem
from .encoder import Encoder
from .labels import Labeller
from .look_queue import Allowance, Eye, LookQueue
from .protocol.area import Detection, Polygon, Region

_LOGGER = logging.getLogger(__name__)

SHARE = 0.1
"""Of all cores: eleven looks a second on two of them. Decoding and sending need the rest more."""
FAILURES = 3
"""One picture may be one that nobody can scale; so many in a row are the detector's own fault."""
NICENESS = 5
"""The thread gives way to those that decode."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A picture to look at, and what moved in it."""

    frame: VideoFrame = field(repr=False)
    captured_us: int
    regions: tuple[Region, ...]
    focus: tuple[Region, ...]
    """What must be in view: the regions, and what was seen the last time."""
    masks: tuple[Polygon, ...]
    tell: Callable[[Seen], None] = field(repr=False)
    """Called on the detector's thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a look found."""

    detections: tuple[Detection, ...]
    regions: tuple[Region, ...]
    captured_us: int


def looks_with(model: Path | None, encoder: Encoder) -> Looks:
    """Return the detector with the model of this file, if it can be; say once in the log whether it is in use."""
    reason = "it is turned off" if model is None else problem(model)
    if model is None or reason is not None:
        _LOGGER.info("Detector: not in use, %s", reason)
        return Looks(None, problem=reason)
    _LOGGER.info("Detector: in use")
    return Looks(Labeller(encoder, model))


class Looks:
    """Takes pictures from the cameras' threads and looks at what the processor has time for."""

    def __init__(self, labeller: Labeller | None, *, problem: str | None = None) -> None:
        """Start without a thread, which the first picture starts; without a labeller, with the reason why."""
        self._labeller = labeller
        self._queue: LookQueue[Look] = LookQueue()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._ended = labeller is None
        self._cores = SHARE * (os.process_cpu_count() or 1)
        self.problem = problem
        """Why nobody looks."""
        self.broke: Callable[[], None] = lambda: None
        """Called on the detector's thread when it breaks down for good."""
        self._count = 0
        self._cpu_s = 0.0

    def status(self) -> dict[str, Any]:
        """Return how it fares: its problem, or its looks, those there was no time for, and what one costs."""
        if self.problem is not None:
            return {"problem": self.problem}
        with self._changed:
            return {
                "problem": None,
                "looks": self._count,
                "skipped": self._queue.skipped,
                "look_ms": round(1000 * self._cpu_s / max(1, self._count), 1),
            }

    def due(self, eye: Eye, captured_us: int) -> bool:
        """Return whether a camera's picture captured then is worth an offer; for the camera's own thread."""
        return not self._ended and eye.due(captured_us)

    def offer(self, eye: Eye, look: Look) -> None:
        """Leave a picture; returns at once."""
        with self._changed:
            if self._ended:
                return
            self._queue.offer(eye, look, look.captured_us)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="detector", daemon=True)
                self._thread.start()
            self._changed.notify()

    def forget(self, eye: Eye) -> None:
        """Take note that a camera is gone."""
        with self._changed:
            self._queue.forget(eye)

    def stop(self) -> None:
        """Look at nothing more; a look that is on its way ends within 0.1 s."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def join(self, until_s: float) -> None:
        """Wait for the thread's end, no longer than until then by the monotonic clock."""
        if self._thread is not None:
            self._thread.join(max(0.0, until_s - time.monotonic()))

    def _run(self) -> None:
        if sys.platform == "linux":
            # There, the number of a thread is good for a process's.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        allowance = Allowance(self._cores, time.monotonic())
        failures = 0
        while self._labeller is not None and (look := self._next(allowance)) is not None:
            began_s = time.thread_time()
            try:
                detections = self._labeller.detect(look.frame, masks=look.masks, focus=look.focus)
            except Exception as error:
                failures += 1
                _LOGGER.exception("Detector: a look failed")
                if failures == FAILURES:
                    self._give_up(f"it broke down: {type(error).__name__}")
            else:
                failures = 0
                self._account(time.thread_time() - began_s)
                look.tell(
                    Seen(detections=detections, regions=look.regions, captured_us=look.captured_us)
                )
            allowance.spend(time.thread_time() - began_s)
            # Not kept while there is nothing to do: its memory is the decoder's.
            del look

    def _account(self, cpu_s: float) -> None:
        with self._changed:
            self._count += 1
            self._cpu_s += cpu_s

    def _give_up(self, problem: str) -> None:
        _LOGGER.error("Detector: no longer in use, %s", problem)
        with self._changed:
            self.problem = problem
            self._ended = True
        self.broke()

    def _next(self, allowance: Allowance) -> Look | None:
        with self._changed:
            while not self._ended:
                wait_s = allowance.wait_s(time.monotonic()) if len(self._queue) else None
                if wait_s == 0:
                    return self._queue.take(time.monotonic_ns() // 1000)
                self._changed.wait(wait_s)
        return None
