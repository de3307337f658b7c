"""The measurements of a camera: its stream, its requests, and where its frames are."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, override

from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import UnitOfDataRate, UnitOfTime

from .coordinator import CameraState
from .entity import CameraEntity
from .measurement import Measurement, MeasurementSensor

if TYPE_CHECKING:
    from .hub_camera import HubCamera


@dataclass(frozen=True, kw_only=True)
class CameraMeasurement(Measurement[CameraState]):
    """What a camera measures."""

    entity_registry_enabled_default: bool = False
    live: bool = False
    """Tells about the stream of the moment, so it goes with it."""


def _counter(key: str, value_fn: Callable[[CameraState], int]) -> CameraMeasurement:
    """Describe a count that only rises, and starts again with a new run or a new bridge process."""
    return CameraMeasurement(
        key=key, state_class=SensorStateClass.TOTAL_INCREASING, value_fn=value_fn
    )


def _gauge(key: str, value_fn: Callable[[CameraState], int]) -> CameraMeasurement:
    return CameraMeasurement(key=key, state_class=SensorStateClass.MEASUREMENT, value_fn=value_fn)


CAMERA_SENSORS: Final = (
    CameraMeasurement(
        key="latency",
        device_class=SensorDeviceClass.DURATION,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_display_precision=1,
        value_fn=lambda state: state.latency_s,
    ),
    CameraMeasurement(
        key="source_rate",
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        live=True,
        value_fn=lambda state: state.source_fps,
    ),
    CameraMeasurement(
        key="sent_rate",
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        live=True,
        value_fn=lambda state: state.sent_fps,
    ),
    CameraMeasurement(
        key="data_rate",
        device_class=SensorDeviceClass.DATA_RATE,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfDataRate.BYTES_PER_SECOND,
        suggested_unit_of_measurement=UnitOfDataRate.KILOBYTES_PER_SECOND,
        suggested_display_precision=1,
        live=True,
        value_fn=lambda state: state.bytes_per_s,
    ),
    CameraMeasurement(
        key="frame_age",
        device_class=SensorDeviceClass.DURATION,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfTime.MILLISECONDS,
        suggested_display_precision=0,
        live=True,
        value_fn=lambda state: None if state.stream is None else state.stream.age_ms,
    ),
    CameraMeasurement(
        key="processor_time",
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement="ms/s",
        suggested_display_precision=1,
        live=True,
        value_fn=lambda state: None if state.stream is None else state.stream.cpu_ms_per_s,
    ),
    CameraMeasurement(
        key="pacing_step",
        state_class=SensorStateClass.MEASUREMENT,
        live=True,
        value_fn=lambda state: None if state.stream is None else state.stream.pacing_step,
    ),
    CameraMeasurement(
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


class CameraSensor(CameraEntity, MeasurementSensor[CameraState]):
    """A measurement of a camera."""

    entity_description: CameraMeasurement
    _slow = True

    def __init__(self, camera: HubCamera, measurement: CameraMeasurement) -> None:
        """Measure a camera."""
        super().__init__(camera, measurement.key)
        self.entity_description = measurement

    @property
    @override
    def available(self) -> bool:
        """Return whether there is a value, of the moment where it is live."""
        gone = self.entity_description.live and not self.coordinator.state.connected
        return not gone and super().available
