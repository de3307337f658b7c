"""Instructions and language: typed in the dialogs, kept bounded, and taken over without a reload."""

from typing import Any

from homeassistant.config_entries import SOURCE_RECONFIGURE
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.camera_narrator import const
from custom_components.camera_narrator.pipeline.prompt import INSTRUCTIONS_CHARS
from tests.integration.house import CAMERA, bridge_subentry, camera_of, camera_subentry

WISH = "The white van is ours."


async def house(hass: HomeAssistant, **camera: Any) -> MockConfigEntry:
    """Set up a hub with a model server and a camera."""
    entry = MockConfigEntry(
        domain=const.DOMAIN,
        entry_id="hub_entry",
        title="House",
        data={
            const.CONF_PROVIDER: const.PROVIDER_OPENAI,
            const.CONF_BASE_URL: "http://192.0.2.1:1/v1",
            const.CONF_MODEL: "eyes",
        },
        subentries_data=[
            bridge_subentry(),
            camera_subentry(**{const.CONF_TRANSPORT: "tcp", **camera}),
        ],
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


async def reconfigure(hass: HomeAssistant, entry: MockConfigEntry, **typed: Any) -> Any:
    """Submit the camera's form with this and nothing else changed."""
    flow = await hass.config_entries.subentries.async_init(
        (entry.entry_id, const.SUBENTRY_CAMERA),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": CAMERA},
    )
    data = entry.subentries[CAMERA].data
    return await hass.config_entries.subentries.async_configure(
        flow["flow_id"],
        {
            "name": "Front door",
            const.CONF_BRIDGE: data[const.CONF_BRIDGE],
            const.CONF_URL: data[const.CONF_URL],
            const.CONF_USERNAME: data[const.CONF_USERNAME],
            const.CONF_PROFILE: data[const.CONF_PROFILE],
            **typed,
        },
    )


async def test_instructions_are_kept_stripped_and_reach_the_narration(hass: HomeAssistant) -> None:
    """They are the camera's settings from the next request on; an emptied field takes them back."""
    entry = await house(hass)
    done = await reconfigure(hass, entry, instructions=f"  {WISH}\n")
    await hass.async_block_till_done()
    assert done["type"] is FlowResultType.ABORT
    assert entry.subentries[CAMERA].data[const.CONF_INSTRUCTIONS] == WISH
    assert camera_of(entry).source.settings.instructions == WISH
    await reconfigure(hass, entry)
    await hass.async_block_till_done()
    assert entry.subentries[CAMERA].data[const.CONF_INSTRUCTIONS] == ""
    assert camera_of(entry).source.settings.instructions == ""


async def test_instructions_are_bounded(hass: HomeAssistant) -> None:
    """What is too long is said at its field, and nothing is kept."""
    entry = await house(hass, instructions=WISH)
    form = await reconfigure(hass, entry, instructions="x" * (INSTRUCTIONS_CHARS + 1))
    assert form["errors"] == {const.CONF_INSTRUCTIONS: "instructions_too_long"}
    assert entry.subentries[CAMERA].data[const.CONF_INSTRUCTIONS] == WISH
    shown = await hass.config_entries.subentries.async_configure(form["flow_id"])
    described = {
        str(key): key.description for key in shown["data_schema"].schema if key.description
    }
    assert len(described[const.CONF_INSTRUCTIONS]["suggested_value"]) > INSTRUCTIONS_CHARS


@pytest.mark.parametrize(
    ("home", "hub", "camera", "asked"),
    [
        ("en", None, "", ""),
        ("de", None, "", "de"),
        ("de", "fr", "", "fr"),
        ("de", "fr", "it", "it"),
        ("de", "fr", "en", ""),
    ],
)
async def test_the_nearest_language_counts(
    hass: HomeAssistant, home: str, hub: str | None, camera: str, asked: str
) -> None:
    """The camera's, else the hub's, else Home Assistant's; English needs no asking."""
    hass.config.language = home
    entry = await house(hass, language=camera)
    source = camera_of(entry).source
    flow = await hass.config_entries.options.async_init(entry.entry_id)
    schema = flow["data_schema"]
    assert schema is not None
    filled = {
        str(key): (key.description or {}).get("suggested_value")
        for key in schema.schema
        if (key.description or {}).get("suggested_value") is not None
    }
    if hub is not None:
        filled[const.CONF_LANGUAGE] = hub
    done = await hass.config_entries.options.async_configure(flow["flow_id"], filled)
    await hass.async_block_till_done()
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert camera_of(entry).source is source
    assert source.settings.language == asked
