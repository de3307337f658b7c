"""One camera: its reader, its detector, its sampler, and the box in which the loop finds what they chose.

``picture`` and ``state_changed`` run on the reader's thread, everything else on the loop. A change of rate, size or
quality takes effect with the next picture; only another address opens the stream again.
"""

import asyncio
from collections.abc import Callable
import logging

from .activity import ActivityDetector
from .activity_report import ActivityReport
from .capture import Capture, Picture, monotonic_us
from .encoder import Encoder, Plane, novelty
from .mailbox import Mail, Mailbox
from .meter import Meter
from .protocol import MAX_FRAME_BYTES, Activity, CameraConfig, FrameFlag, StreamState, WireError
from .sampler import PreRoll, Rates, SampledFrame, Sampler
from .source import StreamSource

_LOGGER = logging.getLogger(__name__)


class Camera:
    """Captures one camera from ``start`` to ``stop``."""

    def __init__(
        self,
        config: CameraConfig,
        *,
        encoder: Encoder,
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
        self._encoder = encoder
        self._mailbox = Mailbox(loop, lambda: wake(self))
        self._capture = Capture(config.camera, StreamSource.of(config), self)
        self._detector = ActivityDetector()
        self._report = ActivityReport(config.camera)
        self._sampler = Sampler(_rates(config))
        self._preroll: PreRoll[tuple[SampledFrame, Plane]] = PreRoll()
        self._sent_plane: Plane | None = None

    def start(self) -> None:
        """Start reading."""
        self._capture.start()

    def stop(self) -> None:
        """Stop reading, without waiting for a read that blocks."""
        self._mailbox.close()
        self._capture.stop()

    def reopens_for(self, config: CameraConfig) -> bool:
        """Return whether a configuration needs another stream than the present one."""
        return StreamSource.of(config) != StreamSource.of(self.config)

    def configure(self, config: CameraConfig) -> None:
        """Take over settings that need no other stream."""
        self.config = config
        self._sampler.rates = _rates(config)

    def watch(self, *, rate_fps: float, seconds: float) -> None:
        """Send at least so often for some seconds."""
        self._sampler.watch(monotonic_us(), rate_fps=rate_fps, seconds=seconds)

    def take(self) -> Mail:
        """Return what the thread has left, and remember its states."""
        mail = self._mailbox.take()
        if mail.state is not None:
            self.state, self.error = mail.state
        return mail

    def state_changed(self, state: StreamState, error: WireError | None) -> None:
        """Take a change of the stream's state."""
        if state is StreamState.STREAMING:
            self.meter.restarted()
            _LOGGER.info("Camera %s: streaming", self.config.camera)
        self._mailbox.put_state(state, error)

    def picture(self, picture: Picture) -> None:
        """Take one decoded picture."""
        now_us = picture.captured_us
        self.meter.picture(now_us, key=picture.key, decode_us=picture.decode_us)
        plane: Plane | None = None
        if self._detector.due(now_us):
            plane = self._encoder.luma(picture.frame)
            verdict = self._detector.observe(plane, now_us)
            if (said := self._report.offer(verdict, now_us)) is not None:
                self._mailbox.put_activity(said)
        active = self._detector.verdict.active
        choice = self._sampler.offer(now_us, key=picture.key, active=active)
        if choice.onset:
            for frame, before in self._preroll.take(now_us):
                self._send(frame, before)
        if choice.keep:
            self._encode(picture, plane, self._send)
        elif (
            picture.key
            and not active
            and self._preroll.wants(now_us, interval_us=int(1_000_000 / self.config.rate_fps))
        ):
            self._encode(picture, plane, self._keep)

    def _encode(
        self, picture: Picture, plane: Plane | None, then: Callable[[SampledFrame, Plane], None]
    ) -> None:
        if plane is None:
            plane = self._encoder.luma(picture.frame)
        config = self.config
        jpeg = self._encoder.jpeg(
            picture.frame,
            height_px=config.height_px,
            quality=config.quality,
            most_bytes=self.max_frame_bytes,
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
            jpeg=jpeg.data,
        )
        then(frame, plane)

    def _send(self, frame: SampledFrame, plane: Plane) -> None:
        self._mailbox.put_frame(frame.with_novelty(novelty(plane, self._sent_plane)))
        self._sent_plane = plane

    def _keep(self, frame: SampledFrame, plane: Plane) -> None:
        self._preroll.put(frame.captured_us, (frame.as_preroll(), plane))


def _rates(config: CameraConfig) -> Rates:
    return Rates(active_fps=config.rate_fps, quiet_interval_s=config.quiet_interval_s)
