"""Who and what is there, owned by code: the model proposes, code applies, ages, expires and bounds. Pure."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from .claim import LedgerEntry, Sighting
from .vocabulary import Label

ENTRIES_MAX = 8
"""200 tokens of a prompt, and twice what one answer may list."""
MOVING_S = 150.0
"""Who moves and was not seen for this long has left: the longest hold of an event, and a look more."""
CLAIM_S = 600.0
"""What stays but only one answer has seen: two heartbeats."""
STAYING_S = 6 * 3600.0
"""A parcel is taken in, a car driven off within a working day; looks that see it renew it."""

SEEN_ONCE = 0.5
SEEN_BY_DETECTOR = 0.8
"""What the bridge's detector named, too, in two of three of its looks."""
CONFIRMED = 0.6
"""More than one answer, or an answer and the detector."""
FORGOTTEN = 0.3
"""Below it nothing is kept: one answer that does not see it outweighs one that did, two outweigh any number."""
SURE = 0.97
MISSED = 0.5
"""What is left of the confidence once an answer does not see it."""
OVERLOOKED = 0.75
"""The same for what stays and was confirmed: models leave out what is always there."""


class Ledger:
    """The entries of one camera. Takes moments of the wall clock, for it survives restarts; owns no clock."""

    def __init__(self, entries: Iterable[LedgerEntry] = ()) -> None:
        """Begin with what was known before."""
        self._entries = {entry.number: entry for entry in entries}
        self._bound()

    @property
    def entries(self) -> tuple[LedgerEntry, ...]:
        """Return the entries, the longest known first."""
        return tuple(
            sorted(self._entries.values(), key=lambda entry: (entry.since_wall_s, entry.number))
        )

    def holds(self, now_wall_s: float) -> bool:
        """Return whether somebody who moves is there for sure."""
        return any(
            entry.moving and confirmed(entry) and entry.expires_wall_s > now_wall_s
            for entry in self._entries.values()
        )

    def see(
        self,
        sightings: Sequence[Sighting],
        *,
        at_wall_s: float,
        named: Collection[Label],
        told_wall_s: float | None,
        number: Callable[[], int],
    ) -> frozenset[int]:
        """Take over what an answer sees; return the numbers of what it sees."""
        seen: set[int] = set()
        known = [
            (sighting, self._entries.get(sighting.number))
            for sighting in sorted(sightings, key=lambda one: one.number == 0)
        ]
        for sighting, numbered in known:
            entry = numbered
            if entry is None or entry.subject is not sighting.subject or entry.number in seen:
                entry = self._like(sighting, seen)
            if entry is not None:
                entry = _again(entry, sighting)
            else:
                sure = SEEN_BY_DETECTOR if sighting.subject in named else SEEN_ONCE
                entry = _new(number(), sighting, at_wall_s, told_wall_s, sure)
            self._entries[entry.number] = _renewed(entry, at_wall_s)
            seen.add(entry.number)
        self._bound()
        return frozenset(seen & self._entries.keys())

    def keep(self, entry: LedgerEntry, *, at_wall_s: float, again: bool) -> None:
        """Renew an entry that is still there; ``again`` where an answer named it."""
        if again:
            entry = _again(entry, Sighting(subject=entry.subject, moving=entry.moving))
        self._entries[entry.number] = _renewed(entry, at_wall_s)

    def miss(self, entry: LedgerEntry) -> LedgerEntry | None:
        """An answer does not see it; return the entry where that ends it."""
        stays = not entry.moving and confirmed(entry)
        left = replace(entry, confidence=entry.confidence * (OVERLOOKED if stays else MISSED))
        if left.confidence >= FORGOTTEN:
            self._entries[entry.number] = left
            return None
        return self._entries.pop(entry.number)

    def remove(self, numbers: Iterable[int]) -> tuple[LedgerEntry, ...]:
        """Take entries out; return them."""
        gone = (self._entries.pop(number, None) for number in tuple(numbers))
        return tuple(entry for entry in gone if entry is not None)

    def expire(self, now_wall_s: float) -> tuple[LedgerEntry, ...]:
        """Let go what was not seen for too long; return it. A clock set back makes nothing young."""
        aged = [_aged(entry, now_wall_s) for entry in self._entries.values()]
        self._entries = {one.number: one for one in aged if one.expires_wall_s > now_wall_s}
        return tuple(one for one in aged if one.number not in self._entries)

    def _like(self, sighting: Sighting, taken: Collection[int]) -> LedgerEntry | None:
        """Return the entry that a sighting without a known number most likely is: of its kind, seen last."""
        alike = (
            entry
            for entry in self._entries.values()
            if entry.subject is sighting.subject and entry.number not in taken
        )
        return max(alike, key=lambda entry: entry.seen_wall_s, default=None)

    def _bound(self) -> None:
        while len(self._entries) > ENTRIES_MAX:
            least = min(
                self._entries.values(), key=lambda entry: (entry.confidence, entry.seen_wall_s)
            )
            del self._entries[least.number]


def confirmed(entry: LedgerEntry) -> bool:
    """Return whether more than one source has seen it, and the last look did not miss it."""
    return entry.confidence >= CONFIRMED


def doubtful(entry: LedgerEntry) -> bool:
    """Return whether one answer alone has seen it, and no detector."""
    return entry.answers == 1 and entry.confidence <= SEEN_ONCE


def _new(
    number: int, sighting: Sighting, at_wall_s: float, told_wall_s: float | None, sure: float
) -> LedgerEntry:
    return LedgerEntry(
        number=number,
        subject=sighting.subject,
        look=sighting.look,
        where=sighting.where,
        moving=_moves(sighting),
        since_wall_s=at_wall_s,
        seen_wall_s=at_wall_s,
        expires_wall_s=at_wall_s,
        confidence=sure,
        told_wall_s=told_wall_s,
    )


def _again(entry: LedgerEntry, sighting: Sighting) -> LedgerEntry:
    """Return the entry after one more answer that sees it; what it says newly of it holds."""
    return replace(
        entry,
        look=sighting.look or entry.look,
        where=sighting.where or entry.where,
        moving=_moves(sighting),
        answers=entry.answers + 1,
        confidence=min(SURE, 1 - (1 - entry.confidence) / 2),
    )


def _moves(sighting: Sighting) -> bool:
    """Return whether it can go by itself; of vehicles alone the model's word decides."""
    match sighting.subject:
        case Label.PERSON | Label.ANIMAL:
            return True
        case Label.PACKAGE:
            return False
        case Label.VEHICLE:
            return sighting.moving


def _life_s(entry: LedgerEntry) -> float:
    if entry.moving:
        return MOVING_S
    return STAYING_S if confirmed(entry) else CLAIM_S


def _renewed(entry: LedgerEntry, at_wall_s: float) -> LedgerEntry:
    seen_wall_s = max(entry.seen_wall_s, at_wall_s)
    return replace(entry, seen_wall_s=seen_wall_s, expires_wall_s=seen_wall_s + _life_s(entry))


def _aged(entry: LedgerEntry, now_wall_s: float) -> LedgerEntry:
    if entry.seen_wall_s <= now_wall_s and entry.expires_wall_s <= now_wall_s + STAYING_S:
        return entry
    seen_wall_s = min(entry.seen_wall_s, now_wall_s)
    return replace(
        entry,
        since_wall_s=min(entry.since_wall_s, seen_wall_s),
        seen_wall_s=seen_wall_s,
        expires_wall_s=min(entry.expires_wall_s, now_wall_s + _life_s(entry)),
    )
