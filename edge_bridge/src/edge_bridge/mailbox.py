"""From a camera's thread to the event loop: one place for each thing, the newest wins, losses are counted."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
import threading

from .looks import Seen
from .protocol.messages import Activity
from .protocol.vocabulary import StreamState
from .protocol.wire_error import WireError
from .sampler import SampledFrame

PREROLL_MOST = 10
"""Two onsets' worth; the loop would have to stand still for seconds to lose one."""

SEEN_MOST = 4
"""Two seconds' worth of looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What came in since the last time."""

    frames: tuple[SampledFrame, ...] = ()
    """Pre-roll first, in the order they were chosen."""
    replaced: int = 0
    """Frames that were chosen and gave way to newer ones here."""
    activity: Activity | None = None
    state: tuple[StreamState, WireError | None] | None = None
    seen: tuple[Seen, ...] = ()
    """What the detector saw, in the order it looked."""


class Mailbox:
    """Filled by one camera's thread, emptied on the loop, which is woken once until then."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> None:
        """Remember how to wake the loop."""
        self._loop = loop
        self._wake = wake
        self._lock = threading.Lock()
        self._preroll: list[SampledFrame] = []
        self._frame: SampledFrame | None = None
        self._replaced = 0
        self._activity: Activity | None = None
        self._state: tuple[StreamState, WireError | None] | None = None
        self._seen: deque[Seen] = deque(maxlen=SEEN_MOST)
        self._woken = False
        self._closed = False

    def put_frame(self, frame: SampledFrame) -> None:
        """Leave a chosen frame; runs on the camera's thread."""
        with self._lock:
            if frame.preroll:
                self._preroll.append(frame)
                if len(self._preroll) > PREROLL_MOST:
                    del self._preroll[0]
                    self._replaced += 1
            else:
                self._replaced += self._frame is not None
                self._frame = frame
        self._call()

    def skip(self) -> None:
        """Count a chosen frame that cannot be sent; runs on the camera's thread."""
        with self._lock:
            self._replaced += 1
        self._call()

    def put_activity(self, activity: Activity) -> None:
        """Leave what is to be said of the activity; runs on the camera's thread."""
        with self._lock:
            self._activity = activity
        self._call()

    def put_state(self, state: StreamState, error: WireError | None) -> None:
        """Leave the stream's state; runs on the camera's thread, or where it is started and checked."""
        with self._lock:
            self._state = (state, error)
        self._call()

    def put_seen(self, seen: Seen) -> None:
        """Leave what the detector saw; runs on its thread."""
        with self._lock:
            self._seen.append(seen)
        self._call()

    def take(self) -> Mail:
        """Empty the box; runs on the loop."""
        with self._lock:
            mail = Mail(
                frames=(*self._preroll, *(() if self._frame is None else (self._frame,))),
                replaced=self._replaced,
                activity=self._activity,
                state=self._state,
                seen=tuple(self._seen),
            )
            self._seen.clear()
            self._preroll = []
            self._frame = self._activity = self._state = None
            self._replaced = 0
            self._woken = False
            return mail

    def close(self) -> None:
        """Take nothing more; a thread that still runs speaks to nobody."""
        with self._lock:
            self._closed = True

    def _call(self) -> None:
        with self._lock:
            if self._woken or self._closed:
                return
            self._woken = True
        # The loop may have ended while the thread was on its way here.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._wake)
