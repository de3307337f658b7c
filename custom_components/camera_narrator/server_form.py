"""The fields of a model server's dialog, and where in it each fault of the server is shown."""

from collections.abc import Mapping
from dataclasses import dataclass

from homeassistant.helpers.selector import (
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
import voluptuous as vol

from . import const
from .pipeline.errors import Fault
from .providers.address import Address

SERVER_SCHEMA = vol.Schema(
    {
        vol.Required(const.CONF_BASE_URL): TextSelector(
            TextSelectorConfig(type=TextSelectorType.URL)
        ),
        vol.Optional(const.CONF_API_KEY): TextSelector(
            TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off")
        ),
    }
)
KEY_SCHEMA = vol.Schema(
    {
        vol.Required(const.CONF_API_KEY): TextSelector(
            TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off")
        ),
    }
)


def model_schema(models: list[str]) -> vol.Schema:
    """Return the field that chooses a model, or takes a name that the list does not hold."""
    return vol.Schema(
        {
            vol.Required(const.CONF_MODEL): SelectSelector(
                SelectSelectorConfig(
                    options=models, custom_value=True, mode=SelectSelectorMode.DROPDOWN
                )
            )
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a fault is shown: the step, the field and the words."""

    step: str
    field: str
    error: str


PLACES: Mapping[Fault, Place] = {
    Fault.UNREACHABLE: Place(step="server", field=const.CONF_BASE_URL, error="cannot_connect"),
    Fault.UNAUTHORIZED: Place(step="server", field=const.CONF_API_KEY, error="invalid_auth"),
    Fault.MODEL_UNKNOWN: Place(step="model", field=const.CONF_MODEL, error="model_unknown"),
    Fault.PICTURES_REJECTED: Place(step="model", field=const.CONF_MODEL, error="pictures_rejected"),
    Fault.TIMEOUT: Place(step="model", field="base", error="timeout"),
    Fault.RATE_LIMITED: Place(step="model", field="base", error="rate_limited"),
    Fault.OVER_BUDGET: Place(step="model", field="base", error="rate_limited"),
    Fault.OVERLOADED: Place(step="model", field="base", error="overloaded"),
    Fault.REFUSED: Place(step="model", field="base", error="refused"),
    Fault.BAD_ANSWER: Place(step="model", field=const.CONF_MODEL, error="bad_answer"),
}
"""Of the test."""

LIST_PLACES: Mapping[Fault, dict[str, str]] = {
    Fault.UNREACHABLE: {const.CONF_BASE_URL: "cannot_connect"},
    Fault.TIMEOUT: {const.CONF_BASE_URL: "timeout"},
    Fault.UNAUTHORIZED: {const.CONF_API_KEY: "invalid_auth"},
}
"""Of the list of models; other faults do not keep from going on without one."""


def server_url(typed: str) -> str | None:
    """Return the address below which the API is, or None for what is no address of a server."""
    try:
        address = Address.parse(typed)
    except ValueError:
        return None
    if address.username or address.password:
        return None
    return address.url.removesuffix("/chat/completions").removesuffix("/models")
