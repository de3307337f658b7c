"""A bridge as the gateway sees it: a socket that says hello and then whatever a test wants."""

import asyncio
import contextlib
from typing import Any, Self
from uuid import uuid4

from aiohttp import ClientWebSocketResponse, WSMsgType
from aiohttp.test_utils import TestClient

from custom_components.camera_narrator.protocol.camera import CameraHello, Received
from custom_components.camera_narrator.protocol.frame import Frame
from custom_components.camera_narrator.protocol.limits import PATH
from custom_components.camera_narrator.protocol.messages import (
    Ack,
    Configure,
    Hello,
    Ping,
    Pong,
    Refuse,
    Welcome,
    parse,
)
from custom_components.camera_narrator.protocol.record import Message, Unknown
from custom_components.camera_narrator.protocol.vocabulary import Capability, FrameFlag

JPEG = b"\xff\xd8 a picture that nobody decodes \xff\xd9"
ANSWER_S = 5.0
"""How long a test waits for the gateway's word before it fails."""
CLOCK_US = 5_000_000_000


def hello(**changes: Any) -> Hello:
    """Return a hello with defaults."""
    given: dict[str, Any] = {
        "protocol_min": 1,
        "protocol_max": 1,
        "version": "0.1.0",
        "bridge": "bridge-a",
        "epoch": "epoch-1",
        "name": "Attic",
        "capabilities": (Capability.PROBE, Capability.ACTIVITY, Capability.BINARY),
        "clock_us": CLOCK_US,
    }
    return Hello(**{**given, **changes})


def frame(sequence: int, *, camera: int = 1, flags: int = 0, **changes: Any) -> Frame:
    """Return a frame captured `sequence` seconds after the hello's clock."""
    given: dict[str, Any] = {"captured_us": CLOCK_US + sequence, "jpeg": JPEG}
    return Frame(camera=camera, sequence=sequence, flags=FrameFlag(flags), **{**given, **changes})


class BridgePeer:
    """A connected bridge; answers pings, keeps acknowledgements apart."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        """Wrap a socket."""
        self.socket = socket
        self.marks: dict[str, Received] = {}
        self.pings = 0

    @classmethod
    async def connect(cls, client: TestClient[Any, Any], token: str, **changes: Any) -> Self:
        """Connect and say hello."""
        socket = await client.ws_connect(PATH, headers={"Authorization": f"Bearer {token}"})
        peer = cls(socket)
        await peer.say(hello(**changes))
        return peer

    async def say(self, message: Message) -> None:
        """Send a message; frames as binary."""
        if isinstance(message, Frame):
            await self.socket.send_bytes(message.pack())
        else:
            await self.socket.send_str(message.dumps())

    async def hear[M: Message](self, kind: type[M]) -> M:
        """Return the next message of a kind; pings are answered and acknowledgements noted on the way."""
        async with asyncio.timeout(ANSWER_S):
            while True:
                message = await self.socket.receive()
                assert message.type is WSMsgType.TEXT, f"closed with {self.socket.close_code}"
                parsed = parse(message.data)
                await self._note(parsed)
                if isinstance(parsed, kind):
                    return parsed

    async def welcome(self) -> Welcome:
        """Return the gateway's welcome."""
        return await self.hear(Welcome)

    async def acknowledged(self, camera: str, *, live: int = 0, replay: int = 0) -> None:
        """Wait until the gateway has acknowledged so far."""
        while (mark := self.marks.get(camera)) is None or mark.live < live or mark.replay < replay:
            await self.hear(Ack)

    async def settle(self) -> None:
        """Wait until the gateway has handled everything said so far."""
        ping = Ping(id=uuid4().int % 2**40)
        await self.say(ping)
        while (await self.hear(Pong)).id != ping.id:
            pass

    async def end(self) -> tuple[Refuse | None, int | None]:
        """Read to the end; return the refusal and the close code."""
        refuse: Refuse | None = None
        async with asyncio.timeout(ANSWER_S):
            async for message in self.socket:
                parsed = parse(message.data)
                await self._note(parsed)
                if isinstance(parsed, Refuse):
                    refuse = parsed
        return refuse, self.socket.close_code

    async def leave(self) -> None:
        """Say goodbye."""
        await self.socket.close()

    async def _note(self, parsed: Message | Unknown) -> None:
        if isinstance(parsed, Ack):
            self.marks |= {mark.camera: mark for mark in parsed.cameras}
        elif isinstance(parsed, Ping) and not self.socket.closed:
            self.pings += 1
            with contextlib.suppress(ConnectionResetError):  # the other end may be gone already
                await self.say(Pong(id=parsed.id, clock_us=CLOCK_US))


__all__ = ["JPEG", "PATH", "BridgePeer", "CameraHello", "Configure", "frame", "hello"]
