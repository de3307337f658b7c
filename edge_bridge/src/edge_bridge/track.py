"""One open stream's packets on their way to pictures: which are decoded, when, and what is given up.

Decoding is nearly all that a camera costs, so a quiet one has only its key frames decoded, by decoders that all cameras
share. The packets since the last key frame are kept. When something begins (the hint says so from their sizes, or a
key frame looks different from the scene) a decoder of the camera's own catches up through them, once, and from then on
takes every picture, until nobody wants them any more. Continuity is the price of the pictures between key frames:
nothing can be left out of a group of pictures.

``offer`` belongs to the thread that reads the stream, ``work`` to one decoder thread at a time. With a clock that stands
at the packets' own time the same code runs on a file as fast as it can.
"""

from collections.abc import Callable
import threading
import time

import av
from av.packet import Packet as AvPacket
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from .budget import Budget, Claim
from .cadence import Cadence
from .clock import monotonic_us
from .cost import Cost
from .decoding import Decoders
from .group import Group, Packet
from .hint import PacketHint
from .meter import Meter
from .picture import Picture, Sink
from .protocol.vocabulary import DecodeMode
from .slice_header import SliceHeaders
from .soundness import Soundness
from .stream import HEAD_BYTES, Coding
from .stretch import BEHIND_US, Stretch

KEY_SPACING_US = 450_000
"""While quiet, key frames that come faster are passed over: two looks a second are enough."""
KEYS_PER_LOOK = 2.5
"""Key frames may be so many times rarer than pictures are wanted: at one a second those every two seconds will do, with
their jitter. Beyond that every picture is decoded for them."""
ENDLESS_S = 12.0
"""A group of pictures so long is decoded as it grows: some streams have no second key frame, and what is kept for
catching up is bounded."""
CATCH_UP_S = 1.0
"""A catch-up that takes longer is left out where the next key frame comes sooner than its end."""
RETRY_US = 1_000_000
"""After the budget said no."""
ALONE_US = 15_000_000
"""So long after that key frames have to do: until the next one of nearly any camera."""
SLICE_US = 40_000
"""So long one camera may keep a decoder thread; then it is the next one's turn."""
BROKEN_PACKETS = 12
BROKEN_KEYS = 3
"""So many undecodable ones in a row, over a second, are not damage on the way but another codec."""
VAIN_KEYS = 2
"""Streams that refresh their pictures bit by bit have points to begin at instead of key frames: such a stream shows
nothing but to a decoder that follows it from there."""

UNDECODABLE = (
    av.error.InvalidDataError,
    av.error.PatchWelcomeError,
    av.error.UnknownError,
    av.error.EOFError,
)


