"""What a bridge gets over a real socket: the way in, frames, acknowledgement, configuration."""

from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.core import HomeAssistant
import pytest

from custom_components.camera_narrator import const, link_probes
from custom_components.camera_narrator.link_probes import ProbeFailed
from custom_components.camera_narrator.pipeline import models, vocabulary
from custom_components.camera_narrator.pipeline.tally import Fate
from custom_components.camera_narrator.protocol.area import Detection, Region
from custom_components.camera_narrator.protocol.camera import (
    CameraError,
    CameraHello,
    CameraStatus,
    Counters,
)
from custom_components.camera_narrator.protocol.messages import (
    Ack,
    Activity,
    Configure,
    Configured,
    Probe,
    Probed,
    Status,
    Watch,
)
from custom_components.camera_narrator.protocol.vocabulary import (
    Capability,
    ErrorCode,
    FrameFlag,
    Label,
    Source,
    StreamState,
)
from custom_components.camera_narrator.protocol.wire_error import WireError
from tests.integration.gateway.bridge_peer import JPEG, BridgePeer, frame
from tests.integration.gateway.fake_hub import TOKEN, FakeHub

type Client = TestClient[Any, Any]


async def test_welcome_carries_cameras_with_numbers(hub: FakeHub, client: Client) -> None:
    """A bridge that says hello learns protocol, run, prefix and its cameras."""
    peer = await BridgePeer.connect(client, TOKEN)
    welcome = await peer.welcome()

    assert (welcome.protocol, welcome.run_id) == (1, "run-1")
    assert welcome.mqtt_prefix == "camera_narrator"
    assert [(c.number, c.camera, c.url) for c in welcome.cameras] == [
        (1, "door", "rtsp://192.0.2.7/1")
    ]
    assert hub.cameras["door"].connections == [
        {"epoch": "epoch-1", "reports_activity": True, "active": False, "detects": False}
    ]
    state = hub.bridges["porch"].coordinator.state
    assert (state.connected, state.version, state.name) == (True, "0.1.0", "Attic")
    await peer.leave()


async def test_frames_reach_their_camera_with_a_time(hub: FakeHub, client: Client) -> None:
    """A frame arrives as sent, dated on Home Assistant's clocks, and is acknowledged in time."""
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    await peer.say(frame(1, flags=FrameFlag.ACTIVE | FrameFlag.KEY, width=854, height=480))
    await peer.acknowledged("door", live=1)

    (received,) = hub.cameras["door"].source.frames
    assert (received.jpeg, received.width, received.height) == (JPEG, 854, 480)
    assert (received.active, received.key, received.replay) == (True, True, False)
    assert received.identity == ("epoch-1", 1)
    assert 0 <= received.received_s - received.captured_s < 5
    wall_age_s = hub.clock.wall() - received.captured_wall_s
    assert wall_age_s == pytest.approx(hub.clock.monotonic() - received.captured_s, abs=0.5)
    await peer.leave()


async def test_a_simple_client_sends_json(hub: FakeHub, client: Client) -> None:
    """A frame as JSON with base64 is the same frame; without `activity` its flag is the activity."""
    peer = await BridgePeer.connect(client, TOKEN, capabilities=(Capability.BASE64,))
    await peer.welcome()
    await peer.socket.send_str(frame(1, flags=FrameFlag.ACTIVE).dumps())
    await peer.acknowledged("door", live=1)

    assert [f.jpeg for f in hub.cameras["door"].source.frames] == [JPEG]
    assert hub.cameras["door"].connections[0]["reports_activity"] is False
    await peer.leave()


async def test_a_client_without_counters_has_an_account(hub: FakeHub, client: Client) -> None:
    """What a simple client sends counts as sampled, so that nothing seems lost."""
    peer = await BridgePeer.connect(client, TOKEN, capabilities=(Capability.BASE64,))
    await peer.welcome()
    await peer.say(frame(1))
    await peer.say(frame(2))
    await peer.acknowledged("door", live=2)
    status, account = hub.cameras["door"].statuses[-1]
    assert (status, account.sampled, account.outcomes.received, account.lost) == (None, 2, 2, 0)
    await peer.leave()


