"""A slow line between the ring and a played Home Assistant, in simulated time."""

from collections import deque
from dataclasses import dataclass, field

from edge_bridge.pacing import LOOK_S, Pace, Pacing
from edge_bridge.protocol.camera import Received
from edge_bridge.protocol.frame import HEADER
from edge_bridge.protocol.messages import Limits
from edge_bridge.protocol.vocabulary import FrameFlag
from edge_bridge.replay import Outgoing, ReplayRing
from edge_bridge.sampler import Rates, SampledFrame, Sampler

SECOND_US = 1_000_000
TICK_US = 10_000
IN_FLIGHT_BYTES = 14_600
"""What TCP has on the way from the start; the rest the system holds unsent."""
ACK_FRAMES, ACK_US = 16, 100_000
FULL_BYTES = 30_000
"""A picture of 480p at quality 70."""


def size_bytes(height_px: int, quality: int, full_bytes: int = FULL_BYTES) -> int:
    """Return about what surveillance footage weighs at this size and quality."""
    return round(full_bytes * (height_px / 480) ** 1.25 * (0.3 + 0.01 * quality))


@dataclass(slots=True, eq=False)
class SimulatedSource:
    """A camera of ten pictures a second, with a key frame every second."""

    name: str
    active: bool = False
    phase_us: int = 0
    rate_fps: float = 1.0
    quiet_interval_s: float = 10.0
    full_bytes: int = FULL_BYTES
    sampler: Sampler = field(
        default_factory=lambda: Sampler(Rates(active_fps=1, quiet_interval_s=10))
    )

    def picture(self, now_us: int, pacing: Pacing) -> SampledFrame | None:
        """Return the picture of this moment, if one is chosen."""
        if (now_us - self.phase_us) % 100_000:
            return None
        step = pacing.paces
        self.sampler.rates = Rates(
            active_fps=self.rate_fps,
            quiet_interval_s=self.quiet_interval_s * step.quiet.stretch,
            active_most_fps=step.active.rate_fps,
            quiet_most_fps=step.quiet.rate_fps,
        )
        key = not (now_us - self.phase_us) % SECOND_US
        if not self.sampler.offer(now_us, key=key, active=self.active).keep:
            return None
        lively = self.sampler.is_lively(now_us)
        pace: Pace = step.active if lively else step.quiet
        size = size_bytes(min(480, pace.height_px), min(70, pace.quality), self.full_bytes)
        return SampledFrame(
            flags=FrameFlag.ACTIVE if self.active else FrameFlag(0),
            captured_us=now_us,
            width=2,
            height=2,
            tail=lively and not self.active,
            jpeg=bytes(size),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A frame as Home Assistant got it."""

    at_us: int
    captured_us: int
    camera: str
    replay: bool

    @property
    def age_s(self) -> float:
        """Seconds from capture to arrival."""
        return (self.at_us - self.captured_us) / SECOND_US


class SimulatedLink:
    """Cameras, ring, controller, a line of some rate, and acknowledgements as Home Assistant sends them."""

    def __init__(
        self, sources: list[SimulatedSource], *, bytes_per_s: float, hides: bool = False
    ) -> None:
        """Connect; a line that hides takes everything at once and keeps it."""
        self.sources = sources
        self.bytes_per_s = bytes_per_s
        self.hides = hides
        self.latency_us = 20_000
        self.ring = ReplayRing()
        self.pacing = Pacing()
        self.now_us = 0
        self.arrivals: list[Arrival] = []
        self.steps: list[tuple[float, int]] = [(0.0, 0)]
        self._wire: deque[tuple[Outgoing, float]] = deque()
        self._wire_bytes = 0.0
        self._progress = 0.0
        self._highest: dict[tuple[str, bool], int] = {}
        self._owed: list[str] = []
        self._owed_since_us = 0
        self._acks: deque[tuple[int, list[Received]]] = deque()
        self.connect()

    def connect(self) -> None:
        """Begin a connection that knows what came before."""
        self._wire.clear()
        self._wire_bytes = self._progress = 0.0
        self._acks.clear()
        self._owed.clear()
        received = [self._received(name) for name in {name for name, _ in self._highest}]
        self.ring.connect(received, "run", Limits(), self.now_us, round_trip_us=2 * self.latency_us)
        self.pacing.connected()
        self._highest.clear()

    def disconnect(self) -> None:
        """Break the line."""
        self.ring.disconnect()
        self._wire.clear()
        self._acks.clear()

    def run(self, seconds: float, *, online: bool = True) -> None:
        """Let time pass."""
        end_us = self.now_us + round(seconds * SECOND_US)
        while self.now_us < end_us:
            self.now_us += TICK_US
            for source in self.sources:
                if (frame := source.picture(self.now_us, self.pacing)) is not None:
                    self.ring.add(source.name, frame, self.now_us)
            if online:
                self._flow()
                self._write()
                if self.now_us % round(LOOK_S * SECOND_US) == 0:
                    self._look()

    def ages_s(self, since_s: float = 0.0) -> list[float]:
        """Return the sorted ages of the live frames that arrived since then."""
        return sorted(
            arrival.age_s
            for arrival in self.arrivals
            if not arrival.replay and arrival.at_us >= since_s * SECOND_US
        )

    def _look(self) -> None:
        if self.pacing.look(self.now_us, self.ring.pressure(self.now_us)):
            self.steps.append((self.now_us / SECOND_US, self.pacing.step))
        if not self.pacing.calm(self.now_us):
            self.ring.rest(self.now_us + round(2 * LOOK_S * SECOND_US))

    def _write(self) -> None:
        while True:
            unsent = 0 if self.hides else max(0, round(self._wire_bytes) - IN_FLIGHT_BYTES)
            outgoing = self.ring.next(self.now_us, unsent_bytes=unsent)
            if outgoing is None:
                return
            size = len(outgoing.frame.jpeg) + HEADER.size + 60
            self._wire.append((outgoing, size))
            self._wire_bytes += size

    def _flow(self) -> None:
        moved = min(self.bytes_per_s * TICK_US / SECOND_US, self._wire_bytes)
        self._wire_bytes -= moved
        self._progress += moved
        while self._wire and self._progress >= self._wire[0][1] - 1e-6:
            outgoing, size = self._wire.popleft()
            self._progress -= size
            self._arrive(outgoing)
        if self._owed and (
            len(self._owed) >= ACK_FRAMES or self.now_us - self._owed_since_us >= ACK_US
        ):
            told = [self._received(name) for name in sorted(set(self._owed))]
            self._acks.append((self.now_us + 2 * self.latency_us, told))
            self._owed.clear()
        while self._acks and self._acks[0][0] <= self.now_us:
            self.ring.acknowledge(self._acks.popleft()[1], self.now_us)

    def _arrive(self, outgoing: Outgoing) -> None:
        self._highest[outgoing.camera, outgoing.replay] = outgoing.sequence
        if not self._owed:
            self._owed_since_us = self.now_us
        self._owed.append(outgoing.camera)
        self.arrivals.append(
            Arrival(
                at_us=self.now_us + self.latency_us,
                captured_us=outgoing.frame.captured_us,
                camera=outgoing.camera,
                replay=outgoing.replay,
            )
        )

    def _received(self, name: str) -> Received:
        return Received(
            camera=name,
            live=self._highest.get((name, False), 0),
            replay=self._highest.get((name, True), 0),
        )
