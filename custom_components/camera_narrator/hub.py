"""One hub: a provider, its limits, its bridges and its cameras, from one config entry."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_send

from . import const
from .coordinator import (
    SIGNAL_BRIDGE_ADDED,
    SIGNAL_CAMERA_ADDED,
    HubCoordinator,
    HubState,
    NarratorConfigEntry,
)
from .entity import register_device, register_hub
from .gateway import async_setup_http
from .hub_bridge import HubBridge
from .hub_camera import HubCamera
from .memory import MemoryStore
from .mqtt_sink import MqttSink
from .pipeline.clock import SystemClock
from .pipeline.errors import Fault
from .pipeline.limiter import Limiter
from .pipeline.models import Failure
from .pipeline.provider import Provider
from .providers.table import create


class Hub:
    """Builds, owns and changes everything of one entry; changes never reload."""

    def __init__(self, hass: HomeAssistant, entry: NarratorConfigEntry) -> None:
        """Prepare an empty hub; start() fills it."""
        self.hass = hass
        self.entry = entry
        self.run_id = uuid4().hex
        self.clock = SystemClock()
        self.gateway = async_setup_http(hass)
        self.memory = MemoryStore(hass, entry.entry_id)
        self.limiter = Limiter(concurrency=_concurrency(entry), clock=self.clock)
        self.coordinator = HubCoordinator(hass, HubState())
        self.mqtt = MqttSink(hass, prefix=mqtt_prefix(entry))
        self.cameras: dict[str, HubCamera] = {}
        self.bridges: dict[str, HubBridge] = {}
        self.provider: Provider
        self._provider_data: Mapping[str, Any] = {}
        self._changing = asyncio.Lock()

    async def start(self) -> None:
        """Build provider, bridges and cameras; nothing outside is contacted."""
        await self.memory.load()
        await self._change_provider()
        self.mqtt.start(self.entry)
        await self._change_subentries()

    @callback
    def open(self) -> None:
        """Let the bridges in: entities and their listeners stand."""
        self.gateway.open(self)

    async def stop(self) -> None:
        """Close the connections and store what is open."""
        self.gateway.close(self)
        for bridge in self.bridges.values():
            bridge.close()
        await asyncio.gather(*(camera.stop() for camera in self.cameras.values()))
        await self.mqtt.stop()
        await self.memory.flush()

    async def change(self) -> None:
        """Take over what changed in the entry, its options or its subentries."""
        async with self._changing:
            register_hub(self.hass, self.entry)
            self.limiter.change(concurrency=_concurrency(self.entry))
            await self._change_provider()
            if (prefix := mqtt_prefix(self.entry)) != self.mqtt.prefix:
                self.mqtt.move(prefix, [camera.key for camera in self.cameras.values()])
                for camera in self.cameras.values():
                    camera.publisher.repeat()
            await self._change_subentries()

    def camera_by_key(self, key: str) -> HubCamera | None:
        """Return the camera with that key."""
        return next((camera for camera in self.cameras.values() if camera.key == key), None)

    def cameras_of(self, bridge_id: str) -> list[HubCamera]:
        """Return the cameras that a bridge captures."""
        return [camera for camera in self.cameras.values() if camera.bridge_id == bridge_id]

    @callback
    def provider_failed(self, failure: Failure) -> None:
        """Show the provider's trouble; ask for a new key where it refuses this one."""
        self.coordinator.update(problem=failure.code, detail=failure.message)
        if failure.code == Fault.UNAUTHORIZED:
            self.entry.async_start_reauth(self.hass)

    @callback
    def provider_answered(self) -> None:
        """The provider works."""
        self.coordinator.update(problem=None, detail="")

    async def _change_provider(self) -> None:
        if self._provider_data != self.entry.data:
            self.provider = await create(self.hass, self.entry.data, rungs=self.memory)
            self._provider_data = dict(self.entry.data)
            self.provider_answered()
            # Each camera goes on where it is: its open event, its story and its pictures stay.
            await asyncio.gather(*(camera.restart() for camera in self.cameras.values()))

    async def _change_subentries(self) -> None:
        bridges = {
            s.subentry_id: s for s in self.entry.get_subentries_of_type(const.SUBENTRY_BRIDGE)
        }
        cameras = {
            s.subentry_id: s for s in self.entry.get_subentries_of_type(const.SUBENTRY_CAMERA)
        }
        touched: set[str | None] = set()

        for gone in self.cameras.keys() - cameras.keys():
            camera = self.cameras.pop(gone)
            touched.add(camera.bridge_id)
            await camera.remove()
        for gone in self.bridges.keys() - bridges.keys():
            self.bridges.pop(gone).remove()
        for subentry_id, subentry in bridges.items():
            if known := self.bridges.get(subentry_id):
                known.change(subentry)
                register_device(self.hass, self.entry, subentry)
            else:
                bridge = self.bridges[subentry_id] = HubBridge(self.hass, self, subentry)
                bridge.start()
                async_dispatcher_send(
                    self.hass, SIGNAL_BRIDGE_ADDED.format(self.entry.entry_id), bridge
                )
        for subentry_id, subentry in cameras.items():
            if known_camera := self.cameras.get(subentry_id):
                before = known_camera.bridge_id
                if known_camera.change(subentry):
                    touched.add(known_camera.bridge_id)
                if before != known_camera.bridge_id:
                    touched |= {before, known_camera.bridge_id}
            else:
                camera = self.cameras[subentry_id] = HubCamera(self, subentry)
                camera.start()
                touched.add(camera.bridge_id)
                async_dispatcher_send(
                    self.hass, SIGNAL_CAMERA_ADDED.format(self.entry.entry_id), camera
                )

        for bridge_id in touched - {None}:
            if (bridge_or_none := self.bridges.get(bridge_id or "")) is not None:
                bridge_or_none.configure()
        self._check_orphans()

    @callback
    def _check_orphans(self) -> None:
        for camera in self.cameras.values():
            issue = f"camera_without_bridge_{camera.subentry_id}"
            if camera.bridge_id in self.bridges:
                ir.async_delete_issue(self.hass, const.DOMAIN, issue)
            else:
                ir.async_create_issue(
                    self.hass,
                    const.DOMAIN,
                    issue,
                    is_fixable=True,
                    severity=ir.IssueSeverity.ERROR,
                    translation_key="camera_without_bridge",
                    translation_placeholders={"camera": camera.title},
                )


def mqtt_prefix(entry: NarratorConfigEntry) -> str:
    """Return the first part of the hub's topics."""
    prefix: str = entry.options.get(const.CONF_MQTT_PREFIX, const.DEFAULT_MQTT_PREFIX)
    return prefix


def _concurrency(entry: NarratorConfigEntry) -> int:
    return int(entry.options.get(const.CONF_CONCURRENCY, const.DEFAULT_CONCURRENCY))
