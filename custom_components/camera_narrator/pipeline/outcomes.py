"""What became of frames, in numbers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """How the received frames of one (epoch, camera) ended, and where the others are now."""

    received: int = 0
    """Duplicates apart."""
    rejected: int = 0
    analysed: int = 0
    failed: int = 0
    gated: int = 0
    not_selected: int = 0
    evicted: int = 0
    buffered: int = 0
    in_flight: int = 0
    duplicates: int = 0
    resent: int = 0

    @property
    def settled(self) -> int:
        """Return the number of frames with an outcome."""
        return (
            self.rejected
            + self.analysed
            + self.failed
            + self.gated
            + self.not_selected
            + self.evicted
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where every sampled frame of one (epoch, camera) is; ``lost`` is computed, so it shows what nobody counted."""

    sampled: int = 0
    replaced: int = 0
    overflowed: int = 0
    withdrawn: int = 0
    unacknowledged: int = 0
    base: int = 0
    """Settled by an earlier run of Home Assistant."""
    outcomes: Outcomes = Outcomes()

    @property
    def lost(self) -> int:
        """Return what is in no counter; exact whenever the camera is at rest."""
        bridge = self.replaced + self.overflowed + self.withdrawn + self.unacknowledged
        here = self.base + self.outcomes.settled + self.outcomes.buffered + self.outcomes.in_flight
        return self.sampled - bridge - here
