"""What a hub shows of its limits and its money."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, override

from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import PERCENTAGE

from .coordinator import HubState
from .entity import HubEntity
from .measurement import Measurement, MeasurementSensor
from .pipeline.vocabulary import Saving

if TYPE_CHECKING:
    from .hub import Hub


HUB_SENSORS: Final = (
    Measurement[HubState](
        key="cost_today",
        device_class=SensorDeviceClass.MONETARY,
        state_class=SensorStateClass.TOTAL,
        native_unit_of_measurement="USD",
        suggested_display_precision=2,
        value_fn=lambda state: state.cost_usd,
    ),
    Measurement[HubState](
        key="budget_left",
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=PERCENTAGE,
        suggested_display_precision=0,
        value_fn=lambda state: state.budget_left,
    ),
    Measurement[HubState](
        key="limited_until",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda state: state.limited_until,
    ),
    Measurement[HubState](
        key="saving",
        device_class=SensorDeviceClass.ENUM,
        options=[saving.value for saving in Saving],
        value_fn=lambda state: state.saving.value,
    ),
    Measurement[HubState](
        key="pictures_out",
        state_class=SensorStateClass.TOTAL_INCREASING,
        value_fn=lambda state: state.pictures_out,
    ),
)


class HubSensor(HubEntity, MeasurementSensor[HubState]):
    """What a hub tells of its limits and its money."""

    _slow = True

    def __init__(self, hub: Hub, measurement: Measurement[HubState]) -> None:
        """Tell of a hub."""
        super().__init__(hub, measurement.key)
        self.entity_description = measurement

    @property
    @override
    def last_reset(self) -> datetime | None:
        """Return when the day began that is summed up."""
        if self.entity_description.state_class is not SensorStateClass.TOTAL:
            return None
        return self.coordinator.state.cost_since

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return why the hub makes do with less."""
        if self.entity_description.key != "saving":
            return None
        return {"reason": self.coordinator.state.restraint.value}
