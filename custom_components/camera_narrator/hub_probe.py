"""Finds out once what a model server can do: at rest, after its first answer, within the hub's limits and money."""

import asyncio
from datetime import datetime
import logging
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from .const import DOMAIN
from .coordinator import NarratorConfigEntry
from .pipeline.clock import Clock
from .pipeline.errors import ProviderError
from .pipeline.limiter import Limiter
from .pipeline.provider import Provider
from .pipeline.spending import Cost
from .pipeline.turn import Turn, Urgency
from .pipeline.vocabulary import Saving
from .providers.server_facts import ServerFacts

if TYPE_CHECKING:  # the client library stays out where only the built-in describer writes
    from .providers.probe import Probe, Stage

_LOGGER = logging.getLogger(__name__)

AFTER_S: Final = 30.0
"""After an answer: the first words of a visit and those that follow are not kept waiting."""
AGAIN_S: Final = 6 * 3600.0
"""Between two tries: a server that contradicts itself all day costs a few cents, not the day's money."""
QUEUE: Final = "the probe"
"""Its name among the cameras that wait for a turn."""
QUESTION_TOKENS: Final = 150
ANSWER_TOKENS: Final = 60
"""What one question takes besides its pictures."""


@runtime_checkable
class Probed(Protocol):
    """A provider of which there is something to find out."""

    @property
    def facts(self) -> ServerFacts:
        """Return what is known."""
        ...

    def probe(self) -> Probe:
        """Return what finds out more."""
        ...


class HubProbe:
    """Waits for its moment; a look that is due comes first."""

    def __init__(
        self, hass: HomeAssistant, entry: NarratorConfigEntry, *, clock: Clock, limiter: Limiter
    ) -> None:
        """Plan nothing yet."""
        self._hass = hass
        self._entry = entry
        self._clock = clock
        self._limiter = limiter
        self._provider: object = None
        self._timer: CALLBACK_TYPE | None = None
        self.task: asyncio.Task[None] | None = None
        """The probe under way, or the last one."""
        self._again_s = float("-inf")

    @callback
    def change(self, provider: Provider) -> None:
        """Take another provider; what was planned for the one before is off."""
        self.stop()
        self._provider = provider
        self._again_s = float("-inf")

    @callback
    def answered(self) -> None:
        """Plan a probe where the provider works and there is something to find out."""
        running = self.task is not None and not self.task.done()
        if self._timer is None and not running and self._due():
            self._timer = async_call_later(self._hass, AFTER_S, self._look)

    @callback
    def stop(self) -> None:
        """Plan no more."""
        if self._timer is not None:
            self._timer()
            self._timer = None

    def _due(self) -> bool:
        provider = self._provider
        return (
            isinstance(provider, Probed)
            and provider.facts.probed_wall_s is None
            and self._clock.monotonic() >= self._again_s
        )

    @callback
    def _look(self, _now: datetime) -> None:
        self._timer = None
        limiter = self._limiter
        busy = limiter.waiting or limiter.in_flight or limiter.held_until_s is not None
        if busy or limiter.standing().saving is not Saving.NONE:
            self._timer = async_call_later(self._hass, AFTER_S, self._look)
            return
        self.task = self._entry.async_create_background_task(
            self._hass, self._run(), f"{DOMAIN} probe of a model server"
        )

    async def _run(self) -> None:
        from .providers.probe import Stage  # noqa: PLC0415 - loaded with the provider that is asked

        provider = self._provider
        try:
            if not isinstance(provider, Probed):
                return
            self._again_s = self._clock.monotonic() + AGAIN_S
            probe = provider.probe()
            for stage in Stage:
                await self._ask(probe, stage)
            if provider is self._provider:
                await probe.finish(self._clock.wall())
        except ProviderError as error:
            _LOGGER.debug("The model server brought no answer to a question about it: %s", error)

    async def _ask(self, probe: Probe, stage: Stage) -> None:
        """Ask one stage in a turn of its own."""
        limiter = self._limiter

        def estimate() -> Cost:
            rule = limiter.terms.tariff.pictures
            pictures = sum(rule.tokens(*size) for size in probe.pictures(stage))
            return limiter.estimator.cost(QUESTION_TOKENS + pictures, ANSWER_TOKENS)

        turn = Turn(limiter, QUEUE, Urgency.CATCH_UP, new=False, estimate=estimate)
        async with turn:
            try:
                asked = await probe.ask(stage)
            except ProviderError as error:
                limiter.failed(error, turn)
                raise
            given, taken = asked.usage.input_tokens, asked.usage.output_tokens
            if given is not None:
                cost = limiter.estimator.cost(given, taken or ANSWER_TOKENS)
                turn.used = Cost(
                    requests=asked.requests,
                    tokens=cost.tokens * asked.requests,
                    usd=cost.usd * asked.requests,
                )
