"""Who can write the words: one row per kind of provider."""

from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Final

from ..const import (
    CONF_API_KEY,
    CONF_BASE_URL,
    CONF_MODEL,
    CONF_PROVIDER,
    CONF_SERVER,
    PROVIDER_BUILTIN,
    PROVIDER_OPENAI,
)
from ..pipeline.provider import Provider
from .builtin import BuiltinProvider
from .server_facts import Facts, FactStore

if (
    TYPE_CHECKING
):  # Home Assistant and openai stay out of the processes that only need the built-in describer
    from homeassistant.core import HomeAssistant

    from .openai import OpenAIProvider

type Factory = Callable[[HomeAssistant, Mapping[str, str], FactStore], Awaitable[Provider]]


async def create(
    hass: HomeAssistant, data: Mapping[str, str], facts: FactStore | None = None
) -> Provider:
    """Return the provider that a hub's data describes, without contacting it."""
    return await PROVIDERS[data[CONF_PROVIDER]](hass, data, Facts() if facts is None else facts)


async def create_builtin(
    hass: HomeAssistant,
    data: Mapping[str, str],
    facts: FactStore,
) -> BuiltinProvider:
    """Return the describer that needs no model."""
    return BuiltinProvider()


async def create_openai(
    hass: HomeAssistant, data: Mapping[str, str], facts: FactStore
) -> OpenAIProvider:
    """Return the provider for a server with OpenAI's API; the client library loads in the executor."""
    await hass.async_add_import_executor_job(import_module, ".openai", __package__)
    from .openai import OpenAIProvider, create_client  # noqa: PLC0415 - 50 MB and 2 s, for those who use it

    base_url = data[CONF_BASE_URL]
    client = await create_client(hass, base_url, data.get(CONF_API_KEY))
    return OpenAIProvider(
        client=client,
        model=data.get(CONF_MODEL, ""),
        base_url=base_url,
        facts=facts,
        kind=data.get(CONF_SERVER),
    )


PROVIDERS: Final[Mapping[str, Factory]] = {
    PROVIDER_BUILTIN: create_builtin,
    PROVIDER_OPENAI: create_openai,
}
