"""The hub's options: where it publishes on MQTT, how much it asks, what that may cost, and what is kept."""

from collections.abc import Iterable, Mapping
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
from .cost_words import price
from .fallback_form import (
    FALLBACK_CHOICE,
    FALLBACK_DEFAULTS,
    FALLBACK_SCHEMA,
    asked_anew,
    fallback_chosen,
    taken,
)
from .number_fields import MAX_PRICE, MAX_USD, count_field, dollars_field
from .providers.kinds import ROWS, Kind
from .wording import LANGUAGE

MAX_CONCURRENCY = 8
"""Requests in flight: beyond this, rate limits of servers bind first."""
DAYS_MOST = 365
"""Of the timeline: whoever needs words of last year needs an archive."""
MB_LEAST = 16
"""Holds a day of a quiet house; less would lose visits before anybody reads of them."""
MB_MOST = 102_400
"""Of a disk of its own."""
PREFIX_MAX = 64
"""Characters of a topic prefix: what the wire to the bridge allows, halved for people."""


_HEAD: Mapping[Any, Any] = {
    vol.Required(const.CONF_MQTT_PREFIX): TextSelector(),
    vol.Required(const.CONF_CONCURRENCY): vol.All(
        NumberSelector(
            NumberSelectorConfig(min=1, max=MAX_CONCURRENCY, step=1, mode=NumberSelectorMode.SLIDER)
        ),
        vol.Coerce(int),
    ),
}
_TIMELINE: Mapping[Any, Any] = {
    vol.Optional(const.CONF_TIMELINE_DAYS): count_field(DAYS_MOST, unit="d"),
    vol.Optional(const.CONF_TIMELINE_MB): count_field(MB_MOST, low=MB_LEAST, unit="MB"),
}
_MONEY: Mapping[Any, Any] = {
    vol.Required(const.CONF_USD_PER_DAY): dollars_field(MAX_USD, low=0.01),
    vol.Optional(const.CONF_INPUT_PRICE): dollars_field(MAX_PRICE),
    vol.Optional(const.CONF_OUTPUT_PRICE): dollars_field(MAX_PRICE),
}
_LIMITS: Mapping[Any, Any] = {
    vol.Required(const.CONF_REQUESTS_PER_DAY): count_field(1_000_000),
    vol.Required(const.CONF_TOKENS_PER_DAY): count_field(1_000_000_000),
    vol.Required(const.CONF_REQUESTS_PER_MINUTE): count_field(100_000),
    vol.Required(const.CONF_TOKENS_PER_MINUTE): count_field(100_000_000),
}
_DEFAULTS: Mapping[str, Any] = {
    const.CONF_MQTT_PREFIX: const.DEFAULT_MQTT_PREFIX,
    const.CONF_CONCURRENCY: const.DEFAULT_CONCURRENCY,
    const.CONF_TIMELINE_DAYS: const.DEFAULT_TIMELINE_DAYS,
    const.CONF_TIMELINE_MB: const.DEFAULT_TIMELINE_MB,
    const.CONF_USD_PER_DAY: const.DEFAULT_USD_PER_DAY,
    const.CONF_REQUESTS_PER_DAY: 0,
    const.CONF_TOKENS_PER_DAY: 0,
    const.CONF_REQUESTS_PER_MINUTE: 0,
    const.CONF_TOKENS_PER_MINUTE: 0,
}


class NarratorOptionsFlow(OptionsFlow):
    """The hub's options."""

    def __init__(self) -> None:
        """Begin with nothing typed."""
        self._given: dict[str, Any] = {}
        self._host: str | None = None

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the topic prefix, and, where the provider is a model server, for its limits and its money."""
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
            elif (const.CONF_INPUT_PRICE in user_input) != (const.CONF_OUTPUT_PRICE in user_input):
                errors["base"] = "half_a_price"
            else:
                self._given = {**user_input, const.CONF_MQTT_PREFIX: prefix}
                if self._given.pop(const.CONF_FALLBACK, None) == const.FALLBACK_SERVER:
                    return await self.async_step_fallback()
                return self.async_create_entry(data=self._given)
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(
                _schema(self.config_entry),
                {
                    **_DEFAULTS,
                    **self.config_entry.options,
                    const.CONF_FALLBACK: fallback_chosen(self.config_entry.options),
                    **(user_input or {}),
                },
            ),
            errors=errors,
            description_placeholders={"price": await price(self.hass, self.config_entry)},
        )

    async def async_step_fallback(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the second model server and what it may cost; it is contacted when it has to write."""
        stored = self.config_entry.options.get(const.CONF_FALLBACK, {})
        typed = taken(user_input or {}, stored)
        if user_input is not None and typed.error is None:
            self._given[const.CONF_FALLBACK] = dict(typed.options)
            self._host = asked_anew(typed.options, stored, self.config_entry)
            if self._host is None:
                return await self.async_step_fallback_consent_given()
            return await self.async_step_fallback_consent()
        shown = {**FALLBACK_DEFAULTS, **(stored if user_input is None else typed.options)}
        shown.pop(const.CONF_API_KEY, None)
        return self.async_show_form(
            step_id="fallback",
            data_schema=self.add_suggested_values_to_schema(FALLBACK_SCHEMA, shown),
            errors={} if user_input is None or typed.error is None else dict([typed.error]),
            description_placeholders={"example": ROWS[Kind.OLLAMA].example},
        )

    async def async_step_fallback_consent(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Say where pictures will go, and ask."""
        return self.async_show_menu(
            step_id="fallback_consent",
            menu_options=["fallback_consent_given", "fallback"],
            description_placeholders={"server": self._host or ""},
        )

    async def async_step_fallback_consent_given(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Keep the options with the second server."""
        return self.async_create_entry(data=self._given)


def _schema(entry: ConfigEntry) -> vol.Schema:
    """Return the fields that mean something for this provider."""
    if entry.data[const.CONF_PROVIDER] == const.PROVIDER_BUILTIN:
        return vol.Schema({**_HEAD, **_TIMELINE})
    language = {vol.Optional(const.CONF_LANGUAGE): LANGUAGE}
    return vol.Schema({**_HEAD, **language, **_MONEY, **_LIMITS, **FALLBACK_CHOICE, **_TIMELINE})


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


def free_prefix(entries: Iterable[ConfigEntry]) -> str:
    """Return the first topic prefix that no hub uses."""
    taken = prefixes(entries)
    prefix, number = const.DEFAULT_MQTT_PREFIX, 2
    while prefix in taken:
        prefix, number = f"{const.DEFAULT_MQTT_PREFIX}_{number}", number + 1
    return prefix
