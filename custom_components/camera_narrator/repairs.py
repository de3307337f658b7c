"""The repairs that Home Assistant can do itself: a bridge on another machine, a camera whose bridge is gone."""

from typing import Any

from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntry, ConfigEntryState, ConfigSubentry
from homeassistant.core import HomeAssistant
import voluptuous as vol

from . import bridge_issues, budget_issues, const
from .camera_form import bridge_field
from .hub_limits import OPTION_OF, cap_in_words, terms
from .pipeline.spending import Unit

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
    entry_id = issue_id.removeprefix(f"{budget_issues.BUDGET}_")
    if (entry := hass.config_entries.async_get_entry(entry_id)) is not None:
        return BudgetFlow(entry)
    return ConfirmRepairFlow()


class BudgetFlow(RepairsFlow):
    """What a day may cost is used up: may it cost more?"""

    def __init__(self, entry: ConfigEntry) -> None:
        """Remember whose it is."""
        self.entry = entry

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Begin; what comes in here is the issue, not an answer."""
        return await self.async_step_raise()

    async def async_step_raise(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Ask for another cap, twice the present one as proposed; it holds at once."""
        unit, cap = self._cap()
        if user_input is not None:
            options = {**self.entry.options, OPTION_OF[unit]: user_input["cap"]}
            self.hass.config_entries.async_update_entry(self.entry, options=options)
            return self.async_create_entry(data={})
        return self.async_show_form(
            step_id="raise",
            data_schema=vol.Schema(
                {
                    vol.Required("cap", default=2 * cap): vol.All(
                        vol.Coerce(float), vol.Range(min=0.01)
                    )
                }
            ),
            description_placeholders={"hub": self.entry.title, "cap": cap_in_words(unit, cap)},
        )

    def _cap(self) -> tuple[Unit, float]:
        """Return the cap that has the least left."""
        caps = terms(self.entry.data, self.entry.options).caps
        if self.entry.state is ConfigEntryState.LOADED:
            hub = self.entry.runtime_data
            if (unit := hub.limiter.spending.tightest(hub.clock.wall())) in caps:
                return unit, caps[unit]
        return next(iter(caps.items()), (Unit.USD, const.DEFAULT_USD_PER_DAY))


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
