"""One camera of a hub: its settings, its narration and what it publishes."""

import asyncio
from collections import Counter
from collections.abc import Mapping
import contextlib
from dataclasses import replace
import logging
from typing import TYPE_CHECKING, Any, override

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import callback
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.util import dt as dt_util

from . import const, local_only, only_for
from .camera_settings import capture_config, chosen
from .camera_triggers import CameraTriggers
from .coordinator import (
    BRIDGE_AWAY,
    SIGNAL_RULES_CHANGED,
    CameraCoordinator,
    CameraState,
    FiredRule,
)
from .entity import register_device
from .event_picture import async_setup_event_pictures
from .pipeline import narration
from .pipeline.accounting import Accounts
from .pipeline.limiter import Limiter
from .pipeline.looked import Looked
from .pipeline.models import (
    ActivityState,
    CameraMemory,
    Event,
    Failure,
    Frame,
    Narrative,
)
from .pipeline.narration import Sink
from .pipeline.outcomes import Account
from .pipeline.provider import Provider
from .pipeline.request import Usage
from .pipeline.rule import RuleState
from .pipeline.source import CameraSource
from .pipeline.threat import is_night, threat_level
from .pipeline.vocabulary import Look, Phase
from .protocol.camera import CameraConfig, CameraStatus
from .publisher import CameraPublisher
from .timeline import TimelineAwayError

if TYPE_CHECKING:
    from .hub import Hub

_LOGGER = logging.getLogger(__name__)

RESTART_FIRST_S = 1.0
RESTART_MAX_S = 300.0
"""A defect that every start meets again fills no log; what came by chance is over at once."""


