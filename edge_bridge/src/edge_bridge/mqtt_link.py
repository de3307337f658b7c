"""One client of an MQTT broker, on paho's own thread, which dials for ever.

What happens there is told on the event loop, as an event; nothing here waits for the broker.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
import socket
import ssl
import sys
from typing import Any, Final, override

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from .mqtt_events import Connected, Disconnected, Event, Heard, Listened, Written
from .settings import BrokerSettings

RETRY_FIRST_S: Final = 1
RETRY_MOST_S: Final = 30
"""A broker that comes back is told of within half a minute."""
KEEPALIVE_S: Final = 20
"""The broker says the last will of a bridge whose line is dead after half as long again."""
WAITING_MOST: Final = 40
"""Messages that paho may hold; more of them wait as wishes, where the newest of a topic wins."""

_UNSUPPORTED: Final = "Unsupported protocol version"
_LOGIN: Final = frozenset(
    {"Bad user name or password", "Not authorized", "Bad authentication method"}
)


def tls_context(ca: Path | None, *, insecure: bool) -> ssl.SSLContext:
    """Return what decides whether a broker's certificate is good; reads files."""
    context = ssl.create_default_context(cafile=ca)
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class _Client(Client):
    """paho's client, which says so where an answer that is no MQTT ends its thread."""

    on_nonsense: Callable[[], None]

    @override
    def _thread_main(self) -> None:
        try:
            super()._thread_main()
        except Exception:  # noqa: BLE001  # what it meets with foreign bytes is as foreign: KeyError, struct.error
            self.on_nonsense()


class MqttLink:
    """A client with a last will; all methods return at once and are called on the loop."""

    def __init__(
        self,
        broker: BrokerSettings,
        *,
        client_id: str,
        newest: bool,
        tls: ssl.SSLContext | None,
        will: tuple[str, str],
        told: Callable[[MqttLink, Event], None],
    ) -> None:
        """Begin to dial; ``newest`` speaks MQTT 5, else 3.1.1. ``told`` is called on the loop."""
        self.newest: Final = newest
        self._loop = asyncio.get_running_loop()
        self._told = told
        self._answered = False
        """Whether the broker has said a word on the present connection."""
        self._welcomed = False
        client = self._client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion.MQTTv5 if newest else MQTTProtocolVersion.MQTTv311,
        )
        if broker.username:
            client.username_pw_set(broker.username, broker.password or None)
        if tls is not None:
            client.tls_set_context(tls)
        topic, payload = will
        client.will_set(topic, payload, qos=1, retain=True)
        client.reconnect_delay_set(RETRY_FIRST_S, RETRY_MOST_S)
        client.max_queued_messages_set(WAITING_MOST)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_unsubscribe = self._on_unsubscribe
        client.on_publish = self._on_publish
        client.on_nonsense = self._on_nonsense
        client.connect_async(broker.host, broker.port, keepalive=KEEPALIVE_S)
        client.loop_start()

    def listen(self, topic: str) -> None:
        """Ask for what is retained on a topic: it is Heard, then Listened."""
        self._client.subscribe(topic, qos=1)
        # The broker answers in order: when it has answered this, the retained message has come.
        self._client.unsubscribe(topic)

    def publish(self, topic: str, payload: str, *, expiry_s: int | None = None) -> int | None:
        """Hand a retained message over; return its number, None where it cannot be taken now."""
        properties: Properties | None = None
        if expiry_s is not None and self.newest:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.MessageExpiryInterval = expiry_s
        handed = self._client.publish(topic, payload, qos=1, retain=True, properties=properties)
        return handed.mid if handed.rc is MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def clear(self, topic: str) -> None:
        """Take a retained message away, in order with what is published; best effort."""
        self._client.publish(topic, b"", qos=0, retain=True)

    def close(self) -> asyncio.Future[Any]:
        """Disconnect in good order, so that the last will is not said; done when the thread has ended."""
        self._client.disconnect()
        return self._loop.run_in_executor(None, self._stop)

    def _stop(self) -> None:
        # paho's thread forgets itself as it ends, which may be between paho's look at it and its wait.
        with suppress(AttributeError):
            self._client.loop_stop()

    # -- on paho's thread --------------------------------------------------------------------------------------

    def _tell(self, event: Event) -> None:
        with suppress(RuntimeError):  # the loop has ended, and nobody listens any more
            self._loop.call_soon_threadsafe(self._told, self, event)

    def _on_connect(
        self,
        _client: Client,
        _userdata: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._answered = True
        if not reason.is_failure:
            self._welcomed = True
            self._tell(Connected())
        elif (name := str(reason)) == _UNSUPPORTED:
            self._tell(
                Disconnected(
                    problem="mqtt-url: the broker speaks another version of MQTT",
                    refused=True,
                    another_version=True,
                )
            )
        elif name in _LOGIN:
            self._tell(
                Disconnected(
                    problem="mqtt-username: the broker does not accept user name and password",
                    refused=True,
                )
            )
        else:
            self._tell(
                Disconnected(problem=f"mqtt-url: the broker refuses ({name.lower()})", refused=True)
            )

    def _on_nonsense(self) -> None:
        self._answered = self._welcomed = False
        self._tell(Disconnected(problem="mqtt-url: what answers there speaks no MQTT", ended=True))

    def _on_connect_fail(self, _client: Client, _userdata: object) -> None:
        # paho calls this while it handles the error, which it does not hand over.
        self._tell(Disconnected(problem=_words(sys.exception())))

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: object,
        _flags: DisconnectFlags,
        _reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        answered, self._answered = self._answered, False
        if not answered:
            self._tell(
                Disconnected(
                    problem="mqtt-url: what answers there hangs up, no broker or another version",
                    another_version=True,
                )
            )
        elif self._welcomed:
            self._tell(Disconnected(problem="mqtt-url: the connection was lost"))
        self._welcomed = False

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self._tell(Heard(payload=message.payload))

    def _on_unsubscribe(
        self,
        _client: Client,
        _userdata: object,
        _number: int,
        _reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        self._tell(Listened())

    def _on_publish(
        self,
        _client: Client,
        _userdata: object,
        number: int,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        problem = (
            "mqtt-username: the broker does not let this user write" if reason.is_failure else None
        )
        self._tell(Written(number=number, problem=problem))


def _words(error: BaseException | None) -> str:
    match error:
        case ssl.SSLError():
            return "ca: the broker's certificate is not trusted, or the TLS handshake failed"
        case socket.gaierror():
            return "mqtt-url: its name is not known"
        case TimeoutError():
            return "mqtt-url: no answer in time"
        case OSError():
            return f"mqtt-url: nothing answers ({error.strerror or type(error).__name__})"
        case _:
            return "mqtt-url: nothing answers"
