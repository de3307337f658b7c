"""One connection of a bridge: what comes in is handed on at once, what goes out waits in a bounded queue."""

import asyncio
from collections import deque
from collections.abc import Callable
import json
import logging
from time import monotonic
from typing import Any, Protocol
from uuid import uuid4

from aiohttp import ClientError, WSCloseCode, WSMsgType, web
from homeassistant.core import callback

from .bridge_clock import BridgeClock
from .link_probes import LinkProbes
from .protocol.camera import CameraConfig, Received
from .protocol.frame import HEADER, KIND_FRAME, KIND_PREVIEW, Frame
from .protocol.limits import PROTOCOL_MAX
from .protocol.messages import (
    Configure,
    Hello,
    Ping,
    Pong,
    Probed,
    Refuse,
    Watch,
    Welcome,
    negotiate,
    parse,
)
from .protocol.record import Message, ProtocolError, Unknown
from .protocol.vocabulary import ErrorCode, FrameFlag
from .protocol.wire_error import WireError

_LOGGER = logging.getLogger(__name__)

OUTBOX_MESSAGES = 64
"""A peer that lets so many small messages wait, behind full socket buffers, does not read."""
CLOSE_S = 5.0
"""How long a peer may take to say goodbye before its socket is cut."""
REASON_BYTES = 120
"""What fits into a close frame beside its code."""
PING_INTERVAL_S = 10.0
"""Two clocks of 100 ppm drift apart by 1 ms meanwhile."""
FIRST_PINGS = 3
"""Asked one after another at connect, so that the first frames already have a good time."""
OPEN_PINGS = 4
"""Unanswered pings remembered; older ones would only tell a bad round trip."""
BREATH_MESSAGES = 16
"""After so many messages that were already there, others on the event loop get their turn: about 1 ms."""

CLOSE_CODES = {
    ErrorCode.MALFORMED: WSCloseCode.INVALID_TEXT,
    ErrorCode.INTERNAL: WSCloseCode.INTERNAL_ERROR,
}
"""Close codes by error; all others are breaches of policy."""


class Receiver(Protocol):
    """Whom a connection hands its messages to; every method is short and never waits."""

    def receive(self, frame: Frame) -> None:
        """Take a frame; raise ProtocolError where it breaks the protocol."""

    def spoil(self, *, number: int, sequence: int, replay: bool) -> bool:
        """Count a malformed frame; return whether its camera is known."""

    def take(self, message: Message) -> None:
        """Take a message about cameras; raise ProtocolError where a bridge may not send it."""

    def watched(self, camera: str, *, rate_fps: float, seconds: float) -> None:
        """More frames of a camera were asked for."""

    def rest(self) -> None:
        """Say what is still to be said before the connection ends."""

    def detach(self, link: BridgeLink) -> None:
        """The connection is gone."""