async def test_a_pushed_camera_never_waits_for_activity_messages(
    hub: FakeHub, client: Client
) -> None:
    """A bridge that reports activity reports none of a camera whose pictures somebody pushes."""
    hub.add_camera("webcam", source=Source.PUSHED, url="")
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    assert hub.cameras["webcam"].connections[0]["reports_activity"] is False
    assert hub.cameras["door"].connections[0]["reports_activity"] is True
    await peer.leave()


async def test_eight_frames_are_acknowledged_at_once(hub: FakeHub, client: Client) -> None:
    """Acknowledgements are collected: eight frames of a burst get one, not eight."""
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    for sequence in range(1, 17):
        await peer.say(frame(sequence))
    acks = 0
    while (mark := peer.marks.get("door")) is None or mark.live < 16:
        await peer.hear(Ack)
        acks += 1
    assert acks <= 3
    await peer.leave()


async def test_activity_reaches_its_camera(hub: FakeHub, client: Client) -> None:
    """An activity message is handed on with its regions; one about an unknown camera is ignored."""
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    region = Region(x=0.1, y=0.2, width=0.3, height=0.4)
    for camera in ("door", "gone"):
        await peer.say(
            Activity(
                camera=camera,
                active=True,
                since_us=5_000_000_000,
                score=0.5,
                regions=(region,),
                revision=1,
            )
        )
    await peer.settle()

    (state,) = hub.cameras["door"].activities
    assert (state.active, state.score) == (True, 0.5)
    assert [(r.x, r.y, r.width, r.height) for r in state.regions] == [(0.1, 0.2, 0.3, 0.4)]
    assert state.since_s <= state.received_s
    await peer.leave()


async def test_what_a_detector_names_reaches_its_camera(hub: FakeHub, client: Client) -> None:
    """A bridge that names what moves says so in its hello, and each thing comes with score and box."""
    peer = await BridgePeer.connect(
        client, TOKEN, capabilities=(Capability.ACTIVITY, Capability.LABELS)
    )
    await peer.welcome()
    assert hub.cameras["door"].connections[0]["detects"] is True
    box = Region(x=0.1, y=0.2, width=0.3, height=0.4)
    seen = Detection(label=Label.VEHICLE, score=0.75, box=box)
    await peer.say(
        Activity(
            camera="door", active=True, since_us=5_000_000_000, labels=(seen, seen), revision=1
        )
    )
    await peer.settle()

    (state,) = hub.cameras["door"].activities
    assert state.labels == {vocabulary.Label.VEHICLE}
    assert (
        state.detections
        == (
            models.Detection(
                label=vocabulary.Label.VEHICLE,
                score=0.75,
                box=models.Region(x=0.1, y=0.2, width=0.3, height=0.4),
            ),
        )
        * 2
    )
    await peer.leave()


async def test_status_completes_the_account(hub: FakeHub, client: Client) -> None:
    """The bridge's counters and Home Assistant's outcomes add up, and the bridge's load is shown."""
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    for sequence in (1, 2, 3):
        await peer.say(frame(sequence))
    counters = Counters(sampled=5, replaced=1, overflowed=1)
    status = CameraStatus(camera="door", state=StreamState.STREAMING, counters=counters)
    await peer.say(Status(cameras=(status,), cpu_percent=12.5, memory_bytes=2**27))
    await peer.settle()

    told, account = hub.cameras["door"].statuses[-1]
    assert told == status
    assert (account.sampled, account.outcomes.received, account.lost) == (5, 3, 0)
    state = hub.bridges["porch"].coordinator.state
    assert (state.cpu_percent, state.memory_bytes) == (12.5, 2**27)
    await peer.leave()


async def test_outcomes_reach_the_bridge_with_its_status(hub: FakeHub, client: Client) -> None:
    """Frames that were settled after their acknowledgement are told with the next status."""
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    await peer.say(frame(1))
    await peer.acknowledged("door", live=1)
    assert peer.marks["door"].settled == 0
    hub.cameras["door"].source.tally.settle("epoch-1", Fate.ANALYSED)
    await peer.say(Status())
    await peer.settle()
    assert peer.marks["door"].settled == 1
    await peer.leave()


