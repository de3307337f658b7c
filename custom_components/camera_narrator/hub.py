"""One hub: a provider, its limits, its bridges and its cameras, from one config entry."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_send

from . import bridge_issues, budget_issues, const, local_only, only_for, timeline
from .coordinator import (
    SIGNAL_BRIDGE_ADDED,
    SIGNAL_CAMERA_ADDED,
    HubCoordinator,
    HubState,
    NarratorConfigEntry,
)
from .entity import register_device, register_hub
from .event_picture import async_setup_event_pictures
from .gateway import async_setup_http
from .hub_bridge import HubBridge
from .hub_camera import HubCamera
from .hub_fallback import HubFallback
from .hub_limits import HubLimits
from .hub_probe import HubProbe
from .memory import MemoryStore
from .mqtt_sink import MqttSink, clear_retained
from .pictures_out import PicturesOut
from .pipeline.clock import SystemClock
from .pipeline.errors import Fault
from .pipeline.limiter import Limiter
from .pipeline.models import Failure
from .pipeline.provider import Provider
from .pipeline.terms import Terms
from .providers.builtin import BuiltinProvider
from .providers.table import create
from .tokens import hashes_of


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
        self.timeline = timeline.Timeline(hass, entry, clock=self.clock)
        self.coordinator = HubCoordinator(hass, HubState())
        self.limits = HubLimits(
            hass, entry, clock=self.clock, memory=self.memory, coordinator=self.coordinator
        )
        self.limiter = self.limits.limiter
        self.pictures_out = PicturesOut(
            hass,
            clock=self.clock,
            memory=self.memory,
            coordinator=self.coordinator,
            outside=lambda: self.sends_out,
        )
        self.probe = HubProbe(hass, entry, clock=self.clock, limiter=self.limiter)
        self.fallback = HubFallback(self)
        """Its second model server, where it has one."""
        self.limits.beside = lambda: self.fallback.usd_today
        self.understudy = BuiltinProvider()
        """Writes where the provider cannot be asked for long, or must not be."""
        self.inner_limiter = Limiter(clock=self.clock, terms=Terms())
        """Of cameras for which the understudy writes because their pictures stay in the house: nothing is limited there."""
        self.mqtt = MqttSink(hass, prefix=mqtt_prefix(entry))
        self.cameras: dict[str, HubCamera] = {}
        self.bridges: dict[str, HubBridge] = {}
        self.provider: Provider
        self._provider_data: Mapping[str, Any] = {}
        self._changing = asyncio.Lock()
        self._stopped = False

    async def start(self) -> None:
        """Build provider, bridges and cameras; nothing outside is contacted."""
        async with self._changing:
            await self.memory.load()
            self.limits.start()
            self.pictures_out.start()
            await self._change_provider()
            await self.fallback.change()
            self.mqtt.start(self.entry)
            self.timeline.start()
            await self._change_subentries()
            self.entry.async_create_background_task(
                self.hass, self._recall_pictures(), f"{const.DOMAIN} pictures of open events"
            )

    @callback
    def open(self) -> None:
        """Let the bridges in: entities and their listeners stand."""
        self.gateway.open(self)

    async def stop(self) -> None:
        """Close the connections and store what is open; a change that comes now is the next start's."""
        self.gateway.close(self)
        async with self._changing:
            self._stopped = True
            for bridge in self.bridges.values():
                bridge.close()
            await asyncio.gather(*(camera.stop() for camera in self.cameras.values()))
            await self.mqtt.stop()
            self.probe.stop()
            self.limits.stop()
            self.pictures_out.stop()
            await self.timeline.stop()
            await self.memory.flush()

    async def change(self) -> None:
        """Take over what changed in the entry, its options or its subentries."""
        async with self._changing:
            if self._stopped:
                return
            register_hub(self.hass, self.entry)
            self.limits.change()
            await self._change_provider()
            if await self.fallback.change():
                await asyncio.gather(*(camera.restart() for camera in self.cameras.values()))
            if (prefix := mqtt_prefix(self.entry)) != self.mqtt.prefix:
                self.mqtt.move(prefix, [camera.key for camera in self.cameras.values()])
                for camera in self.cameras.values():
                    camera.publisher.repeat()
            await self._change_subentries()
            self.timeline.change()

    @property
    def sends_out(self) -> bool:
        """Return whether what goes to the provider leaves the house."""
        return local_only.outside(self.entry.data, self.entry.options) is not None

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
        self.probe.answered()

    async def _recall_pictures(self) -> None:
        for camera in list(self.cameras.values()):
            await camera.recall_picture()

    async def _change_provider(self) -> None:
        if self._provider_data != self.entry.data:
            self.provider = await create(self.hass, self.entry.data, self.memory)
            self.provider.count_pictures(self.pictures_out.sent)
            self._provider_data = dict(self.entry.data)
            self.coordinator.update(problem=None, detail="")
            self.probe.change(self.provider)
            # Each camera goes on where it is: its open event, its story and its pictures stay.
            await asyncio.gather(*(camera.restart() for camera in self.cameras.values()))
            self.limiter.release()  # what the other server said holds no longer

    async def _change_subentries(self) -> None:
        cameras = self._subentries(const.SUBENTRY_CAMERA)
        gone = [self.cameras.pop(key) for key in self.cameras.keys() - cameras.keys()]
        self._change_bridges()
        touched = {camera.bridge_id for camera in gone} | self._change_cameras(cameras)
        # Before anything else: a request under way may be one that must not leave the house any more.
        moved = [camera for camera in self.cameras.values() if camera.misplaced]
        await asyncio.gather(*(camera.restart() for camera in moved))
        # Before a removed camera ends its bridge knows: nothing of it comes in any more.
        for bridge_id in touched:
            if (bridge := self.bridges.get(bridge_id or "")) is not None:
                bridge.configure()
        self._check_orphans()
        for camera in gone:
            await camera.remove()
            ir.async_delete_issue(self.hass, const.DOMAIN, orphan_issue(camera.subentry_id))
            ir.async_delete_issue(self.hass, const.DOMAIN, only_for.issue_id(camera.subentry_id))

    def _subentries(self, kind: str) -> dict[str, ConfigSubentry]:
        return {one.subentry_id: one for one in self.entry.get_subentries_of_type(kind)}

    def _change_bridges(self) -> None:
        bridges = self._subentries(const.SUBENTRY_BRIDGE)
        for gone in self.bridges.keys() - bridges.keys():
            self.bridges.pop(gone).remove()
        for subentry_id, subentry in bridges.items():
            if known := self.bridges.get(subentry_id):
                known.change(subentry)
                register_device(self.hass, self.entry, subentry)
            else:
                bridge = self.bridges[subentry_id] = HubBridge(self.hass, self, subentry)
                bridge.start()
                signal = SIGNAL_BRIDGE_ADDED.format(self.entry.entry_id)
                async_dispatcher_send(self.hass, signal, bridge)

    def _change_cameras(self, cameras: Mapping[str, ConfigSubentry]) -> set[str | None]:
        """Add and change cameras; return the bridges that must hear of it."""
        touched: set[str | None] = set()
        for subentry_id, subentry in cameras.items():
            if known := self.cameras.get(subentry_id):
                before = known.bridge_id
                if known.change(subentry) or before != known.bridge_id:
                    touched |= {before, known.bridge_id}
            else:
                camera = self.cameras[subentry_id] = HubCamera(self, subentry)
                camera.start()
                touched.add(camera.bridge_id)
                signal = SIGNAL_CAMERA_ADDED.format(self.entry.entry_id)
                async_dispatcher_send(self.hass, signal, camera)
        return touched

    @callback
    def _check_orphans(self) -> None:
        for camera in self.cameras.values():
            issue = orphan_issue(camera.subentry_id)
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


