"""What tests of dialogs share: hubs, and the way through progress steps."""

import asyncio
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowManager, section
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.camera_narrator import const

type Result = Any
"""Home Assistant's typed dictionaries differ by kind of flow."""


async def add_hub(
    hass: HomeAssistant, subentries: tuple[Any, ...] = (), **given: Any
) -> MockConfigEntry:
    """Set a hub with the built-in describer up."""
    assert await async_setup_component(hass, "http", {})
    entry = MockConfigEntry(
        domain=const.DOMAIN,
        title="Camera Narrator",
        unique_id="builtin",
        data={const.CONF_PROVIDER: const.PROVIDER_BUILTIN},
        subentries_data=subentries,
    )
    for key, value in given.items():
        object.__setattr__(entry, key, value)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


async def submit(hass: HomeAssistant, flow_id: str, **typed: Any) -> Result:
    """Answer a step of a subentry's dialog."""
    return await hass.config_entries.subentries.async_configure(flow_id, typed)


async def after_progress(manager: FlowManager[Any, Any, Any], flow_id: str) -> Result:
    """Wait for the task of a progress step and return the step that follows."""
    task = manager._progress[flow_id].async_get_progress_task()
    if task is not None:  # else it was done sooner, and the flow has gone on by itself
        async with asyncio.timeout(20):
            await asyncio.wait({task})
    return await manager.async_configure(flow_id)


def suggested(result: Result) -> dict[str, Any]:
    """Return what a form is prefilled with."""
    return {
        str(marker.schema): marker.description["suggested_value"]
        for marker in result["data_schema"].schema
        if marker.description and "suggested_value" in marker.description
    }


def filled_in(schema: vol.Schema) -> dict[str, Any]:
    """Return what a browser sends where nobody types: suggested values, else defaults, else those inside a section."""
    values: dict[str, Any] = {}
    for marker, field in schema.schema.items():
        if marker.description and "suggested_value" in marker.description:
            values[marker.schema] = marker.description["suggested_value"]
        elif not isinstance(marker.default, vol.Undefined):
            values[marker.schema] = marker.default()
        elif isinstance(field, section):
            values[marker.schema] = filled_in(field.schema)
    return values
