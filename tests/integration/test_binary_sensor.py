"""What moves, what is connected, and whether the provider works."""

from unittest.mock import patch

from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import snapshot_platform
from syrupy.assertion import SnapshotAssertion

from custom_components.camera_narrator.pipeline.models import ActivityState
from custom_components.camera_narrator.pipeline.outcomes import Account
from custom_components.camera_narrator.protocol.camera import CameraStatus
from custom_components.camera_narrator.protocol.vocabulary import (
    ErrorCode,
    PacingReason,
    StreamState,
)
from custom_components.camera_narrator.protocol.wire_error import WireError
from tests.integration.house import BRIDGE, KEY, camera_of, failure, frame, move_in, stream
from tests.pipeline.fakes import FakeClock

ACTIVITY = "binary_sensor.front_door_activity"
CONNECTED = "binary_sensor.front_door_connected"
PROBLEM = "binary_sensor.built_in_describer_provider_problem"


def _moves(active: bool) -> ActivityState:
    return ActivityState(active=active, since_s=1000.0, received_s=1000.1)


async def test_every_binary_sensor(
    hass: HomeAssistant, entity_registry: er.EntityRegistry, snapshot: SnapshotAssertion
) -> None:
    """All binary sensors of a streaming camera, its bridge and the hub, with all their properties."""
    entry = await move_in(hass, Platform.BINARY_SENSOR)
    stream(entry)
    entry.runtime_data.bridges[BRIDGE].coordinator.update(connected=True)
    await hass.async_block_till_done()

    await snapshot_platform(hass, entity_registry, snapshot, entry.entry_id)


async def test_activity_is_shown_at_once_and_only_of_a_watched_camera(hass: HomeAssistant) -> None:
    """Activity follows the bridge's verdict, and is not available without its stream."""
    entry = await move_in(hass, Platform.BINARY_SENSOR)
    assert hass.states.get(ACTIVITY).state == STATE_UNAVAILABLE
    camera = stream(entry)
    assert hass.states.get(ACTIVITY).state == STATE_OFF

    camera.observe(_moves(active=True))
    assert hass.states.get(ACTIVITY).state == STATE_ON
    camera.disconnect()
    assert hass.states.get(ACTIVITY).state == STATE_UNAVAILABLE
    stream(entry)
    assert hass.states.get(ACTIVITY).state == STATE_OFF


async def test_a_camera_that_is_away_says_why(hass: HomeAssistant) -> None:
    """The reason goes from the bridge over the stream's own error to none, and back."""
    entry = await move_in(hass, Platform.BINARY_SENSOR)
    camera = camera_of(entry)

    def shown() -> tuple[str, str]:
        state = hass.states.get(CONNECTED)
        return state.state, state.attributes["reason"]

    assert shown() == (STATE_OFF, "bridge_away")
    camera.connect(epoch="epoch", reports_activity=True, active=False)
    assert shown() == (STATE_OFF, "connecting")
    camera.status(
        CameraStatus(
            camera=KEY,
            state=StreamState.FAILED,
            error=WireError(code=ErrorCode.UNAUTHORIZED),
        ),
        Account(),
    )
    assert shown() == (STATE_OFF, "unauthorized")
    stream(entry)
    assert shown() == (STATE_ON, "none")
    camera.disconnect()
    assert shown() == (STATE_OFF, "bridge_away")


async def test_a_stream_says_what_it_is_and_why_less_of_it_comes(hass: HomeAssistant) -> None:
    """Pacing is told at once, and then once a minute at most, however often it changes."""
    clock = FakeClock()
    with patch("custom_components.camera_narrator.hub.SystemClock", lambda: clock):
        entry = await move_in(hass, Platform.BINARY_SENSOR)
    camera = stream(entry)

    def paced(reason: PacingReason) -> str:
        status = CameraStatus(
            camera=KEY,
            state=StreamState.STREAMING,
            codec="hevc",
            width=3840,
            height=2160,
            pacing_step=3,
            pacing_reason=reason,
        )
        camera.status(status, Account())
        pacing: str = hass.states.get(CONNECTED).attributes["pacing"]
        return pacing

    assert hass.states.get(CONNECTED).attributes["video"] == "H.264, 1920 × 1080"
    assert hass.states.get(CONNECTED).attributes["pacing"] == "none"
    assert paced(PacingReason.SEND_BUFFER) == "send_buffer"
    assert hass.states.get(CONNECTED).attributes["video"] == "H.265, 3840 × 2160"
    assert paced(PacingReason.NONE) == "send_buffer"
    await clock.advance(59)
    assert paced(PacingReason.NONE) == "send_buffer"
    await clock.advance(1)
    assert paced(PacingReason.NONE) == "none"


async def test_a_client_that_only_sends_pictures_is_connected(hass: HomeAssistant) -> None:
    """A live picture proves the stream; a replayed one is of the past and proves nothing."""
    entry = await move_in(hass, Platform.BINARY_SENSOR)
    camera = camera_of(entry)
    camera.connect(epoch="epoch", reports_activity=False, active=False)

    camera.receive(frame(replay=True))
    assert hass.states.get(CONNECTED).state == STATE_OFF
    camera.receive(frame(1.0, sequence=2))
    assert hass.states.get(CONNECTED).state == STATE_ON


async def test_the_provider_problem_names_its_fault(hass: HomeAssistant) -> None:
    """A failed request of any camera is a state of the hub, until one is answered."""
    entry = await move_in(hass, Platform.BINARY_SENSOR)
    camera = camera_of(entry)

    camera.fail(failure())
    state = hass.states.get(PROBLEM)
    assert (state.state, state.attributes["fault"]) == (STATE_ON, "timeout")
    assert state.attributes["detail"] == "no answer for 15 s"

    camera.fail(None)
    state = hass.states.get(PROBLEM)
    assert (state.state, state.attributes["fault"]) == (STATE_OFF, "none")
