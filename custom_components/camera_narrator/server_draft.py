"""A model server while its dialog is open: what was typed so far, which models it has, whether one answers."""

from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from homeassistant.core import HomeAssistant
from yarl import URL

from . import const
from .pipeline.errors import ProviderError
from .providers.server_facts import Facts
from .providers.table import create_openai
from .server_form import listed, suggested_server, typed_server

if TYPE_CHECKING:
    from .providers.eyesight import CheckResult
    from .providers.openai import OpenAIProvider


class ServerDraft:
    """What a dialog knows of a server; asks it as the hub would."""

    def __init__(self) -> None:
        """Begin with nothing typed."""
        self.base_url = ""
        self.kind: str | None = None
        self.api_key = ""
        self.model = ""
        self.models: list[str] = []
        self.consented = ""
        """The server to which pictures may go."""

    @property
    def data(self) -> dict[str, Any]:
        """Return what an entry keeps of it."""
        return {
            const.CONF_PROVIDER: const.PROVIDER_OPENAI,
            const.CONF_BASE_URL: self.base_url,
            const.CONF_API_KEY: self.api_key,
            const.CONF_MODEL: self.model,
            **({} if self.kind is None else {const.CONF_SERVER: self.kind}),
        }

    @property
    def unique_id(self) -> str:
        """Return what tells one account of a server from another, with nothing of the key to be read in it."""
        return sha256(f"{self.base_url}\n{self.api_key}".encode()).hexdigest()[:32]

    @property
    def host(self) -> str:
        """Return where it is, for people."""
        return URL(self.base_url).host or ""

    @property
    def suggested(self) -> dict[str, str]:
        """Return what its form is prefilled with."""
        return suggested_server(self.base_url, self.kind)

    def recall(self, stored: Mapping[str, Any]) -> None:
        """Begin with the place that an entry keeps; its key is typed anew, or kept by take()."""
        self.base_url = stored.get(const.CONF_BASE_URL, "")
        self.kind = stored.get(const.CONF_SERVER)

    def take(self, typed: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, str]:
        """Take a form over; return what is wrong with it by field."""
        server = typed_server(
            typed.get(const.CONF_SERVER), typed.get(const.CONF_BASE_URL, "").strip()
        )
        self.base_url, self.kind = server.base_url, server.kind
        if server.error is not None:
            return {const.CONF_BASE_URL: server.error}
        if key := typed.get(const.CONF_API_KEY, "").strip():
            self.api_key = key
        elif self.api_key in ("", stored.get(const.CONF_API_KEY)):
            # A stored key goes to the server it was typed for, not to any that is typed now or next.
            same = URL(stored.get(const.CONF_BASE_URL, "")).host == self.host
            self.api_key = stored.get(const.CONF_API_KEY, "") if same else ""
        return {}

    async def ask_models(self, hass: HomeAssistant) -> dict[str, str]:
        """Ask which models it has; return what is wrong with it by field."""
        # The first provider loads a library for seconds, which is not the server's fault.
        self.models, errors = await listed(await self._provider(hass))
        return errors

    async def check(self, hass: HomeAssistant) -> CheckResult | ProviderError:
        """Return what its model saw, or why there is no answer; its own patience ends it."""
        try:
            return await (await self._provider(hass)).check()
        except ProviderError as error:
            return error

    async def _provider(self, hass: HomeAssistant) -> OpenAIProvider:
        return await create_openai(hass, self.data, Facts())
