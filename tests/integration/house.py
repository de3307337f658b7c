"""A hub with one bridge and one camera, and what its bridge and its model could have told."""

from dataclasses import replace
import time
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import ConfigSubentryDataWithId
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import MqttMockHAClient

from custom_components.camera_narrator import PLATFORMS, const
from custom_components.camera_narrator.hub_camera import HubCamera
from custom_components.camera_narrator.pipeline.errors import Fault
from custom_components.camera_narrator.pipeline.looked import Looked
from custom_components.camera_narrator.pipeline.models import Event, Failure, Frame, Narrative, Span
from custom_components.camera_narrator.pipeline.outcomes import Account, Outcomes
from custom_components.camera_narrator.pipeline.request import Usage
from custom_components.camera_narrator.pipeline.vocabulary import Label, Look, Phase
from custom_components.camera_narrator.protocol.camera import CameraStatus
from custom_components.camera_narrator.protocol.vocabulary import StreamState
from custom_components.camera_narrator.timeline_record import LookRecord

BRIDGE = "bridge_subentry"
CAMERA = "camera_subentry"
KEY = "front_door"
DEVICE = "Front door"
JPEG = b"\xff\xd8\xff\xe0 a picture"
NOON_S = 1_790_000_000.0
"""Wall seconds; monotonic seconds are these minus NOON_S, plus 1000."""


def bridge_subentry(
    subentry_id: str = BRIDGE, *, token_hash: str = "0" * 64, title: str = "Attic"
) -> ConfigSubentryDataWithId:
    """Return a bridge that nobody ever connected as."""
    return ConfigSubentryDataWithId(
        data={const.CONF_TOKEN_HASH: token_hash, const.CONF_OLD_TOKEN_HASHES: []},
        subentry_id=subentry_id,
        subentry_type=const.SUBENTRY_BRIDGE,
        title=title,
        unique_id=None,
    )


def camera_subentry(**changes: Any) -> ConfigSubentryDataWithId:
    """Return the camera at the front door, behind the bridge in the attic."""
    return ConfigSubentryDataWithId(
        data={
            const.CONF_KEY: KEY,
            const.CONF_SOURCE: "rtsp",
            const.CONF_BRIDGE: BRIDGE,
            const.CONF_URL: "rtsp://192.0.2.7/stream",
            const.CONF_USERNAME: "viewer",
            const.CONF_PASSWORD: "secret",
            const.CONF_PROFILE: "balanced",
            const.CONF_ENABLED: True,
            **changes,
        },
        subentry_id=CAMERA,
        subentry_type=const.SUBENTRY_CAMERA,
        title=DEVICE,
        unique_id=None,
    )


def hub_entry() -> MockConfigEntry:
    """Return a hub with the built-in describer."""
    return MockConfigEntry(
        domain=const.DOMAIN,
        entry_id="hub_entry",
        title="Built-in describer",
        data={const.CONF_PROVIDER: const.PROVIDER_BUILTIN},
        subentries_data=[bridge_subentry(), camera_subentry()],
    )


async def move_in(hass: HomeAssistant, *platforms: Platform) -> MockConfigEntry:
    """Set the hub up, whole or with some of its platforms."""
    entry = hub_entry()
    entry.add_to_hass(hass)
    with patch("custom_components.camera_narrator.PLATFORMS", platforms or PLATFORMS):
        assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
    return entry


def stream(entry: MockConfigEntry) -> HubCamera:
    """Let the bridge say that the camera streams, and send a first picture."""
    camera = camera_of(entry)
    camera.connect(epoch="epoch", reports_activity=True, active=False)
    camera.status(
        CameraStatus(
            camera=KEY,
            state=StreamState.STREAMING,
            source_fps=25.0,
            sent_fps=1.0,
            bytes_per_s=40_000.0,
            codec="h264",
            width=1920,
            height=1080,
            cpu_ms_per_s=4.5,
            age_ms=120.0,
            skipped=2,
        ),
        Account(sampled=7, outcomes=Outcomes(received=7, analysed=5, gated=1, buffered=1)),
    )
    camera.receive(frame())
    return camera


def failure(fault: Fault = Fault.TIMEOUT) -> Failure:
    """Return why a request brought no words."""
    return Failure(code=fault, message="no answer for 15 s", at_wall_s=NOON_S, look=Look.SCHEDULE)


def camera_of(entry: MockConfigEntry) -> HubCamera:
    """Return the camera at the front door."""
    camera: HubCamera = entry.runtime_data.cameras[CAMERA]
    return camera


def span(from_s: float = 0.0, to_s: float = 4.0) -> Span:
    """Return a span in seconds after noon."""
    return Span(
        from_s=1000 + from_s,
        to_s=1000 + to_s,
        from_wall_s=NOON_S + from_s,
        to_wall_s=NOON_S + to_s,
    )


def frame(at_s: float = 0.0, *, sequence: int = 1, jpeg: bytes = JPEG, **given: Any) -> Frame:
    """Return a frame captured some seconds after noon."""
    return Frame(
        camera=KEY,
        epoch="epoch",
        sequence=sequence,
        captured_s=1000 + at_s,
        captured_wall_s=NOON_S + at_s,
        received_s=1000.1 + at_s,
        width=640,
        height=360,
        jpeg=jpeg,
        **given,
    )


def fresh_frame(sequence: int = 2) -> Frame:
    """Return a frame captured just now, by the clocks that the hub reads."""
    return replace(
        frame(sequence=sequence, key=True),
        captured_s=time.monotonic(),
        captured_wall_s=time.time(),
        received_s=time.monotonic(),
    )


def event(phase: Phase = Phase.STARTED, *labels: Label, **given: Any) -> Event:
    """Return a visit at the front door."""
    given.setdefault("id", "visit-1")
    given.setdefault("span", span())
    return Event(camera=KEY, phase=phase, labels=frozenset(labels), **given)


def narrative(text: str = "A person rings the bell.", **given: Any) -> Narrative:
    """Return a sentence about the visit."""
    values: dict[str, Any] = {
        "span": span(),
        "frames": 5,
        "look": Look.SCHEDULE,
        "provider": "built-in",
        "event_id": "visit-1",
        "published_wall_s": NOON_S + 5.5,
        "latency_s": 1.5,
    }
    return Narrative(camera=KEY, text=text, **{**values, **given})


def looked(*, camera: str = CAMERA, at_s: float = 0.0, **given: Any) -> LookRecord:
    """Return a look that was answered some seconds after noon."""
    words = given.pop("narrative", "A person rings the bell.")
    values: dict[str, Any] = {
        "look": Look.SCHEDULE,
        "span": span(at_s - 2, at_s),
        "frames": 5,
        "answered_wall_s": NOON_S + at_s,
        "provider": "a-model",
        "visit_id": "visit-1",
        "labels": frozenset(),
        "narrative": words,
        "note": words,
        "usage": Usage(input_tokens=900, output_tokens=40),
    }
    return LookRecord(camera=camera, looked=Looked(**{**values, **given}))


async def broker_settles(hass: HomeAssistant, broker: MqttMockHAClient) -> None:
    """Wait until nothing more is published."""
    seen = -1
    while seen != broker.async_publish.call_count:
        seen = broker.async_publish.call_count
        for _ in range(10):
            await hass.async_block_till_done()
