"""A real bridge between a simulated camera and a played Home Assistant."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from edge_bridge.bridge import Bridge
from edge_bridge.protocol.camera import CameraConfig
from edge_bridge.protocol.vocabulary import Source
from edge_bridge.settings import Settings
from edge_bridge.state_folder import StateFolder
from rigs.code_source import CodeSettings, CodeSource
from rigs.rtsp_server import RtspServer
from rigs.simulated_camera import SimulatedCamera
from rigs.visits import Visits
from tests.bridge.fake_gateway import TOKEN, FakeGateway

type Serve = Callable[..., Awaitable[RtspServer]]
type StartBridge = Callable[..., Bridge]

TLS = Path(__file__).parent / "tls"
"""A certificate for 127.0.0.1 that nobody trusts, and its key, which opens nothing."""


async def eventually(true: Callable[[], bool], *, within_s: float = 20) -> None:
    """Wait for what nobody announces."""
    async with asyncio.timeout(within_s):
        while not true():  # noqa: ASYNC110  # nobody sets an event for it
            await asyncio.sleep(0.02)


def drawn(name: str = "front", **options: object) -> SimulatedCamera:
    """Return a camera whose pictures are drawn, quiet until its visits are started."""
    return SimulatedCamera(name, CodeSource(CodeSettings(camera=1), Visits()), **options)  # type: ignore[arg-type]


def visited(name: str = "front") -> tuple[SimulatedCamera, CodeSource]:
    """Return a quiet camera, and its source whose visits a test begins."""
    source = CodeSource(CodeSettings(camera=1), Visits())
    return SimulatedCamera(name, source), source


def config(url: str, camera: str = "front", number: int = 1, **changes: object) -> CameraConfig:
    """Return a camera's configuration that sends often enough for tests."""
    given: dict[str, object] = {"rate_fps": 5.0, "quiet_interval_s": 0.5, **changes}
    return CameraConfig(number=number, camera=camera, source=Source.RTSP, url=url, **given)  # type: ignore[arg-type]


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    """Home Assistant, played."""
    played = await FakeGateway().start()
    yield played
    await played.stop()


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Serve cameras by RTSP until the test ends."""
    servers: list[RtspServer] = []

    async def start(*cameras: SimulatedCamera) -> RtspServer:
        server = RtspServer(list(cameras))
        await server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        await server.close()


@pytest.fixture
async def start_bridge(tmp_path: Path) -> AsyncIterator[StartBridge]:
    """Run bridges in this process until the test ends."""
    tasks: list[asyncio.Task[None]] = []

    def start(gateway: FakeGateway, **changes: object) -> asyncio.Task[None]:
        folder = StateFolder(tmp_path / f"bridge{len(tasks)}")
        settings = replace(
            Settings(url=gateway.url, token=TOKEN, name="test", state=tmp_path), **changes
        )
        bridge = Bridge(settings, folder, folder.hold())
        tasks.append(asyncio.get_running_loop().create_task(bridge.run()))
        return bridge

    yield start
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
