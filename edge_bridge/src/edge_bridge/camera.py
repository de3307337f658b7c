"""One camera: its stream, its detector, its sampler, and the box in which the loop finds what they chose.

``opened``, ``spent`` and ``state_changed`` run on the reader's thread, ``picture`` on a decoder's, everything else on the
loop, what the detector's looks mean included. A change of rate, size or quality takes effect with the next picture; only
another address opens the stream again.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
import logging
import threading

from .activity import ActivityDetector
from .activity_report import ActivityReport
from .areas import watched_blocks
from .budget import Budget
from .capture import Capture
from .clock import monotonic_us
from .decoding import DecoderWorkers
from .encoder import BLOCK_PX, Encoder, Plane, novelty
from .hint import PacketHint
from .label_track import LabelTrack
from .look_queue import Eye
from .looks import Look, Looks
from .mailbox import Mail, Mailbox
from .meter import Meter
from .pacing import Pace, Step
from .picture import Picture
from .protocol.camera import CameraConfig
from .protocol.limits import MAX_FRAME_BYTES
from .protocol.messages import Activity
from .protocol.vocabulary import DecodeMode, FrameFlag, StreamState
from .protocol.wire_error import WireError
from .sampler import PreRoll, Rates, SampledFrame, Sampler
from .source import StreamSource
from .stream import Coding
from .track import Track

_LOGGER = logging.getLogger(__name__)

PAST_US = 1_000_000
"""Quiet pictures so old are sent to nobody."""


class Camera:
    """Captures one camera from ``start`` to ``stop``."""

    def __init__(
        self,
        config: CameraConfig,
        *,
        encoder: Encoder,
        workers: DecoderWorkers,
        budget: Budget,
        looks: Looks,
        loop: asyncio.AbstractEventLoop,
        wake: Callable[[Camera], None],
    ) -> None:
        """Prepare a camera; ``wake`` is called on the loop when there is mail."""
        self.config = config
        self.state = StreamState.CONNECTING
        self.error: WireError | None = None
        self.activity: Activity | None = None
        """What was last said of its activity, with its revision; set on the loop by the bridge."""
        self.max_frame_bytes = MAX_FRAME_BYTES
        self.meter = Meter()
        self.track: Track | None = None
        """Of the stream that is open."""
        self._encoder = encoder
        self._workers = workers
        self._budget = budget
        self._looks = looks
        self._eye = Eye()
        self._labels = LabelTrack()
        self._mailbox = Mailbox(loop, lambda: wake(self))
        self._capture = Capture(config.camera, StreamSource.of(config), self)
        self._lock = threading.Lock()
        """Of what pictures and states change: a decoder may be at work on the last picture of a stream that ended."""
        self._streaming = False
        self._mode = DecodeMode.KEYS
        self._hint = PacketHint()
        self._detector = ActivityDetector()
        self._watched: tuple[CameraConfig, int] | None = None
        """By which configuration, and for how many rows of blocks, the detector knows what to watch."""
        self._report = ActivityReport(config.camera)
        self._paces = Step()
        self._sampler = Sampler(_rates(config, self._paces))
        self._preroll: PreRoll[tuple[SampledFrame, Plane]] = PreRoll()
        self._sent_plane: Plane | None = None

    def start(self) -> None:
        """Start reading."""
        self._capture.start()

    def stop(self) -> None:
        """Stop reading, without waiting for a read that blocks."""
        self._mailbox.close()
        self._capture.stop()
        self._looks.forget(self._eye)
        if (track := self.track) is not None:
            track.close()

    def check(self, now_us: int) -> None:
        """Look after a reader that may wait for ever."""
        self._capture.check(now_us)

    def reopens_for(self, config: CameraConfig) -> bool:
        """Return whether a configuration needs another stream than the present one."""
        return StreamSource.of(config) != StreamSource.of(self.config)

    def configure(self, config: CameraConfig) -> None:
        """Take over settings that need no other stream."""
        self.config = config
        self._sampler.rates = _rates(config, self._paces)

    def pace(self, paces: Step) -> None:
        """Send no more than this from the next picture on."""
        self._paces = paces
        self._sampler.rates = _rates(self.config, paces)

    @property
    def paced(self) -> bool:
        """Whether less is sent than was asked for."""
        active = self.activity is not None and self.activity.active
        pace = self._paces.active if active else self._paces.quiet
        return pace.restricts(self.config, active=active)

    def watch(self, *, rate_fps: float, seconds: float) -> None:
        """Send at least so often for some seconds."""
        self._sampler.watch(monotonic_us(), rate_fps=rate_fps, seconds=seconds)

    def take(self) -> Mail:
        """Return what the threads have left, and remember its states."""
        mail = self._mailbox.take()
        if mail.state is not None:
            self.state, self.error = mail.state
        # A picture from before the masks changed, as pre-roll often is, must not leave any more.
        frames = tuple(frame for frame in mail.frames if frame.masks == self.config.masks)
        replaced = mail.replaced + len(mail.frames) - len(frames)
        return replace(mail, frames=frames, replaced=replaced)

    def tell(self, mail: Mail) -> Activity | None:
        """Return what is to be said of the activity after this mail, with labels; its revision is the caller's."""
        said = mail.activity or self.activity
        if said is None:
            return None
        if self.activity is not None and self.activity.since_us != said.since_us:
            self._labels.quiet()
        changed = False
        for seen in mail.seen:
            # A look that took longer than its activity lasted is of no use any more.
            if said.active and seen.captured_us >= said.since_us:
                changed |= self._labels.look(seen.detections, seen.regions, seen.captured_us)
        if mail.activity is None and not changed:
            return None
        return replace(said, labels=self._labels.labels)

    # -- the reader's side ------------------------------------------------------------------------------------

    def opened(self, coding: Coding) -> Track:
        """Return who takes the packets of a stream that was opened."""
        track = Track(
            coding,
            self,
            hint=self._hint,
            budget=self._budget,
            ready=self._workers.ready,
            meter=self.meter,
        )
        self.meter.restarted()
        with self._lock:
            self.track = track
        return track

    def state_changed(self, state: StreamState, error: WireError | None) -> None:
        """Take a change of the stream's state."""
        with self._lock:
            track, self.track = self.track, None
            self._streaming = False
            self._mailbox.put_state(state, error)
        if track is not None:
            # Its reader may be one that was left to itself, and never come back to close it.
            track.close()

    def spent(self, cpu_us: int) -> None:
        """Count processor time of the reader."""
        self.meter.spent(cpu_us)

    # -- the decoders' side -----------------------------------------------------------------------------------

    @property
    def active(self) -> bool:
        """Return whether activity has been confirmed."""
        return self._detector.verdict.active

    @property
    def interval_us(self) -> int:
        """Return how far apart the pictures may be that are wanted now, activity apart."""
        return self._sampler.interval_us(monotonic_us())

    def picture(self, picture: Picture) -> bool:
        """Take one decoded picture; return whether every one that follows is wanted."""
        with self._lock:
            if self.track is None:
                # The last of a stream that has ended meanwhile.
                return False
            if not self._streaming:
                self._streaming = True
                _LOGGER.info("Camera %s: streaming", self.config.camera)
                self._mailbox.put_state(StreamState.STREAMING, None)
            if picture.mode is not self._mode:
                self._mode = picture.mode
                _LOGGER.debug("Camera %s: decoding %s", self.config.camera, picture.mode)
            return self._take(picture)

    def _take(self, picture: Picture) -> bool:
        plane, wanted = self._look(picture)
        now_us = picture.captured_us
        active = self._detector.verdict.active
        if not active and picture.waited_us > PAST_US:
            # Of a catch-up: it matters to the detector, and to nobody who looks.
            return wanted
        choice = self._sampler.offer(now_us, key=picture.key, active=active)
        if choice.onset:
            for frame, before in self._preroll.take(now_us):
                self._send(frame, before)
        if choice.keep:
            self._encode(picture, plane, self._send, pace=self._pace(now_us))
        elif (
            picture.key
            and not active
            and self._preroll.wants(now_us, interval_us=int(1_000_000 / self.config.rate_fps))
        ):
            self._encode(picture, plane, self._keep, pace=self._paces.active)
        if active:
            # Last: labels may follow, the activity and its first frame may not wait.
            self._show(picture)
        return wanted

    def _show(self, picture: Picture) -> None:
        """Let the detector name what there is; what it sees comes by mail."""
        captured_us = picture.captured_us
        if not self._looks.due(self._eye, captured_us):
            return
        regions = self._detector.verdict.regions
        # Who stands still beside what moves stays in view.
        told = tuple(detection.box for detection in self._labels.labels)
        self._looks.offer(
            self._eye,
            Look(
                frame=picture.frame,
                captured_us=captured_us,
                regions=regions,
                focus=(*regions, *told) if regions else (),
                masks=self.config.masks,
                tell=self._mailbox.put_seen,
            ),
        )

    def _look(self, picture: Picture) -> tuple[Plane | None, bool]:
        """Let the detector see a picture; return its plane, if one was made, and whether all that follow are wanted."""
        past = picture.waited_us > PAST_US
        if picture.mode is not DecodeMode.KEYS and not self._detector.due(
            picture.captured_us, past=past
        ):
            return None, self._detector.verdict.active or self._detector.confirming()
        plane = self._plane(picture)
        detector, now_us = self._detector, picture.captured_us
        if picture.mode is DecodeMode.KEYS:
            suspicious = detector.glance(plane, now_us, alone=picture.alone)
        else:
            detector.observe(plane, now_us, doubtful=picture.doubtful)
            suspicious = detector.confirming()
        if (said := self._report.offer(detector.verdict, now_us)) is not None:
            self._mailbox.put_activity(said)
        return plane, detector.verdict.active or suspicious

    def _plane(self, picture: Picture) -> Plane:
        """Return a picture's small plane, and have the detector watch the areas that hold now."""
        config = self.config
        plane = self._encoder.luma(picture.frame, config.masks)
        rows, columns = plane.shape[0] // BLOCK_PX, plane.shape[1] // BLOCK_PX
        if self._watched is None or self._watched[0] is not config or self._watched[1] != rows:
            if self._watched is not None and self._watched[0].masks != config.masks:
                # What comes out from behind a mask, or goes behind one, does not move.
                self._detector = ActivityDetector()
            self._watched = config, rows
            self._detector.watched = watched_blocks(
                config.zones, config.ignored, config.masks, rows=rows, columns=columns
            )
        return plane

    def _encode(
        self,
        picture: Picture,
        plane: Plane | None,
        then: Callable[[SampledFrame, Plane], None],
        *,
        pace: Pace,
    ) -> None:
        if plane is None:
            plane = self._plane(picture)
        config = self.config
        jpeg = self._encoder.jpeg(
            picture.frame,
            height_px=min(config.height_px, pace.height_px),
            quality=min(config.quality, pace.quality),
            most_bytes=self.max_frame_bytes,
            masks=config.masks,
        )
        if jpeg is None:
            # Not even the least quality fits into what Home Assistant takes.
            if then == self._send:
                self._mailbox.skip()
            return
        verdict = self._detector.verdict
        flags = FrameFlag.KEY if picture.key else FrameFlag(0)
        flags |= FrameFlag.DOUBTFUL if picture.doubtful else FrameFlag(0)
        flags |= FrameFlag.ACTIVE if verdict.active else FrameFlag(0)
        frame = SampledFrame(
            flags=flags,
            captured_us=picture.captured_us,
            width=jpeg.width,
            height=jpeg.height,
            activity=round(255 * verdict.score),
            tail=not verdict.active and self._sampler.is_lively(picture.captured_us),
            masks=config.masks,
            jpeg=jpeg.data,
        )
        then(frame, plane)

    def _pace(self, captured_us: int) -> Pace:
        paces = self._paces
        return paces.active if self._sampler.is_lively(captured_us) else paces.quiet

    def _send(self, frame: SampledFrame, plane: Plane) -> None:
        self._mailbox.put_frame(frame.with_novelty(novelty(plane, self._sent_plane)))
        self._sent_plane = plane

    def _keep(self, frame: SampledFrame, plane: Plane) -> None:
        self._preroll.put(frame.captured_us, (frame.as_preroll(), plane))


def _rates(config: CameraConfig, paces: Step) -> Rates:
    return Rates(
        active_fps=config.rate_fps,
        quiet_interval_s=config.quiet_interval_s * paces.quiet.stretch,
        active_most_fps=paces.active.rate_fps,
        quiet_most_fps=paces.quiet.rate_fps,
    )
