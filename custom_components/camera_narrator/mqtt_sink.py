"""The MQTT topics of a hub, written by a task of its own: nothing in the pipeline ever waits for a broker.

Retained topics are kept as wishes, the newest only, and written again whenever the broker comes back. Everything
else waits in a short queue which gives up what is worth least, and counts it.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
import contextlib
from dataclasses import dataclass
import logging
import time
from typing import TYPE_CHECKING, Any, Final

from homeassistant.components import mqtt
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.json import json_dumps

from .const import DOMAIN
from .pipeline.vocabulary import Phase

if TYPE_CHECKING:
    from .coordinator import NarratorConfigEntry

_LOGGER = logging.getLogger(__name__)

QUEUE: Final = 100
"""Messages kept while the broker is away: the visits of a busy house over an hour."""
REFRESH_S: Final = 30.0
"""`online` is told again this often, so that a subscriber notices a crash within EXPIRY_S."""
EXPIRY_S: Final = 90
"""Three refreshes: where MQTT 5 is spoken, the broker forgets `online` of a house that fell silent."""
LATE_S: Final = 60.0
"""Older events carry `late`: a light that goes on for a visitor of a minute ago only startles."""
RETRY_S: Final = 5.0
"""After a refused message of a broker that counts as connected."""
FAREWELL_S: Final = 2.0
"""For the last messages and `offline`: Home Assistant is waiting to stop."""
ONLINE: Final = "online"
OFFLINE: Final = "offline"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    """What waits for the broker; its topic gets the prefix of the moment it is sent."""

    topic: str
    payload: Mapping[str, Any]
    phase: Phase | None
    """None for a narrative."""
    queued_s: float


class MqttSink:
    """Publishes a hub's story; every method returns at once, with or without a broker."""

    def __init__(
        self, hass: HomeAssistant, *, prefix: str, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Start without a connection and without wishes."""
        self.prefix = prefix
        self.dropped = 0
        """Messages given up because the queue was full, or because they cannot be sent at all."""
        self._hass = hass
        self._monotonic = monotonic
        self._queue: list[_Message] = []
        self._retained: dict[str, str] = {f"{prefix}/status": ONLINE}
        self._unwritten: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._expires = True
        self._task: asyncio.Task[None] | None = None
        self._leaving: list[CALLBACK_TYPE] = []

    @property
    def waiting(self) -> int:
        """Return how many messages wait for the broker."""
        return len(self._queue)

    @callback
    def start(self, entry: NarratorConfigEntry) -> None:
        """Begin to write; a stop of Home Assistant says `offline` while the broker still listens."""
        self._unwritten |= dict.fromkeys(self._retained)
        self._wake.set()
        self._leaving = [
            mqtt.async_subscribe_connection_status(self._hass, self._connection_changed),
            self._hass.async_add_shutdown_job(HassJob(self._shut_down, f"{DOMAIN} goes offline")),
        ]
        self._task = entry.async_create_background_task(
            self._hass, self._write_for_ever(), f"{DOMAIN} MQTT"
        )

    async def stop(self) -> None:
        """Send what waits and say `offline`, both only where the broker takes it at once."""
        if self._task is None:
            return
        task, self._task = self._task, None
        while self._leaving:
            self._leaving.pop()()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        if not _connected(self._hass):
            return
        self._retain(f"{self.prefix}/status", OFFLINE)
        with contextlib.suppress(TimeoutError, HomeAssistantError):
            async with asyncio.timeout(FAREWELL_S):
                await self._write_all()

    # -- what a camera tells ------------------------------------------------------------------------------------

    @callback
    def activity(self, camera: str, *, active: bool) -> None:
        """Retain whether something moves."""
        self._retain(f"{self.prefix}/{camera}/activity", _on_off(active))

    @callback
    def connected(self, camera: str, *, connected: bool) -> None:
        """Retain whether pictures come in."""
        self._retain(f"{self.prefix}/{camera}/connected", _on_off(connected))

    @callback
    def narrative(self, camera: str, payload: Mapping[str, Any]) -> None:
        """Tell a sentence."""
        self._put(f"{camera}/narrative", payload, None)

    @callback
    def event(self, camera: str, payload: Mapping[str, Any], phase: Phase) -> None:
        """Tell a phase of an event."""
        self._put(f"{camera}/event", payload, phase)

    # -- what the house changes ---------------------------------------------------------------------------------

    @callback
    def remove(self, camera: str) -> None:
        """Clear what is retained of a camera."""
        self._clear(_retained_topics(self.prefix, camera))

    @callback
    def move(self, prefix: str, cameras: Iterable[str]) -> None:
        """Go to another prefix: clear what is retained under the old one; the cameras repeat what they are."""
        for camera in cameras:
            self.remove(camera)
        self._clear([f"{self.prefix}/status"])
        self.prefix = prefix
        self._retain(f"{prefix}/status", ONLINE)

    async def _shut_down(self) -> None:
        self._leaving.pop()  # this very job, which Home Assistant takes off its list itself
        await self.stop()

    # -- the task -----------------------------------------------------------------------------------------------

    async def _write_for_ever(self) -> None:
        pause_s = REFRESH_S
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()
            if not self._wake.is_set():
                self._unwritten[f"{self.prefix}/status"] = None
            self._wake.clear()
            pause_s = REFRESH_S
            if _connected(self._hass):
                try:
                    await self._write_all()
                except HomeAssistantError as error:
                    _LOGGER.debug("MQTT takes no message now: %s", error)
                    pause_s = RETRY_S

    async def _write_all(self) -> None:
        """Write all that is due, retained topics first; what fails or is cancelled stays due."""
        while self._unwritten or self._queue:
            if self._unwritten:
                topic = next(iter(self._unwritten))
                del self._unwritten[topic]
                try:
                    await self._write_retained(topic)
                except HomeAssistantError, asyncio.CancelledError:
                    self._unwritten.setdefault(topic)
                    raise
                except Exception:
                    self.dropped += 1
                    _LOGGER.exception("MQTT topic %s cannot be written", topic)
            else:
                message = self._queue.pop(0)
                try:
                    await self._write(message)
                except HomeAssistantError, asyncio.CancelledError:
                    self._return(message)
                    raise
                except Exception:  # it would fail for ever, and hold up all that wait behind it
                    self.dropped += 1
                    _LOGGER.exception("A message to %s cannot be written", message.topic)

    async def _write_retained(self, topic: str) -> None:
        payload = self._retained.get(topic, "")  # an empty payload clears
        expiry_s = EXPIRY_S if payload == ONLINE and self._expires else None
        try:
            await mqtt.async_publish(
                self._hass, topic, payload, 1, True, message_expiry_interval=expiry_s
            )
        except ServiceValidationError:  # the broker is spoken to in MQTT 3
            self._expires = False
            await mqtt.async_publish(self._hass, topic, payload, 1, True)

    async def _write(self, message: _Message) -> None:
        payload = message.payload
        if message.phase is not None and self._monotonic() - message.queued_s > LATE_S:
            payload = {**payload, "late": True}
        qos = 0 if message.phase is None else 1
        topic = f"{self.prefix}/{message.topic}"
        await mqtt.async_publish(self._hass, topic, json_dumps(payload), qos, False)

    @callback
    def _connection_changed(self, connected: bool) -> None:
        if connected:
            self._expires = True
            self._unwritten |= dict.fromkeys(self._retained)
            self._wake.set()

    # -- queue and wishes ---------------------------------------------------------------------------------------

    def _put(self, topic: str, payload: Mapping[str, Any], phase: Phase | None) -> None:
        if not self._hass.config_entries.async_has_entries(
            mqtt.DOMAIN, include_ignore=False, include_disabled=False
        ):
            return  # no broker is wanted: nothing waits for one, nothing is lost
        self._queue.append(
            _Message(topic=topic, payload=payload, phase=phase, queued_s=self._monotonic())
        )
        self._shrink()
        self._wake.set()

    def _return(self, message: _Message) -> None:
        self._queue.insert(0, message)
        self._shrink()

    def _shrink(self) -> None:
        """Give up the oldest words of an event first, then the oldest narrative, at last the oldest of all."""
        while len(self._queue) > QUEUE:
            phases = [message.phase for message in self._queue]
            victims = (phases.index(kind) for kind in (Phase.UPDATED, None) if kind in phases)
            del self._queue[next(victims, 0)]
            self.dropped += 1

    def _retain(self, topic: str, payload: str) -> None:
        self._retained[topic] = payload
        self._unwritten[topic] = None
        self._wake.set()

    def _clear(self, topics: Iterable[str]) -> None:
        for topic in topics:
            self._retained.pop(topic, None)
            self._unwritten[topic] = None
        self._wake.set()


async def clear_retained(hass: HomeAssistant, prefix: str, cameras: Iterable[str]) -> None:
    """Take all retained topics of a removed hub away, where the broker takes it at once."""
    if not _connected(hass):
        return
    topics = [f"{prefix}/status"]
    for camera in cameras:
        topics += _retained_topics(prefix, camera)
    with contextlib.suppress(TimeoutError, HomeAssistantError):
        async with asyncio.timeout(FAREWELL_S):
            for topic in topics:
                await mqtt.async_publish(hass, topic, "", 1, True)


def _connected(hass: HomeAssistant) -> bool:
    try:
        return mqtt.is_connected(hass)
    except KeyError:  # MQTT was never set up
        return False


def _retained_topics(prefix: str, camera: str) -> tuple[str, ...]:
    return (f"{prefix}/{camera}/activity", f"{prefix}/{camera}/connected")


def _on_off(on: bool) -> str:
    return "ON" if on else "OFF"
