"""What the entities show: one frozen state per camera, bridge and hub, pushed to whoever listens."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
import logging
from typing import TYPE_CHECKING, Any, ClassVar, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from .pipeline.errors import Fault
from .pipeline.models import Event, Failure, Frame, Narrative
from .pipeline.outcomes import Account
from .pipeline.rule import RuleState
from .pipeline.vocabulary import Label, Restraint, Saving
from .protocol.camera import CameraStatus
from .protocol.vocabulary import PacingReason

if TYPE_CHECKING:
    from .hub import Hub

_LOGGER = logging.getLogger(__name__)

type NarratorConfigEntry = ConfigEntry[Hub]

SIGNAL_CAMERA_ADDED: Final = "camera_narrator_camera_added_{}"
"""Sent with a HubCamera, formatted with the entry's id."""
SIGNAL_RULES_CHANGED: Final = "camera_narrator_rules_changed_{}"
"""Sent with a HubCamera, formatted with the entry's id."""
SIGNAL_BRIDGE_ADDED: Final = "camera_narrator_bridge_added_{}"
"""Sent with a HubBridge, formatted with the entry's id."""

BRIDGE_AWAY: Final = "bridge_away"
"""Why a camera is not connected, beside the wire's error codes: its bridge is not."""
CONNECTING: Final = "connecting"
"""Its bridge is there and has not shown a picture of it yet."""
MASKS_UNSUPPORTED: Final = "masks_unsupported"
"""It has masks, and its bridge cannot paint any: it is not given the camera."""

FAULTS: Final = tuple(fault.value for fault in Fault)
"""What HubState.problem and Failure.code may be."""

SLOW_S: Final = 60.0
"""Measurements reach their entities at most once a minute: each state costs a row of the recorder."""


SLOW: Final = {"slow": True}
"""Marks the field of a measurement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FiredRule:
    """A rule came true."""

    key: str
    name: str
    at_wall_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraState:
    """All that is shown of one camera."""

    connected: bool = False
    """Pictures of it come in."""
    problem: str | None = BRIDGE_AWAY
    """Why not: a code of the wire protocol, BRIDGE_AWAY, CONNECTING or MASKS_UNSUPPORTED."""
    active: bool | None = None
    """The bridge's verdict; None while there is none."""
    enabled: bool = True
    """The narration switch."""
    narrative: Narrative | None = None
    event: Event | None = None
    """As published last."""
    picture: str | None = None
    """The path of that event's picture, for authenticated requests."""
    rules: Mapping[str, RuleState] = field(default_factory=dict)
    """What is known of its rules, by key."""
    fired: FiredRule | None = None
    """The rule that came true last, in this run."""
    counts: Mapping[Label, int] | None = None
    """How many of each kind its bridge's detector sees now; None without a detector."""
    failure: Failure | None = None
    key_frame: Frame | None = None
    video: str | None = None
    """What its stream is, in few words, once its bridge has told."""
    pacing: PacingReason = PacingReason.NONE
    """Why its bridge sends less than it was asked to."""
    stream: CameraStatus | None = field(default=None, metadata=SLOW)
    """As its bridge reported last."""
    account: Account = field(default=Account(), metadata=SLOW)
    source_fps: float = field(default=0.0, metadata=SLOW)
    sent_fps: float = field(default=0.0, metadata=SLOW)
    bytes_per_s: float = field(default=0.0, metadata=SLOW)
    requests: int = field(default=0, metadata=SLOW)
    tokens: int = field(default=0, metadata=SLOW)
    latency_s: float | None = field(default=None, metadata=SLOW)
    """From the last picture of the newest words to the words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeState:
    """All that is shown of one bridge."""

    connected: bool = False
    name: str = ""
    """What it calls itself."""
    version: str | None = None
    cpu_percent: float | None = field(default=None, metadata=SLOW)
    memory_bytes: int | None = field(default=None, metadata=SLOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubState:
    """All that is shown of a hub."""

    problem: str | None = None
    """A value of errors.Fault while the provider brings no words."""
    detail: str = ""
    """For people, without a secret in it."""
    saving: Saving = field(default=Saving.NONE, metadata=SLOW)
    """How far it makes do with less."""
    restraint: Restraint = field(default=Restraint.NONE, metadata=SLOW)
    """Why."""
    limited_until: datetime | None = field(default=None, metadata=SLOW)
    cost_usd: float | None = field(default=None, metadata=SLOW)
    """Of today; None where nobody knows the price."""
    cost_since: datetime | None = field(default=None, metadata=SLOW)
    """When today began."""
    budget_left: float | None = field(default=None, metadata=SLOW)
    """Of the tightest cap, in per cent; None without any."""
    pictures_out: int = field(default=0, metadata=SLOW)
    """That left the house today."""


class Coordinator[S: (CameraState, BridgeState, HubState)]:
    """Holds a state and tells listeners what changed: at once, or for measurements at most every SLOW_S."""

    _slow_fields: ClassVar[frozenset[str]] = frozenset(
        part.name
        for kind in (CameraState, BridgeState, HubState)
        for part in fields(kind)
        if "slow" in part.metadata
    )

    def __init__(self, hass: HomeAssistant, state: S) -> None:
        """Start from a state nobody has been told of."""
        self.state: S = state
        self._hass = hass
        self._listeners: dict[object, Callable[[], None]] = {}
        self._slow_listeners: dict[object, Callable[[], None]] = {}
        self._resting: CALLBACK_TYPE | None = None
        self._untold = False

    @callback
    def listen(self, told: Callable[[], None], *, slow: bool = False) -> CALLBACK_TYPE:
        """Call `told` after changes, of measurements where `slow`; return what ends it."""
        listeners = self._slow_listeners if slow else self._listeners
        key = object()
        listeners[key] = told

        @callback
        def leave() -> None:
            listeners.pop(key, None)
            if not self._slow_listeners:
                self.close()

        return leave

    @callback
    def update(self, **changes: Any) -> None:
        """Change fields of the state; what is equal to before tells nobody."""
        before = self.state
        changed = {name for name, value in changes.items() if getattr(before, name) != value}
        if not changed:
            return
        self.state = replace(before, **changes)
        if changed - self._slow_fields:
            _tell(self._listeners)
        if "connected" in changed:  # measurements follow the stream in what is available
            _tell(self._slow_listeners)
        elif changed & self._slow_fields:
            self._tell_slowly()

    @callback
    def close(self) -> None:
        """Forget what waits to be told."""
        if self._resting is not None:
            self._resting()
            self._resting = None
        self._untold = False

    def _tell_slowly(self) -> None:
        if not self._slow_listeners:
            return
        if self._resting is not None:
            self._untold = True
            return
        self._resting = async_call_later(self._hass, SLOW_S, self._rested)
        _tell(self._slow_listeners)

    @callback
    def _rested(self, _now: datetime) -> None:
        self._resting = None
        if self._untold:
            self._untold = False
            self._tell_slowly()


def _tell(listeners: dict[object, Callable[[], None]]) -> None:
    for told in list(listeners.values()):
        try:
            told()
        except Exception:  # the others, the story and the broker are told all the same
            _LOGGER.exception("An entity cannot show its new state")


CameraCoordinator = Coordinator[CameraState]
BridgeCoordinator = Coordinator[BridgeState]
HubCoordinator = Coordinator[HubState]
