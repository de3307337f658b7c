"""Home Assistant's end of a narrow line: acknowledges as Home Assistant does, and notes when each frame came."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
import socket
import time
from typing import Final, Self

from aiohttp import WSMsgType, web

from edge_bridge.protocol.camera import CameraConfig, Received
from edge_bridge.protocol.frame import Frame
from edge_bridge.protocol.limits import PATH
from edge_bridge.protocol.messages import Ack, Hello, Limits, Status, Welcome, parse
from edge_bridge.protocol.vocabulary import FrameFlag, PacingReason
from rigs.bench.receiver import TOKEN

_ACK_FRAMES: Final = 8
_ACK_S: Final = 0.1
"""Both as the integration has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A frame that has come."""

    camera: int
    arrived_us: int
    captured_us: int
    live: bool
    """Neither replayed nor from before an onset."""

    @property
    def age_ms(self) -> float:
        """From its capture to here; both on this machine's monotonic clock."""
        return (self.arrived_us - self.captured_us) / 1000


class FarEnd:
    """Serves one bridge on a socket that is given."""

    def __init__(self, listener: socket.socket, cameras: tuple[CameraConfig, ...]) -> None:
        """Welcome every bridge with these cameras."""
        self.arrivals: list[Arrival] = []
        self.steps: dict[str, tuple[int, PacingReason]] = {}
        """What the last status said of each camera's pace."""
        self._listener = listener
        self._cameras = cameras
        self._received: dict[str, tuple[int, int]] = {}
        self._owed = 0
        self._runner: web.AppRunner | None = None
        self._late: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_get(PATH, self._serve)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.SockSite(self._runner, self._listener).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def live(self, since_us: int = 0) -> list[Arrival]:
        """Return the live frames that came since then."""
        return [one for one in self.arrivals if one.live and one.arrived_us >= since_us]

    async def until(self, true: Callable[[], bool], *, timeout_s: float = 60.0) -> None:
        """Wait until something is true; it is looked at whenever a frame comes."""
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(true)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.Response(status=401)
        ws = web.WebSocketResponse(compress=False, max_msg_size=4 * 2**20)
        await ws.prepare(request)
        if not isinstance(parse(await ws.receive_str()), Hello):
            return ws
        welcome = Welcome(
            protocol=1,
            run_id="bench",
            limits=Limits(),
            revision=1,
            cameras=self._cameras,
            received=self._told(),
        )
        await ws.send_str(welcome.dumps())
        self._received, self._owed = {}, 0
        async for message in ws:
            if message.type is WSMsgType.BINARY:
                await self._take(ws, Frame.unpack(message.data))
            elif message.type is WSMsgType.TEXT and isinstance(
                status := parse(message.data), Status
            ):
                self.steps = {
                    camera.camera: (camera.pacing_step, camera.pacing_reason)
                    for camera in status.cameras
                }
        return ws

    async def _take(self, ws: web.WebSocketResponse, frame: Frame) -> None:
        self.arrivals.append(
            Arrival(
                camera=frame.camera,
                arrived_us=time.monotonic_ns() // 1000,
                captured_us=frame.captured_us,
                live=not frame.flags & (FrameFlag.REPLAY | FrameFlag.PREROLL),
            )
        )
        async with self._changed:
            self._changed.notify_all()
        name = next(one.camera for one in self._cameras if one.number == frame.camera)
        live, replay = self._received.get(name, (0, 0))
        if FrameFlag.REPLAY in frame.flags:
            replay = frame.sequence
        else:
            live = frame.sequence
        self._received[name] = live, replay
        self._owed += 1
        if self._owed >= _ACK_FRAMES:
            await self._acknowledge(ws)
        elif self._owed == 1:
            task = asyncio.get_running_loop().create_task(self._acknowledge_late(ws))
            self._late.add(task)
            task.add_done_callback(self._late.discard)

    async def _acknowledge_late(self, ws: web.WebSocketResponse) -> None:
        await asyncio.sleep(_ACK_S)
        if self._owed and not ws.closed:
            await self._acknowledge(ws)

    async def _acknowledge(self, ws: web.WebSocketResponse) -> None:
        self._owed = 0
        await ws.send_str(Ack(cameras=self._told()).dumps())

    def _told(self) -> tuple[Received, ...]:
        return tuple(
            Received(camera=name, live=live, replay=replay)
            for name, (live, replay) in self._received.items()
        )
