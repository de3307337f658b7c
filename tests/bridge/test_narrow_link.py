"""A real bridge with eight cameras behind a line of 200 kbit/s: who gets through, how young, and after an outage."""

from edge_bridge.clock import monotonic_us
from edge_bridge.protocol.frame import Frame
from edge_bridge.protocol.messages import Activity
from edge_bridge.protocol.vocabulary import FrameFlag, PacingReason
from rigs.code_source import CodeSettings, CodeSource
from rigs.link import Link
from rigs.simulated_camera import SimulatedCamera
from rigs.visits import Visits
from tests.bridge.conftest import Serve, StartBridge, config, eventually
from tests.bridge.fake_gateway import FakeGateway

NAMES = [f"camera{number}" for number in range(8)]


def busy(name: str, number: int) -> SimulatedCamera:
    """Return a camera in front of which somebody walks to and fro all the time."""
    visits = Visits()
    visits.start()
    source = CodeSource(CodeSettings(camera=number, fps=5), visits)
    return SimulatedCamera(name, source)


async def test_eight_active_cameras_get_through_a_narrow_line_and_come_back(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge
) -> None:
    """Each camera's live frames come, small and young; after an outage the first that comes is a live one."""
    server = await serve(*(busy(name, number) for number, name in enumerate(NAMES)))
    gateway.cameras = tuple(
        # Larger than they would be, so that a few seconds show it.
        config(server.url(name), name, number, height_px=720, quality=95, rate_fps=2.0)
        for number, name in enumerate(NAMES, 1)
    )
    async with Link(gateway.port, bytes_per_s=25_000) as link:
        bridge = start_bridge(gateway, url=link.url)
        await eventually(
            lambda: all(camera.pacing_step for camera in bridge.status().cameras[:1]), within_s=60
        )
        before = len(gateway.frames)
        await gateway.until(
            lambda: {frame.camera for frame in live(gateway, before)} >= set(range(1, 9)),
            within_s=60,
        )
        [front, *_] = bridge.status().cameras
        assert front.pacing_reason is not PacingReason.NONE
        assert {activity.camera for activity in gateway.seen(Activity)} == set(NAMES)
        link.cut()
        link.refuse()
        await eventually(lambda: bridge.status().cameras[0].counters.unacknowledged >= 3)
        connections = len(gateway.connections)
        back_us = monotonic_us()
        link.restore()
        await gateway.until(lambda: len(gateway.connections) > connections, within_s=60)
        await gateway.until(lambda: bool(gateway.last.frames), within_s=60)
        first = gateway.last.frames[0]
        assert FrameFlag.REPLAY not in first.flags
        assert first.captured_us >= back_us - 2_000_000
        counters = bridge.status().cameras[0].counters
        assert counters.sampled >= counters.replaced + counters.unacknowledged


def live(gateway: FakeGateway, since: int) -> list[Frame]:
    """Return the live frames after the first so many."""
    return [frame for frame in gateway.frames[since:] if FrameFlag.REPLAY not in frame.flags]
