"""Which cameras an action means, and whether whoever calls it may use them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_CONTROL
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.exceptions import ServiceValidationError, Unauthorized, UnknownUser
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.target import TargetSelection, async_extract_referenced_entity_ids

from .const import DOMAIN
from .coordinator import NarratorConfigEntry

if TYPE_CHECKING:
    from .hub import Hub
    from .hub_camera import HubCamera


async def targeted(call: ServiceCall) -> dict[str, HubCamera]:
    """Return the cameras that any of the targeted entities belongs to, by the id of their live view."""
    hass = call.hass
    selected = async_extract_referenced_entity_ids(hass, TargetSelection(call.data))
    registry = er.async_get(hass)
    user = await _user(call)
    cameras: dict[str, HubCamera] = {}
    for entity_id in sorted(selected.referenced | selected.indirectly_referenced):
        entity = registry.async_get(entity_id)
        if entity is None or entity.platform != DOMAIN:
            continue
        camera = _camera(hass, entity)
        if camera is None:
            continue
        if user is not None and not _may(user, entity_id):
            raise Unauthorized(context=call.context, entity_id=entity_id, permission=POLICY_CONTROL)
        cameras[view_of(hass, camera) or entity_id] = camera
    if not cameras:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_camera")
    return cameras


async def permitted(call: ServiceCall) -> dict[str, HubCamera]:
    """Return all cameras that the caller may use, by the id of their live view."""
    user = await _user(call)
    return {
        view: camera
        for camera in _all(call.hass)
        if (view := view_of(call.hass, camera)) is not None and (user is None or _may(user, view))
    }


def view_of(hass: HomeAssistant, camera: HubCamera) -> str | None:
    """Return the entity that names a camera: its live view."""
    unique_id = f"{camera.subentry_id}_live"
    return er.async_get(hass).async_get_entity_id(Platform.CAMERA, DOMAIN, unique_id)


def _all(hass: HomeAssistant) -> Iterator[HubCamera]:
    entries: list[NarratorConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    for entry in entries:
        yield from entry.runtime_data.cameras.values()


def _camera(hass: HomeAssistant, entity: er.RegistryEntry) -> HubCamera | None:
    entry = hass.config_entries.async_get_entry(entity.config_entry_id or "")
    if entry is None or entity.config_subentry_id is None:
        return None
    if entry.state is not ConfigEntryState.LOADED:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="not_loaded",
            translation_placeholders={"entry": entry.title},
        )
    hub: Hub = entry.runtime_data
    return hub.cameras.get(entity.config_subentry_id)


async def _user(call: ServiceCall) -> User | None:
    """Return who calls; None is Home Assistant itself, which may do everything."""
    if call.context.user_id is None:
        return None
    user = await call.hass.auth.async_get_user(call.context.user_id)
    if user is None:
        raise UnknownUser(context=call.context)
    return user


def _may(user: User, entity_id: str) -> bool:
    """Let nobody look through a camera who may not use it."""
    return user.permissions.check_entity(entity_id, POLICY_CONTROL)
