"""What a hub shows of its limits and its money."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import PERCENTAGE, EntityCategory

from .coordinator import HubState
from .entity import HubEntity
from .pipeline.vocabulary import Saving

if TYPE_CHECKING:
    from .hub import Hub


@dataclass(frozen=True, kw_only=True)
class HubSensorDescription(SensorEntityDescription):
    """What a hub tells of its limits; it is not available while there is no value."""

    entity_category: EntityCategory | None = EntityCategory.DIAGNOSTIC
    value_fn: Callable[[HubState], str | float | datetime | None]


HUB_SENSORS: Final = (
    HubSensorDescription(
        key="cost_today",
        device_class=SensorDeviceClass.MONETARY,
        state_class=SensorStateClass.TOTAL,
        native_unit_of_measurement="USD",
        suggested_display_precision=2,
        value_fn=lambda state: state.cost_usd,
    ),
    HubSensorDescription(
        key="budget_left",
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=PERCENTAGE,
        suggested_display_precision=0,
        value_fn=lambda state: state.budget_left,
    ),
    HubSensorDescription(
        key="limited_until",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda state: state.limited_until,
    ),
    HubSensorDescription(
        key="saving",
        device_class=SensorDeviceClass.ENUM,
        options=[saving.value for saving in Saving],
        value_fn=lambda state: state.saving.value,
    ),
)


class HubSensor(HubEntity, SensorEntity):
    """What a hub tells of its limits and its money."""

    entity_description: HubSensorDescription
    _slow = True

    def __init__(self, hub: Hub, description: HubSensorDescription) -> None:
        """Tell of a hub."""
        super().__init__(hub, description.key)
        self.entity_description = description

    @property
    @override
    def available(self) -> bool:
        """Return whether there is a value."""
        return self.native_value is not None

    @property
    @override
    def native_value(self) -> str | float | datetime | None:
        """Return the value."""
        return self.entity_description.value_fn(self.coordinator.state)

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
