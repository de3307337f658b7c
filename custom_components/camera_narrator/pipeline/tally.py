"""How the frames of each epoch ended: one counter for each, changed in one place."""

from dataclasses import dataclass, field
from enum import StrEnum

from .models import Frame
from .outcomes import Outcomes
from .sequences import Sequences

EPOCHS_MAX = 16
"""Epochs listed: a bridge that dies every 6 s for the whole length of the buffer."""


class Fate(StrEnum):
    """The one outcome of a frame; the names are those of outcomes.Outcomes."""

    REJECTED = "rejected"
    ANALYSED = "analysed"
    FAILED = "failed"
    GATED = "gated"
    NOT_SELECTED = "not_selected"
    EVICTED = "evicted"


@dataclass(slots=True)
class Epoch:
    """The counters of one epoch; changed by Tally alone."""

    received: int = 0
    duplicates: int = 0
    resent: int = 0
    in_flight: int = 0
    settled: int = 0
    """Frames with an outcome: the sum of the fates, which is asked for with every acknowledgement."""
    fates: dict[Fate, int] = field(default_factory=lambda: dict.fromkeys(Fate, 0))
    sequences: Sequences = field(default_factory=Sequences)

    def settle(self, fate: Fate, count: int = 1) -> None:
        """Give frames their outcome."""
        self.fates[fate] += count
        self.settled += count


class Tally:
    """The counters of one camera by epoch, the newest epochs only."""

    def __init__(self) -> None:
        self._epochs: dict[str, Epoch] = {}

    def arrive(self, frame: Frame) -> bool:
        """Count a frame that came; return False for one that came before."""
        epoch = self._epoch(frame.epoch)
        if not epoch.sequences.add(frame.sequence):
            epoch.duplicates += 1
            return False
        epoch.received += 1
        return True

    def reject(self, epoch_id: str) -> None:
        """Count a frame that was refused on arrival."""
        epoch = self._epoch(epoch_id)
        epoch.received += 1
        epoch.settle(Fate.REJECTED)

    def settle(self, epoch_id: str, fate: Fate, count: int = 1) -> None:
        """Give frames their outcome."""
        self._epoch(epoch_id).settle(fate, count)

    def depart(self, frame: Frame) -> None:
        """Count a frame into a request."""
        self._epoch(frame.epoch).in_flight += 1

    def come_back(self, frame: Frame) -> None:
        """Count a frame out of a request that ended."""
        self._epoch(frame.epoch).in_flight -= 1

    def resend(self, frame: Frame) -> None:
        """Count a picture shown in answer to a user's question."""
        self._epoch(frame.epoch).resent += 1

    def outcomes(self, epoch_id: str) -> Outcomes:
        """Return the counters of an epoch; what is neither settled nor in flight is buffered."""
        epoch = self._epochs.get(epoch_id)
        if epoch is None:
            return Outcomes()
        return Outcomes(
            received=epoch.received,
            **{fate.value: count for fate, count in epoch.fates.items()},
            buffered=epoch.received - epoch.settled - epoch.in_flight,
            in_flight=epoch.in_flight,
            duplicates=epoch.duplicates,
            resent=epoch.resent,
        )

    def settled(self, epoch_id: str) -> int:
        """Return how many frames of an epoch have their outcome."""
        epoch = self._epochs.get(epoch_id)
        return 0 if epoch is None else epoch.settled

    def _epoch(self, epoch_id: str) -> Epoch:
        epoch = self._epochs.get(epoch_id)
        if epoch is None:
            epoch = self._epochs[epoch_id] = Epoch()
            if len(self._epochs) > EPOCHS_MAX:
                del self._epochs[next(iter(self._epochs))]
        return epoch
