"""A bridge that only pushes: any number of cameras, as many frames a second as told, activity as told."""

import asyncio
import contextlib
import time
from typing import Final, Self

import aiohttp

from custom_components.camera_narrator.protocol.area import Region
from custom_components.camera_narrator.protocol.camera import CameraConfig
from custom_components.camera_narrator.protocol.frame import Frame
from custom_components.camera_narrator.protocol.limits import PATH
from custom_components.camera_narrator.protocol.messages import (
    Activity,
    Configure,
    Hello,
    Ping,
    Pong,
    Welcome,
    parse,
)
from custom_components.camera_narrator.protocol.vocabulary import Capability, FrameFlag
from rigs.picture_code import Cast, Code
from rigs.rehearsal import easel

_EPOCH: Final = "pushed"


class PushingBridge:
    """One connection to a real Home Assistant; leave the block to close it."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        """Say hello on entering the block."""
        self.cameras: tuple[CameraConfig, ...] = ()
        self._session = session
        self._url = url
        self._token = token
        self._sequences: dict[int, int] = {}
        self._since_us: dict[str, int] = {}
        self._revision = 0
        self._socket: aiohttp.ClientWebSocketResponse
        self._reader: asyncio.Task[None]
        code = Code(
            camera=1,
            epoch=1,
            sequence=1,
            captured_ms=1,
            visit=1,
            active=True,
            cast=Cast(persons=1),
        )
        self._jpeg = easel.paint(code, quality=90)

    async def __aenter__(self) -> Self:
        self._socket = await self._session.ws_connect(
            self._url + PATH,
            headers={"Authorization": f"Bearer {self._token}"},
            max_msg_size=0,
        )
        hello = Hello(
            protocol_min=1,
            protocol_max=1,
            version="0.1.0",
            bridge="pushing",
            epoch=_EPOCH,
            name="Pushing",
            capabilities=(Capability.ACTIVITY,),
            clock_us=_now_us(),
        )
        await self._socket.send_str(hello.dumps())
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader
        await self._socket.close()

    async def until_cameras(self, count: int) -> None:
        """Wait until so many are configured."""
        async with asyncio.timeout(60):
            while len(self.cameras) < count:  # noqa: ASYNC110 - nobody calls
                await asyncio.sleep(0.05)

    async def push(self, seconds: float, *, fps: float, active: bool, count: int) -> None:
        """Send frames of the first cameras, evenly spread, and states as the real bridge does."""
        cameras = self.cameras[:count]
        begun_s, number = time.monotonic(), 0
        total = round(seconds * fps * len(cameras))
        for camera in cameras:
            await self.state(camera.camera, active=active)
        while number < total:
            camera = cameras[number % len(cameras)]
            if active and number % max(1, round(2 * fps * len(cameras))) < len(cameras):
                await self.state(camera.camera, active=True)
            await self._frame(camera.number, active=active)
            number += 1
            due_s = begun_s + number / (fps * len(cameras))
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))

    async def flicker(self, camera: CameraConfig) -> None:
        """Let something move in one picture: a client that never tells activity is asked about all the time."""
        await self.state(camera.camera, active=True)
        await self._frame(camera.number, active=True)
        await self.state(camera.camera, active=False)

    async def state(self, camera: str, *, active: bool) -> None:
        """Say whether something moves."""
        if active:
            self._since_us.setdefault(camera, _now_us())
        else:
            self._since_us.pop(camera, None)
        box = Region(x=0.3, y=0.3, width=0.2, height=0.5)
        self._revision += 1
        message = Activity(
            camera=camera,
            active=active,
            since_us=self._since_us.get(camera, _now_us()),
            score=0.5 if active else 0.0,
            regions=(box,) if active else (),
            revision=self._revision,
        )
        await self._socket.send_str(message.dumps())

    async def _frame(self, number: int, *, active: bool) -> None:
        self._sequences[number] = sequence = self._sequences.get(number, 0) + 1
        frame = Frame(
            camera=number,
            sequence=sequence,
            captured_us=_now_us(),
            width=easel.WIDTH_PX,
            height=easel.HEIGHT_PX,
            flags=FrameFlag.ACTIVE if active else FrameFlag(0),
            activity=60 if active else 0,
            novelty=10,
            jpeg=self._jpeg,
        )
        await self._socket.send_bytes(frame.pack())

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            match parse(message.data):
                case Ping(id=number):
                    pong = Pong(id=number, clock_us=_now_us())
                    await self._socket.send_str(pong.dumps())
                case Welcome(cameras=cameras) | Configure(cameras=cameras):
                    self.cameras = cameras
                case _:
                    pass


def _now_us() -> int:
    return time.monotonic_ns() // 1000
