"""The bridge: holds the cameras that Home Assistant configured, the ring, and the way up."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib.metadata import version
import logging
import secrets
import time
from typing import Any

from .clock import monotonic_us
from .encoder import Encoder
from .looks import looks_with
from .mqtt_link import tls_context
from .outbox import Outbox
from .pacing import Pacing
from .probes import Probes
from .process_load import ProcessLoad
from .protocol.camera import CameraConfig
from .protocol.frame import Frame
from .protocol.limits import MAX_CAMERAS, PROTOCOL_MAX, PROTOCOL_MIN
from .protocol.messages import (
    Ack,
    Configure,
    Configured,
    Hello,
    Limits,
    Probe,
    Status,
    Watch,
    Welcome,
)
from .protocol.vocabulary import Capability, FrameFlag
from .replay import ReplayRing
from .roster import Roster
from .settings import Settings
from .state_folder import StateFolder
from .telemetry import Telemetry
from .uplink import Uplink

_LOGGER = logging.getLogger(__name__)

_DISTRIBUTION = "camera-narrator-edge-bridge"

REPORT_S = 5.0
"""Between two writings of the status file, while nothing changes."""
REPORT_LEAST_S = 0.5
"""Between two changes that are written: a person sees both, and no flood reaches disk or broker."""
REPLAY_PAUSE_US = 1_000_000
"""Two looks: nothing is replayed while live frames are under pressure."""
THREADS_S = 1.0
"""For the threads' end, from the moment when it is asked for: the farewells take longer, and nobody waits for both."""


