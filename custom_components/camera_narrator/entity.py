"""Devices, and what all entities of a camera, a bridge and a hub have in common."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, override

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import CONF_BRIDGE, DOMAIN, MANUFACTURER, SUBENTRY_BRIDGE
from .coordinator import (
    SIGNAL_BRIDGE_ADDED,
    SIGNAL_CAMERA_ADDED,
    BridgeCoordinator,
    CameraCoordinator,
    HubCoordinator,
    NarratorConfigEntry,
)
from .pipeline.errors import CannotAsk, ProviderError
from .pipeline.models import Narrative

if TYPE_CHECKING:
    from .hub import Hub
    from .hub_bridge import HubBridge
    from .hub_camera import HubCamera


class NarratorEntity(Entity):
    """An entity that is told of changes and never asks."""

    _attr_has_entity_name = True
    _attr_should_poll = False
    _slow = False
    """Shows measurements, of which it is told at most every coordinator.SLOW_S."""

    coordinator: CameraCoordinator | BridgeCoordinator | HubCoordinator

    @override
    async def async_added_to_hass(self) -> None:
        """Listen as long as the entity exists."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.listen(self._changed, slow=self._slow))

    @callback
    def _changed(self) -> None:
        """Show the coordinator's new state."""
        self.async_write_ha_state()


class CameraEntity(NarratorEntity):
    """An entity of a camera."""

    coordinator: CameraCoordinator

    def __init__(self, camera: HubCamera, key: str) -> None:
        """Belong to a camera under a key of its own."""
        self.hub_camera = camera
        self.coordinator = camera.coordinator
        self._attr_translation_key = key
        self._attr_unique_id = f"{camera.subentry_id}_{key}"

    @property
    @override
    def device_info(self) -> DeviceInfo:
        """Return the camera's device, behind that of its bridge."""
        entry = self.hub_camera.hub.entry
        return _device_info(self.hass, entry, entry.subentries[self.hub_camera.subentry_id])


class BridgeEntity(NarratorEntity):
    """An entity of a bridge."""

    coordinator: BridgeCoordinator

    def __init__(self, entry: NarratorConfigEntry, bridge: HubBridge, key: str) -> None:
        """Belong to a bridge under a key of its own."""
        self.hub_bridge = bridge
        self.coordinator = bridge.coordinator
        self._entry = entry
        self._attr_translation_key = key
        self._attr_unique_id = f"{bridge.subentry_id}_{key}"

    @property
    @override
    def device_info(self) -> DeviceInfo:
        """Return the bridge's device."""
        subentry = self._entry.subentries[self.hub_bridge.subentry_id]
        return _device_info(self.hass, self._entry, subentry)


class HubEntity(NarratorEntity):
    """An entity of the hub itself."""

    coordinator: HubCoordinator

    def __init__(self, hub: Hub, key: str) -> None:
        """Belong to a hub under a key of its own."""
        self.coordinator = hub.coordinator
        self._attr_translation_key = key
        self._attr_unique_id = f"{hub.entry.entry_id}_{key}"
        self._attr_device_info = _hub_info(hub.entry)


@callback
def add_for_cameras(
    hass: HomeAssistant,
    entry: NarratorConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    entities_of: Callable[[HubCamera], Iterable[Entity]],
) -> None:
    """Add the entities of all cameras there are, and of those to come without a reload."""
    cameras = entry.runtime_data.cameras.values()
    _add_for(hass, entry, async_add_entities, entities_of, cameras, SIGNAL_CAMERA_ADDED)


@callback
def add_for_bridges(
    hass: HomeAssistant,
    entry: NarratorConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    entities_of: Callable[[HubBridge], Iterable[Entity]],
) -> None:
    """Add the entities of all bridges there are, and of those to come without a reload."""
    bridges = entry.runtime_data.bridges.values()
    _add_for(hass, entry, async_add_entities, entities_of, bridges, SIGNAL_BRIDGE_ADDED)


def _add_for[T: (HubCamera, HubBridge)](
    hass: HomeAssistant,
    entry: NarratorConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    entities_of: Callable[[T], Iterable[Entity]],
    present: Iterable[T],
    added: str,
) -> None:
    @callback
    def add(one: T) -> None:
        async_add_entities(entities_of(one), config_subentry_id=one.subentry_id)

    for one in present:
        add(one)
    entry.async_on_unload(async_dispatcher_connect(hass, added.format(entry.entry_id), add))


@callback
def register_device(
    hass: HomeAssistant, entry: NarratorConfigEntry, subentry: ConfigSubentry
) -> str:
    """Create the device of a bridge or camera, or renew its name and the bridge it is behind; return its id."""
    return (
        dr.async_get(hass)
        .async_get_or_create(
            config_entry_id=entry.entry_id,
            config_subentry_id=subentry.subentry_id,
            **_device_info(hass, entry, subentry),
        )
        .id
    )


@callback
def register_hub(hass: HomeAssistant, entry: NarratorConfigEntry) -> None:
    """Create the device of a hub, or renew its name."""
    dr.async_get(hass).async_get_or_create(config_entry_id=entry.entry_id, **_hub_info(entry))


@callback
def device_id(hass: HomeAssistant, entry: NarratorConfigEntry, subentry_id: str) -> str | None:
    """Return the id of the device of a bridge or camera, if it exists already."""
    device = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, subentry_id), entry.entry_id
    )
    return None if device is None else device.id


async def describe(camera: HubCamera, prompt: str | None) -> Narrative:
    """Ask for a description now; what goes wrong is told in the user's language."""
    with in_words(camera):
        return await camera.describe(prompt)


@contextmanager
def in_words(camera: HubCamera) -> Iterator[None]:
    """Tell in the user's language why a camera cannot be asked, or why nothing answers."""
    try:
        yield
    except ProviderError as error:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key=f"provider_{error.fault}",
            translation_placeholders={"camera": camera.title, "message": error.message},
        ) from error
    except CannotAsk as error:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key=f"cannot_ask_{error.obstacle}",
            translation_placeholders={"camera": camera.title},
        ) from error


def _hub_info(entry: NarratorConfigEntry) -> DeviceInfo:
    return DeviceInfo(
        identifiers={(DOMAIN, entry.entry_id)},
        name=entry.title,
        manufacturer=MANUFACTURER,
        model="Hub",
        entry_type=dr.DeviceEntryType.SERVICE,
    )


def _device_info(
    hass: HomeAssistant, entry: NarratorConfigEntry, subentry: ConfigSubentry
) -> DeviceInfo:
    info = DeviceInfo(
        identifiers={(DOMAIN, subentry.subentry_id)},
        name=subentry.title,
        manufacturer=MANUFACTURER,
        model="Edge bridge" if subentry.subentry_type == SUBENTRY_BRIDGE else "Camera",
    )
    bridge = entry.subentries.get(subentry.data.get(CONF_BRIDGE) or "")
    if subentry.subentry_type != SUBENTRY_BRIDGE and bridge is not None:
        # The device behind which this one is must exist first, whichever platform comes first.
        info["via_device_id"] = register_device(hass, entry, bridge)
    return info
