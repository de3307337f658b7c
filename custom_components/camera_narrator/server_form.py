"""The fields of a model server's dialog, and where in it each fault of the server is shown."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
from .pipeline.errors import Fault, ProviderError
from .providers.address import Address
from .providers.kinds import ROWS, Kind, kind_of

if TYPE_CHECKING:
    from .providers.openai import OpenAIProvider

MODELS_TIMEOUT_S = 10
"""A list of models is small and at hand; whoever needs longer does not have one."""

SERVER_SCHEMA = vol.Schema(
    {
        vol.Optional(const.CONF_SERVER): SelectSelector(
            SelectSelectorConfig(
                options=[kind.value for kind in Kind],
                mode=SelectSelectorMode.DROPDOWN,
                translation_key="server",
            )
        ),
        vol.Optional(const.CONF_BASE_URL): TextSelector(
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A server as it was typed: where it is, and its kind where the address alone does not tell it."""

    base_url: str
    kind: str | None
    error: str | None = None
    """What is wrong with the address."""


def typed_server(kind: str | None, typed: str) -> Typed:
    """Return what was typed; a server of the cloud needs no address, one in the house gets a model of one to correct."""
    row = ROWS[Kind(kind)] if kind else ROWS[Kind.OTHER]
    if not typed:
        if row.url:
            return Typed(base_url=row.url, kind=None)
        return Typed(base_url=row.example, kind=kind, error="address_missing")
    if (url := server_url(typed)) is None:
        return Typed(base_url=typed, kind=kind, error="invalid_url")
    return Typed(base_url=url, kind=None if kind == kind_of(Address.parse(url)) else kind)


def suggested_server(base_url: str, kind: str | None) -> dict[str, str]:
    """Return what the form is prefilled with."""
    told = {} if kind is None else {const.CONF_SERVER: kind}
    return told | ({const.CONF_BASE_URL: base_url} if base_url else {})


def server_url(typed: str) -> str | None:
    """Return the address below which the API is, or None for what is no address of a server."""
    try:
        address = Address.parse(typed)
    except ValueError:
        return None
    if address.username or address.password:
        return None
    return address.url.removesuffix("/chat/completions").removesuffix("/models")


async def listed(provider: OpenAIProvider) -> tuple[list[str], dict[str, str]]:
    """Return the models of a server, and what is wrong with it by field."""
    try:
        async with asyncio.timeout(MODELS_TIMEOUT_S):
            return await provider.models(), {}
    except TimeoutError:
        return [], {const.CONF_BASE_URL: "timeout"}
    except ProviderError as error:
        # Servers without a list of models are common: the test tells whether the rest works.
        return [], LIST_PLACES.get(error.fault, {})
