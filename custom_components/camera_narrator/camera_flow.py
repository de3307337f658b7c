"""The dialog that adds a camera: tries its address through a bridge, shows what the bridge saw, keeps it."""

import asyncio
from collections.abc import Mapping
from functools import cached_property
from typing import Any, override

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntryState,
    ConfigSubentry,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.core import callback
from homeassistant.helpers.selector import BooleanSelector
import voluptuous as vol

from . import const
from .camera_address import camera_key
from .camera_draft import CameraDraft
from .camera_facts import complaint, facts
from .camera_form import CONF_ADD_ANYWAY, flat, pushed_schema, rtsp_schema, suggested
from .camera_picture import CameraPicture
from .camera_probe import Outcome, tried
from .cost_words import estimate
from .progress import shown
from .protocol.vocabulary import Source, Transport

EXAMPLE = "rtsp://192.168.1.30:554/stream2"
AREAS_EXAMPLE = "0,0 50,0 50,30 0,30; 60,60 100,60 100,100"
CONF_OTHER_ADDRESS = "other_address"
_CONFIRM = vol.Schema({vol.Optional(CONF_OTHER_ADDRESS, default=False): BooleanSelector()})
CONF_OTHER_AREAS = "other_areas"
_AREAS = vol.Schema({vol.Optional(CONF_OTHER_AREAS, default=False): BooleanSelector()})


class CameraFlow(ConfigSubentryFlow):
    """Adds a camera to a hub, or changes one."""

    def __init__(self) -> None:
        """Begin before anything was tried."""
        self._away = False
        self._probe_task: asyncio.Task[Outcome] | None = None
        self._outcome = Outcome()

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask where the pictures come from."""
        if not self._bridges():
            return self.async_abort(reason="no_bridge")
        return self.async_show_menu(
            step_id="user", menu_options=[Source.RTSP.value, Source.PUSHED.value]
        )

    async def async_step_rtsp(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for the address and all else of a camera that a bridge pulls."""
        return await self._ask(user_input)

    async def async_step_pushed(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for all of a camera whose client sends by itself."""
        self._draft.source = Source.PUSHED
        return await self._ask(user_input)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show the same form again, with what holds now."""
        if not self._bridges():
            return self.async_abort(reason="no_bridge")
        return await self._ask(user_input)

    async def async_step_probe(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Let the bridge try the address."""
        if self._probe_task is None:
            self._probe_task = self.hass.async_create_background_task(
                shown(self._probe), f"{const.DOMAIN} probe of a camera", eager_start=False
            )
        if not self._probe_task.done():
            bridge = self._get_entry().subentries[self._draft.typed[const.CONF_BRIDGE]]
            return self.async_show_progress(
                step_id="probe",
                progress_action="probe",
                description_placeholders={"bridge": bridge.title},
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
            self._draft.errors = {outcome.field: outcome.error}
            self._away = outcome.away
            return await self._show_form()
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show the picture and the facts; keep the camera on the next click, or go back to its address."""
        if user_input is not None:
            return await self._show_form() if user_input[CONF_OTHER_ADDRESS] else self._finish()
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
            return await self._show_form() if user_input[CONF_OTHER_AREAS] else self._finish()
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
        self._picture.drop()

    # -- the one form -------------------------------------------------------------------------------------------

    async def _ask(self, user_input: Mapping[str, Any] | None) -> SubentryFlowResult:
        """Show the form until nothing is wrong with it, then go on."""
        draft = self._draft
        if user_input is None:
            return await self._show_form()
        draft.take(user_input)
        if draft.errors:
            return await self._show_form()
        if draft.source is Source.PUSHED or (self._away and user_input.get(CONF_ADD_ANYWAY)):
            return self._finish()
        if not draft.needs_probe:
            seen = draft.areas_changed and self._latest() is not None
            return await self.async_step_areas() if seen else self._finish()
        if draft.link is None:
            draft.errors[const.CONF_BRIDGE] = "bridge_away"
            return await self._show_form()
        return await self.async_step_probe()

    async def _show_form(self) -> SubentryFlowResult:
        draft = self._draft
        errors, draft.errors = draft.errors, {}
        unfolded = const.SECTION_ADVANCED in errors
        pushed = draft.source is Source.PUSHED
        schema = (
            pushed_schema(self._bridges(), unfolded=unfolded)
            if pushed
            else rtsp_schema(self._bridges(), add_anyway=self._away, unfolded=unfolded)
        )
        return self.async_show_form(
            step_id=draft.source.value if draft.kept is None else "reconfigure",
            data_schema=self.add_suggested_values_to_schema(schema, suggested(draft.typed)),
            errors=errors,
            description_placeholders={
                "example": EXAMPLE,
                "areas_example": AREAS_EXAMPLE,
                "estimate": await estimate(self.hass, self._get_entry(), flat(draft.typed)),
                "preview": "" if pushed else await self._show_picture(),
                **await complaint(self.hass, draft.invalid_areas),
            },
        )

    def _finish(self) -> SubentryFlowResult:
        draft, entry = self._draft, self._get_entry()
        pushed = draft.source is Source.PUSHED
        if (kept := draft.kept) is not None:
            return self.async_update_and_abort(
                entry,
                kept,
                title=draft.title,
                data_updates=draft.data(),
                unique_id=kept.unique_id if pushed else draft.address.identity,
            )
        taken = {
            camera.data[const.CONF_KEY]
            for camera in entry.get_subentries_of_type(const.SUBENTRY_CAMERA)
        }
        key = camera_key(draft.title, taken)
        return self.async_create_entry(
            title=draft.title,
            data={
                const.CONF_KEY: key,
                const.CONF_SOURCE: draft.source.value,
                const.CONF_ENABLED: True,
                **draft.data(),
            },
            unique_id=key if pushed else draft.address.identity,
            description="pushed" if pushed else None,
            description_placeholders={"key": key},
        )

    # -- what the steps share -----------------------------------------------------------------------------------

    @cached_property
    def _draft(self) -> CameraDraft:
        reconfigures = self.source == SOURCE_RECONFIGURE
        kept_id = self._get_reconfigure_subentry().subentry_id if reconfigures else None
        return CameraDraft(self.hass, self._get_entry(), kept_id)

    @cached_property
    def _picture(self) -> CameraPicture:
        return CameraPicture(self.hass)

    async def _probe(self) -> Outcome:
        draft = self._draft
        return await tried(
            draft.link,
            draft.address,
            transport=Transport(flat(draft.typed)[const.CONF_TRANSPORT]),
            masks=draft.areas.masks,
        )

    async def _show_picture(self) -> str:
        """Return the words that show the camera as far as it was seen, with the areas drawn into it."""
        return await self._picture.show(self._outcome.preview or self._latest(), self._draft.areas)

    def _latest(self) -> bytes | None:
        """Return the newest picture of a camera that is there already."""
        entry, kept = self._get_entry(), self._draft.kept
        if kept is None or entry.state is not ConfigEntryState.LOADED:
            return None
        camera = entry.runtime_data.cameras.get(kept.subentry_id)
        frame = None if camera is None else camera.source.latest()
        return None if frame is None else frame.jpeg

    def _bridges(self) -> list[ConfigSubentry]:
        return list(self._get_entry().get_subentries_of_type(const.SUBENTRY_BRIDGE))
