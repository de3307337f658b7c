"""A hub of cameras that only remember what they were told, for tests of what lies before them."""

from dataclasses import dataclass, field
from typing import Any

from homeassistant.config_entries import ConfigSubentryDataWithId
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.camera_narrator import const
from custom_components.camera_narrator.coordinator import BRIDGE_AWAY
from custom_components.camera_narrator.gateway import Gateway, async_setup_http
from custom_components.camera_narrator.hub_bridge import HubBridge
from custom_components.camera_narrator.pipeline.accounting import Accounts
from custom_components.camera_narrator.pipeline.clock import SystemClock
from custom_components.camera_narrator.pipeline.models import ActivityState, Frame
from custom_components.camera_narrator.pipeline.outcomes import Account, Outcomes
from custom_components.camera_narrator.pipeline.tally import Tally
from custom_components.camera_narrator.protocol.camera import CameraConfig, CameraStatus
from custom_components.camera_narrator.protocol.limits import PATH
from custom_components.camera_narrator.protocol.vocabulary import Source
from custom_components.camera_narrator.tokens import token_hash

TOKEN = "a-token-that-opens-the-porch"
RUN = "run-1"
OLD_TOKEN = "a-token-of-last-year"


class FakeSource:
    """Counts like the real source, and keeps every frame."""

    def __init__(self) -> None:
        """Start empty."""
        self.tally = Tally()
        self.frames: list[Frame] = []
        self.replays_ended = 0

    def receive(self, frame: Frame) -> None:
        """Keep a frame that has not come before."""
        if self.tally.arrive(frame):
            self.frames.append(frame)

    def reject(self, epoch: str) -> None:
        """Count a rejected frame."""
        self.tally.reject(epoch)

    def replayed(self) -> None:
        """Count the end of a replay."""
        self.replays_ended += 1

    def outcomes(self, epoch: str) -> Outcomes:
        """Return the counts."""
        return self.tally.outcomes(epoch)

    def settled(self, epoch: str) -> int:
        """Return how many have an outcome."""
        return self.tally.settled(epoch)


class FakeCamera:
    """Remembers what its bridge brought."""

    def __init__(self, subentry_id: str, key: str, bridge_id: str, **config: Any) -> None:
        """Belong to a bridge."""
        self.subentry_id = subentry_id
        self.key = key
        self.bridge_id = bridge_id
        self.config = config
        self.source = FakeSource()
        self.accounts = Accounts(
            run_id=RUN, outcomes=self.source.outcomes, settled=self.source.settled
        )
        self.connections: list[dict[str, Any]] = []
        self.disconnections = 0
        self.activities: list[ActivityState] = []
        self.statuses: list[tuple[CameraStatus | None, Account]] = []

    @property
    def connected(self) -> bool:
        """Whether a bridge is there."""
        return len(self.connections) > self.disconnections

    @property
    def masked(self) -> bool:
        """Whether a part of its picture must never leave its bridge."""
        return bool(self.config.get("masks"))

    def connect(self, **how: Any) -> None:
        """Remember how the bridge came."""
        self.connections.append(how)

    def disconnect(self, problem: str = BRIDGE_AWAY) -> None:
        """Count that it went."""
        self.disconnections = len(self.connections)

    def receive(self, frame: Frame) -> None:
        """Pass a frame on."""
        self.source.receive(frame)

    def observe(self, state: ActivityState) -> None:
        """Remember an activity state."""
        self.activities.append(state)

    def status(self, status: CameraStatus | None, account: Account) -> None:
        """Remember a status."""
        self.statuses.append((status, account))

    def capture_config(self, number: int) -> CameraConfig:
        """Return settings for the bridge."""
        given: dict[str, Any] = {"source": Source.RTSP, "url": "rtsp://192.0.2.7/1", **self.config}
        return CameraConfig(number=number, camera=self.key, **given)


@dataclass
class FakeMqtt:
    """Knows its prefix."""

    prefix: str = "camera_narrator"


@dataclass
class FakeHub:
    """Owns cameras and bridges of an entry that nothing else has set up."""

    hass: HomeAssistant
    entry: MockConfigEntry
    gateway: Gateway
    run_id: str = RUN
    mqtt: FakeMqtt = field(default_factory=FakeMqtt)
    clock: SystemClock = field(default_factory=SystemClock)
    cameras: dict[str, FakeCamera] = field(default_factory=dict)
    bridges: dict[str, HubBridge] = field(default_factory=dict)

    def cameras_of(self, bridge_id: str) -> list[FakeCamera]:
        """Return the cameras of a bridge."""
        return [camera for camera in self.cameras.values() if camera.bridge_id == bridge_id]

    def add_camera(self, key: str, bridge_id: str = "porch", **config: Any) -> FakeCamera:
        """Add a camera; tell its bridge by configure()."""
        camera = self.cameras[key] = FakeCamera(key, key, bridge_id, **config)
        return camera

    def add_bridge(self, subentry_id: str) -> HubBridge:
        """Build the runtime of a bridge subentry."""
        bridge = HubBridge(self.hass, self, self.entry.subentries[subentry_id])  # type: ignore[arg-type]
        self.bridges[subentry_id] = bridge
        return bridge


def bridge_subentry(
    subentry_id: str, token: str, *, bridge_id: str | None = None, old: tuple[str, ...] = ()
) -> ConfigSubentryDataWithId:
    """Return the data of a bridge subentry."""
    return ConfigSubentryDataWithId(
        subentry_id=subentry_id,
        subentry_type=const.SUBENTRY_BRIDGE,
        title=subentry_id.capitalize(),
        unique_id=None,
        data={
            const.CONF_TOKEN_HASH: token_hash(token),
            const.CONF_OLD_TOKEN_HASHES: [token_hash(other) for other in old],
            const.CONF_BRIDGE_ID: bridge_id,
            const.CONF_ADDRESS: "http://homeassistant.local:8123",
        },
    )


def fake_hub(hass: HomeAssistant) -> FakeHub:
    """Return an open hub with the bridges porch and garden and the camera door on porch."""
    entry = MockConfigEntry(
        domain=const.DOMAIN,
        data={const.CONF_PROVIDER: const.PROVIDER_BUILTIN},
        subentries_data=[
            bridge_subentry("porch", TOKEN, old=(OLD_TOKEN,)),
            bridge_subentry("garden", "another-token"),
        ],
    )
    entry.add_to_hass(hass)
    hub = FakeHub(hass, entry, async_setup_http(hass))
    hub.add_bridge("porch")
    hub.add_bridge("garden")
    hub.add_camera("door")
    hub.gateway.open(hub)  # type: ignore[arg-type]
    return hub


__all__ = ["OLD_TOKEN", "PATH", "TOKEN", "FakeCamera", "FakeHub", "FakeSource", "fake_hub"]