class HubCamera(Sink):
    """Joins a camera's source, narration and publisher; everything here runs on Home Assistant's event loop."""

    def __init__(self, hub: Hub, subentry: ConfigSubentry) -> None:
        """Build the camera from its subentry; nothing runs before start()."""
        self.hub = hub
        self.subentry_id = subentry.subentry_id
        self._data: Mapping[str, Any] = subentry.data
        self.key: str = subentry.data[const.CONF_KEY]
        self.settings = chosen(hub.hass, hub.entry, subentry)
        self.source = CameraSource(
            camera=self.key,
            settings=self.settings,
            clock=hub.clock,
            memory=hub.memory.camera(self.subentry_id, hub.clock),
            show=self._show_activity,
        )
        self.accounts = Accounts(
            run_id=hub.run_id, outcomes=self.source.outcomes, settled=self.source.settled
        )
        """Where its frames are, whichever bridge brought them."""
        self.coordinator = CameraCoordinator(
            hub.hass,
            CameraState(enabled=self.settings.enabled, rules=self.source.memory.rules),
        )
        self._pictures = async_setup_event_pictures(hub.hass)
        self.publisher = CameraPublisher(hub, self)
        self._triggers = CameraTriggers(self)
        self.defects = 0
        """How often its narration broke off and began again."""
        self._writer: Provider | None = None
        """Who writes now."""
        self._task: asyncio.Task[None] | None = None

    @property
    def bridge_id(self) -> str | None:
        """Return the subentry of the bridge that captures this camera."""
        bridge: str | None = self._data.get(const.CONF_BRIDGE)
        return bridge

    @property
    def title(self) -> str:
        """Return the name the user gave it."""
        return self.settings.title

    @property
    def provider(self) -> Provider:
        """Return who writes its words; where its pictures must stay in the house, the second server there or the describer."""
        return self._written_by[0]

    @property
    def _written_by(self) -> tuple[Provider, Limiter]:
        hub = self.hub
        if not (local_only.stays(self._data) and hub.sends_out):
            return hub.provider, hub.limiter
        if (backup := hub.fallback.backup_for(self._data)) is not None:
            return backup.provider, backup.limiter
        return hub.understudy, hub.inner_limiter

    @property
    def misplaced(self) -> bool:
        """Return whether somebody else writes its words than may."""
        return self._writer is not None and self._writer is not self.provider

    @property
    def masked(self) -> bool:
        """Return whether a part of its picture must never leave its bridge."""
        return bool(self._data.get(const.CONF_MASKS))

    @callback
    def start(self) -> None:
        """Begin to narrate."""
        only_for.check(self)
        self._triggers.change(self._data)
        self._task = self.hub.entry.async_create_background_task(
            self.hub.hass, self._narrate(), f"{const.DOMAIN} narration of {self.key}"
        )

    async def restart(self) -> None:
        """Go on with the hub's provider of now; a request under way is given up, its pictures are shown again."""
        await self._end_narration()
        self.start()

    async def stop(self) -> None:
        """Stop like a crash would: an open event stays stored."""
        self._triggers.stop()
        await self._end_narration()
        self.coordinator.close()

    async def remove(self) -> None:
        """End the camera for good: its event ends, its frames get their outcome, its topics go."""
        self.source.withdraw()
        await self.stop()
        self.publisher.removed()
        self._pictures.forget(self.subentry_id)
        self.hub.memory.forget(self.subentry_id)

    @callback
    def change(self, subentry: ConfigSubentry) -> bool:
        """Take new settings over; return whether the bridge must hear of it."""
        before = self.capture_config(1)
        self._data = subentry.data
        register_device(self.hub.hass, self.hub.entry, subentry)
        settings = chosen(self.hub.hass, self.hub.entry, subentry)
        if settings != self.settings:
            rules_before, self.settings = self.settings.rules, settings
            self.source.change(settings)
            if settings.rules != rules_before:
                signal = SIGNAL_RULES_CHANGED.format(self.hub.entry.entry_id)
                async_dispatcher_send(self.hub.hass, signal, self)
            self.coordinator.update(enabled=settings.enabled)
        only_for.check(self)
        self._triggers.change(self._data)
        return self.capture_config(1) != before

    async def recall_picture(self) -> None:
        """Bring the picture of an event that was open over a restart back from the timeline."""
        event = self.source.memory.open_event
        if event is None:
            return
        with contextlib.suppress(TimelineAwayError):
            stored = await self.hub.timeline.picture(event.id)
            if stored is not None:
                self._pictures.restore(event, stored.jpeg, camera=self.subentry_id)

    def capture_config(self, number: int) -> CameraConfig:
        """Return what its bridge must know."""
        return capture_config(self._data, number)

    # -- what its bridge brings --------------------------------------------------------------------------------

    @callback
    def connect(
        self, *, epoch: str, reports_activity: bool, active: bool, detects: bool = False
    ) -> None:
        """Its bridge said hello."""
        self.source.connect(
            epoch=epoch, reports_activity=reports_activity, active=active, detects=detects
        )
        only_for.check(self)
        self.coordinator.update(counts=Counter() if detects else None)
        self.publisher.connecting()

    @callback
    def disconnect(self, problem: str = BRIDGE_AWAY) -> None:
        """Its bridge is gone, or must not have it for another reason."""
        self.source.disconnect()
        self.publisher.connected(connected=False, problem=problem)

    @callback
    def receive(self, frame: Frame) -> None:
        """Take a frame in; never waits."""
        self.source.receive(frame)
        self.publisher.saw(frame)

    @callback
    def observe(self, state: ActivityState) -> None:
        """Take an activity state in."""
        self.source.observe(state)
        if self.source.detects:
            counts = Counter(detection.label for detection in state.detections)
            self.coordinator.update(counts=counts if state.active else Counter())

    @callback
    def status(self, status: CameraStatus | None, account: Account) -> None:
        """Show how the camera fares."""
        self.publisher.status(status, account)

    @override
    @callback
    def watch(self, *, rate_fps: float, seconds: float) -> None:
        """Somebody looks: ask its bridge for more frames for a while."""
        bridge = self.hub.bridges.get(self.bridge_id or "")
        if bridge is not None and bridge.link is not None:
            bridge.link.watch(self.key, rate_fps=rate_fps, seconds=seconds)

    # -- what users ask of it -----------------------------------------------------------------------------------

    async def describe(self, prompt: str | None = None) -> Narrative:
        """Describe the present; raise NarratorError where there is no picture or no answer."""
        return await self.source.ask(prompt)

    async def set_enabled(self, *, on: bool) -> None:
        """Switch the narration, for good."""
        entry = self.hub.entry
        subentry = entry.subentries[self.subentry_id]
        self.hub.hass.config_entries.async_update_subentry(
            entry, subentry, data={**subentry.data, const.CONF_ENABLED: on}
        )

    def _show_activity(self, active: bool) -> None:
        """Show at once whether something moves, for lights."""
        self.publisher.activity(active=active)

    async def _narrate(self) -> None:
        """Narrate until cancelled or removed; a defect costs a moment, never the camera's events for good."""
        hub, pause_s = self.hub, RESTART_FIRST_S
        while not self.source.withdrawn:
            begun_s = hub.clock.monotonic()
            provider, limiter = self._written_by
            self._writer = provider
            first = provider is hub.provider
            elsewhere = hub.limits.asks_elsewhere and provider is not hub.understudy
            try:
                await narration.run(
                    self.source,
                    provider,
                    self,
                    limiter=limiter,
                    clock=hub.clock,
                    understudy=hub.understudy if elsewhere else None,
                    fallback=hub.fallback.backup_for(self._data) if elsewhere and first else None,
                )
            except Exception:
                self.defects += 1
                if hub.clock.monotonic() - begun_s > RESTART_MAX_S:
                    pause_s = RESTART_FIRST_S
                _LOGGER.exception(
                    "The narration of camera %s broke off; it goes on in %.0f s", self.key, pause_s
                )
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, RESTART_MAX_S)

    async def _end_narration(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    # -- the sink of its narration ------------------------------------------------------------------------------

    @override
    @callback
    def publish(self, event: Event) -> None:
        """Tell a phase of an event, with the attention it deserves."""
        began = dt_util.as_local(dt_util.utc_from_timestamp(event.span.from_wall_s))
        event = replace(event, threat_level=threat_level(event, night=is_night(began.hour)))
        key_frame = self.source.latest() if event.phase is not Phase.ENDED else None
        timeline, recent = self.hub.timeline, self.source.buffer.recent
        decided = self._pictures.decide(event, recent, camera=self.subentry_id)
        self.publisher.publish(event, key_frame=key_frame)
        timeline.tell(self.subentry_id, event)
        if decided is not None:
            timeline.show(self.subentry_id, event.id, decided)

    @override
    @callback
    def narrate(self, narrative: Narrative) -> None:
        """Show a sentence."""
        self.publisher.narrate(narrative)

    @override
    @callback
    def fail(self, failure: Failure | None) -> None:
        """Show why there are no words, or that there are again."""
        self.coordinator.update(failure=failure)
        if self._writer is not self.hub.provider:
            return  # the describer's answer tells nothing of the hub's provider
        if failure is not None:
            self.hub.provider_failed(failure)
        else:
            self.hub.provider_answered()
            only_for.check(self)  # an answer may have shown that the model knows only plain words

    @override
    @callback
    def rules(self, states: Mapping[str, RuleState], fired: tuple[str, ...]) -> None:
        """Show what is known of the rules, and tell of those that came true."""
        self.coordinator.update(rules=states)
        names = {rule.key: rule.name for rule in self.settings.rules}
        for key in fired:
            told = FiredRule(key=key, name=names.get(key, key), at_wall_s=states[key].fired_wall_s)
            self.coordinator.update(fired=told)

    @override
    @callback
    def remember(self, memory: CameraMemory) -> None:
        """Keep the story over a restart."""
        self.hub.memory.remember(self.subentry_id, memory)

    @override
    @callback
    def looked(self, looked: Looked) -> None:
        """Keep what a look showed and brought."""
        self.hub.timeline.look(self.subentry_id, looked)

    @override
    @callback
    def account(self, look: Look, usage: Usage) -> None:
        """Count requests and what they used."""
        state = self.coordinator.state
        tokens = (usage.input_tokens or 0) + (usage.output_tokens or 0)
        requests = state.requests + usage.requests
        self.coordinator.update(requests=requests, tokens=state.tokens + tokens)
