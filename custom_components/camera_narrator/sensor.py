"""What a camera tells in words, and the measurements of cameras and bridges."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, override

from homeassistant.components.sensor import (
    RestoreSensor,
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import (
    PERCENTAGE,
    EntityCategory,
    UnitOfDataRate,
    UnitOfInformation,
    UnitOfTime,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import STATE_MAX
from .coordinator import FAULTS, BridgeState, CameraState, NarratorConfigEntry
from .entity import BridgeEntity, CameraEntity, add_for_bridges, add_for_cameras
from .hub_sensor import HUB_SENSORS, HubSensor
from .pipeline.models import Narrative
from .pipeline.vocabulary import Label, Phase, ThreatLevel

if TYPE_CHECKING:
    from .hub_bridge import HubBridge
    from .hub_camera import HubCamera

PARALLEL_UPDATES = 0  # everything is pushed

NOTHING_YET: Final = "Nothing has happened yet."
NO_FAULT: Final = "none"


@dataclass(frozen=True, kw_only=True)
class CameraSensorDescription(SensorEntityDescription):
    """A measurement of a camera; it is not available while there is no value."""

    entity_category: EntityCategory | None = EntityCategory.DIAGNOSTIC
    entity_registry_enabled_default: bool = False
    live: bool = False
    """Tells about the stream of the moment, so it goes with it."""
    value_fn: Callable[[CameraState], float | None]


@dataclass(frozen=True, kw_only=True)
class BridgeSensorDescription(SensorEntityDescription):
    """A measurement of a bridge; it is not available while there is no value."""

    entity_category: EntityCategory | None = EntityCategory.DIAGNOSTIC
    value_fn: Callable[[BridgeState], str | float | None]


def _counter(key: str, value_fn: Callable[[CameraState], int]) -> CameraSensorDescription:
    """Describe a count that only rises, and starts again with a new run or a new bridge process."""
    return CameraSensorDescription(
        key=key, state_class=SensorStateClass.TOTAL_INCREASING, value_fn=value_fn
    )


def _gauge(key: str, value_fn: Callable[[CameraState], int]) -> CameraSensorDescription:
    return CameraSensorDescription(
        key=key, state_class=SensorStateClass.MEASUREMENT, value_fn=value_fn
    )


CAMERA_SENSORS: Final = (
    CameraSensorDescription(
        key="latency",
        device_class=SensorDeviceClass.DURATION,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_display_precision=1,
        value_fn=lambda state: state.latency_s,
    ),
    CameraSensorDescription(
        key="source_rate",
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        live=True,
        value_fn=lambda state: state.source_fps,
    ),
    CameraSensorDescription(
        key="sent_rate",
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        live=True,
        value_fn=lambda state: state.sent_fps,
    ),
    CameraSensorDescription(
        key="data_rate",
        device_class=SensorDeviceClass.DATA_RATE,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfDataRate.BYTES_PER_SECOND,
        suggested_unit_of_measurement=UnitOfDataRate.KILOBYTES_PER_SECOND,
        suggested_display_precision=1,
        live=True,
        value_fn=lambda state: state.bytes_per_s,
    ),
    CameraSensorDescription(
        key="frame_age",
        device_class=SensorDeviceClass.DURATION,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfTime.MILLISECONDS,
        suggested_display_precision=0,
        live=True,
        value_fn=lambda state: None if state.stream is None else state.stream.age_ms,
    ),
    CameraSensorDescription(
        key="processor_time",
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement="ms/s",
        suggested_display_precision=1,
        live=True,
        value_fn=lambda state: None if state.stream is None else state.stream.cpu_ms_per_s,
    ),
    CameraSensorDescription(
        key="pacing_step",
        state_class=SensorStateClass.MEASUREMENT,
        live=True,
        value_fn=lambda state: None if state.stream is None else state.stream.pacing_step,
    ),
    CameraSensorDescription(
        key="skipped",
        state_class=SensorStateClass.TOTAL_INCREASING,
        live=True,
        value_fn=lambda state: None if state.stream is None else state.stream.skipped,
    ),
    _counter("requests", lambda state: state.requests),
    _counter("tokens", lambda state: state.tokens),
    # Where the frames are: these add up to `sampled`, see docs/architecture.md.
    _counter("frames_sampled", lambda state: state.account.sampled),
    _counter("frames_replaced", lambda state: state.account.replaced),
    _counter("frames_overflowed", lambda state: state.account.overflowed),
    _counter("frames_withdrawn", lambda state: state.account.withdrawn),
    _gauge("frames_unacknowledged", lambda state: state.account.unacknowledged),
    _counter("frames_earlier", lambda state: state.account.base),
    _counter("frames_rejected", lambda state: state.account.outcomes.rejected),
    _counter("frames_analysed", lambda state: state.account.outcomes.analysed),
    _counter("frames_failed", lambda state: state.account.outcomes.failed),
    _counter("frames_gated", lambda state: state.account.outcomes.gated),
    _counter("frames_not_selected", lambda state: state.account.outcomes.not_selected),
    _counter("frames_evicted", lambda state: state.account.outcomes.evicted),
    _gauge("frames_buffered", lambda state: state.account.outcomes.buffered),
    _gauge("frames_in_flight", lambda state: state.account.outcomes.in_flight),
    _gauge("frames_lost", lambda state: state.account.lost),
    # Apart from the sum.
    _counter("frames_duplicated", lambda state: state.account.outcomes.duplicates),
    _counter("frames_resent", lambda state: state.account.outcomes.resent),
)

COUNTED: Final = {"people": Label.PERSON, "vehicles": Label.VEHICLE, "animals": Label.ANIMAL}
"""What is counted, by the key of its sensor."""

BRIDGE_SENSORS: Final = (
    BridgeSensorDescription(key="version", value_fn=lambda state: state.version),
    BridgeSensorDescription(
        key="cpu",
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=PERCENTAGE,
        suggested_display_precision=1,
        value_fn=lambda state: state.cpu_percent,
    ),
    BridgeSensorDescription(
        key="memory",
        device_class=SensorDeviceClass.DATA_SIZE,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfInformation.BYTES,
        suggested_unit_of_measurement=UnitOfInformation.MEBIBYTES,
        suggested_display_precision=0,
        value_fn=lambda state: state.memory_bytes,
    ),
)


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


class CameraSensor(CameraEntity, SensorEntity):
    """A measurement of a camera."""

    entity_description: CameraSensorDescription
    _slow = True

    def __init__(self, camera: HubCamera, description: CameraSensorDescription) -> None:
        """Measure a camera."""
        super().__init__(camera, description.key)
        self.entity_description = description

    @property
    @override
    def available(self) -> bool:
        """Return whether there is a value."""
        if self.entity_description.live and not self.coordinator.state.connected:
            return False
        return self.native_value is not None

    @property
    @override
    def native_value(self) -> float | None:
        """Return the measurement."""
        return self.entity_description.value_fn(self.coordinator.state)


class BridgeSensor(BridgeEntity, SensorEntity):
    """A measurement of a bridge."""

    entity_description: BridgeSensorDescription
    _slow = True

    def __init__(
        self, entry: NarratorConfigEntry, bridge: HubBridge, description: BridgeSensorDescription
    ) -> None:
        """Measure a bridge."""
        super().__init__(entry, bridge, description.key)
        self.entity_description = description

    @property
    @override
    def available(self) -> bool:
        """Return whether the bridge is there and has told the value."""
        return self.coordinator.state.connected and self.native_value is not None

    @property
    @override
    def native_value(self) -> str | float | None:
        """Return the measurement."""
        return self.entity_description.value_fn(self.coordinator.state)


def shortened(text: str) -> str:
    """Return a text as one line that fits into a state, cut between words where one is near."""
    line = " ".join(text.split())
    if len(line) <= STATE_MAX:
        return line
    cut = line[: STATE_MAX - 1]
    words, _, rest = cut.rpartition(" ")
    return f"{words if words and len(rest) < STATE_MAX // 4 else cut}…"
