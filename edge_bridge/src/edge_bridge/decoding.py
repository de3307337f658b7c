"""Decoders that all cameras share, and the threads they run on: one decoder per codec and worker, never per camera.

A key frame needs nothing of what came before, so one decoder serves the key frames of all cameras in turn, and a
further camera costs none of the 10 MB that a decoder of its own holds. Only a camera that is decoded continuously
has its own, from its Track.
"""

from collections import OrderedDict, deque
from enum import Enum, auto
import logging
import os
import threading
import time
from typing import Protocol

from av.packet import Packet as AvPacket
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from .stream import Coding

_LOGGER = logging.getLogger(__name__)

URGENT_IN_A_ROW = 4
"""Cameras in which something happens go first, and yet the key frames of the quiet ones are looked at."""
DECODERS_MOST = 8
"""Of one worker: the codecs that cameras send, and room for streams that share none. Each keeps 10 to 40 MB."""


class Decoders:
    """The decoders of one worker; not for two threads at a time."""

    def __init__(self) -> None:
        """Start without decoders; they are made as they are needed."""
        self._decoders: OrderedDict[tuple[str, bytes], VideoCodecContext] = OrderedDict()

    def key_picture(self, coding: Coding, packet: AvPacket[VideoStream]) -> VideoFrame | None:
        """Decode a key frame for itself; None where the decoder makes no picture of it, raises what libav raises."""
        decoder = self._decoder(coding)
        try:
            frames = decoder.decode(coding.whole(packet))
            if not frames:
                # Streams whose pictures come in another order than they are shown are held back by one.
                frames = decoder.decode(None)
        finally:
            # The next key frame is another camera's.
            decoder.flush_buffers()
        return frames[-1] if frames else None

    def _decoder(self, coding: Coding) -> VideoCodecContext:
        place = (coding.codec, coding.apart)
        decoder = self._decoders.get(place)
        if decoder is None:
            decoder = self._decoders[place] = coding.decoder(key_frames_only=True)
            if len(self._decoders) > DECODERS_MOST:
                self._decoders.popitem(last=False)
        self._decoders.move_to_end(place)
        return decoder


class Work(Protocol):
    """Something with packets to decode: a Track."""

    @property
    def urgent(self) -> bool:
        """Whether something happens there."""

    def work(self, decoders: Decoders) -> bool:
        """Do one slice; return whether there is more to do."""


class _Place(Enum):
    QUEUED = auto()
    RUNNING = auto()
    AGAIN = auto()
    """Running, and new packets have come meanwhile."""


class DecoderWorkers:
    """As many threads as there are cores; each takes the next camera that has something to decode."""

    def __init__(self, count: int | None = None) -> None:
        """Prepare the threads."""
        self.count = count or os.process_cpu_count() or 1
        self._condition = threading.Condition()
        self._urgent: deque[Work] = deque()
        self._patient: deque[Work] = deque()
        self._places: dict[Work, _Place] = {}
        self._urgent_in_a_row = 0
        self._stopped = False
        self._mistakes: set[type[Exception]] = set()
        self._begun_s: dict[int, float] = {}
        # Daemons: a decoder that hangs must not keep the process from ending.
        self._threads = [
            threading.Thread(
                target=self._run, args=(number,), name=f"decoder {number}", daemon=True
            )
            for number in range(self.count)
        ]

    def start(self) -> None:
        """Start decoding."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Have the threads end, each with the picture that it decodes; of 4K that is a tenth of a second."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()

    def join(self, until_s: float) -> None:
        """Wait for the threads' end, no longer than until then by the monotonic clock."""
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, until_s - time.monotonic()))

    def ready(self, work: Work) -> None:
        """Queue something that has packets to decode; from any thread."""
        with self._condition:
            place = self._places.get(work)
            if place is None:
                self._queue(work)
            elif place is _Place.RUNNING:
                self._places[work] = _Place.AGAIN

    @property
    def longest_s(self) -> float:
        """Return how long the slice that has taken longest so far is at work."""
        now_s = time.monotonic()
        with self._condition:
            return max((now_s - begun_s for begun_s in self._begun_s.values()), default=0.0)

    def _queue(self, work: Work) -> None:
        self._places[work] = _Place.QUEUED
        (self._urgent if work.urgent else self._patient).append(work)
        self._condition.notify()

    def _run(self, number: int) -> None:
        decoders = Decoders()
        while (work := self._next(number)) is not None:
            more = False
            try:
                more = work.work(decoders)
            except Exception as error:
                # A mistake of our own: where no picture comes any more that camera's reader opens it again. The first
                # of a kind is news; with every packet it would be a flood.
                news = type(error) not in self._mistakes
                self._mistakes.add(type(error))
                level = logging.ERROR if news else logging.DEBUG
                _LOGGER.log(level, "A decoder: an unexpected error", exc_info=True)
                decoders = Decoders()
            self._done(number, work, more=more)
            del work

    def _next(self, number: int) -> Work | None:
        with self._condition:
            while not self._stopped and not self._urgent and not self._patient:
                self._condition.wait()
            if self._stopped:
                return None
            work = self._pick()
            self._places[work] = _Place.RUNNING
            self._begun_s[number] = time.monotonic()
            return work

    def _pick(self) -> Work:
        waits = bool(self._patient)
        if self._urgent and not (waits and self._urgent_in_a_row >= URGENT_IN_A_ROW):
            self._urgent_in_a_row += 1
            return self._urgent.popleft()
        self._urgent_in_a_row = 0
        return self._patient.popleft()

    def _done(self, number: int, work: Work, *, more: bool) -> None:
        with self._condition:
            del self._begun_s[number]
            if more or self._places[work] is _Place.AGAIN:
                self._queue(work)
            else:
                del self._places[work]
