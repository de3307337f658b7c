"""One connection to Home Assistant, from hello to its end."""

import asyncio
from contextlib import suppress
import logging
import time
from typing import Literal, Protocol, assert_never

import aiohttp

from .errors import Cause, DialError
from .outbox import Outbox
from .pacing import LOOK_S
from .protocol.messages import (
    Ack,
    Configure,
    Configured,
    Hello,
    Ping,
    Pong,
    Probe,
    Refuse,
    Status,
    Watch,
    Welcome,
    parse,
)
from .protocol.record import Message, ProtocolError, Unknown
from .protocol.vocabulary import ErrorCode
from .send_queue import unsent_bytes

_LOGGER = logging.getLogger(__name__)

WELCOME_S = 10.0
"""Home Assistant answers a hello at once; a loaded small machine takes a second or two."""
STATUS_S = 10.0
GLANCE_S = 0.001
GLANCE_MOST_S = 0.02
"""Nobody tells when the system has sent what it held: frames that wait for it look from 1 ms on, ever less often; in
the longest pause a link of 1 Mbit/s sends less than what the system may hold."""
PAUSE_S = 0.25
"""So often it is looked whether there is time for a replay."""
FAREWELL_S = 1.0
"""For the last status and the close, of the 2 s in which the process must end."""
REASON_BYTES = 120
"""What fits into a close frame beside its code."""

_QUICK_CODES = frozenset(
    {aiohttp.WSCloseCode.OK, aiohttp.WSCloseCode.GOING_AWAY, aiohttp.WSCloseCode.SERVICE_RESTART}
)


type WebSocket = aiohttp.ClientWebSocketResponse[Literal[True]]


class Side(Protocol):
    """The bridge as a connection sees it; all on the loop."""

    outbox: Outbox

    @property
    def on_wire(self) -> int:
        """Return how many frames were sent on this connection and not yet acknowledged."""

    def hello(self) -> Hello:
        """Return the first message."""

    def welcome(self, welcome: Welcome) -> Configured:
        """Begin a connection."""

    def configure(self, configure: Configure) -> Configured:
        """Take over a configuration."""

    def acknowledge(self, ack: Ack) -> None:
        """Trim what has arrived."""

    def watch(self, watch: Watch) -> None:
        """Send a camera more often for a while."""

    def probe(self, probe: Probe) -> None:
        """Start a probe; its answer goes to the outbox."""

    def next_frame(self, unsent_bytes: int) -> bytes | None:
        """Return the next frame that may be sent while the system still holds so much unsent."""

    @property
    def live_waits(self) -> bool:
        """Whether a live frame waits until it may be sent."""

    @property
    def replay_waits(self) -> bool:
        """Whether there is something to replay."""

    def pace(self) -> None:
        """Judge how the connection fares; called twice a second."""

    def status(self) -> Status:
        """Return the status as it is now."""

    def last_status(self) -> Status:
        """Give up what was never sent, and return the status of a bridge that sends nothing more."""

    def disconnect(self) -> None:
        """End the connection: frames wait in the ring again."""


