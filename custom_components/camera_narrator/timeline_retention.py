"""How long and how much of the past is kept, as the user chose it."""

from dataclasses import dataclass
from typing import Final

from . import const
from .coordinator import NarratorConfigEntry
from .timeline_record import Bounds

DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Days, bytes, and the cameras there are."""

    days: int
    """0: nothing at all."""
    size_bytes: int
    cameras: frozenset[str]

    @classmethod
    def of(cls, entry: NarratorConfigEntry) -> Retention:
        """Return what holds for a hub now."""
        options = entry.options
        megabytes = options.get(const.CONF_TIMELINE_MB, const.DEFAULT_TIMELINE_MB)
        cameras = entry.get_subentries_of_type(const.SUBENTRY_CAMERA)
        return cls(
            days=int(options.get(const.CONF_TIMELINE_DAYS, const.DEFAULT_TIMELINE_DAYS)),
            size_bytes=int(megabytes) * 2**20,
            cameras=frozenset(camera.subentry_id for camera in cameras),
        )

    def bounds(self, wall_s: float) -> Bounds:
        """Return what is out of bounds at that moment."""
        return Bounds(
            from_wall_s=wall_s - self.days * DAY_S if self.days else float("inf"),
            size_bytes=self.size_bytes,
            cameras=self.cameras,
        )