async def test_changes_are_pushed_without_reconnect(hub: FakeHub, client: Client) -> None:
    """Added, changed and removed cameras reach the bridge; a number is never given twice."""
    peer = await BridgePeer.connect(client, TOKEN)
    first = await peer.welcome()
    porch = hub.bridges["porch"]

    hub.add_camera("gate")
    hub.cameras["door"].config["rate_fps"] = 2.0
    porch.configure()
    second = await peer.hear(Configure)
    assert second.revision > first.revision
    assert {(c.camera, c.number, c.rate_fps) for c in second.cameras} == {
        ("door", 1, 2.0),
        ("gate", 2, 1.0),
    }

    del hub.cameras["gate"]
    porch.configure()
    assert [c.camera for c in (await peer.hear(Configure)).cameras] == ["door"]
    hub.add_camera("gate")
    porch.configure()
    assert {c.number for c in (await peer.hear(Configure)).cameras} == {1, 3}
    await peer.leave()


async def test_frames_of_a_withdrawn_number_are_rejected(hub: FakeHub, client: Client) -> None:
    """What was on its way when a camera was removed is acknowledged, so that it blocks no window."""
    gate = hub.add_camera("gate")
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    del hub.cameras["gate"]
    hub.bridges["porch"].configure()
    await peer.say(frame(1, camera=2))
    await peer.acknowledged("gate", live=1)

    outcomes = gate.source.outcomes("epoch-1")
    assert (gate.source.frames, outcomes.received, outcomes.rejected) == ([], 1, 1)
    await peer.leave()


async def test_frames_of_an_unknown_number_are_dropped(hub: FakeHub, client: Client) -> None:
    """A number that was never given harms nobody and is counted for the connection."""
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    await peer.say(frame(1, camera=77))
    await peer.say(frame(1, camera=1))
    await peer.acknowledged("door", live=1)
    link = hub.bridges["porch"].link
    assert link is not None
    assert link.garbage == 1
    await peer.leave()


async def test_a_camera_made_again_begins_a_new_sum(hub: FakeHub, client: Client) -> None:
    """The bridge counts on under the same key; what the removed camera had is not the new one's loss."""
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    for sequence in (1, 2, 3):
        await peer.say(frame(sequence))
    await peer.settle()
    hub.cameras.clear()
    hub.bridges["porch"].configure()
    counters = Counters(sampled=5, replaced=1, withdrawn=1)
    gone = CameraStatus(camera="door", state=StreamState.FAILED, counters=counters)
    await peer.say(Status(cameras=(gone,)))
    await peer.settle()

    again = hub.add_camera("door")
    hub.bridges["porch"].configure()
    await peer.say(frame(6, camera=2))
    counters = Counters(sampled=6, replaced=1, withdrawn=1)
    status = CameraStatus(camera="door", state=StreamState.STREAMING, counters=counters)
    await peer.say(Status(cameras=(status,)))
    await peer.settle()
    _, account = again.statuses[-1]
    assert (account.base, account.outcomes.received, account.lost) == (3, 1, 0)
    await peer.leave()


async def test_a_moved_camera_leaves_its_old_bridge_first(hub: FakeHub, client: Client) -> None:
    """Whichever bridge is configured first: the old one withdraws before the new one captures."""
    porch = await BridgePeer.connect(client, TOKEN)
    await porch.welcome()
    garden = await BridgePeer.connect(client, "another-token", bridge="bridge-b", epoch="b-1")
    await garden.welcome()
    door = hub.cameras["door"]
    door.bridge_id = "garden"
    hub.bridges["garden"].configure()

    assert (await porch.hear(Configure)).cameras == ()
    assert [c.camera for c in (await garden.hear(Configure)).cameras] == ["door"]
    assert door.connected
    assert [c["epoch"] for c in door.connections] == ["epoch-1", "b-1"]
    await porch.leave()
    await garden.leave()


async def test_configured_errors_are_shown(hub: FakeHub, client: Client) -> None:
    """A camera that the bridge cannot take shows why."""
    peer = await BridgePeer.connect(client, TOKEN)
    welcome = await peer.welcome()
    error = WireError.of(ErrorCode.SCHEME_NOT_ALLOWED)
    await peer.say(
        Configured(revision=welcome.revision, errors=(CameraError(camera="door", error=error),))
    )
    await peer.settle()
    status, _ = hub.cameras["door"].statuses[-1]
    assert status is not None
    assert (status.state, status.error) == (StreamState.FAILED, error)
    await peer.leave()


