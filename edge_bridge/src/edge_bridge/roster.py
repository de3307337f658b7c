"""The cameras that Home Assistant configured: added, changed and removed live, and how each of them fares."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
import itertools

from .budget import Budget
from .camera import Camera
from .clock import monotonic_us
from .decoding import DecoderWorkers
from .encoder import Encoder
from .errors import CaptureError
from .looks import Looks
from .outbox import Outbox
from .pacing import Pacing
from .protocol.camera import CameraConfig, CameraError, CameraStatus
from .protocol.messages import Configured
from .protocol.record import ProtocolError
from .protocol.vocabulary import DecodeMode, ErrorCode, PacingReason, Source, StreamState
from .protocol.wire_error import WireError
from .replay import ReplayRing
from .source import StreamSource


class Roster:
    """Keeps the cameras as they were last configured; all on the event loop."""

    def __init__(
        self,
        *,
        encoder: Encoder,
        looks: Looks,
        ring: ReplayRing,
        outbox: Outbox,
        pacing: Pacing,
        changed: Callable[[], None],
    ) -> None:
        """Start without cameras; ``changed`` is called when the state of one has changed."""
        self._workers = DecoderWorkers()
        self._budget = Budget(self._workers.count)
        self._encoder = encoder
        self._looks = looks
        self._ring = ring
        self._outbox = outbox
        self._pacing = pacing
        self._changed = changed
        self._revisions = itertools.count(1)
        self._cameras: dict[str, Camera] = {}
        self._unfit: dict[str, WireError] = {}
        """Configured cameras that this bridge cannot capture."""
        self._removed: set[str] = set()
        """Cameras of this epoch whose last counts have not been told."""

    def start(self) -> None:
        """Start the decoders."""
        self._workers.start()

    def stop(self) -> None:
        """Have the cameras and the decoders end, without waiting for them."""
        for camera in self._cameras.values():
            camera.stop()
        self._workers.stop()

    def join(self, until_s: float) -> None:
        """Wait for the decoders' end, no longer than until then."""
        self._workers.join(until_s)

    def get(self, key: str) -> Camera | None:
        """Return a camera that is captured."""
        return self._cameras.get(key)

    def active(self, key: str) -> bool:
        """Return whether something was last said to be going on in front of a camera."""
        camera = self._cameras.get(key)
        return camera is not None and camera.activity is not None and camera.activity.active

    @property
    def stalled_s(self) -> float:
        """Return how long the decoder that has been at one thing the longest is at it."""
        return self._workers.longest_s

    def check(self, now_us: int) -> None:
        """Look after readers that may wait for ever."""
        for camera in self._cameras.values():
            camera.check(now_us)

    def pace(self) -> None:
        """Send no more than the pacing allows from now on."""
        for camera in self._cameras.values():
            camera.pace(self._pacing.paces)

    def repeat(self) -> None:
        """Say again what is going on: nobody has heard it on this connection; a camera that fails says nothing."""
        for camera in self._cameras.values():
            if (
                camera.activity is not None
                and camera.activity.active
                and camera.state is StreamState.STREAMING
            ):
                self._outbox.activity(camera.activity)

    def statuses(self) -> tuple[CameraStatus, ...]:
        """Return how each camera fares, those that cannot be captured and those just removed included."""
        now_us = monotonic_us()
        failed = {
            **self._unfit,
            **dict.fromkeys(self._removed, WireError.of(ErrorCode.WITHDRAWN)),
        }
        return (
            *(self._status(camera, now_us) for camera in self._cameras.values()),
            *(
                CameraStatus(
                    camera=key,
                    state=StreamState.FAILED,
                    error=error,
                    counters=self._ring.counters(key),
                )
                for key, error in failed.items()
            ),
        )

    def told(self) -> None:
        """Forget removed cameras whose last counts have been told: nothing of them is open any more."""
        self._removed = {key for key in self._removed if self._ring.counters(key).unacknowledged}

    def reconcile(
        self, revision: int, configs: tuple[CameraConfig, ...], *, max_frame_bytes: int
    ) -> Configured:
        """Take over a configuration; raise ProtocolError where it contradicts itself."""
        wanted = {config.camera: config for config in configs}
        if len(wanted) != len(configs) or len({config.number for config in configs}) != len(
            configs
        ):
            raise ProtocolError("configure.cameras", "a camera or a number is there twice")
        self._unfit = {
            key: error for key, config in wanted.items() if (error := _unfit(config)) is not None
        }
        for key in [key for key in self._cameras if key not in wanted or key in self._unfit]:
            self._remove(key)
        for key, config in wanted.items():
            if key not in self._unfit:
                self._adopt(config, max_frame_bytes)
        self._changed()
        # Of cameras that were taken away just now, or were told of only before this connection.
        for key in self._ring.cameras:
            if key not in self._cameras:
                self._ring.withdraw(key)
        return Configured(
            revision=revision,
            errors=tuple(
                CameraError(camera=key, error=error) for key, error in self._unfit.items()
            ),
        )

    def _adopt(self, config: CameraConfig, max_frame_bytes: int) -> None:
        camera = self._cameras.get(config.camera)
        if camera is not None and camera.config.masks != config.masks:
            # What waits was painted by other masks.
            self._ring.withdraw(config.camera)
        if camera is not None and not camera.reopens_for(config):
            camera.configure(config)
        else:
            if camera is not None:
                camera.stop()
            camera = Camera(
                config,
                encoder=self._encoder,
                workers=self._workers,
                budget=self._budget,
                loop=asyncio.get_running_loop(),
                looks=self._looks,
                wake=self._collect,
            )
            camera.pace(self._pacing.paces)
            self._cameras[config.camera] = camera
            self._removed.discard(config.camera)
            camera.start()
        camera.max_frame_bytes = max_frame_bytes

    def _remove(self, key: str) -> None:
        self._cameras.pop(key).stop()
        self._removed.add(key)
        self._outbox.forget(key)

    def _collect(self, camera: Camera) -> None:
        """Take a camera's mail; one that was stopped meanwhile has none that counts."""
        key = camera.config.camera
        if self._cameras.get(key) is not camera:
            return
        mail = camera.take()
        if mail.state is not None:
            self._outbox.status()
            self._changed()
        if (said := camera.tell(mail)) is not None:
            camera.activity = replace(said, revision=next(self._revisions))
            self._outbox.activity(camera.activity)
        if mail.replaced:
            self._ring.skip(key, mail.replaced)
        now_us = monotonic_us()
        for frame in mail.frames:
            self._ring.add(key, frame, now_us)
        if mail.frames:
            self._outbox.frames()

    def _status(self, camera: Camera, now_us: int) -> CameraStatus:
        measured = camera.meter.read(now_us)
        paced = camera.paced
        track = camera.track
        return CameraStatus(
            camera=camera.config.camera,
            state=camera.state,
            error=camera.error,
            source_fps=measured.source_fps,
            sent_fps=measured.sent_fps,
            bytes_per_s=measured.bytes_per_s,
            decode_ms=measured.decode_ms,
            key_interval_s=measured.key_interval_s,
            codec="" if track is None else track.coding.codec,
            width=0 if track is None else track.width,
            height=0 if track is None else track.height,
            mode=DecodeMode.KEYS if track is None else track.mode,
            cpu_ms_per_s=measured.cpu_ms_per_s,
            age_ms=measured.age_ms,
            skipped=measured.skipped,
            pacing_step=self._pacing.step if paced else 0,
            pacing_reason=self._pacing.reason if paced else PacingReason.NONE,
            counters=self._ring.counters(camera.config.camera),
        )


def _unfit(config: CameraConfig) -> WireError | None:
    if config.source is not Source.RTSP:
        # Its pictures come from elsewhere: that this bridge is asked for them is an error on the other side.
        return WireError.of(ErrorCode.INTERNAL, source=config.source.value)
    try:
        StreamSource.of(config).check()
    except CaptureError as error:
        return error.error
    return None
