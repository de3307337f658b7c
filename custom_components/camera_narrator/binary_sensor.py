"""What moves, what is connected, and whether the provider works."""

from collections.abc import Mapping
from typing import Any, override

from homeassistant.components.binary_sensor import BinarySensorEntity
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import NarratorConfigEntry
from .entity import BridgeEntity, CameraEntity, HubEntity, add_for_bridges, add_for_cameras

PARALLEL_UPDATES = 0  # everything is pushed


async def async_setup_entry(
    hass: HomeAssistant,
    entry: NarratorConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the binary sensors of the hub, and of all cameras and bridges, now and later."""
    async_add_entities([ProviderProblem(entry.runtime_data, "provider_problem")])
    add_for_cameras(
        hass,
        entry,
        async_add_entities,
        lambda camera: [
            CameraActivity(camera, "activity"),
            CameraConnected(camera, "connected"),
        ],
    )
    add_for_bridges(
        hass,
        entry,
        async_add_entities,
        lambda bridge: [BridgeConnected(entry, bridge, "bridge_connected")],
    )


class CameraActivity(CameraEntity, BinarySensorEntity):
    """Whether something moves: the bridge's verdict at once, before anything is confirmed."""

    _attr_device_class = BinarySensorDeviceClass.MOTION

    @property
    @override
    def available(self) -> bool:
        """Return whether the camera is watched at all."""
        return self.coordinator.state.connected

    @property
    @override
    def is_on(self) -> bool:
        """Return whether something moves."""
        return bool(self.coordinator.state.active)


class CameraConnected(CameraEntity, BinarySensorEntity):
    """Whether pictures of the camera come in, and if not, why."""

    _attr_device_class = BinarySensorDeviceClass.CONNECTIVITY
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    _unrecorded_attributes = frozenset({"video", "pacing"})

    @property
    @override
    def is_on(self) -> bool:
        """Return whether pictures come in."""
        return self.coordinator.state.connected

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        """Return why not, what the stream is, and why less of it comes; the words are in the translations."""
        state = self.coordinator.state
        return {
            "reason": state.problem or "none",
            "video": state.video,
            "pacing": state.pacing.value,
        }


class BridgeConnected(BridgeEntity, BinarySensorEntity):
    """Whether a bridge is connected."""

    _attr_device_class = BinarySensorDeviceClass.CONNECTIVITY
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    @property
    @override
    def is_on(self) -> bool:
        """Return whether the bridge is connected."""
        return self.coordinator.state.connected


class ProviderProblem(HubEntity, BinarySensorEntity):
    """Whether the provider brings no words, and why."""

    _attr_device_class = BinarySensorDeviceClass.PROBLEM
    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _unrecorded_attributes = frozenset({"detail"})

    @property
    @override
    def is_on(self) -> bool:
        """Return whether the last request of any camera failed."""
        return self.coordinator.state.problem is not None

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        """Return the kind of the failure and the words that came with it."""
        state = self.coordinator.state
        return {"fault": state.problem or "none", "detail": state.detail}
