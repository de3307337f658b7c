"""The option that an event needs a name: who can give one, and what the house is told where nobody can."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import callback
from homeassistant.helpers import issue_registry as ir

from . import const, local_only
from .bridge_link import BridgeLink
from .coordinator import NarratorConfigEntry
from .pipeline.vocabulary import Label
from .protocol.vocabulary import Capability

if TYPE_CHECKING:
    from .hub_camera import HubCamera

ISSUE: Final = "only_for_unnamed"


def chosen(data: Mapping[str, Any]) -> frozenset[Label]:
    """Return what an event of a camera needs, empty where movement is enough."""
    return frozenset(Label(name) for name in data.get(const.CONF_ONLY_FOR, ()) if name in Label)


def unnamed(entry: NarratorConfigEntry, link: BridgeLink | None, data: Mapping[str, Any]) -> bool:
    """Return whether settings ask for names that neither bridge nor provider give; a bridge that is away may."""
    if not chosen(data) or link is None or Capability.LABELS in link.hello.capabilities:
        return False
    if local_only.stays(data) and local_only.outside(entry.data, entry.options) is not None:
        return local_only.answered_by_code(entry, data)
    if entry.state is ConfigEntryState.LOADED:
        return not entry.runtime_data.provider.names_subjects
    return bool(entry.data[const.CONF_PROVIDER] == const.PROVIDER_BUILTIN)


@callback
def check(camera: HubCamera) -> None:
    """Tell the house while a camera's events cannot be named, so that all that moves opens them."""
    hub, source = camera.hub, camera.source
    named = source.detects or camera.provider.names_subjects
    if named or not camera.settings.only_for:
        ir.async_delete_issue(hub.hass, const.DOMAIN, issue_id(camera.subentry_id))
    elif source.connected:
        ir.async_create_issue(
            hub.hass,
            const.DOMAIN,
            issue_id(camera.subentry_id),
            is_fixable=False,  # the detector is installed at the bridge
            severity=ir.IssueSeverity.WARNING,
            translation_key=ISSUE,
            translation_placeholders={"camera": camera.title},
        )


def issue_id(subentry_id: str) -> str:
    """Return the id of a camera's repair."""
    return f"{ISSUE}_{subentry_id}"
