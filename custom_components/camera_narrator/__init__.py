"""Camera Narrator: security cameras that tell in words, live, what is happening."""

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import ConfigType

from .const import DOMAIN
from .coordinator import NarratorConfigEntry
from .event_picture import async_setup_event_pictures
from .gateway import async_setup_http
from .hub import Hub, forget
from .preview import async_setup_previews
from .services import async_setup_services

PLATFORMS = (
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.CAMERA,
    Platform.EVENT,
    Platform.IMAGE,
    Platform.SENSOR,
    Platform.SWITCH,
)

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register what lives as long as Home Assistant: the endpoints and the actions."""
    async_setup_http(hass)
    async_setup_previews(hass)
    async_setup_event_pictures(hass)
    async_setup_services(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: NarratorConfigEntry) -> bool:
    """Start a hub; the provider is never contacted here."""
    hub = entry.runtime_data = Hub(hass, entry)
    entry.async_on_unload(entry.add_update_listener(_changed))
    await hub.start()
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    hub.open()
    return True


async def async_unload_entry(hass: HomeAssistant, entry: NarratorConfigEntry) -> bool:
    """Stop a hub; open events stay stored, as after a crash."""
    if unloaded := await hass.config_entries.async_unload_platforms(entry, PLATFORMS):
        await entry.runtime_data.stop()
    return unloaded


async def async_remove_entry(hass: HomeAssistant, entry: NarratorConfigEntry) -> None:
    """Forget a hub for good."""
    await forget(hass, entry)


async def _changed(hass: HomeAssistant, entry: NarratorConfigEntry) -> None:
    """Take changed settings over without a reload, which would drop connections and pictures."""
    await entry.runtime_data.change()
