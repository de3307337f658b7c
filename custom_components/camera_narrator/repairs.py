"""The repairs that Home Assistant can do itself: a bridge on another machine, a camera whose bridge is gone."""

from typing import Any

from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant
import voluptuous as vol

from . import bridge_issues, const
from .camera_form import bridge_field

CAMERA_WITHOUT_BRIDGE = "camera_without_bridge"


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the dialog that repairs; issues are named after what is wrong and the subentry it is wrong with."""
    for issue, flow in (
        (bridge_issues.IN_USE, SecondBridgeFlow),
        (CAMERA_WITHOUT_BRIDGE, OrphanFlow),
    ):
        if issue_id.startswith(f"{issue}_"):
            found = _find(hass, issue_id.removeprefix(f"{issue}_"))
            if found is not None:
                return flow(*found)
    return ConfirmRepairFlow()


class SubentryRepairFlow(RepairsFlow):
    """Repairs one subentry."""

    def __init__(self, entry: ConfigEntry, subentry: ConfigSubentry) -> None:
        """Remember what is wrong."""
        self.entry = entry
        self.subentry = subentry

    def change(self, key: str, value: str | None) -> RepairsFlowResult:
        """Change one setting and close the issue; the hub takes it over without a reload."""
        self.hass.config_entries.async_update_subentry(
            self.entry, self.subentry, data={**self.subentry.data, key: value}
        )
        return self.async_create_entry(data={})


class SecondBridgeFlow(SubentryRepairFlow):
    """Another machine came with a bridge's token: does it take the bridge's place?"""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Ask which of the two is right."""
        return self.async_show_menu(
            step_id="init",
            menu_options=["replace", "keep"],
            description_placeholders={"bridge": self.subentry.title},
        )

    async def async_step_replace(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Let the next machine that comes with the token be the bridge."""
        return self.change(const.CONF_BRIDGE_ID, None)

    async def async_step_keep(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Go on refusing the other one."""
        return self.async_create_entry(data={})


class OrphanFlow(SubentryRepairFlow):
    """A camera's bridge was removed: which one takes it over?"""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Begin; what comes in here is the issue, not an answer."""
        return await self.async_step_choose()

    async def async_step_choose(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Ask for another bridge."""
        bridges = list(self.entry.get_subentries_of_type(const.SUBENTRY_BRIDGE))
        if user_input is not None:
            return self.change(const.CONF_BRIDGE, user_input[const.CONF_BRIDGE])
        if not bridges:
            return self.async_abort(
                reason="no_bridge", description_placeholders={"camera": self.subentry.title}
            )
        return self.async_show_form(
            step_id="choose",
            data_schema=vol.Schema(bridge_field(bridges)),
            description_placeholders={"camera": self.subentry.title},
        )


def _find(hass: HomeAssistant, subentry_id: str) -> tuple[ConfigEntry, ConfigSubentry] | None:
    for entry in hass.config_entries.async_entries(const.DOMAIN):
        if (subentry := entry.subentries.get(subentry_id)) is not None:
            return entry, subentry
    return None
