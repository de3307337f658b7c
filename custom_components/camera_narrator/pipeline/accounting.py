"""Where every sampled frame of one camera is, over both halves and over restarts of either. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from .outcomes import Account, Outcomes

EPOCHS_MAX = 16
"""Epochs told apart, as many as the tally does; older ones are summed up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeCounts:
    """A bridge's cumulative counts of one camera in one epoch."""

    sampled: int = 0
    replaced: int = 0
    overflowed: int = 0
    withdrawn: int = 0
    unacknowledged: int = 0

    @property
    def settled(self) -> int:
        """Return the frames that the bridge itself gave an outcome."""
        return self.replaced + self.overflowed + self.withdrawn


@dataclass(slots=True, kw_only=True)
class _Epoch:
    """What is known of one epoch of the bridge."""

    counts: BridgeCounts
    acknowledged: int
    """Frames that earlier runs of Home Assistant received."""
    base: int
    """Frames that earlier runs settled."""
    closed: bool = False


class Accounts:
    """The accounts of one camera by epoch, for one run of Home Assistant."""

    def __init__(
        self, *, run_id: str, outcomes: Callable[[str], Outcomes], settled: Callable[[str], int]
    ) -> None:
        """Read an epoch's counters of this run by ``outcomes``, and what has one at all, told often, by ``settled``."""
        self._run_id = run_id
        self._outcomes = outcomes
        self._settled = settled
        self._epochs: dict[str, _Epoch] = {}
        self._past = Account()

    def hello(
        self, epoch: str, counts: BridgeCounts, *, acknowledged: int, settled: int, run_id: str
    ) -> None:
        """Take what a bridge says on connecting; earlier epochs close."""
        for other, known in self._epochs.items():
            known.closed = known.closed or other != epoch
        known_epoch = self._epochs.get(epoch)
        if known_epoch is not None:
            known_epoch.counts, known_epoch.closed = counts, False
            return
        other_run = run_id != self._run_id
        self._epochs[epoch] = _Epoch(
            counts=counts,
            acknowledged=acknowledged if other_run else 0,
            base=settled if other_run else 0,
        )
        self._sum_up_oldest()

    def status(self, epoch: str, counts: BridgeCounts) -> None:
        """Take the counts of a bridge's status; those of an epoch without a hello start at nothing."""
        known = self._epochs.get(epoch)
        if known is None:
            self.hello(epoch, counts, acknowledged=0, settled=0, run_id=self._run_id)
        else:
            known.counts = counts

    def account(self, epoch: str) -> Account:
        """Return the account of one epoch."""
        known = self._epochs.get(epoch)
        if known is None:
            return Account(outcomes=self._outcomes(epoch))
        return _account(known, self._outcomes(epoch))

    def settled(self, epoch: str) -> int:
        """Return what the bridge is told as settled: what earlier runs received, and this run's outcomes."""
        known = self._epochs.get(epoch)
        earlier = 0 if known is None else known.acknowledged
        return earlier + self._settled(epoch)

    def total(self) -> Account:
        """Return the sum over all epochs of this run."""
        total = self._past
        for epoch in self._epochs:
            total = add(total, self.account(epoch))
        return total

    def _sum_up_oldest(self) -> None:
        while len(self._epochs) > EPOCHS_MAX:
            oldest = next(iter(self._epochs))
            self._past = add(self._past, self.account(oldest))
            del self._epochs[oldest]


def add(one: Account, other: Account) -> Account:
    """Return the sum of two accounts."""
    mine, theirs = one.outcomes, other.outcomes
    return Account(
        sampled=one.sampled + other.sampled,
        replaced=one.replaced + other.replaced,
        overflowed=one.overflowed + other.overflowed,
        withdrawn=one.withdrawn + other.withdrawn,
        unacknowledged=one.unacknowledged + other.unacknowledged,
        base=one.base + other.base,
        outcomes=Outcomes(
            received=mine.received + theirs.received,
            rejected=mine.rejected + theirs.rejected,
            analysed=mine.analysed + theirs.analysed,
            failed=mine.failed + theirs.failed,
            gated=mine.gated + theirs.gated,
            not_selected=mine.not_selected + theirs.not_selected,
            evicted=mine.evicted + theirs.evicted,
            buffered=mine.buffered + theirs.buffered,
            in_flight=mine.in_flight + theirs.in_flight,
            duplicates=mine.duplicates + theirs.duplicates,
            resent=mine.resent + theirs.resent,
        ),
    )


def _account(epoch: _Epoch, outcomes: Outcomes) -> Account:
    counts = epoch.counts
    arrived = epoch.acknowledged + outcomes.received
    # Frames that were here when the bridge counted, or came since, without its knowing: each counts once, as here.
    unheard = max(0, arrived + counts.settled + counts.unacknowledged - counts.sampled)
    unacknowledged = max(0, counts.unacknowledged - unheard)
    sampled = max(counts.sampled, arrived + counts.settled)
    if epoch.closed:
        unacknowledged = 0  # what the bridge still held died with it
    return Account(
        sampled=sampled,
        replaced=counts.replaced,
        overflowed=counts.overflowed,
        withdrawn=counts.withdrawn,
        unacknowledged=unacknowledged,
        base=epoch.base,
        outcomes=outcomes,
    )
