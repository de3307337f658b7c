"""Somebody outside who listens on MQTT: what arrives, and when."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
import json
import time
from typing import Any, Final, Self

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

_VERSIONS: Final = {"5": MQTTProtocolVersion.MQTTv5, "3.1.1": MQTTProtocolVersion.MQTTv311}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as it arrived."""

    topic: str
    payload: bytes
    retained: bool
    received_s: float
    """Monotonic time of arrival."""
    received_wall_s: float
    """Wall clock of arrival."""

    @property
    def text(self) -> str:
        """The payload as text."""
        return self.payload.decode(errors="replace")

    def json(self) -> Any:
        """The payload as JSON."""
        return json.loads(self.payload)


class MqttListener:
    """Subscribes, reconnects for ever, and keeps what arrives until it is read."""

    def __init__(
        self,
        host: str,
        port: int,
        *topics: str,
        protocol: str = "5",
        user: str = "",
        password: str = "",
    ) -> None:
        """`protocol` is `5` or `3.1.1`, as `Broker.protocol` says."""
        self._address = (host, port)
        self._topics: Final = topics or ("#",)
        self.received: Final[list[Message]] = []
        """Everything so far, in order."""
        self._fresh: asyncio.Queue[Message] = asyncio.Queue()
        self._subscribed = asyncio.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=_VERSIONS[protocol])
        if user:
            self._client.username_pw_set(user, password)
        self._client.reconnect_delay_set(1, 2)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._client.connect_async(*self._address, keepalive=15)
        self._client.loop_start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    async def until_subscribed(self, *, timeout_s: float = 20.0) -> None:
        """Wait for the broker's word that the topics are subscribed."""
        async with asyncio.timeout(timeout_s):
            await self._subscribed.wait()

    async def __aiter__(self) -> AsyncIterator[Message]:
        """Read what arrives, one after the other, for ever."""
        while True:
            yield await self._fresh.get()

    async def wait_for(
        self, accept: Callable[[Message], bool], *, timeout_s: float = 30.0
    ) -> Message:
        """Read on until a message is accepted, and return it; the ones before are skipped."""
        async with asyncio.timeout(timeout_s):
            while True:
                message = await self._fresh.get()
                if accept(message):
                    return message

    def publish(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        """Send a message."""
        self._client.publish(topic, payload, qos=1, retain=retain)

    # The three below run in paho's thread.

    def _on_connect(
        self,
        client: Client,
        _userdata: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if not reason.is_failure:
            client.subscribe([(topic, 1) for topic in self._topics])

    def _on_subscribe(
        self,
        _client: Client,
        _userdata: object,
        _number: int,
        _reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._subscribed.set)

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        arrived = Message(
            topic=message.topic,
            payload=message.payload,
            retained=message.retain,
            received_s=time.monotonic(),
            received_wall_s=time.time(),
        )
        self._loop.call_soon_threadsafe(self._take, arrived)

    def _take(self, message: Message) -> None:
        self.received.append(message)
        self._fresh.put_nowait(message)
