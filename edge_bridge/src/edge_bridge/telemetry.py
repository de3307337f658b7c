"""Tells an MQTT broker how the bridge and its cameras fare; nothing in the bridge ever waits for the broker.

Topics are retained: ``<prefix>/bridge/<bridge>/status`` with a last will, and one beside it for each camera. They are
kept as wishes, the newest of a topic only, and all of them are written again whenever the broker comes back.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
import json
import logging
import ssl
import time
from typing import Any, Final

from .mqtt_events import Connected, Disconnected, Event, Heard, Listened, Written
from .mqtt_link import MqttLink
from .settings import BrokerSettings
from .state_folder import StateFolder
from .telemetry_report import STATUS, offline, place, report, usable
from .wishes import REFRESH_S, Wishes

_LOGGER = logging.getLogger(__name__)

PREFIX: Final = "camera_narrator"
"""Until Home Assistant has said another one."""
EXPIRY_S: Final = 3 * int(REFRESH_S)
"""Where MQTT 5 is spoken, the broker forgets what nobody repeats."""
PAUSE_S: Final = 5.0
"""Before what is no broker, or none of a known version, is asked whether it has become one."""
FAREWELL_S: Final = 0.5
"""For the last word, of the 2 s in which the process must end."""
PARTING_S: Final = 5.0
"""For a client to end before the next one dials; as long as one may take to find that nobody answers."""
CLIENT_ID_CHARACTERS: Final = 20
"""Of the bridge's id: with the letters before it, what every broker of MQTT 3.1.1 takes."""