class Session:
    """Speaks the protocol over one WebSocket."""

    def __init__(self, ws: WebSocket, side: Side) -> None:
        """Take over a WebSocket that is open."""
        self._ws = ws
        self._side = side
        self._wire = ws.get_extra_info("socket")
        self._outbox = side.outbox
        self._pinged: tuple[int, float] = (0, 0.0)
        self._leaving = asyncio.Event()
        self.welcomed = False

    def leave(self) -> None:
        """End the connection in good order: what the hello said of this bridge holds no more, and another one will."""
        self._leaving.set()

    async def run(self) -> DialError:
        """Run until the connection ends and return why; a cancelled one says farewell first."""
        try:
            await self._greet()
            return await self._converse()
        except DialError as error:
            return error
        except ProtocolError as error:
            await self._close(aiohttp.WSCloseCode.POLICY_VIOLATION, str(error))
            return DialError(
                Cause.UNREACHABLE, "url", f"Home Assistant sent something malformed: {error}"
            )
        except TimeoutError:
            return DialError(Cause.UNREACHABLE, "url", "no welcome from Home Assistant")
        except aiohttp.ClientError, OSError:
            return _lost()
        except asyncio.CancelledError:
            await self._farewell()
            raise
        finally:
            self._side.disconnect()

    async def _greet(self) -> None:
        await self._ws.send_str(self._side.hello().dumps())
        async with asyncio.timeout(WELCOME_S):
            message = self._read(await self._ws.receive())
        if isinstance(message, Refuse):
            raise _refused(message)
        if not isinstance(message, Welcome):
            raise ProtocolError("message", "not a welcome") if message else self._ended()
        self._outbox.clear()
        self._outbox.reply(self._side.welcome(message))
        self.welcomed = True
        _LOGGER.info("Connected to Home Assistant: %d cameras", len(message.cameras))

    async def _converse(self) -> DialError:
        ended = _lost()
        malformed: ProtocolError | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                others = [
                    tasks.create_task(self._write()),
                    tasks.create_task(self._tick()),
                    tasks.create_task(self._pace()),
                    tasks.create_task(self._leave()),
                ]
                ended = await self._listen()
                for task in others:
                    task.cancel()
        except* ProtocolError as group:
            malformed = next(
                error for error in group.exceptions if isinstance(error, ProtocolError)
            )
        except* aiohttp.ClientError, OSError:
            _LOGGER.debug("The connection was lost while something was being sent")
        if malformed is not None:
            raise malformed
        return ended

    async def _listen(self) -> DialError:
        while (message := self._read(await self._ws.receive())) is not None:
            match message:
                case Ack():
                    self._side.acknowledge(message)
                    self._outbox.frames()
                case Ping():
                    self._outbox.reply(Pong(id=message.id, clock_us=time.monotonic_ns() // 1000))
                case Configure():
                    self._outbox.reply(self._side.configure(message))
                    self._outbox.status()
                case Probe():
                    self._side.probe(message)
                case Watch():
                    self._side.watch(message)
                case Refuse():
                    return _refused(message)
                case Pong():
                    self._ponged(message)
                case Unknown():
                    self._outbox.unknown += 1
                case Message():
                    raise ProtocolError("message", f"a bridge takes no {message.type}")
                case _:
                    assert_never(message)
        return self._ended()

    async def _write(self) -> None:
        glance_s = GLANCE_S
        while True:
            if (reply := self._outbox.next_reply()) is not None:
                await self._send(reply)
            elif self._outbox.take_status():
                await self._send(self._side.status().dumps())
            elif (frame := self._side.next_frame(unsent_bytes(self._wire))) is not None:
                await self._send(frame)
                glance_s = GLANCE_S
            elif self._side.live_waits:
                await self._outbox.wait(glance_s)
                glance_s = min(2 * glance_s, GLANCE_MOST_S)
            else:
                await self._outbox.wait(PAUSE_S if self._side.replay_waits else None)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(STATUS_S)
            self._outbox.status()
            self._pinged = (self._pinged[0] + 1, time.monotonic())
            self._outbox.reply(Ping(id=self._pinged[0]))

    async def _pace(self) -> None:
        await asyncio.sleep(LOOK_S)
        # Not sooner: on a slow line the status of many cameras takes longer than the first picture.
        self._outbox.status()
        while True:
            self._side.pace()
            await asyncio.sleep(LOOK_S)

    async def _leave(self) -> None:
        await self._leaving.wait()
        await self._close(aiohttp.WSCloseCode.SERVICE_RESTART, "the bridge greets anew")

    def _ponged(self, pong: Pong) -> None:
        number, sent_s = self._pinged
        if pong.id == number:
            _LOGGER.debug(
                "Round trip to Home Assistant: %.1f ms", (time.monotonic() - sent_s) * 1000
            )

    async def _send(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            await self._ws.send_bytes(message)
        else:
            await self._ws.send_str(message)

    def _read(self, message: aiohttp.WSMessage) -> Message | Unknown | None:
        """Return a message, None at the connection's end."""
        if message.type is aiohttp.WSMsgType.TEXT:
            return parse(message.data)
        if message.type is aiohttp.WSMsgType.BINARY:
            raise ProtocolError("message", "a bridge takes no binary")
        return None

    def _ended(self) -> DialError:
        if self._leaving.is_set():
            return DialError(Cause.CLOSED, "detector", "it broke down; greeting anew without it")
        code = self._ws.close_code
        if code in _QUICK_CODES:
            return DialError(Cause.CLOSED, "url", "Home Assistant closed the connection")
        return DialError(Cause.UNREACHABLE, "url", f"the connection ended (code {code})")

    async def _farewell(self) -> None:
        with suppress(TimeoutError, aiohttp.ClientError, OSError):
            async with asyncio.timeout(FAREWELL_S):
                if self.welcomed:
                    await self._say_last_status()
                await self._close(aiohttp.WSCloseCode.GOING_AWAY, "the bridge ends")

    async def _say_last_status(self) -> None:
        """Say how it ends: a status makes Home Assistant acknowledge all it owes, and the last one counts that."""
        await self._ws.send_str(self._side.last_status().dumps())
        if not self._side.on_wire:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_S / 2):
                while self._side.on_wire:
                    if (message := self._read(await self._ws.receive())) is None:
                        return
                    if isinstance(message, Ack):
                        self._side.acknowledge(message)
        await self._ws.send_str(self._side.last_status().dumps())

    async def _close(self, code: int, reason: str) -> None:
        await self._ws.close(code=code, message=reason.encode()[:REASON_BYTES])


def _lost() -> DialError:
    return DialError(Cause.UNREACHABLE, "url", "the connection was lost")


def _refused(refuse: Refuse) -> DialError:
    code = refuse.error.code
    final = not refuse.retry or code is ErrorCode.REVOKED
    setting = "token" if code in {ErrorCode.REVOKED, ErrorCode.IN_USE} else "url"
    return DialError(
        Cause.FORBIDDEN if final else Cause.UNREACHABLE, setting, f"Home Assistant refuses: {code}"
    )
