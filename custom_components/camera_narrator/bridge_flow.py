"""The dialog that pairs a bridge: shows its token once, waits for it, and later renames it or renews the token."""

import asyncio
import secrets
from typing import Any, override

from homeassistant.config_entries import ConfigSubentryFlow, SubentryFlowResult
from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.network import NoURLAvailableError, get_url
from homeassistant.helpers.selector import (
    BooleanSelector,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
from homeassistant.loader import async_get_integration
import voluptuous as vol
from yarl import URL

from . import const
from .gateway import async_setup_http
from .progress import shown
from .protocol.messages import Hello
from .tokens import PendingBridge, token_hash

TOKEN_BYTES = 32
"""256 bits: looked up by hash, never guessed."""
PROGRESS_S = 5
"""How often the bar moves while the dialog waits."""
IMAGE = "cameranarrator/edge-bridge"
PACKAGE = "camera-narrator-edge-bridge"
REPOSITORY = "https://github.com/camera-narrator/camera-narrator"
"""Of the app; the same as the integration's."""
APP_STORE = URL("https://my.home-assistant.io/redirect/supervisor_add_addon_repository/")
"""Leads to one's own Home Assistant, with a repository to add to the app store."""
FOLDED = {"fold": "<details><summary>", "unfold": "</summary>", "end": "</details>"}
"""One way to start the bridge; closed until it is chosen. Translations themselves hold no markup of this kind."""
CONF_ROTATE = "rotate"

_ADDRESS = vol.Schema(
    {vol.Required(const.CONF_ADDRESS): TextSelector(TextSelectorConfig(type=TextSelectorType.URL))}
)
_NAME = vol.Schema({vol.Required(CONF_NAME): TextSelector()})
_RECONFIGURE = vol.Schema(
    {
        vol.Required(CONF_NAME): TextSelector(),
        vol.Required(const.CONF_ADDRESS): TextSelector(
            TextSelectorConfig(type=TextSelectorType.URL)
        ),
        vol.Required(CONF_ROTATE, default=False): BooleanSelector(),
    }
)


class BridgeFlow(ConfigSubentryFlow):
    """Adds a bridge to a hub, renames it, renews its token."""

    def __init__(self) -> None:
        """Make the token that this dialog shows."""
        self._token = secrets.token_urlsafe(TOKEN_BYTES)
        self._address = ""
        self._name = ""
        self._pending: PendingBridge | None = None
        self._wait_task: asyncio.Task[Hello | None] | None = None
        self._hello: Hello | None = None

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask under which address the bridge reaches Home Assistant."""
        errors: dict[str, str] = {}
        typed = self._address or default_address(self.hass)
        if user_input is not None:
            typed = user_input[const.CONF_ADDRESS]
            if (address := clean_address(typed)) is not None:
                self._address = address
                return await self.async_step_pair()
            errors[const.CONF_ADDRESS] = "invalid_address"
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(_ADDRESS, {const.CONF_ADDRESS: typed}),
            errors=errors,
        )

    async def async_step_pair(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Show how to start the bridge, which may come at once."""
        if user_input is not None:
            return await self.async_step_wait()
        self._pend()
        return self.async_show_form(
            step_id="pair",
            data_schema=vol.Schema({}),
            description_placeholders=await self._placeholders(),
        )

    async def async_step_wait(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Wait for the bridge."""
        if self._wait_task is None:
            pending = self._pend()
            self._wait_task = self.hass.async_create_background_task(
                shown(lambda: self._wait(pending)), f"{const.DOMAIN} pairing", eager_start=False
            )
        if not self._wait_task.done():
            return self.async_show_progress(
                step_id="wait",
                progress_action="wait",
                description_placeholders=await self._placeholders(),
                progress_task=self._wait_task,
            )
        return self.async_show_progress_done(next_step_id="waited")

    async def async_step_waited(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Go on with the bridge that came, or offer to wait on."""
        task, self._wait_task = self._wait_task, None
        if task is None:
            return await self.async_step_wait()
        if (hello := task.result()) is None:
            self._forget()
            return await self.async_step_timeout()
        known = next(
            (
                subentry.title
                for subentry in self._get_entry().get_subentries_of_type(const.SUBENTRY_BRIDGE)
                if subentry.data.get(const.CONF_BRIDGE_ID) == hello.bridge
            ),
            None,
        )
        if known is not None:
            return self.async_abort(
                reason="already_configured", description_placeholders={"name": known}
            )
        self._hello = hello
        return await self.async_step_name()

    async def async_step_timeout(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Nobody came: show the lines again and wait on, or change the address."""
        return self.async_show_menu(
            step_id="timeout",
            menu_options=["pair", "user"],
            description_placeholders={
                "minutes": str(const.PENDING_TOKEN_S // 60),
                "address": self._address,
            },
        )

    async def async_step_name(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask what to call the bridge that came, and keep it."""
        assert self._hello is not None
        if user_input is not None and (name := user_input[CONF_NAME].strip()):
            return self.async_create_entry(
                title=name,
                data={
                    const.CONF_TOKEN_HASH: token_hash(self._token),
                    const.CONF_OLD_TOKEN_HASHES: [],
                    const.CONF_BRIDGE_ID: self._hello.bridge,
                    const.CONF_ADDRESS: self._address,
                },
            )
        return self.async_show_form(
            step_id="name",
            data_schema=self.add_suggested_values_to_schema(
                _NAME, {CONF_NAME: self._hello.name or "Bridge"}
            ),
            errors={} if user_input is None else {CONF_NAME: "name_missing"},
            description_placeholders={"version": self._hello.version},
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for another name or address, and whether to renew the token."""
        subentry = self._get_reconfigure_subentry()
        errors: dict[str, str] = {}
        values = {
            CONF_NAME: subentry.title,
            const.CONF_ADDRESS: subentry.data.get(const.CONF_ADDRESS) or default_address(self.hass),
        }
        if user_input is not None:
            values |= user_input
            address = clean_address(user_input[const.CONF_ADDRESS])
            if address is None:
                errors[const.CONF_ADDRESS] = "invalid_address"
            if not (name := user_input[CONF_NAME].strip()):
                errors[CONF_NAME] = "name_missing"
            if address is not None and name:
                self._address, self._name = address, name
                if user_input[CONF_ROTATE]:
                    return await self.async_step_rotate()
                return self._update({})
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self.add_suggested_values_to_schema(_RECONFIGURE, values),
            errors=errors,
        )

    async def async_step_rotate(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show the new token; it counts, and the old one ends, when the user says that it is in place."""
        if user_input is not None:
            data = self._get_reconfigure_subentry().data
            hashes = [*data.get(const.CONF_OLD_TOKEN_HASHES, []), data[const.CONF_TOKEN_HASH]]
            return self._update(
                {
                    const.CONF_TOKEN_HASH: token_hash(self._token),
                    const.CONF_OLD_TOKEN_HASHES: hashes[-const.OLD_TOKENS :],
                    # A new token may go to another machine: it is bound to the first that comes with it.
                    const.CONF_BRIDGE_ID: None,
                }
            )
        self._pend()  # the bridge may come with the new token before this dialog is closed
        return self.async_show_form(
            step_id="rotate",
            data_schema=vol.Schema({}),
            description_placeholders=await self._placeholders(),
        )

    @callback
    @override
    def async_remove(self) -> None:
        """Forget the token with the dialog."""
        self._forget()

    # -- private ------------------------------------------------------------------------------------------------

    async def _wait(self, pending: PendingBridge) -> Hello | None:
        """Return the hello of the bridge, or None after the time that its token is known."""
        for waited_s in range(0, const.PENDING_TOKEN_S, PROGRESS_S):
            self.async_update_progress(waited_s / const.PENDING_TOKEN_S)
            arrived, _ = await asyncio.wait({pending.arrived}, timeout=PROGRESS_S)
            if arrived:
                # Cancelled where more dialogs opened than tokens are kept.
                return None if pending.arrived.cancelled() else pending.arrived.result()
        return None

    def _pend(self) -> PendingBridge:
        """Let the bridge in; where it is not here yet, its time begins anew."""
        if self._pending is None or not self._pending.arrived.done():
            self._pending = async_setup_http(self.hass).pend(self._token)
        return self._pending

    def _forget(self) -> None:
        if self._pending is not None:
            self._pending.close()
            self._pending = None

    def _update(self, updates: dict[str, Any]) -> SubentryFlowResult:
        return self.async_update_and_abort(
            self._get_entry(),
            self._get_reconfigure_subentry(),
            title=self._name,
            data_updates={const.CONF_ADDRESS: self._address, **updates},
        )

    async def _placeholders(self) -> dict[str, str]:
        integration = await async_get_integration(self.hass, const.DOMAIN)
        return {
            "token": self._token,
            "address": self._address,
            "image": f"{IMAGE}:{integration.version}",
            "package": PACKAGE,
            "app": str(APP_STORE.with_query(repository_url=REPOSITORY)),
            **FOLDED,
        }


def default_address(hass: HomeAssistant) -> str:
    """Return where a bridge in the house most likely reaches Home Assistant."""
    try:
        return get_url(hass, prefer_external=False, allow_cloud=False)
    except NoURLAvailableError:
        return "http://homeassistant.local:8123"


def clean_address(typed: str) -> str | None:
    """Return the address without what does not belong to it, or None for what is none."""
    try:
        url = URL(typed.strip())
    except ValueError:
        return None
    if url.scheme not in ("http", "https") or not url.host or url.user or url.password:
        return None
    return str(url.origin().with_path(url.path)).rstrip("/")