class Bridge:
    """Everything that one ``edge-bridge run`` does; one event loop, a reader thread per camera."""

    def __init__(self, settings: Settings, folder: StateFolder, bridge_id: str) -> None:
        """Wire the parts; nothing runs before ``run``."""
        self.outbox = Outbox()
        self._settings = settings
        self._folder = folder
        self._id = bridge_id
        self._version = version(_DISTRIBUTION)
        self._epoch = secrets.token_hex(8)
        self._encoder = Encoder()
        self._looks = looks_with(settings.detector, self._encoder)
        self._ring = ReplayRing()
        self._pacing = Pacing()
        self._greeted_us = 0
        self._limits = Limits()
        self._load = ProcessLoad()
        self._tasks: asyncio.TaskGroup | None = None
        self._probes = Probes(self._encoder, self.outbox)
        self._threads_until_s = 0.0
        self._began_s = time.monotonic()
        self._changed = asyncio.Event()
        """A state has changed since the status was written."""
        self._roster = Roster(
            encoder=self._encoder,
            looks=self._looks,
            ring=self._ring,
            outbox=self.outbox,
            pacing=self._pacing,
            changed=self._changed.set,
        )
        self._uplink = Uplink(settings, self, self._changed.set)
        self._telemetry: Telemetry | None = None
        if settings.mqtt is not None:
            self._telemetry = Telemetry(
                settings.mqtt,
                name=settings.name,
                bridge_id=bridge_id,
                folder=folder,
                tls=partial(tls_context, settings.ca, insecure=settings.insecure),
                changed=self._changed.set,
            )

    async def run(self) -> None:
        """Serve until cancelled; then say the last status and close, while the threads end."""
        loop = asyncio.get_running_loop()
        # Home Assistant would wait for labels that no longer come.
        self._looks.broke = lambda: _call(loop, self._uplink.greet_anew)
        self._roster.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                tasks.create_task(self._uplink.run())
                tasks.create_task(self._report())
                tasks.create_task(self._stop_threads_at_the_end())
                if self._telemetry is not None:
                    tasks.create_task(self._telemetry.run())
        finally:
            self._roster.join(self._threads_until_s)
            self._looks.join(self._threads_until_s)
            self._folder.clear_status()

    # -- what a connection asks for ---------------------------------------------------------------------------

    @property
    def on_wire(self) -> int:
        """Return how many frames were sent on this connection and not yet acknowledged."""
        return self._ring.on_wire

    def hello(self) -> Hello:
        """Return the first message of a connection."""
        self._greeted_us = monotonic_us()
        return Hello(
            protocol_min=PROTOCOL_MIN,
            protocol_max=PROTOCOL_MAX,
            version=self._version,
            bridge=self._id,
            epoch=self._epoch,
            name=self._settings.name,
            capabilities=tuple(
                capability
                for capability in Capability
                if capability is not Capability.LABELS or self._looks.problem is None
            ),
            clock_us=monotonic_us(),
            cameras=tuple(
                self._ring.hello(key, active=self._roster.active(key))
                for key in self._ring.cameras[-MAX_CAMERAS:]
            ),
        )

    def welcome(self, welcome: Welcome) -> Configured:
        """Begin a connection."""
        self._limits = welcome.limits
        if self._telemetry is not None:
            self._telemetry.move(welcome.mqtt_prefix)
        now_us = monotonic_us()
        round_trip_us = now_us - self._greeted_us
        self._ring.connect(
            welcome.received, welcome.run_id, welcome.limits, now_us, round_trip_us=round_trip_us
        )
        self._pacing.connected()
        configured = self._reconcile(welcome.revision, welcome.cameras)
        self._roster.repeat()
        return configured

    def configure(self, configure: Configure) -> Configured:
        """Take over a configuration."""
        return self._reconcile(configure.revision, configure.cameras)

    def acknowledge(self, ack: Ack) -> None:
        """Trim what has arrived."""
        self._ring.acknowledge(ack.cameras, monotonic_us())

    def watch(self, watch: Watch) -> None:
        """Send a camera more often for a while."""
        if (camera := self._roster.get(watch.camera)) is not None:
            camera.watch(rate_fps=watch.rate_fps, seconds=watch.seconds)

    def probe(self, probe: Probe) -> None:
        """Start a probe; its preview and its answer go to the outbox."""
        if self._tasks is not None:
            self._probes.start(self._tasks, probe, preview_most_bytes=self._limits.max_frame_bytes)

    @property
    def live_waits(self) -> bool:
        """Whether a live frame waits until it may be sent."""
        return self._ring.live_waits

    @property
    def replay_waits(self) -> bool:
        """Whether there is something to replay."""
        return self._ring.replay_waits

    def pace(self) -> None:
        """Send less where pictures come late, and more where they do not."""
        now_us = monotonic_us()
        before = self._pacing.step
        if self._pacing.look(now_us, self._ring.pressure(now_us)):
            self._roster.pace()
            _LOGGER.info(
                "The way to Home Assistant is %s: step %d after %d (%s)",
                "too narrow" if self._pacing.step > before else "wider again",
                self._pacing.step,
                before,
                self._pacing.reason,
            )
        if not self._pacing.calm(now_us):
            self._ring.rest(now_us + REPLAY_PAUSE_US)

    def next_frame(self, unsent_bytes: int) -> bytes | None:
        """Return the next frame that may be sent, live before replayed."""
        while (outgoing := self._ring.next(monotonic_us(), unsent_bytes=unsent_bytes)) is not None:
            camera = self._roster.get(outgoing.camera)
            if camera is None:
                self._ring.withdraw(outgoing.camera)
                continue
            frame = outgoing.frame
            data = Frame(
                flags=frame.flags | (FrameFlag.REPLAY if outgoing.replay else FrameFlag(0)),
                camera=camera.config.number,
                sequence=outgoing.sequence,
                captured_us=frame.captured_us,
                width=frame.width,
                height=frame.height,
                activity=frame.activity,
                novelty=frame.novelty,
                jpeg=frame.jpeg,
            ).pack()
            age_us = (
                None if outgoing.replay or frame.preroll else monotonic_us() - frame.captured_us
            )
            camera.meter.sent(len(data), age_us)
            return data
        return None

    def status(self) -> Status:
        """Return the status to be said now; the last counts of a removed camera are said until nothing is open."""
        status = self._status()
        self._roster.told()
        return status

    def last_status(self) -> Status:
        """Give up what was never sent, and return the status to end with: none of it comes any more."""
        for key in self._ring.cameras:
            self._ring.withdraw(key)
        return self.status()

    def _status(self) -> Status:
        self._ring.make_room(monotonic_us())
        cpu_percent, memory_bytes = self._load.read()
        return Status(
            cameras=self._roster.statuses()[:MAX_CAMERAS],
            cpu_percent=cpu_percent,
            memory_bytes=memory_bytes,
        )

    def disconnect(self) -> None:
        """End a connection: frames wait in the ring again, and nobody waits for its probes."""
        self._ring.disconnect()
        self._changed.set()
        self._probes.cancel()

    def _reconcile(self, revision: int, configs: tuple[CameraConfig, ...]) -> Configured:
        return self._roster.reconcile(
            revision, configs, max_frame_bytes=self._limits.max_frame_bytes
        )

    async def _stop_threads_at_the_end(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self._roster.stop()
            self._looks.stop()
            self._threads_until_s = time.monotonic() + THREADS_S

    async def _report(self) -> None:
        while True:
            self._changed.clear()
            self._roster.check(monotonic_us())
            status = self._snapshot()
            self._folder.write_status(status)
            if self._telemetry is not None:
                self._telemetry.tell(status)
            await asyncio.sleep(REPORT_LEAST_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(REPORT_S - REPORT_LEAST_S):
                    await self._changed.wait()

    def _snapshot(self) -> dict[str, Any]:
        problem = self._uplink.problem
        return {
            "name": self._settings.name,
            "version": self._version,
            "uptime_s": round(time.monotonic() - self._began_s),
            "connected": self._uplink.connected,
            "problem": None if self._uplink.connected or problem is None else str(problem),
            "waiting_bytes": self._ring.size_bytes,
            "stalled_s": round(self._roster.stalled_s, 1),
            "mqtt": None if self._telemetry is None else self._telemetry.state(),
            "dropped_replies": self.outbox.dropped,
            "unknown_messages": self.outbox.unknown,
            "detector": self._looks.status(),
            **self._status().written(),
        }


def _call(loop: asyncio.AbstractEventLoop, wanted: Callable[[], None]) -> None:
    """Call something on the loop, from any thread; a loop that has ended needs nothing any more."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(wanted)
