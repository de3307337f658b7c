"""Other entities that open a camera's events, or that its events need."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from homeassistant.const import STATE_OFF, STATE_ON
from homeassistant.core import CALLBACK_TYPE, Event, EventStateChangedData, callback
from homeassistant.helpers.event import async_track_state_change_event

from . import const
from .pipeline.models import Permit

if TYPE_CHECKING:
    from .hub_camera import HubCamera

WATCH_FPS: Final = 1.0
WATCH_S: Final = 30.0
"""The looks of a visit's first half minute show the present, though the bridge sees nothing move."""


class CameraTriggers:
    """Follows the entities that one camera's settings name."""

    def __init__(self, camera: HubCamera) -> None:
        """Follow nothing before change()."""
        self._camera = camera
        self._opened_by: tuple[str, ...] = ()
        self._required: tuple[str, ...] = ()
        self._stop: CALLBACK_TYPE | None = None

    @callback
    def change(self, data: Mapping[str, Any]) -> None:
        """Follow what the settings name now; an entity that is on already opens nothing."""
        opened_by = tuple(data.get(const.CONF_OPENED_BY, ()))
        required = tuple(data.get(const.CONF_REQUIRED, ()))
        if self._stop is not None and (opened_by, required) == (self._opened_by, self._required):
            return
        self.stop()
        self._opened_by, self._required = opened_by, required
        followed = {*opened_by, *required}
        hass = self._camera.hub.hass
        self._stop = async_track_state_change_event(hass, followed, self._changed)
        source = self._camera.source
        if not self._on():
            source.trigger(on=False)
        else:
            source.triggered = True
        self._allow(None)

    @callback
    def stop(self) -> None:
        """Follow nothing any more."""
        if self._stop is not None:
            self._stop()
            self._stop = None

    @callback
    def _changed(self, event: Event[EventStateChangedData]) -> None:
        entity_id = event.data["entity_id"]
        before, after = event.data["old_state"], event.data["new_state"]
        if before is not None and after is not None and before.state == after.state:
            return
        if entity_id in self._required:
            self._allow(self._camera.source.permit)
        if entity_id in self._opened_by:
            self._trigger(came_on=before is not None and before.state == STATE_OFF)

    def _trigger(self, *, came_on: bool) -> None:
        """Open an event where an entity went from off to on; what becomes available on opens none."""
        source, on = self._camera.source, self._on()
        if on and not source.triggered and not came_on:
            source.triggered = True
            return
        if on and not source.triggered:
            self._camera.watch(rate_fps=WATCH_FPS, seconds=WATCH_S)
        source.trigger(on=on)

    def _allow(self, before: Permit | None) -> None:
        source, now_s = self._camera.source, self._camera.hub.clock.monotonic()
        if not self._required:
            if source.permit is not None:
                source.allow(None)
            return
        known = before or Permit()
        if any(self._permits(entity_id) for entity_id in self._required):
            if known.to_s < float("inf"):
                source.allow(Permit(from_s=now_s, to_s=float("inf")))
        elif known.to_s == float("inf"):
            source.allow(Permit(from_s=known.from_s, to_s=now_s))
        elif before is None:
            source.allow(known)

    def _on(self) -> bool:
        states = self._camera.hub.hass.states
        return any(states.is_state(entity_id, STATE_ON) for entity_id in self._opened_by)

    def _permits(self, entity_id: str) -> bool:
        """Return whether an entity is on; one that is not there keeps nobody's event back."""
        return not self._camera.hub.hass.states.is_state(entity_id, STATE_OFF)
