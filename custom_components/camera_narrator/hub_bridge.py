"""One bridge of a hub: takes its connection over and hands everything to the cameras it is about."""

from collections import deque
from collections.abc import Mapping
import contextlib
from typing import TYPE_CHECKING, Any

from aiohttp import WSCloseCode
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant, callback

from . import bridge_issues, const
from .acknowledgements import Acknowledgements
from .bridge_camera import BridgeCamera
from .bridge_epoch import BridgeEpoch
from .bridge_link import BridgeLink
from .coordinator import MASKS_UNSUPPORTED, BridgeCoordinator, BridgeState
from .protocol.camera import CameraConfig, CameraHello
from .protocol.frame import Frame
from .protocol.messages import Activity, Configured, Status
from .protocol.record import Message, ProtocolError
from .protocol.vocabulary import Capability, ErrorCode, Source
from .tokens import hashes_of

if TYPE_CHECKING:
    from .hub import Hub
    from .hub_camera import HubCamera

TAKEOVERS = 3
"""A second process with the same identity may take the connection so often in TAKEOVER_S; then it waits."""
TAKEOVER_S = 60.0
NUMBERS = 2**16 - 1
"""Camera numbers of one connection; none is given twice."""


class HubBridge:
    """A bridge subentry at run time; its connection comes and goes."""

    def __init__(self, hass: HomeAssistant, hub: Hub, subentry: ConfigSubentry) -> None:
        """Wait for the bridge."""
        self.subentry_id = subentry.subentry_id
        self.name = subentry.title
        self.coordinator = BridgeCoordinator(hass, BridgeState(name=subentry.title))
        self.link: BridgeLink | None = None
        self._received_bytes = 0
        self._hass = hass
        self._hub = hub
        self._data: Mapping[str, Any] = subentry.data
        self._epoch: BridgeEpoch | None = None
        self._cameras: dict[int, BridgeCamera] = {}
        """By number, those that were withdrawn on this connection included."""
        self._numbered = 0
        self._acks = Acknowledgements(self._send, hub.clock)
        self._takeovers: deque[float] = deque(maxlen=TAKEOVERS)

    # -- life ---------------------------------------------------------------------------------------------------

    @callback
    def start(self) -> None:
        """Take over the connection that a dialog brought, once the hub is open for bridges."""
        gateway = self._hub.gateway
        if not gateway.serves(self._hub):
            return
        link = gateway.adopt(self._data[const.CONF_TOKEN_HASH])
        if link is None or not link.open:
            return
        if self.link is not None:
            self.link.close(ErrorCode.REPLACED)
        self._bind(link.hello.bridge)
        self._attach(link)
        link.configure(self._configs())

    @callback
    def change(self, subentry: ConfigSubentry) -> None:
        """Take a new name or token over; who came with the old token must come again."""
        before = self._data[const.CONF_TOKEN_HASH]
        self.name, self._data = subentry.title, subentry.data
        if self._data[const.CONF_TOKEN_HASH] == before:
            return
        if self.link is not None:
            self.link.close(ErrorCode.REVOKED, retry=False)
        self.start()

    @callback
    def close(self) -> None:
        """The hub stops: the bridge comes back when it runs again."""
        self._end(None, close_code=WSCloseCode.SERVICE_RESTART)

    @callback
    def remove(self) -> None:
        """The bridge was removed from the hub: its tokens are revoked."""
        self._hub.gateway.tokens.remove(hashes_of(self._data))
        bridge_issues.clear(self._hass, self.subentry_id)
        self._end(ErrorCode.REVOKED)

    # -- connection ---------------------------------------------------------------------------------------------

    @callback
    def admit(self, link: BridgeLink) -> ErrorCode | None:
        """Take a new connection and welcome it; return why not, where it may not have the bridge's place."""
        bound = self._data.get(const.CONF_BRIDGE_ID)
        if bound and bound != link.hello.bridge:
            bridge_issues.create(self._hass, bridge_issues.IN_USE, self.subentry_id, self.name)
            return ErrorCode.IN_USE
        if self.link is not None and not self._replace(self.link):
            return ErrorCode.OVER_LIMIT
        bridge_issues.clear(self._hass, self.subentry_id)
        self._bind(link.hello.bridge)
        link.run_id = self._hub.run_id
        self._attach(link)
        link.welcome(
            mqtt_prefix=self._hub.mqtt.prefix,
            cameras=self._configs(),
            received=tuple(mine.acknowledge() for mine in self._present()),
        )
        return None

    @callback
    def detach(self, link: BridgeLink) -> None:
        """A connection is gone; where it was the bridge's, its cameras are away."""
        if link is not self.link:
            return
        self._received_bytes += link.received_bytes
        unfit = self._unfit(link)
        self.link, link.receiver = None, None
        self._acks.stop()
        for camera in (*(mine.camera for mine in self._present()), *unfit):
            camera.disconnect()
        self._cameras.clear()
        self.coordinator.update(connected=False)

    @callback
    def configure(self) -> None:
        """Push the cameras as they are now: removed and moved ones are withdrawn, new ones get a number."""
        if self.link is None:
            return
        wanted = self._wanted(self.link)
        for mine in self._present():
            if mine.camera in wanted:
                mine.config = mine.camera.capture_config(mine.number)
            else:
                self._withdraw(mine)
        for camera in wanted:
            if not self.holds(camera):
                self._connect(camera, None, self.link)
        self._say_unfit(self.link)
        self.link.configure(self._configs())

    @property
    def received_bytes(self) -> int:
        """Return how much this bridge has sent in this run, over all its connections."""
        return self._received_bytes + (0 if self.link is None else self.link.received_bytes)

    def holds(self, camera: HubCamera) -> bool:
        """Whether this bridge captures the camera on its present connection."""
        return any(mine.camera is camera for mine in self._present())

    # -- receiver of the connection -----------------------------------------------------------------------------

    @callback
    def receive(self, frame: Frame) -> None:
        """Hand a frame to its camera; one of a number that was never given is dropped and counted."""
        if self.link is None:
            return
        mine = self._cameras.get(frame.camera)
        if mine is None:
            self.link.garbage += 1
            return
        try:
            mine.receive(frame, self.link.clock)
        except ProtocolError:
            self.link.garbage += 1
            raise
        self._acks.owe(mine)

    @callback
    def spoil(self, *, number: int, sequence: int, replay: bool) -> bool:
        """Acknowledge a malformed frame, so that it is never sent again; return whether it named a camera."""
        mine = self._cameras.get(number)
        if mine is None or not 0 < sequence < 2**32:
            return False
        with contextlib.suppress(ProtocolError):
            mine.spoil(sequence, replay=replay)
            self._acks.owe(mine)
            return True
        return False

    @callback
    def take(self, message: Message) -> None:
        """Hand an activity, a status or the answer to a configuration on."""
        match message:
            case Activity():
                if self.link is not None and (mine := self._by_key(message.camera)) is not None:
                    mine.observe(message, self.link.clock)
            case Status():
                self._report(message)
            case Configured():
                for failed in message.errors:
                    if (mine := self._by_key(failed.camera)) is not None:
                        mine.fail(failed.error)
            case _:
                raise ProtocolError(message.type, "not a bridge's to send now")

    @callback
    def watched(self, camera: str, *, rate_fps: float, seconds: float) -> None:
        """More frames were asked for: they are not over the rate."""
        if (mine := self._by_key(camera)) is not None:
            mine.watch(rate_fps=rate_fps, seconds=seconds)

    @callback
    def rest(self) -> None:
        """Acknowledge all that came before the connection ends."""
        self._acks.pay(self._cameras.values())

    # -- private ------------------------------------------------------------------------------------------------

    def _send(self, message: Message) -> None:
        if self.link is not None:
            self.link.send(message)

    def _replace(self, old: BridgeLink) -> bool:
        now_s = self._hub.clock.monotonic()
        if len(self._takeovers) == TAKEOVERS and now_s - self._takeovers[0] < TAKEOVER_S:
            return False
        self._takeovers.append(now_s)
        self._received_bytes += old.received_bytes
        old.close(ErrorCode.REPLACED)
        return True

    def _attach(self, link: BridgeLink) -> None:
        """Take a connection for the one of now; within an epoch the clock and the marks go on."""
        hello, old = link.hello, self.link
        if old is not None:
            old.receiver = None
        if self._epoch is None or hello.epoch != self._epoch.name:
            self._epoch = BridgeEpoch(hello.epoch, link.clock, run_id=self._hub.run_id)
        link.clock = self._epoch.clock
        link.receiver, self.link = self, link
        self._acks.stop()
        before = [mine.camera for mine in self._present()]
        self._cameras.clear()
        self._numbered = 0
        told = {camera.camera: camera for camera in hello.cameras}
        for camera in self._wanted(link):
            self._connect(camera, told.get(camera.key), link)
        for camera in before:
            if not self.holds(camera):
                camera.disconnect()
        self._say_unfit(link)
        name = hello.name or self.name
        self.coordinator.update(connected=True, version=hello.version, name=name)

    def _wanted(self, link: BridgeLink) -> list[HubCamera]:
        unfit = self._unfit(link)
        return [camera for camera in self._hub.cameras_of(self.subentry_id) if camera not in unfit]

    def _unfit(self, link: BridgeLink) -> list[HubCamera]:
        """Return the cameras whose masks this bridge would not paint: it is never given them."""
        if Capability.MASKS in link.hello.capabilities:
            return []
        return [camera for camera in self._hub.cameras_of(self.subentry_id) if camera.masked]

    def _say_unfit(self, link: BridgeLink) -> None:
        for camera in self._unfit(link):
            camera.disconnect(MASKS_UNSUPPORTED)

    def _connect(self, camera: HubCamera, hello: CameraHello | None, link: BridgeLink) -> None:
        for other in self._hub.bridges.values():
            if other is not self and other.holds(camera):
                other.configure()  # a camera is withdrawn from its old bridge first
        if self._numbered == NUMBERS:
            link.close(None, close_code=WSCloseCode.SERVICE_RESTART, reason="numbers used up")
            return
        assert self._epoch is not None  # since the connection was taken
        self._numbered += 1
        activity = Capability.ACTIVITY in link.hello.capabilities
        mine = self._cameras[self._numbered] = BridgeCamera(
            self._numbered,
            epoch=self._epoch.name,
            reception=self._epoch.greet(camera, hello),
            counts=activity or hello is not None,
            clock=self._hub.clock,
        )
        mine.connect(
            hello,
            reports_activity=activity and mine.config.source is Source.RTSP,
            detects=Capability.LABELS in link.hello.capabilities,
        )

    def _withdraw(self, mine: BridgeCamera) -> None:
        """What is still on its way under this number is rejected and acknowledged."""
        mine.withdrawn = True
        if self._hub.cameras.get(mine.camera.subentry_id) is mine.camera:
            mine.camera.disconnect()

    def _report(self, status: Status) -> None:
        for told in status.cameras:
            if (mine := self._by_key(told.camera)) is not None:
                mine.report(told)
            elif self._epoch is not None:
                self._epoch.count(told)
        self.coordinator.update(cpu_percent=status.cpu_percent, memory_bytes=status.memory_bytes)
        self._acks.pay(self._cameras.values())

    def _end(self, code: ErrorCode | None, *, close_code: int | None = None) -> None:
        if self.link is not None:
            self.link.close(code, retry=False, close_code=close_code)
            self.detach(self.link)
        self.coordinator.close()

    def _bind(self, bridge: str) -> None:
        """The token belongs to the first bridge that comes with it."""
        entry = self._hub.entry
        subentry = entry.subentries.get(self.subentry_id)
        if subentry is None or subentry.data.get(const.CONF_BRIDGE_ID) == bridge:
            return
        self._data = {**subentry.data, const.CONF_BRIDGE_ID: bridge}
        self._hass.config_entries.async_update_subentry(entry, subentry, data=self._data)

    def _configs(self) -> tuple[CameraConfig, ...]:
        return tuple(mine.config for mine in self._present())

    def _present(self) -> list[BridgeCamera]:
        return [mine for mine in self._cameras.values() if not mine.withdrawn]

    def _by_key(self, key: str) -> BridgeCamera | None:
        return next((mine for mine in self._present() if mine.camera.key == key), None)
