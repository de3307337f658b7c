"""The action `describe`: what does this camera show now, in words?"""

import asyncio
from typing import TYPE_CHECKING, Any, Final

from homeassistant.auth.permissions.const import POLICY_CONTROL
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import Platform
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import ServiceValidationError, Unauthorized, UnknownUser
from homeassistant.helpers import config_validation as cv, entity_registry as er
from homeassistant.helpers.target import TargetSelection, async_extract_referenced_entity_ids
import voluptuous as vol

from .const import DOMAIN
from .entity import describe
from .pipeline.models import Narrative
from .pipeline.prompt import QUESTION_CHARS
from .publisher import narrative_json

if TYPE_CHECKING:
    from .hub import Hub
    from .hub_camera import HubCamera

SERVICE_DESCRIBE: Final = "describe"
ATTR_PROMPT: Final = "prompt"

SCHEMA: Final = cv.make_entity_service_schema(
    {vol.Optional(ATTR_PROMPT): vol.All(cv.string, vol.Length(min=1, max=QUESTION_CHARS))}
)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions, whether or not a hub is loaded."""
    hass.services.async_register(
        DOMAIN, SERVICE_DESCRIBE, _describe, SCHEMA, supports_response=SupportsResponse.OPTIONAL
    )


async def _describe(call: ServiceCall) -> ServiceResponse:
    """Describe the targeted cameras, all at once; a camera whose stream is away fails, it is not skipped.

    That is why this is not Home Assistant's entity service, which leaves out what is not available.
    """
    cameras = await _cameras(call)
    prompt = call.data.get(ATTR_PROMPT)
    answers = await asyncio.gather(
        *(describe(camera, prompt) for camera in cameras.values()), return_exceptions=True
    )
    narratives: dict[str, Narrative] = {}
    for entity_id, answer in zip(cameras, answers, strict=True):
        if isinstance(answer, BaseException):
            raise answer
        narratives[entity_id] = answer
    if not call.return_response:
        if prompt is not None:  # without a question the answer is the camera's sentence already
            for entity_id, narrative in narratives.items():
                cameras[entity_id].narrate(narrative)
        return None
    return {entity_id: _answer(narrative) for entity_id, narrative in narratives.items()}


async def _cameras(call: ServiceCall) -> dict[str, HubCamera]:
    """Return the cameras that any of the targeted entities belongs to, by the id of their live view."""
    hass = call.hass
    selected = async_extract_referenced_entity_ids(hass, TargetSelection(call.data))
    registry = er.async_get(hass)
    cameras: dict[str, HubCamera] = {}
    for entity_id in sorted(selected.referenced | selected.indirectly_referenced):
        entity = registry.async_get(entity_id)
        if entity is None or entity.platform != DOMAIN:
            continue
        camera = _camera(hass, entity)
        if camera is None:
            continue
        await _check_permission(call, entity_id)
        view = registry.async_get_entity_id(Platform.CAMERA, DOMAIN, f"{camera.subentry_id}_live")
        cameras[view or entity_id] = camera
    if not cameras:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_camera")
    return cameras


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


async def _check_permission(call: ServiceCall, entity_id: str) -> None:
    """Let nobody look through a camera who may not use it."""
    if call.context.user_id is None:
        return
    user = await call.hass.auth.async_get_user(call.context.user_id)
    if user is None:
        raise UnknownUser(context=call.context)
    if not user.permissions.check_entity(entity_id, POLICY_CONTROL):
        raise Unauthorized(context=call.context, entity_id=entity_id, permission=POLICY_CONTROL)


def _answer(narrative: Narrative) -> dict[str, Any]:
    """Return what the action responds for one camera."""
    told = narrative_json(narrative)
    return {key: told[key] for key in ("text", "from", "to", "provider", "frames")}
