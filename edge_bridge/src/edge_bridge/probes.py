"""The probes that Home Assistant asks for: each opens a stream in a thread of its own, and few may at once."""

import asyncio
from contextlib import suppress
import threading

from .clock import monotonic_us
from .encoder import Encoder
from .errors import CaptureError
from .outbox import Outbox
from .probe import Probing, failed, probe
from .protocol.frame import KIND_PREVIEW, Frame
from .protocol.messages import Probe
from .protocol.vocabulary import ErrorCode
from .source import StreamSource

PROBES_MOST = 4
"""At once: each opens a stream and decodes."""
ANSWER_S = 15.0
"""Who waits for a probe hears something by then: open, watch, second session, and a read that may hang."""


class Probes:
    """Those of the present connection, whose numbers mean nothing on the next one; all on the loop."""

    def __init__(self, encoder: Encoder, outbox: Outbox) -> None:
        """Take who makes previews, and where they and the answers go."""
        self._encoder = encoder
        self._outbox = outbox
        self._tasks: set[asyncio.Task[None]] = set()
        self._threads: set[threading.Thread] = set()
        """Also of probes for whose answer nobody waits any more: nothing interrupts a read."""

    def start(self, tasks: asyncio.TaskGroup, wish: Probe, *, preview_most_bytes: int) -> None:
        """Begin one; its preview and its answer go to the outbox."""
        self._threads = {thread for thread in self._threads if thread.is_alive()}
        if len(self._threads) >= PROBES_MOST:
            self._outbox.reply(failed(wish.id, CaptureError(ErrorCode.OVER_LIMIT)).answer)
            return
        task = tasks.create_task(self._answer(wish, self._begin(wish), preview_most_bytes))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def cancel(self) -> None:
        """Answer none of them: the connection has ended."""
        for task in self._tasks:
            task.cancel()

    async def _answer(
        self, wish: Probe, done: asyncio.Future[Probing], preview_most_bytes: int
    ) -> None:
        try:
            async with asyncio.timeout(ANSWER_S):
                probing = await done
        except TimeoutError:
            probing = failed(wish.id, CaptureError(ErrorCode.TIMEOUT))
        preview = probing.preview
        if preview is not None and len(preview.data) <= preview_most_bytes:
            self._outbox.reply(
                Frame(
                    kind=KIND_PREVIEW,
                    camera=0,
                    sequence=wish.id,
                    captured_us=monotonic_us(),
                    width=preview.width,
                    height=preview.height,
                    jpeg=preview.data,
                ).pack()
            )
        self._outbox.reply(probing.answer)

    def _begin(self, wish: Probe) -> asyncio.Future[Probing]:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Probing] = loop.create_future()

        def settle(outcome: Probing) -> None:
            if not done.done():
                done.set_result(outcome)

        def work() -> None:
            outcome = probe(wish.id, StreamSource.of(wish), self._encoder, masks=wish.masks)
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, outcome)

        # A daemon, not the executor's: a read that hangs must not keep the process from ending.
        thread = threading.Thread(target=work, name="probe", daemon=True)
        self._threads.add(thread)
        thread.start()
        return done
