"""The repairs that a bridge's connection calls for; they go when the bridge is welcome again."""

from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN

TOKEN_ROTATED: Final = "bridge_token_rotated"
"""A bridge still comes with an old token."""
IN_USE: Final = "bridge_in_use"
"""A second bridge came with this one's token."""
PROTOCOL: Final = "bridge_protocol"
"""Bridge and integration have no protocol version in common."""


@callback
def create(hass: HomeAssistant, issue: str, subentry_id: str, bridge: str) -> None:
    """Tell the house what to do about a bridge."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"{issue}_{subentry_id}",
        is_fixable=issue == IN_USE,  # what the house decides; the rest is done at the bridge
        severity=ir.IssueSeverity.ERROR,
        translation_key=issue,
        translation_placeholders={"bridge": bridge},
    )


@callback
def clear(hass: HomeAssistant, subentry_id: str) -> None:
    """Take back what was said about a bridge."""
    for issue in (TOKEN_ROTATED, IN_USE, PROTOCOL):
        ir.async_delete_issue(hass, DOMAIN, f"{issue}_{subentry_id}")
