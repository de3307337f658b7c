"""A camera's stream as packets.

A thread per camera reads and decodes nothing: what it reads goes to a Track. It tries again for ever, on its own: what
happens to one camera never reaches another. Only the reader closes its container, because libav offers no way to
interrupt a blocked read; a stopped reader therefore ends by itself, at the latest with the timeout of its read.
"""

import logging
import threading
import time
from typing import Protocol

import av

from .clock import monotonic_us
from .errors import CaptureError
from .protocol.vocabulary import ErrorCode, StreamState
from .protocol.wire_error import WireError
from .source import StreamSource
from .stream import READ_TIMEOUT_S, Coding, open_stream, packets_of
from .stream_failure import classify
from .track import Track

_LOGGER = logging.getLogger(__name__)

RETRY_FIRST_S = 0.5
RETRY_MOST_S = 30.0
"""A camera that was off for a night is back within half a minute, and a wrong password is not a flood."""
GOOD_S = 10.0
"""A stream that gave pictures for so long works: its next failure starts with the first delay again."""
FIRST_PICTURE_S = 30.0
"""Longer than the key-frame interval of any camera seen; packets without a picture until then are not understood."""
TALK_S = 2 * READ_TIMEOUT_S
"""libav's own timeout begins anew with each byte, also of a camera that only reports its clock: after so long without a
packet its reader is left to itself and another one tries."""
READERS_MOST = 2
"""Of one camera, those that were left to themselves included."""


class Sink(Protocol):
    """Who takes a camera's streams and states; on a reader's thread, or where the capture is started and checked."""

    def opened(self, coding: Coding) -> Track:
        """Return who takes the packets of a stream that was opened."""

    def state_changed(self, state: StreamState, error: WireError | None) -> None:
        """Take a change of the stream's state."""

    def spent(self, cpu_us: int) -> None:
        """Count processor time of the reader."""


class Capture:
    """Keeps one camera's stream open; ``start``, ``stop`` and ``check`` belong to the event loop."""

    def __init__(self, camera: str, source: StreamSource, sink: Sink) -> None:
        """Prepare the reader of one camera; nothing is opened yet."""
        self._camera = camera
        self._source = source
        self._sink = sink
        self._readers: list[_Reader] = []

    def start(self) -> None:
        """Start reading."""
        self._sink.state_changed(StreamState.CONNECTING, None)
        self._read()

    def stop(self) -> None:
        """Have the readers end by themselves, without waiting for them; the sink hears nothing more."""
        for reader in self._readers:
            reader.stop()

    def check(self, now_us: int) -> None:
        """Replace a reader that has been waiting for a packet for too long, however much the camera talks."""
        self._readers = [reader for reader in self._readers if reader.is_alive()]
        if not self._readers or not self._readers[-1].waits_since(now_us - int(TALK_S * 1_000_000)):
            return
        if len(self._readers) < READERS_MOST:
            self._readers[-1].stop()
            self._sink.state_changed(StreamState.FAILED, WireError.of(ErrorCode.TIMEOUT))
            _LOGGER.warning(
                "Camera %s: talks, but sends no pictures; trying another session", self._camera
            )
            # Which is a failure's next try: the camera is not said to be connecting for that.
            self._read()

    def join(self, timeout_s: float) -> bool:
        """Wait for the readers' end; return whether it came in time."""
        until_s = time.monotonic() + timeout_s
        for reader in self._readers:
            reader.join(max(0.0, until_s - time.monotonic()))
        return not any(reader.is_alive() for reader in self._readers)

    def _read(self) -> None:
        reader = _Reader(self._camera, self._source, self._sink)
        self._readers.append(reader)
        reader.start()


class _Reader(threading.Thread):
    """Opens and reads one camera until it is stopped."""

    def __init__(self, camera: str, source: StreamSource, sink: Sink) -> None:
        # A daemon: a read that blocks must not keep the process from ending.
        super().__init__(name=f"capture {camera}", daemon=True)
        self._camera = camera
        self._source = source
        self._sink = sink
        self._stopped = threading.Event()
        self._waits_us: int | None = None
        self._shown = False
        """Whether a picture came of the last stream."""

    def stop(self) -> None:
        """End at the next packet, failure or timeout, and tell nobody."""
        self._stopped.set()

    def waits_since(self, before_us: int) -> bool:
        """Return whether the read that goes on now began before this."""
        waits_us = self._waits_us
        return waits_us is not None and waits_us < before_us

    def run(self) -> None:
        """Read for ever."""
        retry_s = RETRY_FIRST_S
        last_code: ErrorCode | None = None
        while not self._stopped.is_set():
            begun_s = time.monotonic()
            try:
                error = self._session()
            except Exception:
                # A mistake of our own must not end the camera: it shows as its state, and the next try may do.
                level = logging.DEBUG if last_code is ErrorCode.INTERNAL else logging.ERROR
                _LOGGER.log(level, "Camera %s: an unexpected error", self._camera, exc_info=True)
                error = CaptureError(ErrorCode.INTERNAL)
            if self._stopped.is_set():
                return
            good = self._shown and time.monotonic() - begun_s >= GOOD_S
            if good:
                retry_s = RETRY_FIRST_S
            # The first of a kind is news, its repetitions are not.
            news = good or error.error.code is not last_code
            _LOGGER.log(
                logging.WARNING if news else logging.DEBUG,
                "Camera %s: %s; next try in %.1f s",
                self._camera,
                error,
                retry_s,
            )
            last_code = error.error.code
            self._tell(StreamState.FAILED, error.error)
            self._stopped.wait(retry_s)
            retry_s = min(retry_s * 2, RETRY_MOST_S)
            # What failed holds on to its stream by the frames of its traceback.
            del error

    def _session(self) -> CaptureError:
        """Open the stream and read until it fails or ends; return why."""
        self._shown = False
        try:
            container = open_stream(self._source)
        except CaptureError as error:
            return error
        waiting = time.monotonic()
        track: Track | None = None
        try:
            track = self._sink.opened(Coding.of(container.streams.video[0]))
            spent_ns = time.thread_time_ns()
            opened_us = self._waits_us = monotonic_us()
            for packet in packets_of(container):
                if self._stopped.is_set():
                    break
                waiting = time.monotonic()
                self._waits_us = monotonic_us()
                track.offer(packet, self._waits_us)
                if track.broken:
                    raise CaptureError(ErrorCode.CODEC_CHANGED)
                if track.starved:
                    raise CaptureError(ErrorCode.TIMEOUT)
                if not track.shown and self._waits_us - opened_us > FIRST_PICTURE_S * 1_000_000:
                    raise CaptureError(ErrorCode.CODEC_UNSUPPORTED)
                if packet.is_keyframe:
                    now_ns = time.thread_time_ns()
                    self._sink.spent((now_ns - spent_ns) // 1000)
                    spent_ns = now_ns
        except CaptureError as error:
            return error
        except (av.FFmpegError, OSError, ValueError) as error:
            return classify(
                error, self._source, elapsed_s=time.monotonic() - waiting, timeout_s=READ_TIMEOUT_S
            )
        finally:
            self._waits_us = None
            if track is not None:
                self._shown = track.shown
                track.close()
            container.close()
        return CaptureError(ErrorCode.STREAM_ENDED)

    def _tell(self, state: StreamState, error: WireError | None) -> None:
        if not self._stopped.is_set():
            self._sink.state_changed(state, error)