async def test_watch_reaches_the_bridge(hub: FakeHub, client: Client) -> None:
    """The wish of whoever looks goes to the bridge that captures the camera."""
    hub.cameras["door"].config["rate_fps"] = 0.1
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    link = hub.gateway.link("porch")
    assert link is not None
    link.watch("door", rate_fps=10, seconds=60)
    watch = await peer.hear(Watch)
    assert (watch.camera, watch.rate_fps, watch.seconds) == ("door", 10.0, 60.0)
    await peer.leave()


async def test_probe_brings_what_was_found_and_a_picture(
    hass: HomeAssistant, hub: FakeHub, client: Client
) -> None:
    """A dialog's probe goes to the bridge, and the answer and its preview come back together."""
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    link = hub.gateway.link("porch")
    assert link is not None
    asked = hass.async_create_task(
        link.probes.ask(url="rtsp://192.0.2.9/live", username="u", password="p", transport="udp")
    )
    probe = await peer.hear(Probe)
    assert (probe.url, probe.username, probe.password) == ("rtsp://192.0.2.9/live", "u", "p")
    await peer.say(frame(probe.id, camera=0, kind=2))
    await peer.say(Probed(id=probe.id, codec="h264", width=1920, height=1080, fps=25))

    probed, preview = await asked
    assert (probed.codec, probed.error, preview) == ("h264", None, JPEG)
    assert hub.cameras["door"].source.frames == []
    await peer.leave()


async def test_a_bridge_binds_its_token(hub: FakeHub, client: Client) -> None:
    """The first bridge that comes with a token is the one it belongs to."""
    peer = await BridgePeer.connect(client, TOKEN, bridge="bridge-7")
    await peer.welcome()
    assert hub.entry.subentries["porch"].data[const.CONF_BRIDGE_ID] == "bridge-7"
    await peer.leave()


async def test_cameras_go_away_with_their_bridge(hub: FakeHub, client: Client) -> None:
    """A bridge that leaves leaves its cameras disconnected."""
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    link = hub.gateway.link("porch")
    assert link is not None
    await peer.leave()
    await link.ended.wait()
    assert not hub.cameras["door"].connected
    assert hub.bridges["porch"].coordinator.state.connected is False
    assert hub.gateway.link("porch") is None


async def test_hello_of_unknown_cameras_is_fine(hub: FakeHub, client: Client) -> None:
    """A camera removed while the bridge was away is simply not in the welcome."""
    gone = CameraHello(camera="gone", counters=Counters(sampled=9, unacknowledged=4))
    peer = await BridgePeer.connect(client, TOKEN, cameras=(gone,))
    welcome = await peer.welcome()
    assert [c.camera for c in welcome.cameras] == ["door"]
    assert [r.camera for r in welcome.received] == ["door"]
    await peer.leave()


async def test_a_probe_ends_with_its_bridge(
    hass: HomeAssistant, hub: FakeHub, client: Client
) -> None:
    """A dialog does not wait for a bridge that went away."""
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    link = hub.gateway.link("porch")
    assert link is not None
    asked = hass.async_create_task(link.probes.ask(url="rtsp://192.0.2.9/live"))
    await peer.hear(Probe)
    await peer.leave()
    with pytest.raises(ProbeFailed):
        await asked
    with pytest.raises(ProbeFailed):
        await link.probes.ask(url="rtsp://192.0.2.9/live")


async def test_a_probe_has_a_time(
    hub: FakeHub, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bridge that never answers a probe leaves the dialog free."""
    monkeypatch.setattr(link_probes, "PROBE_S", 0.05)
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    link = hub.gateway.link("porch")
    assert link is not None
    with pytest.raises(TimeoutError):
        await link.probes.ask(url="rtsp://192.0.2.9/live")
    await peer.leave()


async def test_a_simple_client_cannot_probe(hub: FakeHub, client: Client) -> None:
    """A client that does not name the capability is never asked."""
    peer = await BridgePeer.connect(client, TOKEN, capabilities=())
    await peer.welcome()
    link = hub.gateway.link("porch")
    assert link is not None
    with pytest.raises(ProbeFailed):
        await link.probes.ask(url="rtsp://192.0.2.9/live")
    await peer.leave()


async def test_a_bridge_without_connection_is_configured_later(hub: FakeHub) -> None:
    """Changes while a bridge is away wait for its next welcome."""
    hub.add_camera("gate")
    hub.bridges["porch"].configure()
    assert hub.gateway.link("porch") is None
    assert hub.gateway.link("nobody") is None
