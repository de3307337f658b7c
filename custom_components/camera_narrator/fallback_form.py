"""The dialog of the second model server: its fields, and what is kept of what was typed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.helpers.selector import SelectSelector, SelectSelectorConfig, TextSelector
import voluptuous as vol
from yarl import URL

from . import const, local_only
from .number_fields import MAX_PRICE, MAX_USD, count_field, dollars_field
from .server_form import SERVER_SCHEMA, typed_server

FALLBACK_CHOICE: Final[Mapping[Any, Any]] = {
    vol.Optional(const.CONF_FALLBACK): SelectSelector(
        SelectSelectorConfig(
            options=[const.FALLBACK_BUILTIN, const.FALLBACK_SERVER], translation_key="fallback"
        )
    )
}
FALLBACK_SCHEMA: Final = SERVER_SCHEMA.extend(
    {
        vol.Required(const.CONF_MODEL): TextSelector(),
        vol.Required(const.CONF_USD_PER_DAY): dollars_field(MAX_USD, low=0.01),
        vol.Optional(const.CONF_INPUT_PRICE): dollars_field(MAX_PRICE),
        vol.Optional(const.CONF_OUTPUT_PRICE): dollars_field(MAX_PRICE),
        vol.Required(const.CONF_REQUESTS_PER_DAY): count_field(1_000_000),
    }
)
FALLBACK_DEFAULTS: Final[Mapping[str, Any]] = {
    const.CONF_USD_PER_DAY: const.DEFAULT_USD_PER_DAY,
    const.CONF_REQUESTS_PER_DAY: 0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What is kept, or what is wrong with it: a field and the error."""

    options: Mapping[str, Any]
    error: tuple[str, str] | None = None


def fallback_chosen(options: Mapping[str, Any]) -> str:
    """Return who writes, by a hub's options, where its provider does not."""
    return const.FALLBACK_SERVER if options.get(const.CONF_FALLBACK) else const.FALLBACK_BUILTIN


def asked_anew(
    options: Mapping[str, Any], stored: Mapping[str, Any], entry: ConfigEntry
) -> str | None:
    """Return the host outside of the house that gets pictures from now on; None where that was agreed to before."""
    host = _outside(options)
    known = {_outside(stored) if stored else None, local_only.outside(entry.data, entry.options)}
    return None if host in known else host


def taken(typed: Mapping[str, Any], stored: Mapping[str, Any]) -> Taken:
    """Return what to keep; a key that is not typed again stays, where the server does."""
    server = typed_server(
        typed.get(const.CONF_SERVER), str(typed.get(const.CONF_BASE_URL, "")).strip()
    )
    options = {**typed, const.CONF_BASE_URL: server.base_url}
    options.pop(const.CONF_SERVER, None)
    if server.kind is not None:
        options[const.CONF_SERVER] = server.kind
    if server.error is not None:
        return Taken(options=options, error=(const.CONF_BASE_URL, server.error))
    options[const.CONF_MODEL] = str(typed.get(const.CONF_MODEL, "")).strip()
    if not options[const.CONF_MODEL]:
        return Taken(options=options, error=(const.CONF_MODEL, "model_missing"))
    if (const.CONF_INPUT_PRICE in typed) != (const.CONF_OUTPUT_PRICE in typed):
        return Taken(options=options, error=("base", "half_a_price"))
    key = str(typed.get(const.CONF_API_KEY, "")).strip()
    if not key and URL(server.base_url).host == URL(stored.get(const.CONF_BASE_URL, "")).host:
        key = stored.get(const.CONF_API_KEY, "")
    options[const.CONF_API_KEY] = key
    return Taken(options=options)


def _outside(options: Mapping[str, Any]) -> str | None:
    return local_only.outside({**options, const.CONF_PROVIDER: const.PROVIDER_OPENAI}, options)