class BridgeLink:
    """A bridge's connection from its hello to its end; sending never waits."""

    def __init__(
        self, socket: web.WebSocketResponse, hello: Hello, *, abort: Callable[[], None]
    ) -> None:
        """Wrap a socket whose hello was accepted; `abort` cuts it without a goodbye."""
        self.hello = hello
        self.run_id = uuid4().hex
        """The run told in the welcome, until a hub takes the connection."""
        self.revision = 0
        self.clock = BridgeClock(clock_us=hello.clock_us, now_s=monotonic())
        self.receiver: Receiver | None = None
        self.probes = LinkProbes(self)
        self.unknown = 0
        self.garbage = 0
        """Messages that named no camera: unreadable frames, unknown numbers, falling sequences."""
        self.received_bytes = 0
        self._socket = socket
        self._abort = abort
        self._loop = asyncio.get_running_loop()
        self._outbox: deque[Message] = deque()
        self._wake = asyncio.Event()
        self.ended = asyncio.Event()
        """Set when the connection is over, its cameras know and nothing of it runs any more."""
        self._closing: tuple[int, str] | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._pings: dict[int, float] = {}
        self._ping_id = 0

    # -- life ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Serve the connection to its end."""
        try:
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(self._write())
                self._ping()
                try:
                    await self._read()
                finally:
                    self._finish()
                if self._closing is None:
                    writer.cancel()
        finally:
            for timer in self._timers.values():
                timer.cancel()
            self.ended.set()

    @callback
    def close(
        self,
        code: ErrorCode | None,
        *,
        retry: bool = True,
        close_code: int | None = None,
        reason: str = "",
    ) -> None:
        """End the connection: with a `refuse` that carries the code, or without a word where it is None."""
        if self._closing is not None:
            return
        if self.receiver is not None:
            self.receiver.rest()
        if code is not None:
            self.send(Refuse(error=WireError.of(code), retry=retry))
            close_code = close_code or CLOSE_CODES.get(code, WSCloseCode.POLICY_VIOLATION)
        self._closing = (close_code or WSCloseCode.OK, reason or (code.value if code else ""))
        self._timers["close"] = self._loop.call_later(CLOSE_S, self._abort)
        self._wake.set()

    @property
    def open(self) -> bool:
        """Whether the connection still takes messages."""
        return self._closing is None and not self._socket.closed

    # -- what Home Assistant says -------------------------------------------------------------------------------

    @callback
    def send(self, message: Message) -> None:
        """Queue a message; a peer that does not read is cut off."""
        if self._closing is not None:
            return
        if isinstance(message, Configure):
            self._outbox = deque(m for m in self._outbox if not isinstance(m, Configure))
        if len(self._outbox) >= OUTBOX_MESSAGES:
            _LOGGER.warning("Bridge %s does not read; its connection is cut", self.hello.name)
            self._closing = (WSCloseCode.POLICY_VIOLATION, ErrorCode.OVER_LIMIT.value)
            self._outbox.clear()
            self._abort()
            return
        self._outbox.append(message)
        self._wake.set()

    @callback
    def welcome(
        self,
        *,
        mqtt_prefix: str,
        cameras: tuple[CameraConfig, ...],
        received: tuple[Received, ...],
    ) -> None:
        """Answer the hello."""
        self.revision += 1
        self.send(
            Welcome(
                protocol=negotiate(self.hello) or PROTOCOL_MAX,
                run_id=self.run_id,
                mqtt_prefix=mqtt_prefix,
                revision=self.revision,
                cameras=cameras,
                received=received,
            )
        )

    @callback
    def configure(self, cameras: tuple[CameraConfig, ...]) -> None:
        """Push the complete list of cameras; an older list that still waits is dropped."""
        self.revision += 1
        self.send(Configure(revision=self.revision, cameras=cameras))

    @callback
    def watch(self, camera: str, *, rate_fps: float, seconds: float) -> None:
        """Ask for more frames of a camera for a while."""
        if self.receiver is not None:
            self.receiver.watched(camera, rate_fps=rate_fps, seconds=seconds)
        self.send(Watch(camera=camera, rate_fps=rate_fps, seconds=seconds))

    # -- what the bridge says -----------------------------------------------------------------------------------

    async def _read(self) -> None:
        count = 0
        async for message in self._socket:
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                _LOGGER.debug("Bridge %s: connection broken: %s", self.hello.name, message.data)
                return
            try:
                self._take(message.data, binary=message.type is WSMsgType.BINARY)
            except ProtocolError as error:
                _LOGGER.warning("Bridge %s: connection closed: %s", self.hello.name, error)
                self.close(ErrorCode.MALFORMED, reason=str(error))
            if self._closing is not None:
                return
            count += 1
            if count % BREATH_MESSAGES == 0:
                await asyncio.sleep(0)

    def _take(self, data: bytes, *, binary: bool) -> None:
        self.received_bytes += len(data)
        try:
            message = Frame.unpack(data) if binary else parse(data)
        except ProtocolError:
            self._spoil(data, binary=binary)
            raise
        match message:
            case Frame() if message.kind == KIND_PREVIEW:
                self.probes.show(message.sequence, message.jpeg)
            case Frame():
                if self.receiver is None:
                    self.garbage += 1
                else:
                    self.receiver.receive(message)
            case Ping():
                self.send(Pong(id=message.id, clock_us=round(monotonic() * 1e6)))
            case Pong():
                self._pong(message)
            case Probed():
                self.probes.answer(message)
            case Unknown():
                self.unknown += 1
            case _ if self.receiver is not None:
                self.receiver.take(message)
            case _:
                pass  # a pending bridge may tell its status; nobody needs it yet

    def _spoil(self, data: bytes, *, binary: bool) -> None:
        named = _named_in_header(data) if binary else _named_in_text(data)
        if named is None or self.receiver is None:
            self.garbage += 1
            return
        number, sequence, replay = named
        if not self.receiver.spoil(number=number, sequence=sequence, replay=replay):
            self.garbage += 1

    # -- clock and end ------------------------------------------------------------------------------------------

    def _ping(self) -> None:
        if not self.open:
            return
        self._ping_id += 1
        while len(self._pings) >= OPEN_PINGS:
            del self._pings[next(iter(self._pings))]
        self._pings[self._ping_id] = monotonic()
        self._timers["ping"] = self._loop.call_later(PING_INTERVAL_S, self._ping)
        self.send(Ping(id=self._ping_id))

    def _pong(self, pong: Pong) -> None:
        sent_s = self._pings.pop(pong.id, None)
        if sent_s is None:
            return
        self.clock.correct(clock_us=pong.clock_us, sent_s=sent_s, received_s=monotonic())
        if pong.id < FIRST_PINGS:
            self._timers["ping"].cancel()
            self._ping()

    async def _write(self) -> None:
        try:
            while self._outbox or self._closing is None:
                if self._outbox:
                    await self._socket.send_str(self._outbox.popleft().dumps())
                else:
                    self._wake.clear()
                    await self._wake.wait()
            code, reason = self._closing
            await self._socket.close(code=code, message=_close_reason(reason))
        except ClientError, ConnectionError:
            self._abort()

    def _finish(self) -> None:
        if self.receiver is not None:
            self.receiver.detach(self)
            self.receiver = None
        self.probes.end()


def _close_reason(reason: str) -> bytes:
    return reason.encode()[:REASON_BYTES].decode(errors="ignore").encode()


def _named_in_header(data: bytes) -> tuple[int, int, bool] | None:
    if len(data) < HEADER.size:
        return None
    kind, flags, number, sequence, *_ = HEADER.unpack_from(data)
    if kind != KIND_FRAME:
        return None
    return number, sequence, bool(flags & FrameFlag.REPLAY)


def _named_in_text(data: bytes) -> tuple[int, int, bool] | None:
    try:
        value: Any = json.loads(data)
        if value["type"] != Frame.type or value.get("kind", KIND_FRAME) != KIND_FRAME:
            return None
        number, sequence, flags = value["camera"], value["sequence"], value.get("flags", 0)
    except ValueError, TypeError, KeyError, AttributeError, RecursionError:
        return None
    if not all(type(number) is int for number in (number, sequence, flags)):
        return None
    return number, sequence, bool(flags & FrameFlag.REPLAY)
