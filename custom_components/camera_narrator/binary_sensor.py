"""What moves, what is connected, and whether the provider works."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, override

from homeassistant.components.binary_sensor import BinarySensorEntity
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from .coordinator import SIGNAL_CAMERA_ADDED, SIGNAL_RULES_CHANGED, NarratorConfigEntry
from .entity import BridgeEntity, CameraEntity, HubEntity, add_for_bridges, add_for_cameras
from .pipeline.rule import RULE_VALID_S, Rule

if TYPE_CHECKING:
    from .hub_camera import HubCamera

PARALLEL_UPDATES = 0  # everything is pushed

RULE: Final = "rule"


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
    _add_rules(hass, entry, async_add_entities)
    add_for_bridges(
        hass,
        entry,
        async_add_entities,
        lambda bridge: [BridgeConnected(entry, bridge, "bridge_connected")],
    )


@callback
def _add_rules(
    hass: HomeAssistant,
    entry: NarratorConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add a sensor for each rule, now and later; those of rules that are gone go."""
    added: set[str] = set()

    @callback
    def follow(camera: HubCamera) -> None:
        prefix = f"{camera.subentry_id}_{RULE}_"
        wanted = {f"{prefix}{rule.key}": rule.key for rule in camera.settings.rules}
        registry = er.async_get(hass)
        for known in er.async_entries_for_config_entry(registry, entry.entry_id):
            if known.unique_id.startswith(prefix) and known.unique_id not in wanted:
                added.discard(known.unique_id)
                registry.async_remove(known.entity_id)
        sensors = [RuleSensor(camera, wanted[one]) for one in wanted if one not in added]
        added.update(wanted)
        async_add_entities(sensors, config_subentry_id=camera.subentry_id)

    for camera in entry.runtime_data.cameras.values():
        follow(camera)
    for signal in (SIGNAL_CAMERA_ADDED, SIGNAL_RULES_CHANGED):
        entry.async_on_unload(async_dispatcher_connect(hass, signal.format(entry.entry_id), follow))


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


class RuleSensor(CameraEntity, BinarySensorEntity):
    """Whether a rule of the user holds; unknown until it was answered, and when that is too long ago."""

    _unrecorded_attributes = frozenset({"question"})

    def __init__(self, camera: HubCamera, key: str) -> None:
        """Watch the rule of that key."""
        super().__init__(camera, f"{RULE}_{key}")
        self._attr_translation_key = RULE
        self._key = key
        self._outdating: CALLBACK_TYPE | None = None

    @property
    @override
    def name(self) -> str | None:
        """Return what the user calls it."""
        return None if self._rule is None else self._rule.name

    @property
    @override
    def is_on(self) -> bool | None:
        """Return whether it holds, None where nobody knows."""
        return None if self._valid_s <= 0 else self.coordinator.state.rules[self._key].holds

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        """Return what is asked."""
        return {"question": None if self._rule is None else self._rule.question}

    @override
    async def async_added_to_hass(self) -> None:
        """Let an answer of before a restart hold as long as any."""
        await super().async_added_to_hass()
        self.async_on_remove(self._forget_outdating)
        signal = SIGNAL_RULES_CHANGED.format(self.hub_camera.hub.entry.entry_id)
        self.async_on_remove(async_dispatcher_connect(self.hass, signal, self._renamed))
        self._wait_for_outdating()

    @override
    @callback
    def _changed(self) -> None:
        self._wait_for_outdating()
        super()._changed()

    @callback
    def _renamed(self, camera: HubCamera) -> None:
        if camera is self.hub_camera and self._rule is not None:
            er.async_get(self.hass).async_update_entity(self.entity_id, original_name=self.name)
            self.async_write_ha_state()

    @property
    def _rule(self) -> Rule | None:
        rules = self.hub_camera.settings.rules
        return next((rule for rule in rules if rule.key == self._key), None)

    @property
    def _valid_s(self) -> float:
        """Return for how long the last answer holds yet."""
        state = self.coordinator.state.rules.get(self._key)
        if state is None:
            return 0.0
        return RULE_VALID_S - (dt_util.utcnow().timestamp() - state.answered_wall_s)

    def _wait_for_outdating(self) -> None:
        self._forget_outdating()
        if (valid_s := self._valid_s) > 0:
            self._outdating = async_call_later(self.hass, valid_s, self._outdated)

    @callback
    def _outdated(self, _now: datetime) -> None:
        self._outdating = None
        self.async_write_ha_state()

    def _forget_outdating(self) -> None:
        if self._outdating is not None:
            self._outdating()
            self._outdating = None


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
