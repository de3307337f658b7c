"""What Home Assistant can repair itself, from the issue to its end."""

from collections.abc import AsyncGenerator
from typing import Any

from homeassistant.components.repairs import repairs_flow_manager
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.camera_narrator import bridge_issues, const
from tests.integration import house
from tests.integration.dialogs import Result


@pytest.fixture
async def entry(hass: HomeAssistant) -> AsyncGenerator[MockConfigEntry]:
    """Return a hub with a bridge that is bound to a machine, and a camera."""
    assert await async_setup_component(hass, "repairs", {})
    entry = await house.move_in(hass)
    subentry = entry.subentries[house.BRIDGE]
    bound = {**subentry.data, const.CONF_BRIDGE_ID: "first machine"}
    hass.config_entries.async_update_subentry(entry, subentry, data=bound)
    yield entry
    await hass.config_entries.async_unload(entry.entry_id)


async def repair(hass: HomeAssistant, issue_id: str) -> Result:
    """Open the dialog that repairs."""
    manager = repairs_flow_manager(hass)
    assert manager is not None
    return await manager.async_init(const.DOMAIN, data={"issue_id": issue_id})


async def submit(hass: HomeAssistant, flow_id: str, **typed: Any) -> Result:
    """Answer a step."""
    manager = repairs_flow_manager(hass)
    assert manager is not None
    result = await manager.async_configure(flow_id, typed)
    await hass.async_block_till_done()
    return result


def remove_bridge(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Take the camera's bridge away."""
    hass.config_entries.async_remove_subentry(entry, house.BRIDGE)


@pytest.mark.parametrize(("choice", "bound"), [("replace", None), ("keep", "first machine")])
async def test_a_second_machine(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
    choice: str,
    bound: str | None,
) -> None:
    """The house decides which machine is the bridge; the issue ends either way."""
    bridge_issues.create(hass, bridge_issues.IN_USE, house.BRIDGE, "Attic")
    issue_id = f"bridge_in_use_{house.BRIDGE}"
    result = await repair(hass, issue_id)
    assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "init")
    assert result["description_placeholders"] == {"bridge": "Attic"}
    result = await submit(hass, result["flow_id"], next_step_id=choice)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert entry.subentries[house.BRIDGE].data[const.CONF_BRIDGE_ID] == bound
    assert issue_registry.async_get_issue(const.DOMAIN, issue_id) is None


async def test_a_camera_whose_bridge_was_removed(
    hass: HomeAssistant, entry: MockConfigEntry, issue_registry: ir.IssueRegistry
) -> None:
    """The issue appears with the removal, offers the bridges there are, and ends with the choice."""
    remove_bridge(hass, entry)
    await hass.async_block_till_done()
    issue_id = f"camera_without_bridge_{house.CAMERA}"
    issue = issue_registry.async_get_issue(const.DOMAIN, issue_id)
    assert issue is not None
    assert issue.is_fixable

    result = await repair(hass, issue_id)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "no_bridge")

    other = house.bridge_subentry()
    subentry = MockConfigEntry(
        domain=const.DOMAIN, subentries_data=[{**other, "subentry_id": "other"}]
    ).subentries["other"]
    hass.config_entries.async_add_subentry(entry, subentry)
    await hass.async_block_till_done()
    result = await repair(hass, issue_id)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "choose")
    assert result["description_placeholders"] == {"camera": house.DEVICE}
    result = await submit(hass, result["flow_id"], bridge="other")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert entry.subentries[house.CAMERA].data[const.CONF_BRIDGE] == "other"
    assert house.camera_of(entry).bridge_id == "other"
    assert issue_registry.async_get_issue(const.DOMAIN, issue_id) is None


async def test_a_repair_that_came_too_late(
    hass: HomeAssistant, entry: MockConfigEntry, issue_registry: ir.IssueRegistry
) -> None:
    """An issue whose subentry is gone can still be closed."""
    bridge_issues.create(hass, bridge_issues.IN_USE, "removed", "Attic")
    result = await repair(hass, "bridge_in_use_removed")
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "confirm")
    await submit(hass, result["flow_id"])
    assert issue_registry.async_get_issue(const.DOMAIN, "bridge_in_use_removed") is None


@pytest.mark.parametrize("issue", [bridge_issues.TOKEN_ROTATED, bridge_issues.PROTOCOL])
async def test_what_is_done_at_the_bridge_is_only_said(
    hass: HomeAssistant, entry: MockConfigEntry, issue_registry: ir.IssueRegistry, issue: str
) -> None:
    """No dialog pretends to repair what Home Assistant cannot."""
    bridge_issues.create(hass, issue, house.BRIDGE, "Attic")
    created = issue_registry.async_get_issue(const.DOMAIN, f"{issue}_{house.BRIDGE}")
    assert created is not None
    assert not created.is_fixable