class Telemetry:
    """The bridge on MQTT; all of it runs on the loop, but for the client's own thread."""

    def __init__(
        self,
        broker: BrokerSettings,
        *,
        name: str,
        bridge_id: str,
        folder: StateFolder,
        tls: Callable[[], ssl.SSLContext],
        changed: Callable[[], None],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; ``changed`` is called when the connection comes, goes or is refused."""
        self._broker = broker
        self._name = name
        self._id = bridge_id
        self._folder = folder
        self._tls_context = tls
        self._changed = changed
        self._clock_s = clock_s
        prefix, self._numbered = folder.mqtt_place()
        self._prefix = prefix if prefix is not None and usable(prefix) else PREFIX
        self._wake = asyncio.Event()
        self._link: MqttLink | None = None
        self._tls: ssl.SSLContext | None = None
        self._newest = True
        self._redial = False
        self._pause: asyncio.TimerHandle | None = None
        """Before a new client tries MQTT 5 again, where neither version was understood."""
        self._listened = False
        """Whether it is known that nobody else has this place: only then is it written to."""
        self._trouble: Disconnected | None = None
        self._denied: str | None = None
        self._wishes = Wishes(clock_s())

    @property
    def connected(self) -> bool:
        """Whether the broker takes what is told."""
        return self._listened and self._denied is None

    def state(self) -> dict[str, Any]:
        """Return how it fares itself, for the bridge's status; no credentials."""
        problem = self._denied or (None if self._trouble is None else self._trouble.problem)
        return {
            "broker": self._broker.address,
            "topic": self._base,
            "connected": self.connected,
            "problem": problem,
        }

    def tell(self, status: Mapping[str, Any]) -> None:
        """Take a new status; what changed is written at once, figures alone now and then."""
        self._wishes.tell(report(self._id, status), self._clock_s())
        self._wake.set()

    def move(self, prefix: str) -> None:
        """Go to the prefix that Home Assistant says; what is retained under the old one is cleared."""
        if usable(prefix) and prefix != self._prefix:
            self._leave_place()
            self._prefix = prefix
            self._folder.keep_mqtt_place(prefix, numbered=self._numbered)

    async def run(self) -> None:
        """Tell for ever; at the end say that the bridge is offline, where the broker still listens."""
        if self._broker.tls:
            # The certificates are read from disk.
            self._tls = await asyncio.to_thread(self._tls_context)
        self._link = self._dial()
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                if self._redial:
                    # One id cannot be there twice: the broker would throw the old client out, and say its last will.
                    await self._ended(self._link, PARTING_S)
                    self._redial = False
                    self._link = self._dial()
                self._write()
        finally:
            await self._farewell(self._link)

    # -- the place -----------------------------------------------------------------------------------------------

    @property
    def _base(self) -> str:
        return f"{self._prefix}/bridge/{place(self._name, self._id, numbered=self._numbered)}"

    def _topic(self, topic: str) -> str:
        return f"{self._base}/{topic}"

    def _leave_place(self) -> None:
        """Clear what was written here, and dial anew: the last will is of the place, too."""
        if self._link is not None and self._listened:
            for topic in self._wishes.written:
                self._link.clear(self._topic(topic))
        self._wishes.leave()
        self._dial_anew()

    def _dial_anew(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        self._redial = True
        self._lose()
        self._wake.set()

    def _dial(self) -> MqttLink:
        return MqttLink(
            self._broker,
            client_id=f"cn-{self._id[:CLIENT_ID_CHARACTERS]}",
            newest=self._newest,
            tls=self._tls,
            will=(self._topic(STATUS), json.dumps(offline(self._id, self._name))),
            told=self._hear,
        )

    # -- what the client tells -----------------------------------------------------------------------------------

    def _hear(self, link: MqttLink, event: Event) -> None:
        if link is not self._link or self._redial:
            return
        match event:
            case Connected():
                link.listen(self._topic(STATUS))
            case Heard():
                self._judge(event.payload)
            case Listened():
                self._connected()
            case Disconnected():
                self._disconnected(event)
            case Written():
                self._confirm(event)

    def _judge(self, payload: bytes) -> None:
        """Make room for another bridge of this name, which was here first."""
        with suppress(ValueError):
            status = json.loads(payload)
            if (
                isinstance(status, dict)
                and status.get("online") is True
                and status.get("bridge") not in {None, self._id}
                and not self._numbered
            ):
                _LOGGER.info("Another bridge on MQTT has the name %s", self._name)
                self._numbered = True
                self._folder.keep_mqtt_place(self._prefix, numbered=True)
                self._dial_anew()

    def _connected(self) -> None:
        self._listened = True
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
            self._newest = self._link is not None and self._link.newest
        self._trouble = self._denied = None
        _LOGGER.info(
            "Connected to the MQTT broker %s; topics under %s", self._broker.address, self._base
        )
        self._wishes.repeat()
        self._wake.set()
        self._changed()

    def _disconnected(self, trouble: Disconnected) -> None:
        self._lose()
        if trouble.another_version and self._newest:
            # No person's matter, as long as the other version has not been tried.
            self._newest = False
            self._dial_anew()
            return
        if self._pause is None and (trouble.another_version or trouble.ended):
            self._newest = True
            self._pause = asyncio.get_running_loop().call_later(PAUSE_S, self._dial_anew)
        before, self._trouble = self._trouble, trouble
        # That it is away and that it refuses are two states; why it is away is none of its own.
        news = before is None or before.refused != trouble.refused
        _LOGGER.log(
            logging.WARNING if news else logging.DEBUG,
            "Not connected to the MQTT broker: %s",
            trouble.problem,
        )
        self._changed()

    def _lose(self) -> None:
        self._listened = False
        self._wishes.lose()

    def _confirm(self, written: Written) -> None:
        topic = self._wishes.confirm(written.number)
        if topic is not None and written.problem is not None and self._denied is None:
            self._denied = written.problem
            _LOGGER.warning("MQTT: %s to %s", written.problem, self._topic(topic))
            self._changed()
        self._wake.set()

    # -- what is written -----------------------------------------------------------------------------------------

    def _write(self) -> None:
        while (
            self._link is not None and self._listened and (wish := self._wishes.next()) is not None
        ):
            topic, told = wish
            number = self._link.publish(
                self._topic(topic),
                "" if told is None else json.dumps(told.payload),
                expiry_s=None if told is None else EXPIRY_S,
            )
            if number is None:
                return
            self._wishes.sent(topic, number)

    async def _farewell(self, link: MqttLink) -> None:
        ended = self._clock_s() + FAREWELL_S
        if self._listened:
            last = link.publish(
                self._topic(STATUS), json.dumps(offline(self._id, self._name)), expiry_s=None
            )
            if last is not None:
                self._wishes.sent(STATUS, last)
                with suppress(TimeoutError):
                    async with asyncio.timeout(FAREWELL_S):
                        while self._wishes.awaits(last):
                            self._wake.clear()
                            await self._wake.wait()
        self._link = None  # what it tells from here on is the end that was asked for
        await self._ended(link, max(0.1, ended - self._clock_s()))

    async def _ended(self, link: MqttLink, patience_s: float) -> None:
        """Close a client in good order, and wait for its thread no longer than that."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await asyncio.shield(link.close())
