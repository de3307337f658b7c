"""Backups of Home Assistant: timelines hold still while they are copied."""

import logging

from homeassistant.core import HomeAssistant

from .const import DOMAIN
from .coordinator import NarratorConfigEntry
from .timeline import TimelineAwayError

_LOGGER = logging.getLogger(__name__)


async def async_pre_backup(hass: HomeAssistant) -> None:
    """Let nothing change the files; what is told meanwhile goes into their logs."""
    await _hold_still(hass, still=True)


async def async_post_backup(hass: HomeAssistant) -> None:
    """Go on as always."""
    await _hold_still(hass, still=False)


async def _hold_still(hass: HomeAssistant, *, still: bool) -> None:
    entries: list[NarratorConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    for entry in entries:
        try:
            await entry.runtime_data.timeline.hold_still(still=still)
        except TimelineAwayError as error:
            _LOGGER.info("The timeline of %s takes no part in the backup: %s", entry.title, error)
