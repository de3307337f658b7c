"""From the pipeline to the house: coordinator state, bus event and MQTT, one method per kind of news."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import callback

from .camera_facts import video
from .const import EVENT_TYPE
from .coordinator import BRIDGE_AWAY, CONNECTING, SLOW_S
from .entity import device_id
from .event_picture import picture_path
from .pipeline.models import Event, Frame, Narrative
from .pipeline.outcomes import Account
from .pipeline.vocabulary import Phase
from .protocol.camera import CameraStatus
from .protocol.vocabulary import PacingReason, StreamState

if TYPE_CHECKING:
    from .hub import Hub
    from .hub_camera import HubCamera

SCHEMA: Final = 1
"""Of the JSON; raised when a key changes its meaning, not when one is added."""
KEY_FRAME_S: Final = 15.0
"""Between key frames of one event: three in a visit of a minute, each a row of the recorder."""


class CameraPublisher:
    """Publishes what happens to one camera; synchronous, and nothing here waits."""

    def __init__(self, hub: Hub, camera: HubCamera) -> None:
        """Publish for a camera of the hub; its retained topics start as not connected and quiet."""
        self._hub = hub
        self._camera = camera
        self._coordinator = camera.coordinator
        self._pacing_until_s = float("-inf")
        self.repeat()

    @callback
    def connecting(self) -> None:
        """Its bridge is there; what the stream does is not known yet."""
        if not self._coordinator.state.connected:
            self._coordinator.update(problem=CONNECTING)

    @callback
    def connected(self, *, connected: bool, problem: str | None = None) -> None:
        """Show whether pictures come in, and if not, why: a wire code, or that the bridge is away."""
        before = self._coordinator.state
        if connected:
            self._coordinator.update(connected=True, problem=None)
        else:
            problem = problem or BRIDGE_AWAY
            self._coordinator.update(
                connected=False, problem=problem, active=None, pacing=PacingReason.NONE
            )
        if before.connected != connected or before.active != self._coordinator.state.active:
            self.repeat()

    @callback
    def activity(self, *, active: bool) -> None:
        """Show at once whether something moves, for lights."""
        before = self._coordinator.state.active
        self._coordinator.update(active=active)
        if bool(before) != active:  # unknown is told as OFF
            self._hub.mqtt.activity(self._camera.key, active=active)

    @callback
    def status(self, status: CameraStatus | None, account: Account) -> None:
        """Show how the camera fares, and where its frames are."""
        if status is None:
            self._coordinator.update(account=account)
            return
        streaming = status.state is StreamState.STREAMING
        problem = status.error.code.value if status.error is not None else CONNECTING
        state = self._coordinator.state
        if streaming != state.connected or (not streaming and problem != state.problem):
            self.connected(connected=streaming, problem=problem)
        self._coordinator.update(
            account=account,
            stream=status,
            video=video(status.codec, status.width, status.height) if status.codec else None,
            pacing=self._pacing(status),
            source_fps=status.source_fps,
            sent_fps=status.sent_fps,
            bytes_per_s=status.bytes_per_s,
        )

    @callback
    def saw(self, frame: Frame) -> None:
        """Take the first picture as key frame until something happens; a client may send nothing else."""
        state = self._coordinator.state
        if state.key_frame is None:
            self._coordinator.update(key_frame=frame)
        if not state.connected and state.problem == CONNECTING and not frame.replay:
            self.connected(connected=True)

    @callback
    def publish(self, event: Event, *, key_frame: Frame | None = None) -> None:
        """Tell a phase of an event; a late one is the past, and goes to MQTT only."""
        picture = picture_path(self._hub.hass, event.id)
        payload = event_json(event, picture=picture)
        self._hub.mqtt.event(self._camera.key, payload, event.phase)
        if event.late:
            return
        if key_frame is not None and self._shows_more(event, key_frame):
            self._coordinator.update(event=event, picture=picture, key_frame=key_frame)
        else:
            self._coordinator.update(event=event, picture=picture)
        hub = self._hub
        device = device_id(hub.hass, hub.entry, self._camera.subentry_id)
        hub.hass.bus.async_fire(EVENT_TYPE, {**payload, ATTR_DEVICE_ID: device})

    @callback
    def narrate(self, narrative: Narrative) -> None:
        """Show a sentence as the camera's."""
        self._coordinator.update(narrative=narrative, latency_s=narrative.latency_s)
        self._hub.mqtt.narrative(self._camera.key, narrative_json(narrative))

    @callback
    def repeat(self) -> None:
        """Write the retained topics as they are now."""
        state = self._coordinator.state
        self._hub.mqtt.connected(self._camera.key, connected=state.connected)
        self._hub.mqtt.activity(self._camera.key, active=bool(state.active))

    @callback
    def removed(self) -> None:
        """Take the retained topics of a removed camera away."""
        self._hub.mqtt.remove(self._camera.key)

    def _pacing(self, status: CameraStatus) -> PacingReason:
        """Return what is to be shown of the pacing: a change a minute, for each is a row of the recorder."""
        now_s, shown = self._hub.clock.monotonic(), self._coordinator.state.pacing
        if status.pacing_reason is shown or now_s < self._pacing_until_s:
            return shown
        self._pacing_until_s = now_s + SLOW_S
        return status.pacing_reason

    def _shows_more(self, event: Event, key_frame: Frame) -> bool:
        before = self._coordinator.state.key_frame
        if before is None or event.phase is Phase.STARTED:
            return True
        return key_frame.captured_s - before.captured_s >= KEY_FRAME_S


def event_json(event: Event, *, picture: str | None = None) -> dict[str, Any]:
    """Return an event as the JSON of the bus and MQTT."""
    return {
        "schema": SCHEMA,
        "id": event.id,
        "camera": event.camera,
        "phase": event.phase.value,
        "labels": sorted(label.value for label in event.labels),
        "labelled": event.labelled,
        "rule": event.rule,
        "verdict": None if event.verdict is None else event.verdict.value,
        "narrative": event.narrative,
        "from": utc(event.span.from_wall_s),
        "to": utc(event.span.to_wall_s),
        "threat_level": event.threat_level.value,
        "origin": event.origin.value,
        "reason": None if event.reason is None else event.reason.value,
        "continues": event.continues,
        "closed": event.closed,
        "late": event.late,
        "frames": event.frames,
        "provider": event.provider,
        "picture": picture,
    }


def narrative_json(narrative: Narrative) -> dict[str, Any]:
    """Return a narrative as the JSON of MQTT."""
    return {
        "schema": SCHEMA,
        "camera": narrative.camera,
        "text": narrative.text,
        "from": utc(narrative.span.from_wall_s),
        "to": utc(narrative.span.to_wall_s),
        "event": narrative.event_id,
        "provider": narrative.provider,
        "frames": narrative.frames,
        "look": narrative.look.value,
        "published": utc(narrative.published_wall_s),
    }


def utc(wall_s: float) -> str:
    """Return a moment as all JSON has it."""
    return datetime.fromtimestamp(wall_s, UTC).isoformat(timespec="milliseconds")
