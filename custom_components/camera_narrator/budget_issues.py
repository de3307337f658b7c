"""The repairs that money calls for: a day's cap that is used up, an account that is empty."""

from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN

BUDGET: Final = "budget_used_up"
"""New events get the built-in words because of a cap in the options; the repair raises it."""
ACCOUNT: Final = "account_used_up"
"""The provider wants to be paid; that is done on its own pages."""


@callback
def create(hass: HomeAssistant, issue: str, entry_id: str, hub: str, cap: str) -> None:
    """Tell the house what keeps the words away."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"{issue}_{entry_id}",
        is_fixable=issue == BUDGET,
        severity=ir.IssueSeverity.WARNING,
        translation_key=issue,
        translation_placeholders={"hub": hub, "cap": cap},
    )


@callback
def clear(hass: HomeAssistant, entry_id: str) -> None:
    """Take back what was said about a hub's money."""
    for issue in (BUDGET, ACCOUNT):
        ir.async_delete_issue(hass, DOMAIN, f"{issue}_{entry_id}")