async def forget(hass: HomeAssistant, entry: NarratorConfigEntry) -> None:
    """Leave nothing of a removed hub behind: its stories, repairs, tokens and retained topics."""
    await MemoryStore(hass, entry.entry_id).remove()
    await timeline.forget(hass, entry.entry_id)
    budget_issues.clear(hass, entry.entry_id)
    for bridge in entry.get_subentries_of_type(const.SUBENTRY_BRIDGE):
        bridge_issues.clear(hass, bridge.subentry_id)
        async_setup_http(hass).tokens.remove(hashes_of(bridge.data))
    cameras = list(entry.get_subentries_of_type(const.SUBENTRY_CAMERA))
    for camera in cameras:
        async_setup_event_pictures(hass).forget(camera.subentry_id)
        ir.async_delete_issue(hass, const.DOMAIN, orphan_issue(camera.subentry_id))
        ir.async_delete_issue(hass, const.DOMAIN, only_for.issue_id(camera.subentry_id))
    keys = [camera.data[const.CONF_KEY] for camera in cameras]
    await clear_retained(hass, mqtt_prefix(entry), keys)


def orphan_issue(subentry_id: str) -> str:
    """Return the id of the repair for a camera whose bridge is gone."""
    return f"camera_without_bridge_{subentry_id}"


def mqtt_prefix(entry: NarratorConfigEntry) -> str:
    """Return the first part of the hub's topics."""
    prefix: str = entry.options.get(const.CONF_MQTT_PREFIX, const.DEFAULT_MQTT_PREFIX)
    return prefix
