"""The hub's second model server: it writes where the first fails for good, must not be asked or is away for long."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from homeassistant.core import callback

from . import const, local_only
from .hub_limits import LocalDays, terms
from .pipeline.backup import Backup
from .pipeline.limiter import Limiter
from .providers.table import create_openai

if TYPE_CHECKING:
    from .hub import Hub


class HubFallback:
    """Makes it from the hub's options; it is contacted when it has to write, not sooner."""

    def __init__(self, hub: Hub) -> None:
        """Have none yet."""
        self._hub = hub
        self._options: Mapping[str, Any] = {}
        self.backup: Backup | None = None

    async def change(self) -> bool:
        """Take the options over; return whether cameras must go on with another one."""
        hub = self._hub
        asked = hub.limits.asks_elsewhere
        options = hub.entry.options.get(const.CONF_FALLBACK, {}) if asked else {}
        if options == self._options:
            return False
        self._options = dict(options)
        self.backup = None
        if not options:
            return True
        provider = await create_openai(hub.hass, self._data, hub.memory)
        provider.count_pictures(self._sent)
        limiter = Limiter(
            clock=hub.clock,
            terms=terms(self._data, self._options),
            calendar=LocalDays(),
            spent=hub.memory.fallback_spent,
            changed=self._count,
        )
        self.backup = Backup(provider=provider, limiter=limiter)
        return True

    def backup_for(self, camera: Mapping[str, Any]) -> Backup | None:
        """Return who may write for a camera: nobody outside where its pictures stay in the house."""
        return None if self.outside is not None and local_only.stays(camera) else self.backup

    @property
    def outside(self) -> str | None:
        """Return the host outside of the house to which its pictures go, if any."""
        return local_only.outside(self._data, self._options) if self._options else None

    @property
    def usd_today(self) -> float:
        """Return what it has cost today."""
        if self.backup is None:
            return 0.0
        return self.backup.limiter.spending.today(self._hub.clock.wall()).cost.usd

    @property
    def _data(self) -> dict[str, Any]:
        return {**self._options, const.CONF_PROVIDER: const.PROVIDER_OPENAI}

    @callback
    def _sent(self, pictures: int) -> None:
        if self.outside is not None:
            self._hub.pictures_out.left(pictures)

    @callback
    def _count(self) -> None:
        """Keep what it costs, and show it with what the first one costs."""
        if self.backup is not None:
            wall_s = self._hub.clock.wall()
            self._hub.memory.spend_fallback(self.backup.limiter.spending.committed(wall_s))
            self._hub.limits.show_money()
