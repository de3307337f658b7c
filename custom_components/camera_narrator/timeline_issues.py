"""What the house is told of a timeline that cannot be written, or had to begin anew."""

from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN
from .timeline_file import Trouble

_STANDING: Final = {
    Trouble.FULL: "timeline_full",
    Trouble.TOO_NEW: "timeline_too_new",
    Trouble.UNWRITABLE: "timeline_unwritable",
}
_BEGUN_ANEW: Final = "timeline_broken"


@callback
def show(hass: HomeAssistant, entry_id: str, hub: str, trouble: Trouble | None, path: str) -> None:
    """Tell what keeps the diary from being written, and take back what no longer does."""
    for kind, issue in _STANDING.items():
        if kind is trouble:
            ir.async_create_issue(
                hass,
                DOMAIN,
                f"{issue}_{entry_id}",
                is_fixable=False,  # it is over as soon as the file can be written
                severity=ir.IssueSeverity.WARNING,
                translation_key=issue,
                translation_placeholders={"hub": hub, "path": path},
            )
        else:
            ir.async_delete_issue(hass, DOMAIN, f"{issue}_{entry_id}")


@callback
def begun_anew(hass: HomeAssistant, entry_id: str, hub: str, aside: str) -> None:
    """Tell that the diary was broken and where it lies; it stays told until somebody has read it."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"{_BEGUN_ANEW}_{entry_id}",
        is_fixable=True,
        is_persistent=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key=_BEGUN_ANEW,
        translation_placeholders={"hub": hub, "path": aside},
    )


@callback
def clear(hass: HomeAssistant, entry_id: str) -> None:
    """Take everything back: the hub is gone."""
    for issue in (*_STANDING.values(), _BEGUN_ANEW):
        ir.async_delete_issue(hass, DOMAIN, f"{issue}_{entry_id}")
