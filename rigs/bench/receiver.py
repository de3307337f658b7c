"""Home Assistant's end of the wire as far as a measurement needs it: welcomes, configures, acknowledges, and notes."""

import asyncio
from dataclasses import dataclass
import time
from typing import Final, Self

from aiohttp import WSMsgType, web

from edge_bridge.protocol.camera import CameraConfig, Received
from edge_bridge.protocol.frame import Frame
from edge_bridge.protocol.limits import PATH
from edge_bridge.protocol.messages import (
    Ack,
    Activity,
    Configure,
    Hello,
    Limits,
    Status,
    Welcome,
    parse,
)
from edge_bridge.protocol.vocabulary import FrameFlag
from rigs.bench.run import RunError

TOKEN: Final = "a-token-for-measuring"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSeen:
    """A frame that has arrived."""

    camera: str
    arrived_us: int
    captured_us: int
    size_bytes: int
    """With its header."""
    active: bool

    @property
    def age_ms(self) -> float:
        """From its packet's arrival at the bridge to its own here; both on this machine's monotonic clock."""
        return (self.arrived_us - self.captured_us) / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivitySeen:
    """An activity state that has arrived."""

    camera: str
    arrived_us: int
    active: bool


class Receiver:
    """Serves one bridge."""

    def __init__(self) -> None:
        """Listen to nothing yet."""
        self.frames: list[FrameSeen] = []
        self.activities: list[ActivitySeen] = []
        self.status: Status | None = None
        self.wire: list[tuple[int, int]] = []
        """Everything that came: arrival in µs and payload bytes."""
        self.port = 0
        self._cameras: tuple[CameraConfig, ...] = ()
        self._revision = 1
        self._names: dict[int, str] = {}
        self._received: dict[str, tuple[int, int]] = {}
        self._socket: web.WebSocketResponse | None = None
        self._changed = asyncio.Condition()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_get(PATH, self._serve)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def configure(self, cameras: tuple[CameraConfig, ...]) -> None:
        """Give the bridge these cameras, now or when it connects."""
        self._cameras = cameras
        self._names = {camera.number: camera.camera for camera in cameras}
        self._revision += 1
        if self._socket is not None:
            message = Configure(revision=self._revision, cameras=cameras)
            await self._socket.send_str(message.dumps())

    async def until_all_sent(self, *, timeout_s: float) -> None:
        """Wait until each configured camera has sent a frame."""
        wanted = set(self._names.values())

        def missing() -> set[str]:
            return wanted - {seen.camera for seen in self.frames}

        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(lambda: not missing())
        except TimeoutError:
            raise RunError(
                f"{len(missing())} of {len(wanted)} cameras sent nothing within {timeout_s:.0f} s"
            ) from None

    def forget(self) -> None:
        """Begin the notes anew."""
        self.frames.clear()
        self.activities.clear()
        self.wire.clear()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.Response(status=401)
        socket = web.WebSocketResponse(compress=False, max_msg_size=4 * 2**20)
        await socket.prepare(request)
        hello = parse(await socket.receive_str())
        if isinstance(hello, Hello):
            self._received = {}
            welcome = Welcome(
                protocol=1,
                run_id="bench",
                limits=Limits(),
                revision=self._revision,
                cameras=self._cameras,
            )
            await socket.send_str(welcome.dumps())
            self._socket = socket
            await self._read(socket)
        return socket

    async def _read(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            now_us = time.monotonic_ns() // 1000
            if message.type is WSMsgType.BINARY:
                self.wire.append((now_us, len(message.data)))
                await self._take(socket, message.data, now_us)
            elif message.type is WSMsgType.TEXT:
                self.wire.append((now_us, len(message.data)))
                parsed = parse(message.data)
                if isinstance(parsed, Activity):
                    self.activities.append(
                        ActivitySeen(camera=parsed.camera, arrived_us=now_us, active=parsed.active)
                    )
                elif isinstance(parsed, Status):
                    self.status = parsed

    async def _take(self, socket: web.WebSocketResponse, data: bytes, now_us: int) -> None:
        frame = Frame.unpack(data)
        name = self._names.get(frame.camera)
        if name is None:
            return
        live, replay = self._received.get(name, (0, 0))
        if FrameFlag.REPLAY in frame.flags:
            replay = frame.sequence
        else:
            live = frame.sequence
        self._received[name] = live, replay
        self.frames.append(
            FrameSeen(
                camera=name,
                arrived_us=now_us,
                captured_us=frame.captured_us,
                size_bytes=len(data),
                active=FrameFlag.ACTIVE in frame.flags,
            )
        )
        await socket.send_str(
            Ack(cameras=(Received(camera=name, live=live, replay=replay),)).dumps()
        )
        async with self._changed:
            self._changed.notify_all()
