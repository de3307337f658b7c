"""The dialog that adds a camera: tries its address through a bridge, shows what the bridge saw, keeps it."""

import asyncio
from collections.abc import Mapping
from typing import Any, override

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntryState,
    ConfigSubentry,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME
from homeassistant.core import callback
from homeassistant.helpers.selector import BooleanSelector
import voluptuous as vol

from . import camera_rules, const, only_for
from .bridge_link import BridgeLink
from .camera_address import Address, InvalidAddress, camera_key
from .camera_areas import Areas, InvalidAreas
from .camera_drawing import drawn
from .camera_facts import complaint, facts, picture
from .camera_form import (
    CONF_ADD_ANYWAY,
    flat,
    pushed_schema,
    rtsp_schema,
    suggested,
    typed_before,
)
from .camera_probe import Outcome, tried
from .cost_words import estimate
from .gateway import async_setup_http
from .preview import async_setup_previews
from .progress import shown
from .protocol import Capability, Source, Transport

EXAMPLE = "rtsp://192.168.1.30:554/stream2"
AREAS_EXAMPLE = "0,0 50,0 50,30 0,30; 60,60 100,60 100,100"
CONF_OTHER_ADDRESS = "other_address"
_CONFIRM = vol.Schema({vol.Optional(CONF_OTHER_ADDRESS, default=False): BooleanSelector()})
CONF_OTHER_AREAS = "other_areas"
_AREAS = vol.Schema({vol.Optional(CONF_OTHER_AREAS, default=False): BooleanSelector()})


