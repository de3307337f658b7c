"""What a camera tells, in words and numbers; the measurements have files of their own."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, override

from homeassistant.components.sensor import (
    RestoreSensor,
    SensorDeviceClass,
    SensorEntity,
    SensorStateClass,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bridge_sensor import BRIDGE_SENSORS, BridgeSensor
from .camera_sensor import CAMERA_SENSORS, CameraSensor
from .const import STATE_MAX
from .coordinator import FAULTS, NarratorConfigEntry
from .entity import CameraEntity, add_for_bridges, add_for_cameras
from .hub_sensor import HUB_SENSORS, HubSensor
from .pipeline.models import Narrative
from .pipeline.vocabulary import Label, Phase, ThreatLevel

if TYPE_CHECKING:
    from .hub_camera import HubCamera

PARALLEL_UPDATES = 0  # everything is pushed

NOTHING_YET: Final = "Nothing has happened yet."
NO_FAULT: Final = "none"


COUNTED: Final = {"people": Label.PERSON, "vehicles": Label.VEHICLE, "animals": Label.ANIMAL}
"""What is counted, by the key of its sensor."""


async def async_setup_entry(
    hass: HomeAssistant,
    entry: NarratorConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the sensors of the hub, and of all cameras and bridges, now and later."""
    hub = entry.runtime_data
    async_add_entities([HubSensor(hub, description) for description in HUB_SENSORS])
    add_for_cameras(
        hass,
        entry,
        async_add_entities,
        lambda camera: [
            NarrativeSensor(camera, "narrative"),
            LastErrorSensor(camera, "last_error"),
            ThreatLevelSensor(camera, "threat_level"),
            *(CountSensor(camera, key, label) for key, label in COUNTED.items()),
            *(CameraSensor(camera, description) for description in CAMERA_SENSORS),
        ],
    )
    add_for_bridges(
        hass,
        entry,
        async_add_entities,
        lambda bridge: [BridgeSensor(entry, bridge, one) for one in BRIDGE_SENSORS],
    )


class NarrativeSensor(CameraEntity, RestoreSensor):
    """The sentence of the present or last visit; it survives a restart."""

    # A sentence is kept once, as the state; its whole text may be ten times as long.
    _unrecorded_attributes = frozenset(
        {"text", "from", "to", "seconds", "event_id", "provider", "frames", "latency"}
    )
    _attr_native_value = NOTHING_YET

    _shown: Narrative | None = None

    @override
    async def async_added_to_hass(self) -> None:
        """Show what was shown before the restart until there is something new."""
        await super().async_added_to_hass()
        if (data := await self.async_get_last_sensor_data()) and data.native_value:
            self._attr_native_value = str(data.native_value)
            if (state := await self.async_get_last_state()) is not None:
                self._attr_extra_state_attributes = {
                    key: value
                    for key, value in state.attributes.items()
                    if key in self._unrecorded_attributes
                }
        self._take(self.coordinator.state.narrative)

    @override
    @callback
    def _changed(self) -> None:
        """Write only a new sentence, for each state is a line of the logbook."""
        narrative = self.coordinator.state.narrative
        if narrative is not self._shown:
            self._take(narrative)
            self.async_write_ha_state()

    def _take(self, narrative: Narrative | None) -> None:
        if narrative is None:
            return
        self._shown = narrative
        self._attr_native_value = shortened(narrative.text)
        self._attr_extra_state_attributes = {
            "text": narrative.text,
            "from": datetime.fromtimestamp(narrative.span.from_wall_s, UTC),
            "to": datetime.fromtimestamp(narrative.span.to_wall_s, UTC),
            "seconds": round(narrative.span.seconds, 1),
            "event_id": narrative.event_id,
            "provider": narrative.provider,
            "frames": narrative.frames,
            "latency": round(narrative.latency_s, 1),
        }


class LastErrorSensor(CameraEntity, SensorEntity):
    """Why the last request brought no words."""

    _attr_device_class = SensorDeviceClass.ENUM
    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_options = [NO_FAULT, *FAULTS]  # noqa: RUF012
    _unrecorded_attributes = frozenset({"message"})

    @property
    @override
    def native_value(self) -> str:
        """Return the kind of the failure."""
        failure = self.coordinator.state.failure
        return NO_FAULT if failure is None else failure.code

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return what is known of the failure."""
        failure = self.coordinator.state.failure
        if failure is None:
            return None
        return {
            "message": failure.message,
            "at": datetime.fromtimestamp(failure.at_wall_s, UTC),
            "look": failure.look.value,
        }


class ThreatLevelSensor(CameraEntity, SensorEntity):
    """How much attention the visit that is open deserves."""

    _attr_device_class = SensorDeviceClass.ENUM
    _attr_entity_registry_enabled_default = False
    _attr_options = [level.value for level in ThreatLevel]  # noqa: RUF012

    @property
    @override
    def native_value(self) -> str:
        """Return the level, none while no event is open."""
        event = self.coordinator.state.event
        is_open = event is not None and event.phase is not Phase.ENDED and not event.closed
        return (event.threat_level if event is not None and is_open else ThreatLevel.NONE).value


class CountSensor(CameraEntity, SensorEntity):
    """How many of a kind the bridge's detector sees now."""

    _attr_entity_registry_enabled_default = False
    _attr_state_class = SensorStateClass.MEASUREMENT

    def __init__(self, camera: HubCamera, key: str, label: Label) -> None:
        """Count one kind."""
        super().__init__(camera, key)
        self._label = label

    @property
    @override
    def available(self) -> bool:
        """Return whether there is a detector that looks."""
        return self.coordinator.state.connected and self.coordinator.state.counts is not None

    @property
    @override
    def native_value(self) -> int | None:
        """Return the count."""
        counts = self.coordinator.state.counts
        return None if counts is None else counts.get(self._label, 0)


def shortened(text: str) -> str:
    """Return a text as one line that fits into a state, cut between words where one is near."""
    line = " ".join(text.split())
    if len(line) <= STATE_MAX:
        return line
    cut = line[: STATE_MAX - 1]
    words, _, rest = cut.rpartition(" ")
    return f"{words if words and len(rest) < STATE_MAX // 4 else cut}…"
