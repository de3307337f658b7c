"""The measurements of a bridge: its version, and what it takes of its machine."""

from typing import TYPE_CHECKING, Final, override

from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import PERCENTAGE, UnitOfInformation

from .coordinator import BridgeState, NarratorConfigEntry
from .entity import BridgeEntity
from .measurement import Measurement, MeasurementSensor

if TYPE_CHECKING:
    from .hub_bridge import HubBridge

BRIDGE_SENSORS: Final = (
    Measurement[BridgeState](key="version", value_fn=lambda state: state.version),
    Measurement[BridgeState](
        key="cpu",
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=PERCENTAGE,
        suggested_display_precision=1,
        value_fn=lambda state: state.cpu_percent,
    ),
    Measurement[BridgeState](
        key="memory",
        device_class=SensorDeviceClass.DATA_SIZE,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfInformation.BYTES,
        suggested_unit_of_measurement=UnitOfInformation.MEBIBYTES,
        suggested_display_precision=0,
        value_fn=lambda state: state.memory_bytes,
    ),
)


class BridgeSensor(BridgeEntity, MeasurementSensor[BridgeState]):
    """A measurement of a bridge."""

    _slow = True

    def __init__(
        self, entry: NarratorConfigEntry, bridge: HubBridge, measurement: Measurement[BridgeState]
    ) -> None:
        """Measure a bridge."""
        super().__init__(entry, bridge, measurement.key)
        self.entity_description = measurement

    @property
    @override
    def available(self) -> bool:
        """Return whether the bridge is there and has told the value."""
        return self.coordinator.state.connected and super().available
