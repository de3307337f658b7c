"""The hub's dialogs: adding it, a new key, another provider, and its options."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, override

from homeassistant.config_entries import (
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigEntry,
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentryData,
    ConfigSubentryFlow,
    FlowType,
    OptionsFlow,
    SubentryFlowContext,
)
from homeassistant.const import CONF_NAME
from homeassistant.core import callback
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.helpers.service_info.hassio import HassioServiceInfo

from . import const
from .app_bridge import CONF_HUB, AppBridge, name_schema
from .bridge_flow import BridgeFlow, default_address
from .camera_flow import CameraFlow
from .local_only import newly_outside
from .options_flow import NarratorOptionsFlow, free_prefix
from .pipeline.errors import ProviderError
from .pipeline.plain_text import without_markup
from .preview import plain
from .progress import shown
from .providers.kinds import ROWS, Kind
from .server_draft import ServerDraft
from .server_form import KEY_SCHEMA, PLACES, SERVER_SCHEMA, model_schema

if TYPE_CHECKING:
    from .providers.eyesight import CheckResult

BUILTIN_TITLE = "Camera Narrator"
BUILTIN_UNIQUE_ID = "builtin"


class NarratorFlow(ConfigFlow, domain=const.DOMAIN):
    """Adds a hub, renews its key, changes its provider."""

    VERSION = 1
    MINOR_VERSION = 1

    def __init__(self) -> None:
        """Begin with nothing typed."""
        self._server = ServerDraft()
        self._errors: dict[str, str] = {}
        self._detail = ""
        self._test_task: asyncio.Task[CheckResult | ProviderError] | None = None
        self._app_bridge: AppBridge | None = None
        self._first_bridges: list[ConfigSubentryData] = []

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: ConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        """Return what can be added to a hub."""
        return {const.SUBENTRY_BRIDGE: BridgeFlow, const.SUBENTRY_CAMERA: CameraFlow}

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> OptionsFlow:
        """Return the dialog of the hub's options."""
        return NarratorOptionsFlow()

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask who shall write the words."""
        return self.async_show_menu(step_id="user", menu_options=["builtin", "server"])

    async def async_step_builtin(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Take the describer that needs no key."""
        return await self._finish(
            title=BUILTIN_TITLE,
            data={const.CONF_PROVIDER: const.PROVIDER_BUILTIN},
            unique_id=BUILTIN_UNIQUE_ID,
        )

    async def async_step_server(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the server's address and key, and for its models in the background."""
        if user_input is not None:
            self._errors = self._server.take(user_input, self._stored)
            if not self._errors:
                self._abort_if_taken(self._server.unique_id)
                self._errors = await self._server.ask_models(self.hass)
            if not self._errors:
                return await self.async_step_model()
        elif not self._server.base_url:
            self._server.recall(self._stored)
        return self.async_show_form(
            step_id="server",
            data_schema=self.add_suggested_values_to_schema(SERVER_SCHEMA, self._server.suggested),
            errors=self._taken_errors(),
            description_placeholders={"example": ROWS[Kind.OLLAMA].example},
        )

    async def async_step_model(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask which of the server's models shall write."""
        server = self._server
        if user_input is not None:
            server.model = user_input[const.CONF_MODEL].strip()
            if server.model:
                return await self.async_step_test()
            self._errors = {const.CONF_MODEL: "model_unknown"}
        elif not server.model:
            server.model = self._stored.get(const.CONF_MODEL, "")
        return self.async_show_form(
            step_id="model",
            data_schema=self.add_suggested_values_to_schema(
                model_schema(server.models),
                {const.CONF_MODEL: server.model} if server.model else {},
            ),
            errors=self._taken_errors(),
            description_placeholders={"count": str(len(server.models)), "detail": self._detail},
        )

    async def async_step_test(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the model a picture; a cold local model takes a minute or two."""
        if self._test_task is None:
            self._test_task = self.hass.async_create_background_task(
                shown(partial(self._server.check, self.hass)),
                f"{const.DOMAIN} test of a model",
                eager_start=False,
            )
        if not self._test_task.done():
            return self.async_show_progress(
                step_id="test",
                progress_action="test",
                description_placeholders={
                    "model": self._server.model,
                    "seconds": str(const.CONNECTION_TEST_S),
                },
                progress_task=self._test_task,
            )
        return self.async_show_progress_done(next_step_id="tested")

    async def async_step_tested(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Go where the test's outcome leads."""
        task, self._test_task = self._test_task, None
        if task is None:
            return await self.async_step_test()
        outcome = task.result()
        if isinstance(outcome, ProviderError):
            return await self._show_fault(outcome)
        if outcome.sees_pictures or self.source == SOURCE_REAUTH:
            return await self.async_step_add_anyway()
        self._detail = plain(outcome.answer)
        return await self.async_step_blind()

    async def async_step_blind(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """The model named another colour than was shown: ask whether to go on."""
        return self.async_show_menu(
            step_id="blind",
            menu_options=["model", "add_anyway"],
            description_placeholders={"model": self._server.model, "answer": self._detail},
        )

    async def async_step_add_anyway(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Take the server and its model."""
        server = self._server
        if self.source == SOURCE_REAUTH:
            entry = self._get_reauth_entry()
            return self.async_update_and_abort(
                entry,
                unique_id=server.unique_id,
                data_updates={const.CONF_API_KEY: server.api_key},
            )
        before = self._get_reconfigure_entry() if self.source == SOURCE_RECONFIGURE else None
        if server.consented != server.base_url and newly_outside(server.data, before):
            return await self.async_step_consent()
        return await self._finish(title=server.model, data=server.data, unique_id=server.unique_id)

    async def async_step_consent(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Say where pictures will go, and ask."""
        return self.async_show_menu(
            step_id="consent",
            menu_options=["consent_given", "server"],
            description_placeholders={"server": self._server.host},
        )

    async def async_step_consent_given(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Pictures may go to that server."""
        self._server.consented = self._server.base_url
        return await self.async_step_add_anyway()

    @override
    async def async_step_hassio(self, discovery_info: HassioServiceInfo) -> ConfigFlowResult:
        """The bridge's app has started and nobody has added it yet."""
        if (bridge := AppBridge.of(discovery_info.config)) is None:
            return self.async_abort(reason="not_a_bridge")
        await self.async_set_unique_id(f"app_{bridge.bridge}")
        self._abort_if_unique_id_configured()  # where it is to be ignored
        if bridge.known(self._hubs()):
            return self.async_abort(reason="bridge_known")
        self._app_bridge = bridge
        self.context["title_placeholders"] = {"name": discovery_info.name}
        return await self.async_step_app_bridge()

    async def async_step_app_bridge(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for its name, and make a hub for it where there is none."""
        assert self._app_bridge is not None
        hubs = self._hubs()
        if user_input is not None and (name := user_input[CONF_NAME].strip()):
            address = default_address(self.hass)
            if not hubs:
                self._first_bridges = [self._app_bridge.kept(name, address)]
                return await self.async_step_user()
            hub = next((hub for hub in hubs if hub.entry_id == user_input.get(CONF_HUB)), hubs[0])
            if not self._app_bridge.known(hubs):
                self.hass.config_entries.async_add_subentry(
                    hub, self._app_bridge.subentry(name, address)
                )
            return self.async_abort(
                reason="bridge_added", description_placeholders={"name": name, "hub": hub.title}
            )
        return self.async_show_form(
            step_id="app_bridge",
            data_schema=name_schema(hubs),
            errors={} if user_input is None else {CONF_NAME: "name_missing"},
        )

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """The server refuses the key."""
        self._server.recall(entry_data)
        self._server.model = entry_data[const.CONF_MODEL]
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a new key."""
        if user_input is not None:
            self._server.api_key = user_input[const.CONF_API_KEY].strip()
            self._abort_if_taken(self._server.unique_id, own=self._get_reauth_entry())
            return await self.async_step_test()
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=KEY_SCHEMA,
            errors=self._taken_errors(),
            description_placeholders={
                "server": self._server.host,
                "model": self._server.model,
                "detail": self._detail,
            },
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask who shall write the words from now on."""
        return self.async_show_menu(step_id="reconfigure", menu_options=["builtin", "server"])

    @override
    async def async_on_create_entry(self, result: ConfigFlowResult) -> ConfigFlowResult:
        """Go on with the first bridge, without which a hub sees nothing, or with the first camera."""
        missing = const.SUBENTRY_CAMERA if self._first_bridges else const.SUBENTRY_BRIDGE
        flow = await self.hass.config_entries.subentries.async_init(
            (result["result"].entry_id, missing), context=SubentryFlowContext(source=SOURCE_USER)
        )
        result["next_flow"] = (FlowType.CONFIG_SUBENTRIES_FLOW, flow["flow_id"])
        return result

    # -- private ------------------------------------------------------------------------------------------------

    @property
    def _stored(self) -> Mapping[str, Any]:
        """Return what is kept of the hub whose server is changed."""
        known = self.source == SOURCE_RECONFIGURE
        return self._get_reconfigure_entry().data if known else {}

    async def _show_fault(self, error: ProviderError) -> ConfigFlowResult:
        place = PLACES[error.fault]
        self._detail = without_markup(error.message)
        if self.source == SOURCE_REAUTH:
            field = place.field if place.field == const.CONF_API_KEY else "base"
            self._errors = {field: place.error}
            return await self.async_step_reauth_confirm()
        self._errors = {place.field: place.error}
        if place.step == "server":
            return await self.async_step_server()
        return await self.async_step_model()

    async def _finish(
        self, *, title: str, data: dict[str, Any], unique_id: str
    ) -> ConfigFlowResult:
        if self.source == SOURCE_RECONFIGURE:
            entry = self._get_reconfigure_entry()
            self._abort_if_taken(unique_id, own=entry)
            titled_by_us = entry.title in (BUILTIN_TITLE, entry.data.get(const.CONF_MODEL))
            return self.async_update_and_abort(
                entry,
                unique_id=unique_id,
                title=title if titled_by_us else entry.title,
                data=data,
            )
        await self.async_set_unique_id(unique_id)
        self._abort_if_unique_id_configured()
        return self.async_create_entry(
            title=title,
            data=data,
            subentries=self._first_bridges,
            options={
                const.CONF_MQTT_PREFIX: free_prefix(self._hubs()),
                const.CONF_CONCURRENCY: const.DEFAULT_CONCURRENCY,
            },
        )

    def _hubs(self) -> list[ConfigEntry]:
        return self._async_current_entries(include_ignore=False)

    def _abort_if_taken(self, unique_id: str, own: ConfigEntry | None = None) -> None:
        if own is None and self.source == SOURCE_RECONFIGURE:
            own = self._get_reconfigure_entry()
        for entry in self._hubs():
            if entry is not own and entry.unique_id == unique_id:
                raise AbortFlow("already_configured")

    def _taken_errors(self) -> dict[str, str]:
        errors, self._errors = self._errors, {}
        return errors
