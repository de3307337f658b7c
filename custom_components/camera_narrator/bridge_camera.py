"""One camera on one connection of its bridge: order, rate, time and how much replay is still to come."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .pipeline import models, vocabulary
from .pipeline.accounting import BridgeCounts
from .protocol.area import Region
from .protocol.camera import CameraHello, CameraStatus, Counters, Received
from .protocol.frame import Frame
from .protocol.messages import Activity
from .protocol.record import ProtocolError
from .protocol.vocabulary import FrameFlag, StreamState
from .protocol.wire_error import WireError

if TYPE_CHECKING:
    from .bridge_clock import BridgeClock
    from .hub_camera import HubCamera
    from .pipeline.clock import Clock
    from .pipeline.outcomes import Outcomes

RATE_FACTOR = 4
"""Live frames may come at four times the active rate: an onset doubles it, a late socket bunches them."""
RATE_BURST = 20
"""Frames above that rate at a time, as after a second of a stuck network."""
SHOWN_S = 10.0
"""How often the account of a client without counters is shown: as often as a bridge sends its status."""

NOTHING = Counters(sampled=0)

# As plain numbers: flags are tested eight times a frame, and an enum takes a microsecond each time.
_KEY, _REPLAY, _ACTIVE, _DOUBTFUL, _PREROLL = (
    flag.value
    for flag in (
        FrameFlag.KEY,
        FrameFlag.REPLAY,
        FrameFlag.ACTIVE,
        FrameFlag.DOUBTFUL,
        FrameFlag.PREROLL,
    )
)


@dataclass(slots=True, kw_only=True)
class Reception:
    """What has come of one camera in one epoch, over all its connections."""

    camera: HubCamera
    live: int = 0
    """The highest sequence received live."""
    replay: int = 0
    """The highest sequence received as replay."""
    settled_told: int = 0
    """As acknowledged last."""
    counters: Counters = NOTHING
    """As the bridge reported last."""


class BridgeCamera:
    """Judges every frame of one camera on one connection and hands it on."""

    def __init__(
        self,
        number: int,
        *,
        epoch: str,
        reception: Reception,
        counts: bool,
        clock: Clock,
    ) -> None:
        """Start with a full allowance and an order of its own; `counts` where the bridge sends counters."""
        self.camera = reception.camera
        self.number = number
        self.config = self.camera.capture_config(number)
        self.withdrawn = False
        self._reception = reception
        self._epoch = epoch
        self._counts = counts
        self._shown_s: float | None = None
        self._clock = clock
        self._last_live = 0
        self._last_replay = 0
        self._allowance = float(RATE_BURST)
        self._allowed_s = clock.monotonic()
        self._watched_fps = 0.0
        self._watched_until_s = 0.0
        self._awaited = 0
        self._overflowed = 0
        self._replaying = True

    # -- what comes ---------------------------------------------------------------------------------------------

    def connect(
        self, hello: CameraHello | None, *, reports_activity: bool, detects: bool = False
    ) -> None:
        """Tell the camera that its bridge is there, and reckon from the hello how much will be sent again."""
        self.camera.connect(
            epoch=self._epoch,
            reports_activity=reports_activity,
            active=hello is not None and hello.active,
            detects=detects,
        )
        if hello is not None:
            known = hello.acknowledged + hello.counters.unacknowledged
            outcomes = self._outcomes()
            here = self._settled() - outcomes.settled + outcomes.received
            self._awaited = max(0, known - here)
            self._overflowed = hello.counters.overflowed
            self._count(hello.counters)
        self._check_replay()

    def receive(self, frame: Frame, bridge_clock: BridgeClock) -> None:
        """Hand a frame on, or reject one over the rate or withdrawn; raise ProtocolError out of order."""
        flags = frame.flags.value
        self._order(frame.sequence, replay=bool(flags & _REPLAY))
        now_s = self._clock.monotonic()
        if not self.withdrawn and self._allows(flags, now_s):
            captured_s = bridge_clock.local_s(frame.captured_us, now_s=now_s)
            wall_s = self._clock.wall() - (now_s - captured_s)
            self.camera.receive(self._dated(frame, captured_s, wall_s, now_s))
        else:
            self.camera.source.reject(self._epoch)
        self._check_replay()

    def spoil(self, sequence: int, *, replay: bool) -> None:
        """Count a malformed frame as rejected; raise ProtocolError where it is out of order as well."""
        self._order(sequence, replay=replay)
        self.camera.source.reject(self._epoch)
        self._check_replay()

    def observe(self, activity: Activity, bridge_clock: BridgeClock) -> None:
        """Hand the bridge's verdict on."""
        now_s = self._clock.monotonic()
        self.camera.observe(
            models.ActivityState(
                active=activity.active,
                since_s=bridge_clock.local_s(activity.since_us, now_s=now_s),
                received_s=now_s,
                score=activity.score,
                regions=tuple(_region(part) for part in activity.regions),
                detections=tuple(
                    models.Detection(
                        label=vocabulary.Label(seen.label.value),
                        score=seen.score,
                        box=_region(seen.box),
                    )
                    for seen in activity.labels
                ),
            )
        )

    def report(self, status: CameraStatus) -> None:
        """Show the bridge's status, with the account that its counters complete."""
        self._counts = True
        self._count(status.counters)
        self.camera.accounts.status(self._epoch, bridge_counts(status.counters))
        self._check_replay()
        self.camera.status(status, self.camera.accounts.total())

    def fail(self, error: WireError) -> None:
        """Show why the bridge cannot take the camera's settings."""
        status = CameraStatus(camera=self.camera.key, state=StreamState.FAILED, error=error)
        self.camera.status(status, self.camera.accounts.total())

    # -- what goes ----------------------------------------------------------------------------------------------

    def watch(self, *, rate_fps: float, seconds: float) -> None:
        """More frames were asked for: they are not over the rate."""
        self._watched_fps = rate_fps
        self._watched_until_s = self._clock.monotonic() + seconds

    @property
    def unsettled(self) -> bool:
        """Whether the bridge does not yet know how many frames have an outcome."""
        return self._settled() != self._reception.settled_told

    def acknowledge(self) -> Received:
        """Return what has come, for the bridge."""
        self._reception.settled_told = self._settled()
        return Received(
            camera=self.camera.key,
            live=self._reception.live,
            replay=self._reception.replay,
            settled=self._reception.settled_told,
        )

    def show(self) -> None:
        """Show the account of a client that sends no counters: what came is what it sampled."""
        now_s = self._clock.monotonic()
        if self._counts or (self._shown_s is not None and now_s - self._shown_s < SHOWN_S):
            return
        self._shown_s = now_s
        outcomes = self._outcomes()
        earlier = self._settled() - outcomes.settled
        counts = BridgeCounts(sampled=earlier + outcomes.received)
        self.camera.accounts.status(self._epoch, counts)
        self.camera.status(None, self.camera.accounts.total())

    # -- private ------------------------------------------------------------------------------------------------

    def _outcomes(self) -> Outcomes:
        return self.camera.source.outcomes(self._epoch)

    def _settled(self) -> int:
        return self.camera.accounts.settled(self._epoch)

    def _order(self, sequence: int, *, replay: bool) -> None:
        if sequence <= (self._last_replay if replay else self._last_live):
            raise ProtocolError("frame.sequence", "does not rise")
        if replay:
            self._last_replay = sequence
            self._reception.replay = max(self._reception.replay, sequence)
            self._awaited -= 1
        else:
            self._last_live = sequence
            self._reception.live = max(self._reception.live, sequence)

    def _count(self, counters: Counters) -> None:
        """An empty ring sends nothing again, and what the ring threw away will not come."""
        self._reception.counters = counters
        self._awaited -= max(0, counters.overflowed - self._overflowed)
        self._overflowed = counters.overflowed
        if counters.unacknowledged == 0:
            self._awaited = 0

    def _check_replay(self) -> None:
        if self._replaying and self._awaited <= 0:
            self._replaying = False
            self.camera.source.replayed()

    def _allows(self, flags: int, now_s: float) -> bool:
        """Replay and pre-roll are bounded by window and ring instead of the rate."""
        if flags & (_REPLAY | _PREROLL):
            return True
        rate_fps = self.config.rate_fps
        if now_s < self._watched_until_s:
            rate_fps = max(rate_fps, self._watched_fps)
        earned = (now_s - self._allowed_s) * RATE_FACTOR * rate_fps
        self._allowance = min(RATE_BURST, self._allowance + earned)
        self._allowed_s = now_s
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True

    def _dated(self, frame: Frame, captured_s: float, wall_s: float, now_s: float) -> models.Frame:
        flags = frame.flags.value
        return models.Frame(
            camera=self.camera.key,
            epoch=self._epoch,
            sequence=frame.sequence,
            captured_s=captured_s,
            captured_wall_s=wall_s,
            received_s=now_s,
            width=frame.width,
            height=frame.height,
            key=bool(flags & _KEY),
            replay=bool(flags & _REPLAY),
            active=bool(flags & _ACTIVE),
            doubtful=bool(flags & _DOUBTFUL),
            preroll=bool(flags & _PREROLL),
            activity=frame.activity,
            novelty=frame.novelty,
            jpeg=frame.jpeg,
        )


def _region(part: Region) -> models.Region:
    return models.Region(x=part.x, y=part.y, width=part.width, height=part.height)


def bridge_counts(counters: Counters) -> BridgeCounts:
    """Return a bridge's counters as the accounts take them."""
    return BridgeCounts(
        sampled=counters.sampled,
        replaced=counters.replaced,
        overflowed=counters.overflowed,
        withdrawn=counters.withdrawn,
        unacknowledged=counters.unacknowledged,
    )
