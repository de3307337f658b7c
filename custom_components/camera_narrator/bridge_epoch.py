"""One run of a bridge's process: its clock, and what has come of each camera over all its connections."""

from typing import TYPE_CHECKING

from .bridge_camera import NOTHING, Reception, bridge_counts
from .protocol.camera import CameraHello, CameraStatus

if TYPE_CHECKING:
    from .bridge_clock import BridgeClock
    from .hub_camera import HubCamera


class BridgeEpoch:
    """Goes on over reconnects; the bridge's next run begins another."""

    def __init__(self, name: str, clock: BridgeClock, *, run_id: str) -> None:
        """Begin with nothing received."""
        self.name = name
        self.clock = clock
        self._run_id = run_id
        self._receptions: dict[str, Reception] = {}

    def greet(self, camera: HubCamera, hello: CameraHello | None) -> Reception:
        """Begin or go on with the camera's account of this epoch."""
        known = self._receptions.get(camera.key)
        counters = (
            hello.counters if hello is not None else NOTHING if known is None else known.counters
        )
        counts = bridge_counts(counters)
        if known is not None and known.camera is camera:
            camera.accounts.hello(self.name, counts, acknowledged=0, settled=0, run_id=self._run_id)
            return known
        # What came before was another run's, or that of a removed camera of the same key.
        earlier = counts.sampled - counts.settled - counts.unacknowledged
        camera.accounts.hello(
            self.name,
            counts,
            acknowledged=earlier if hello is None else hello.acknowledged,
            settled=earlier if hello is None else hello.settled,
            run_id="",
        )
        reception = self._receptions[camera.key] = Reception(camera=camera, counters=counters)
        return reception

    def count(self, told: CameraStatus) -> None:
        """Take the counters of a camera that is not on the connection any more."""
        if (reception := self._receptions.get(told.camera)) is not None:
            reception.counters = told.counters
            reception.camera.accounts.status(self.name, bridge_counts(told.counters))