class Track:
    """Decodes one open stream as far as it is worth it."""

    def __init__(
        self,
        coding: Coding,
        sink: Sink,
        *,
        hint: PacketHint,
        budget: Budget,
        ready: Callable[[Track], None],
        meter: Meter | None = None,
        clock_us: Callable[[], int] = monotonic_us,
    ) -> None:
        """Start quiet; ``ready`` is called, from the reader's thread, when there is something to work on."""
        self.coding = coding
        self.width = self.height = 0
        """Of the last picture."""
        self.shown = False
        """Whether a picture has come."""
        self.broken = False
        """The stream is not what it was opened as: it has to be opened again."""
        self.starved = False
        """Packets come, and no pictures of them any more: it has to be opened again."""
        self._sink = sink
        self._hint = hint
        self._headers = SliceHeaders() if coding.codec == "h264" else None
        if self._headers is not None:
            self._headers.learn(coding.parameters)
        self._budget = budget
        self._ready = ready
        self._meter = meter or Meter()
        self._clock_us = clock_us
        self._cadence = Cadence()
        self._tick_s: float | None = None
        """Of the stream's own clock; asking each packet for it takes longer than all else that is asked of it."""
        self._lock = threading.Lock()
        self._closed = False
        self._group = Group()
        self._key: Packet | None = None
        """The key frame to look at next; the newest wins."""
        self._key_us = -KEY_SPACING_US
        self._doubtful = False
        self._stretch: Stretch | None = None
        """While every picture is decoded."""
        self._at_key = False
        """To be decoded continuously from the next key frame on: catching up with this group is not worth it."""
        self._denied_us = -RETRY_US
        self._vain_keys = 0
        """Key frames in a row that the decoder took and that made no picture by themselves."""
        self._soundness = Soundness()
        self._shown_us = -1
        self._cost = Cost(coding.codec)

    # -- the reader's side ------------------------------------------------------------------------------------

    def offer(self, coded: AvPacket[VideoStream], captured_us: int) -> None:
        """Take the next packet of the stream."""
        key = coded.is_keyframe
        ticks = coded.pts
        if self._tick_s is None and coded.time_base is not None:
            self._tick_s = float(coded.time_base)
        stream_s = None if ticks is None or self._tick_s is None else ticks * self._tick_s
        missing = self._cadence.offer(stream_s, captured_us, key=key)
        hinted = self._hint.offer(
            coded.size, self._qp(coded, key=key), key=key, captured_us=captured_us
        )
        self._meter.packet(captured_us, key=key)
        self.starved = self.shown and self._soundness.offered(captured_us)
        if key:
            self.coding = self.coding.learned(coded)
        with self._lock:
            if self._closed:
                if hinted:
                    self._hint.settle(confirmed=None, captured_us=captured_us)
                return
            self._doubtful = not key and (self._doubtful or missing or coded.is_corrupt)
            packet = Packet(
                av=coded, key=key, captured_us=captured_us, size=coded.size, doubtful=self._doubtful
            )
            ends = not key and not self._group.fits(packet)
            if ends and self._stretch is None and self._cadence.key_interval_s is None:
                # The last chance to follow it: it grows beyond what can be kept, and may never have another key frame.
                self._begin(captured_us, Claim.RARE_KEYS)
            self._group.add(packet)
            if self._stretch is not None:
                self._meter.skip(self._stretch.add(packet))
                if hinted:
                    self._stretch.hint(captured_us)
            elif key:
                self._take_key(packet)
            elif hinted:
                self._begin(captured_us, hinted=True)
            elif self._lags(captured_us):
                self._begin(captured_us, Claim.RARE_KEYS)
            due = self._key is not None or (self._stretch is not None and self._stretch.due)
        if due:
            self._ready(self)

    def close(self) -> None:
        """End: nothing more is shown."""
        with self._lock:
            self._closed = True
            if self._stretch is not None and self._stretch.hinted:
                self._hint.settle(confirmed=None, captured_us=self._clock_us())
            self._key = self._stretch = None
            self._group.clear()
        self._budget.release(self)

    @property
    def urgent(self) -> bool:
        """Whether something happens here, or may."""
        return self._stretch is not None

    @property
    def mode(self) -> DecodeMode:
        """What is decoded at present."""
        return DecodeMode.KEYS if self._stretch is None else DecodeMode.CONTINUOUS

    def _qp(self, coded: AvPacket[VideoStream], *, key: bool) -> int | None:
        if self._headers is None:
            return None
        head = bytes(memoryview(coded)[:HEAD_BYTES])
        if key:
            self._headers.learn(head)
            return None
        return self._headers.qp(head)

    def _take_key(self, packet: Packet) -> None:
        if self._at_key:
            self._at_key = False
            self._begin(packet.captured_us)
        if self._stretch is None and packet.captured_us - self._key_us >= KEY_SPACING_US:
            self._meter.skip(self._key is not None)
            self._key = packet
            self._key_us = packet.captured_us

    def _lags(self, now_us: int) -> bool:
        """Return whether key frames alone are too rare for what is wanted, or have ceased to come."""
        longest_s = self._cadence.longest_s(now_us)
        return (
            self._vain_keys >= VAIN_KEYS
            or longest_s * 1_000_000 > KEYS_PER_LOOK * self._sink.interval_us
            or self._cadence.since_key_s(now_us) > ENDLESS_S
            or self._cadence.overdue(now_us)
        )

    def _begin(
        self, captured_us: int, claim: Claim = Claim.SUSPICION, *, hinted: bool = False
    ) -> None:
        """Decode continuously from here on, if there is something to begin with and time for it."""
        if not self._begun(captured_us, claim, hinted=hinted) and hinted:
            self._hint.settle(confirmed=None, captured_us=captured_us)

    def _begun(self, captured_us: int, claim: Claim, *, hinted: bool) -> bool:
        count = len(self._group)
        if claim is Claim.RARE_KEYS and captured_us - self._denied_us < RETRY_US:
            return False
        if not count:
            self._at_key = True
            return False
        if not self._budget.admit(self, self._cost_ms_per_s(), claim):
            self._denied_us = captured_us
            return False
        catch_up_s = count * self._cost.picture_us(self.width * self.height) / 1_000_000
        if catch_up_s > CATCH_UP_S and self._key_comes_within(catch_up_s, captured_us):
            self._at_key = True
            self._budget.release(self)
            return False
        self._at_key = False
        # Its key frame is part of the group.
        self._key = None
        patience_us = int(max(BEHIND_US, 2_000_000 * catch_up_s))
        self._stretch = Stretch(
            self._group,
            captured_us=captured_us,
            hinted=hinted,
            patient_until_us=self._clock_us() + patience_us,
        )
        return True

    def _key_comes_within(self, seconds: float, now_us: int) -> bool:
        interval_s = self._cadence.key_interval_s
        return (
            interval_s is not None and 0 < interval_s - self._cadence.since_key_s(now_us) < seconds
        )

    # -- the decoders' side -----------------------------------------------------------------------------------

    def work(self, decoders: Decoders) -> bool:
        """Decode for a moment; return whether there is more to do. Raises nothing that libav does."""
        begun_ns = time.thread_time_ns()
        with self._lock:
            stretch = self._stretch
            key, self._key = self._key, None
        if stretch is not None:
            self._follow(stretch)
        elif key is not None:
            self._look(key, decoders)
        self._meter.spent((time.thread_time_ns() - begun_ns) // 1000)
        with self._lock:
            return self._key is not None or (self._stretch is not None and self._stretch.due)

    def _look(self, packet: Packet, decoders: Decoders) -> None:
        """Show a key frame that stands for itself."""
        begun_ns = time.monotonic_ns()
        try:
            frame = decoders.key_picture(self.coding, packet.av)
        except UNDECODABLE:
            self._fail(BROKEN_KEYS)
            return
        if frame is None:
            self._vain_keys += 1
            follow = self._vain_keys >= VAIN_KEYS
        else:
            self._vain_keys = 0
            follow = self._show(frame, packet, begun_ns, DecodeMode.KEYS)
        if follow:
            with self._lock:
                if not self._closed and self._stretch is None:
                    self._begin(packet.captured_us)

    def _follow(self, stretch: Stretch) -> None:
        """Show pictures one after the other until there are no more, or it is another camera's turn."""
        until_us = monotonic_us() + SLICE_US
        while monotonic_us() < until_us:
            with self._lock:
                if self._stretch is not stretch:
                    return
                self._meter.skip(stretch.give_up(self._clock_us()))
                packet = stretch.take()
                if packet is None and not self._stays(stretch, self._clock_us()):
                    self._end(stretch, self._clock_us())
            if packet is None:
                return
            self._decode(stretch, packet)
            with self._lock:
                # Beyond its time also one that has not caught up ends, or where all are late none would.
                over = not stretch.due or packet.captured_us >= stretch.stay_until_us
                if (
                    over
                    and stretch is self._stretch
                    and not self._stays(stretch, packet.captured_us)
                ):
                    self._end(stretch, packet.captured_us)
                    return

    def _decode(self, stretch: Stretch, packet: Packet) -> None:
        begun_us, begun_ns = time.thread_time_ns() // 1000, time.monotonic_ns()
        decoder = stretch.decoder = stretch.decoder or self.coding.decoder()
        try:
            frames = decoder.decode(self.coding.whole(packet.av) if packet.key else packet.av)
        except UNDECODABLE:
            frames = []
            stretch.doubtful = True
            self._fail(BROKEN_PACKETS)
        else:
            if packet.key:
                stretch.doubtful = False
        for frame in frames:
            stretch.doubtful |= frame.is_corrupt
            stretch.wanted = self._show(frame, packet, begun_ns, DecodeMode.CONTINUOUS)
        if not frames and self._soundness.silent(self._clock_us()):
            self.broken = self.shown
        self._cost.measure(time.thread_time_ns() // 1000 - begun_us)
        stretch.confirmed |= stretch.wanted and self._sink.active

    def _show(self, frame: VideoFrame, packet: Packet, begun_ns: int, mode: DecodeMode) -> bool:
        self._soundness.good()
        self.width, self.height = frame.width, frame.height
        if packet.captured_us <= self._shown_us or self._closed:
            # A key frame that was looked at before it was caught up from.
            return False
        self.shown = True
        self._shown_us = packet.captured_us
        decode_us = (time.monotonic_ns() - begun_ns) // 1000
        self._meter.picture(decode_us)
        stretch = self._stretch
        wanted = self._sink.picture(
            Picture(
                frame=frame,
                captured_us=packet.captured_us,
                key=bool(frame.key_frame or packet.key),
                doubtful=packet.doubtful
                or frame.is_corrupt
                or (stretch is not None and stretch.doubtful),
                decode_us=decode_us,
                waited_us=self._clock_us() - packet.captured_us,
                alone=packet.captured_us - self._denied_us < ALONE_US,
                mode=mode,
            )
        )
        self._soundness.seen()
        return wanted

    def _stays(self, stretch: Stretch, captured_us: int) -> bool:
        if not (stretch.wanted or captured_us < stretch.stay_until_us or self._lags(captured_us)):
            return False
        claim = Claim.ACTIVITY if self._sink.active else Claim.SUSPICION
        if not stretch.wanted and captured_us >= stretch.stay_until_us:
            claim = Claim.RARE_KEYS
        if self._budget.admit(self, self._cost_ms_per_s(), claim):
            return True
        self._denied_us = captured_us
        return False

    def _cost_ms_per_s(self) -> float:
        return self._cost.ms_per_s(self.width * self.height, self._cadence.fps)

    def _end(self, stretch: Stretch, captured_us: int) -> None:
        self._stretch = None
        self._budget.release(self)
        if stretch.hinted:
            unseen = stretch.gave_up and not stretch.confirmed
            self._hint.settle(
                confirmed=None if unseen else stretch.confirmed, captured_us=captured_us
            )

    def _fail(self, most: int) -> None:
        if self._soundness.bad(self._clock_us(), most=most):
            self.broken = self.shown
