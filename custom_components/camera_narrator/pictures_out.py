"""How many pictures left the house today: counted over restarts, from midnight to midnight of the house's own clock."""

from collections.abc import Callable
from datetime import datetime

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_track_time_change

from .coordinator import HubCoordinator
from .hub_limits import LocalDays
from .memory import MemoryStore
from .pipeline.clock import Clock


class PicturesOut:
    """Counts for one hub; what is stored is what is shown."""

    def __init__(
        self,
        hass: HomeAssistant,
        *,
        clock: Clock,
        memory: MemoryStore,
        coordinator: HubCoordinator,
        outside: Callable[[], bool],
    ) -> None:
        """Count nothing yet; ``outside`` tells whether what is sent now leaves the house."""
        self._hass = hass
        self._clock = clock
        self._memory = memory
        self._coordinator = coordinator
        self._outside = outside
        self._days = LocalDays()
        self._stop: CALLBACK_TYPE | None = None

    @callback
    def start(self) -> None:
        """Go on from what was counted today, and begin anew at midnight."""
        self._show()
        self._stop = async_track_time_change(self._hass, self._midnight, hour=0, minute=0, second=0)

    @callback
    def stop(self) -> None:
        """Wait for no midnight any more."""
        if self._stop is not None:
            self._stop()
            self._stop = None

    @callback
    def sent(self, pictures: int) -> None:
        """Pictures go to the model server; they count where it stands outside, also where no answer comes."""
        if self._outside():
            self.left(pictures)

    @callback
    def left(self, pictures: int) -> None:
        """Pictures have left the house, whoever sent them."""
        if pictures:
            self._memory.send_out(self._day, self._today + pictures)
            self._show()

    @property
    def _day(self) -> str:
        return self._days(self._clock.wall()).key

    @property
    def _today(self) -> int:
        day, pictures = self._memory.sent_out
        return pictures if day == self._day else 0

    @callback
    def _midnight(self, _now: datetime) -> None:
        self._show()

    def _show(self) -> None:
        self._coordinator.update(pictures_out=self._today)
