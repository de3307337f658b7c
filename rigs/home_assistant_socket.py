"""Home Assistant's own WebSocket: commands and subscriptions."""

import asyncio
from collections.abc import AsyncIterator
import contextlib
from typing import Any, Final, Self

import aiohttp

type Json = dict[str, Any]

_ANSWER_S: Final = 30.0
"""A command not answered by then never is."""


class CommandError(Exception):
    """A command that Home Assistant refused or never answered; the text is its own."""


class HomeAssistantSocket:
    """One authenticated connection; closes by `close` or when Home Assistant goes."""

    def __init__(self, connection: aiohttp.ClientWebSocketResponse) -> None:
        """Made by `open`."""
        self._connection = connection
        self._last_id = 0
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._subscriptions: dict[int, asyncio.Queue[Json | None]] = {}
        self._reader = asyncio.create_task(self._read(), name="home assistant socket")

    @classmethod
    async def open(cls, session: aiohttp.ClientSession, url: str, token: str) -> Self:
        """Connect and authenticate."""
        connection = await session.ws_connect(f"{url}/api/websocket", max_msg_size=0)
        await connection.receive_json()
        await connection.send_json({"type": "auth", "access_token": token})
        answer = await connection.receive_json()
        if answer["type"] != "auth_ok":
            await connection.close()
            raise CommandError("the token is not accepted")
        return cls(connection)

    async def command(self, command: str, **fields: Any) -> Any:
        """Send one command and return its result."""
        _, result = await self._send(command, fields)
        return result

    async def subscribe(self, command: str = "subscribe_events", **fields: Any) -> Subscription:
        """Subscribe; events are kept from this moment on, until they are read."""
        events: asyncio.Queue[Json | None] = asyncio.Queue()
        number, _ = await self._send(command, fields, events)
        return Subscription(self, number, events)

    async def unsubscribe(self, number: int) -> None:
        """End a subscription."""
        if self._subscriptions.pop(number, None) is not None and not self._connection.closed:
            await self.command("unsubscribe_events", subscription=number)

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader

    async def _send(
        self, command: str, fields: Json, events: asyncio.Queue[Json | None] | None = None
    ) -> tuple[int, Any]:
        self._last_id += 1
        number = self._last_id
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        if events is not None:
            self._subscriptions[number] = events
        try:
            await self._connection.send_json({"id": number, "type": command, **fields})
            async with asyncio.timeout(_ANSWER_S):
                return number, await answer
        except (TimeoutError, ConnectionError) as error:
            raise CommandError(f"{command}: no answer") from error
        finally:
            del self._answers[number]

    async def _read(self) -> None:
        try:
            async for message in self._connection:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._dispatch(message.json())
        finally:
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(CommandError("Home Assistant closed the connection"))
            for events in self._subscriptions.values():
                events.put_nowait(None)

    def _dispatch(self, message: Json | list[Json]) -> None:
        if isinstance(message, list):
            for part in message:
                self._dispatch(part)
            return
        number = message.get("id", 0)
        if message["type"] == "event":
            if (events := self._subscriptions.get(number)) is not None:
                events.put_nowait(message["event"])
        elif (answer := self._answers.get(number)) is not None and not answer.done():
            if message.get("success", True):
                answer.set_result(message.get("result"))
            else:
                answer.set_exception(CommandError(message["error"]["message"]))


class Subscription:
    """Events in the order they happened; ends when the connection does."""

    def __init__(
        self, socket: HomeAssistantSocket, number: int, events: asyncio.Queue[Json | None]
    ) -> None:
        """Made by `HomeAssistantSocket.subscribe`."""
        self._socket = socket
        self._number = number
        self._events = events

    async def __aiter__(self) -> AsyncIterator[Json]:
        while (event := await self._events.get()) is not None:
            yield event

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._socket.unsubscribe(self._number)
