"""A sensor that shows one value of a state, and is not available while there is none."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import override

from homeassistant.components.sensor import SensorEntity, SensorEntityDescription
from homeassistant.const import EntityCategory

from .coordinator import BridgeState, CameraState, Coordinator, HubState


@dataclass(frozen=True, kw_only=True)
class Measurement[S](SensorEntityDescription):
    """What a state tells."""

    entity_category: EntityCategory | None = EntityCategory.DIAGNOSTIC
    value_fn: Callable[[S], str | float | datetime | None]


class MeasurementSensor[S: (CameraState, BridgeState, HubState)](SensorEntity):
    """Shows a measurement; what it belongs to comes from another base."""

    coordinator: Coordinator[S]
    entity_description: Measurement[S]

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
