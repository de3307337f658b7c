"""The hub's options: where it publishes on MQTT, and how much it asks at a time."""

from collections.abc import Iterable
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigFlowResult, OptionsFlow
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    TextSelector,
)
import voluptuous as vol

from . import const

MAX_CONCURRENCY = 8
"""Requests in flight: beyond this, rate limits of servers bind first."""
PREFIX_MAX = 64
"""Characters of a topic prefix: what the wire to the bridge allows, halved for people."""

_OPTIONS = vol.Schema(
    {
        vol.Required(const.CONF_MQTT_PREFIX): TextSelector(),
        vol.Required(const.CONF_CONCURRENCY): vol.All(
            NumberSelector(
                NumberSelectorConfig(
                    min=1, max=MAX_CONCURRENCY, step=1, mode=NumberSelectorMode.SLIDER
                )
            ),
            vol.Coerce(int),
        ),
    }
)


class NarratorOptionsFlow(OptionsFlow):
    """The hub's options."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the topic prefix and the number of requests at a time."""
        errors: dict[str, str] = {}
        if user_input is not None:
            prefix = user_input[const.CONF_MQTT_PREFIX].strip()
            others = [
                entry
                for entry in self.hass.config_entries.async_entries(const.DOMAIN)
                if entry.entry_id != self.config_entry.entry_id
            ]
            if not is_prefix(prefix):
                errors[const.CONF_MQTT_PREFIX] = "invalid_prefix"
            elif prefix in prefixes(others):
                errors[const.CONF_MQTT_PREFIX] = "prefix_in_use"
            else:
                return self.async_create_entry(data={**user_input, const.CONF_MQTT_PREFIX: prefix})
        defaults = {
            const.CONF_MQTT_PREFIX: const.DEFAULT_MQTT_PREFIX,
            const.CONF_CONCURRENCY: const.DEFAULT_CONCURRENCY,
        }
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(
                _OPTIONS, {**defaults, **self.config_entry.options, **(user_input or {})}
            ),
            errors=errors,
        )


def is_prefix(prefix: str) -> bool:
    """Return whether MQTT topics may begin with this."""
    return (
        0 < len(prefix) <= PREFIX_MAX
        and prefix.isprintable()
        and not prefix.startswith("$")
        and not any(char in prefix for char in "+#")
        and all(prefix.split("/"))
    )


def prefixes(entries: Iterable[ConfigEntry]) -> set[str]:
    """Return the topic prefixes that hubs use."""
    return {
        entry.options.get(const.CONF_MQTT_PREFIX, const.DEFAULT_MQTT_PREFIX) for entry in entries
    }
