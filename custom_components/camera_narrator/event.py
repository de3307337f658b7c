"""The visits of a camera as events to automate on."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, override

from homeassistant.components.event import EventEntity
from homeassistant.components.http.auth import async_sign_path
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import FiredRule, NarratorConfigEntry
from .entity import CameraEntity, add_for_cameras
from .pipeline.models import Event
from .pipeline.vocabulary import Label, Phase

if TYPE_CHECKING:
    from .hub_camera import HubCamera

PARALLEL_UPDATES = 0  # everything is pushed

STARTED: Final = "started"
RULE: Final = "rule"
ENDED: Final = "ended"
SIGNED_FOR: Final = timedelta(hours=24)
"""A dashboard left open over a day still shows the picture."""
VISITS_KEPT: Final = 8
"""Of which it is known what was told: those that still wait for words, and the open one."""


async def async_setup_entry(
    hass: HomeAssistant,
    entry: NarratorConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the event entity of all cameras, now and later."""
    add_for_cameras(hass, entry, async_add_entities, lambda camera: [CameraEvent(camera, "event")])


class CameraEvent(CameraEntity, EventEntity):
    """Says that a visit started, who or what it is (each label once), and that it ended."""

    _attr_event_types = [STARTED, *(label.value for label in Label), RULE, ENDED]  # noqa: RUF012
    _unrecorded_attributes = frozenset(
        {"narrative", "frames", "provider", "picture", "entity_picture"}
    )

    _seen: Event | None = None
    _seen_rule: FiredRule | None = None

    def __init__(self, camera: HubCamera, key: str) -> None:
        """Know of no visit."""
        super().__init__(camera, key)
        self._told: dict[str, frozenset[str]] = {}
        """The labels told by visit: words of one may come while the next is open."""

    @override
    async def async_added_to_hass(self) -> None:
        """Know what was told of a visit that is still open after a restart."""
        await super().async_added_to_hass()
        if (last := await self.async_get_last_event_data()) and last.last_event_attributes:
            attributes = last.last_event_attributes
            if event_id := attributes.get("event_id"):  # a rule has none
                self._told[event_id] = frozenset(attributes.get("labels", ()))

    @override
    @callback
    def _changed(self) -> None:
        event = self.coordinator.state.event
        if event is not None and event is not self._seen:
            self._seen = event
            self._tell(event)
        fired = self.coordinator.state.fired
        if fired is not None and fired is not self._seen_rule:
            self._seen_rule = fired
            self._attr_entity_picture = None
            self._trigger_event(RULE, {"rule": fired.key, "name": fired.name})
            self.async_write_ha_state()

    def _tell(self, event: Event) -> None:
        # A visit that goes on under a new id does not announce again who it is.
        told = self._told.get(event.id, self._told.get(event.continues or "", frozenset()))
        if event.phase is Phase.STARTED and event.continues is None:
            self._fire(STARTED, event)
        labels = frozenset(label.value for label in event.labels)
        for label in sorted(labels - told):
            self._fire(label, event)
        self._told[event.id] = told | labels
        if len(self._told) > VISITS_KEPT:
            del self._told[next(iter(self._told))]
        if event.phase is Phase.ENDED:
            self._fire(ENDED, event)

    def _fire(self, event_type: str, event: Event) -> None:
        picture = self.coordinator.state.picture
        self._attr_entity_picture = picture and async_sign_path(
            self.hass, picture, SIGNED_FOR, use_content_user=True
        )
        self._trigger_event(event_type, {**_attributes(event), "picture": picture})
        self.async_write_ha_state()


def _attributes(event: Event) -> dict[str, Any]:
    return {
        "event_id": event.id,
        "labels": sorted(label.value for label in event.labels),
        "labelled": event.labelled,
        "verdict": None if event.verdict is None else event.verdict.value,
        "threat_level": event.threat_level.value,
        "narrative": event.narrative,
        "reason": None if event.reason is None else event.reason.value,
        "continues": event.continues,
        "closed": event.closed,
        "frames": event.frames,
        "provider": event.provider,
    }
