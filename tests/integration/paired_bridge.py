"""A bridge as far as dialogs need one: it speaks the protocol over a real socket and answers probes as told."""

import asyncio
from collections.abc import Callable
import contextlib
from typing import Self

from aiohttp import ClientWebSocketResponse, WSMsgType
from aiohttp.test_utils import TestClient

from custom_components.camera_narrator.protocol.camera import CameraConfig
from custom_components.camera_narrator.protocol.frame import KIND_PREVIEW, Frame
from custom_components.camera_narrator.protocol.limits import PATH
from custom_components.camera_narrator.protocol.messages import (
    Configure,
    Hello,
    Ping,
    Pong,
    Probe,
    Probed,
    Refuse,
    Welcome,
    parse,
)
from custom_components.camera_narrator.protocol.record import Message, Unknown
from custom_components.camera_narrator.protocol.vocabulary import Capability

JPEG = b"\xff\xd8\xff\xe0 what the camera shows \xff\xd9"

type Answer = Callable[[Probe], Probed | None]


class PairedBridge:
    """One connection; leave the block to close it."""

    def __init__(
        self,
        client: TestClient,
        token: str,
        *,
        bridge: str = "bridge-1",
        name: str = "Attic",
        capabilities: tuple[Capability, ...] = (Capability.PROBE, Capability.ACTIVITY),
    ) -> None:
        """Say hello on entering the block."""
        self._client = client
        self._token = token
        self._hello = Hello(
            protocol_min=1,
            protocol_max=1,
            version="0.1.0",
            bridge=bridge,
            epoch="epoch-1",
            name=name,
            capabilities=capabilities,
            clock_us=1,
        )
        self._socket: ClientWebSocketResponse
        self._reader: asyncio.Task[None]
        self.answer: Answer = lambda _: None
        """What a probe finds; None keeps silent."""
        self.preview: bytes | None = JPEG
        self.probes: list[Probe] = []
        self.cameras: tuple[CameraConfig, ...] = ()
        """As configured last."""
        self.refusal: Refuse | None = None
        self.welcomed = asyncio.Event()
        self.closed = asyncio.Event()
        self._news = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._socket = await self._client.ws_connect(
            PATH, headers={"Authorization": f"Bearer {self._token}"}
        )
        await self._socket.send_str(self._hello.dumps())
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader

    async def until(self, true: Callable[[Self], bool]) -> None:
        """Wait until something is true of what was said."""
        async with asyncio.timeout(10), self._news:
            await self._news.wait_for(lambda: true(self))

    async def send(self, frame: Frame) -> None:
        """Send a picture."""
        await self._socket.send_bytes(frame.pack())

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is WSMsgType.TEXT:
                await self._take(parse(message.data))
                async with self._news:
                    self._news.notify_all()
        self.closed.set()
        async with self._news:
            self._news.notify_all()

    async def _take(self, message: Message | Unknown) -> None:
        match message:
            case Ping():
                await self._socket.send_str(Pong(id=message.id, clock_us=1).dumps())
            case Welcome():
                self.cameras = message.cameras
                self.welcomed.set()
            case Configure():
                self.cameras = message.cameras
            case Refuse():
                self.refusal = message
            case Probe():
                self.probes.append(message)
                if (probed := self.answer(message)) is not None:
                    await self._show(probed)

    async def _show(self, probed: Probed) -> None:
        if self.preview is not None and probed.error is None:
            frame = Frame(
                kind=KIND_PREVIEW,
                camera=0,
                sequence=probed.id,
                captured_us=1,
                jpeg=self.preview,
            )
            await self._socket.send_bytes(frame.pack())
        await self._socket.send_str(probed.dumps())
