"""Home Assistant's end of the wire, played by a small server that tests steer."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
import ssl
from typing import Self

from aiohttp import WSMsgType, web

from edge_bridge.protocol.camera import CameraConfig, Received
from edge_bridge.protocol.frame import Frame
from edge_bridge.protocol.limits import PATH
from edge_bridge.protocol.messages import Ack, Configure, Hello, Limits, Status, Welcome, parse
from edge_bridge.protocol.record import Message, Unknown
from edge_bridge.protocol.vocabulary import FrameFlag

TOKEN = "a-token-for-tests"


@dataclass
class Arrivals:
    """What one connection has brought."""

    hello: Hello
    frames: list[Frame] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    everything: list[Message] = field(default_factory=list)
    """Frames and messages in the order in which they came."""

    def of[M: Message](self, kind: type[M]) -> list[M]:
        """Return the messages of one kind."""
        return [message for message in self.messages if isinstance(message, kind)]


class FakeGateway:
    """Accepts bridges, welcomes them, acknowledges what comes, and remembers everything."""

    def __init__(self) -> None:
        self.cameras: tuple[CameraConfig, ...] = ()
        self.limits = Limits()
        self.run_id = "run-1"
        self.acknowledging = True
        self.acknowledging_at_status = False
        self.reading = asyncio.Event()
        self.reading.set()
        self.status = 101
        """What the next requests are answered with, instead of a WebSocket."""
        self.first_words: list[str] | None = None
        """Said instead of a welcome."""
        self.connections: list[Arrivals] = []
        self.authorizations: list[str | None] = []
        self.paths: list[str] = []
        """Where each request came to."""
        self.close_codes: list[int | None] = []
        """With which each connection has ended."""
        self.received: dict[str, tuple[int, int]] = {}
        self.port = 0
        self._scheme = "http"
        self._sockets: set[web.WebSocketResponse] = set()
        self._changed = asyncio.Condition()
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0, tls: ssl.SSLContext | None = None) -> Self:
        """Listen; on the same port as before when it is told."""
        self._scheme = "http" if tls is None else "https"
        application = web.Application()
        application.router.add_get(PATH, self._serve)
        application.router.add_get("/house" + PATH, self._serve)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port, ssl_context=tls)
        await site.start()
        assert self._runner.addresses
        self.port = self._runner.addresses[0][1]
        return self

    @property
    def url(self) -> str:
        """The address a person would type."""
        return f"{self._scheme}://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        """Close everything, as an end of the process would."""
        self.reading.set()
        self.abort_sockets()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def close_sockets(self, code: int = 1012) -> None:
        """Close the connections, the server stays."""
        for ws in tuple(self._sockets):
            await ws.close(code=code)

    def abort_sockets(self) -> None:
        """Break the connections without a word, the server stays."""
        for ws in tuple(self._sockets):
            if ws._req is not None and (transport := ws._req.transport) is not None:
                transport.abort()

    async def acknowledge(self) -> None:
        """Acknowledge all that came on the newest connection."""
        received = tuple(
            Received(camera=key, live=live, replay=replay)
            for key, (live, replay) in self.received.items()
        )
        await self.send(Ack(cameras=received))

    async def send(self, message: Message) -> None:
        """Say something on the newest connection."""
        for ws in tuple(self._sockets):
            await ws.send_str(message.dumps())

    async def send_text(self, text: str) -> None:
        """Say something that need not be a message."""
        for ws in tuple(self._sockets):
            await ws.send_str(text)

    async def configure(self, *cameras: CameraConfig, revision: int) -> None:
        """Push a configuration, and welcome later bridges with it."""
        self.cameras = cameras
        await self.send(Configure(revision=revision, cameras=cameras))

    async def until(self, true: Callable[[], bool], *, within_s: float = 20) -> None:
        """Wait until something is true; it is looked at whenever something arrives."""
        async with asyncio.timeout(within_s), self._changed:
            await self._changed.wait_for(true)

    @property
    def last(self) -> Arrivals:
        """The newest connection."""
        return self.connections[-1]

    @property
    def frames(self) -> list[Frame]:
        """All frames of all connections, without previews."""
        return [frame for seen in self.connections for frame in seen.frames if frame.camera]

    def seen[M: Message](self, kind: type[M]) -> list[M]:
        """Return the messages of one kind, of all connections."""
        return [message for seen in self.connections for message in seen.of(kind)]

    async def notify(self) -> None:
        """Have the waiting ones look again."""
        async with self._changed:
            self._changed.notify_all()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.authorizations.append(request.headers.get("Authorization"))
        self.paths.append(request.path)
        await self.notify()
        if self.status != 101:
            return web.Response(status=self.status)
        ws = web.WebSocketResponse(compress=False, max_msg_size=4 * 2**20)
        await ws.prepare(request)
        self._sockets.add(ws)
        try:
            await self._converse(ws)
        finally:
            self._sockets.discard(ws)
            self.close_codes.append(ws.close_code)
        return ws

    async def _converse(self, ws: web.WebSocketResponse) -> None:
        hello = parse(await ws.receive_str())
        assert isinstance(hello, Hello)
        arrivals = Arrivals(hello)
        self.connections.append(arrivals)
        if self.first_words is not None:
            for text in self.first_words:
                await ws.send_str(text)
        else:
            await ws.send_str(self._welcome().dumps())
        await self.notify()
        self.received = {}
        while True:
            await self.reading.wait()
            message = await ws.receive()
            if message.type is WSMsgType.BINARY:
                await self._take(ws, Frame.unpack(message.data), arrivals)
            elif message.type is WSMsgType.TEXT:
                parsed = parse(message.data)
                assert not isinstance(parsed, Unknown)
                arrivals.messages.append(parsed)
                arrivals.everything.append(parsed)
                if isinstance(parsed, Status) and self.acknowledging_at_status:
                    received = (
                        Received(camera=key, live=live, replay=replay)
                        for key, (live, replay) in self.received.items()
                    )
                    await ws.send_str(Ack(cameras=tuple(received)).dumps())
            else:
                await self.notify()
                return
            await self.notify()

    def _welcome(self) -> Welcome:
        return Welcome(
            protocol=1,
            run_id=self.run_id,
            limits=self.limits,
            revision=1,
            cameras=self.cameras,
            received=tuple(
                Received(camera=key, live=live, replay=replay)
                for key, (live, replay) in self.received.items()
            ),
        )

    async def _take(self, ws: web.WebSocketResponse, frame: Frame, arrivals: Arrivals) -> None:
        arrivals.frames.append(frame)
        arrivals.everything.append(frame)
        key = next((entry.camera for entry in self.cameras if entry.number == frame.camera), None)
        if key is None:
            return
        live, replay = self.received.get(key, (0, 0))
        if FrameFlag.REPLAY in frame.flags:
            assert frame.sequence > replay, "replay sequences must rise"
            replay = frame.sequence
        else:
            assert frame.sequence > live, "live sequences must rise"
            live = frame.sequence
        self.received[key] = (live, replay)
        if self.acknowledging:
            await ws.send_str(
                Ack(cameras=(Received(camera=key, live=live, replay=replay),)).dumps()
            )