class CameraFlow(ConfigSubentryFlow):
    """Adds a camera to a hub, or changes one."""

    def __init__(self) -> None:
        """Begin with nothing typed."""
        self._typed: dict[str, Any] = {}
        self._address = Address(url="")
        self._areas = Areas()
        self._rules: list[dict[str, Any]] = []
        self._errors: dict[str, str] = {}
        self._complaint: dict[str, str] = {}
        """What the words of an error speak of."""
        self._away = False
        self._probe_task: asyncio.Task[Outcome] | None = None
        self._outcome = Outcome()
        self._preview = ""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask where the pictures come from."""
        if not self._bridges():
            return self.async_abort(reason="no_bridge")
        return self.async_show_menu(
            step_id="user", menu_options=[Source.RTSP.value, Source.PUSHED.value]
        )

    async def async_step_rtsp(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for the address and all else of a camera that a bridge pulls."""
        if user_input is not None and (result := await self._take_rtsp(user_input)) is not None:
            return result
        return await self._show_form("rtsp")

    async def async_step_pushed(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for all of a camera whose client sends by itself."""
        if user_input is not None:
            self._take(user_input)
            if not self._errors:
                return self._finish()
        return await self._show_form("pushed")

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show the same form again, with what holds now."""
        subentry = self._get_reconfigure_subentry()
        if not self._bridges():
            return self.async_abort(reason="no_bridge")
        if not self._typed:
            self._typed = typed_before(subentry)
            self._address = Address(
                url=subentry.data.get(const.CONF_URL, ""),
                username=subentry.data.get(const.CONF_USERNAME, ""),
                password=subentry.data.get(const.CONF_PASSWORD, ""),
            )
            self._areas = Areas.of(subentry.data)
        if subentry.data[const.CONF_SOURCE] == Source.PUSHED:
            if user_input is not None:
                self._take(user_input)
                if not self._errors:
                    return self._finish()
        elif user_input is not None and (result := await self._take_rtsp(user_input)) is not None:
            return result
        return await self._show_form("reconfigure")

    async def async_step_probe(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Let the bridge try the address."""
        if self._probe_task is None:
            self._probe_task = self.hass.async_create_background_task(
                shown(self._probe), f"{const.DOMAIN} probe of a camera", eager_start=False
            )
        if not self._probe_task.done():
            return self.async_show_progress(
                step_id="probe",
                progress_action="probe",
                description_placeholders={"bridge": self._bridge_title()},
                progress_task=self._probe_task,
            )
        return self.async_show_progress_done(next_step_id="probed")

    async def async_step_probed(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show what the bridge saw, or say what was wrong and ask again."""
        task, self._probe_task = self._probe_task, None
        if task is None:
            return await self.async_step_probe()
        outcome = self._outcome = task.result()
        if outcome.probed is None:
            self._errors = {outcome.field: outcome.error}
            self._away = outcome.away
            return await self._show_form("reconfigure" if self._reconfigures else "rtsp")
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show the picture and the facts; keep the camera on the next click, or go back to its address."""
        if user_input is not None:
            if not user_input[CONF_OTHER_ADDRESS]:
                return self._finish()
            return await self._show_form("reconfigure" if self._reconfigures else "rtsp")
        assert self._outcome.probed is not None
        return self.async_show_form(
            step_id="confirm",
            data_schema=_CONFIRM,
            description_placeholders={
                "preview": await self._show_picture(),
                **await facts(self.hass, self._outcome.probed),
            },
            last_step=True,
        )

    async def async_step_areas(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show the picture with changed areas; keep them on the next click, or go back to the form."""
        if user_input is not None:
            if not user_input[CONF_OTHER_AREAS]:
                return self._finish()
            return await self._show_form("reconfigure")
        return self.async_show_form(
            step_id="areas",
            data_schema=_AREAS,
            description_placeholders={"preview": await self._show_picture()},
            last_step=True,
        )

    @callback
    @override
    def async_remove(self) -> None:
        """Let the picture go with the dialog."""
        self._drop_preview()

    async def _show_picture(self) -> str:
        """Return the words that show the camera as far as it was seen, with the areas drawn into it."""
        self._drop_preview()
        jpeg = self._outcome.preview or self._latest()
        if jpeg is None:
            return ""
        jpeg = await self.hass.async_add_executor_job(drawn, jpeg, self._areas)
        self._preview = async_setup_previews(self.hass).keep(jpeg)
        return await picture(self.hass, self._preview, self._areas)

    def _latest(self) -> bytes | None:
        """Return the newest picture of a camera that is there already."""
        entry = self._get_entry()
        if not self._reconfigures or entry.state is not ConfigEntryState.LOADED:
            return None
        camera = entry.runtime_data.cameras.get(self._get_reconfigure_subentry().subentry_id)
        frame = None if camera is None else camera.source.latest()
        return None if frame is None else frame.jpeg

    def _drop_preview(self) -> None:
        if self._preview:
            async_setup_previews(self.hass).forget(self._preview)
            self._preview = ""

    # -- taking what was typed ----------------------------------------------------------------------------------

    async def _take_rtsp(self, user_input: Mapping[str, Any]) -> SubentryFlowResult | None:
        """Return the next step, or None where the form must be shown again."""
        self._take(user_input)
        before = self._address
        username = user_input.get(const.CONF_USERNAME, "")
        password = user_input.get(const.CONF_PASSWORD, "")
        if not password and username and username.strip() == before.username:
            password = before.password
        try:
            address = Address.read(user_input[const.CONF_URL], username=username, password=password)
        except InvalidAddress as error:
            self._errors[const.CONF_URL] = str(error)
            return None
        self._address = address
        self._typed |= {const.CONF_URL: address.url, const.CONF_USERNAME: address.username}
        if self._is_taken(address.identity):
            self._errors[const.CONF_URL] = "already_configured"
        await self._take_areas()
        if self._errors:
            return None
        if self._away and user_input.get(CONF_ADD_ANYWAY):
            return self._finish()
        if not self._needs_probe():
            kept = Areas.of(self._get_reconfigure_subentry().data)
            if self._areas == kept or self._latest() is None:
                return self._finish()
            return await self.async_step_areas()
        if self._link() is None:
            self._errors[const.CONF_BRIDGE] = "bridge_away"
            return None
        return await self.async_step_probe()

    async def _take_areas(self) -> None:
        try:
            self._areas = Areas.read(flat(self._typed))
        except InvalidAreas as error:
            # A browser shows no error at a field inside a section.
            self._errors[const.SECTION_ADVANCED] = error.key
            self._complaint = await complaint(self.hass, error)
            return
        link = self._link()
        if (
            self._areas.masks
            and link is not None
            and Capability.MASKS not in link.hello.capabilities
        ):
            self._errors[const.CONF_BRIDGE] = "bridge_cannot_mask"

    def _take(self, user_input: Mapping[str, Any]) -> None:
        # A client that leaves the section out changes nothing in it.
        before = self._typed.get(const.SECTION_ADVANCED, {})
        self._typed = {const.SECTION_ADVANCED: before, **user_input}
        self._errors = {}
        if not user_input[CONF_NAME].strip():
            self._errors[CONF_NAME] = "name_missing"
        if only_for.unnamed(self._get_entry(), self._link(), flat(self._typed)):
            self._errors[const.SECTION_ADVANCED] = "only_for_unnamed"
        self._take_rules()

    def _take_rules(self) -> None:
        kept = (
            self._get_reconfigure_subentry().data.get(const.CONF_RULES, [])
            if self._reconfigures
            else []
        )
        try:
            self._rules = camera_rules.read(self._typed.get(const.CONF_RULES, ()), kept)
        except camera_rules.InvalidRules as error:
            self._errors[const.CONF_RULES] = str(error)
            return
        answers = self._get_entry().data[const.CONF_PROVIDER] != const.PROVIDER_BUILTIN
        if self._rules and self._rules != kept and not answers:
            self._errors[const.CONF_RULES] = "rules_need_model"

    def _needs_probe(self) -> bool:
        if not self._reconfigures:
            return True
        before = self._get_reconfigure_subentry().data
        after = self._data()
        return any(
            before.get(key) != after.get(key)
            for key in (
                const.CONF_URL,
                const.CONF_USERNAME,
                const.CONF_PASSWORD,
                const.CONF_TRANSPORT,
                const.CONF_BRIDGE,
            )
        )

    # -- the bridge ---------------------------------------------------------------------------------------------

    async def _probe(self) -> Outcome:
        return await tried(
            self._link(),
            self._address,
            transport=Transport(flat(self._typed)[const.CONF_TRANSPORT]),
            masks=self._areas.masks,
        )

    def _link(self) -> BridgeLink | None:
        return async_setup_http(self.hass).link(self._typed[const.CONF_BRIDGE])

    def _bridges(self) -> list[ConfigSubentry]:
        return list(self._get_entry().get_subentries_of_type(const.SUBENTRY_BRIDGE))

    def _bridge_title(self) -> str:
        return self._get_entry().subentries[self._typed[const.CONF_BRIDGE]].title

    # -- forms and the end --------------------------------------------------------------------------------------

    async def _show_form(self, step_id: str) -> SubentryFlowResult:
        errors, self._errors = self._errors, {}
        pushed = step_id == "pushed" or (
            self._reconfigures
            and self._get_reconfigure_subentry().data[const.CONF_SOURCE] == Source.PUSHED
        )
        schema = (
            pushed_schema(self._bridges(), unfolded=const.SECTION_ADVANCED in errors)
            if pushed
            else rtsp_schema(
                self._bridges(),
                add_anyway=self._away,
                unfolded=const.SECTION_ADVANCED in errors,
            )
        )
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(schema, suggested(self._typed)),
            errors=errors,
            description_placeholders={
                "example": EXAMPLE,
                "areas_example": AREAS_EXAMPLE,
                "estimate": await estimate(self.hass, self._get_entry(), flat(self._typed)),
                "preview": "" if pushed else await self._show_picture(),
                **self._complaint,
            },
        )

    def _finish(self) -> SubentryFlowResult:
        title = self._typed[CONF_NAME].strip()
        if self._reconfigures:
            subentry = self._get_reconfigure_subentry()
            pushed = subentry.data[const.CONF_SOURCE] == Source.PUSHED
            return self.async_update_and_abort(
                self._get_entry(),
                subentry,
                title=title,
                data_updates=self._data(),
                unique_id=subentry.unique_id if pushed else self._address.identity,
            )
        key = camera_key(title, self._taken_keys())
        pushed = const.CONF_URL not in self._typed
        return self.async_create_entry(
            title=title,
            data={
                const.CONF_KEY: key,
                const.CONF_SOURCE: (Source.PUSHED if pushed else Source.RTSP).value,
                const.CONF_ENABLED: True,
                **self._data(),
            },
            unique_id=key if pushed else self._address.identity,
            description="pushed" if pushed else None,
            description_placeholders={"key": key},
        )

    def _data(self) -> dict[str, Any]:
        data = flat(self._typed)
        data.pop(const.CONF_RULES, None)
        if self._rules or (
            self._reconfigures and const.CONF_RULES in self._get_reconfigure_subentry().data
        ):
            data[const.CONF_RULES] = self._rules
        if const.CONF_URL in data:
            data |= {
                const.CONF_URL: self._address.url,
                const.CONF_USERNAME: self._address.username,
                const.CONF_PASSWORD: self._address.password,
                **self._areas.stored(),
            }
        return data

    @property
    def _reconfigures(self) -> bool:
        return self.source == SOURCE_RECONFIGURE

    def _is_taken(self, unique_id: str) -> bool:
        own = self._get_reconfigure_subentry() if self._reconfigures else None
        return any(
            subentry is not own and subentry.unique_id == unique_id
            for subentry in self._get_entry().get_subentries_of_type(const.SUBENTRY_CAMERA)
        )

    def _taken_keys(self) -> set[str]:
        return {
            subentry.data[const.CONF_KEY]
            for subentry in self._get_entry().get_subentries_of_type(const.SUBENTRY_CAMERA)
        }
