"""When the bridge hears what has arrived: after some frames or a moment, whichever comes first."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from .protocol.messages import Ack
from .protocol.record import Message

if TYPE_CHECKING:
    from .bridge_camera import BridgeCamera
    from .pipeline.clock import Clock

ACK_FRAMES = 16
"""A quarter of the window: a bridge never waits for room; each message costs as much as half a frame."""
ACK_S = 0.1
"""A frame is acknowledged within this time, for which a bridge on a narrow line waits with the next one; it costs ten
small messages a second at most."""


class Acknowledgements:
    """Collects the cameras of which frames came on one connection; nothing runs while nothing comes."""

    def __init__(self, send: Callable[[Message], None], clock: Clock) -> None:
        """Owe nothing."""
        self._send = send
        self._clock = clock
        self._due: dict[int, BridgeCamera] = {}
        self._frames = 0
        self._cancel: Callable[[], None] | None = None

    def owe(self, camera: BridgeCamera) -> None:
        """A frame of this camera came."""
        self._due[camera.number] = camera
        self._frames += 1
        if self._frames >= ACK_FRAMES:
            self.pay()
        elif self._cancel is None:
            self._cancel = self._clock.call_at(self._clock.monotonic() + ACK_S, self.pay)

    def pay(self, others: Iterable[BridgeCamera] = ()) -> None:
        """Send what is owed now; of the others, those whose settled count has changed."""
        for camera in others:
            if camera.unsettled:
                self._due[camera.number] = camera
        due, self._due = self._due, {}
        self.stop()
        if due:
            self._send(Ack(cameras=tuple(camera.acknowledge() for camera in due.values())))
        for camera in due.values():
            camera.show()

    def stop(self) -> None:
        """Owe nothing any more."""
        self._frames = 0
        self._due.clear()
        if self._cancel is not None:
            self._cancel()
            self._cancel = None
