"""What is known of one camera, as text for the next request: the newest narratives and the ledger, all of it claims."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
import math
import re

from .claim import LedgerEntry, Note, Sighting
from .ledger import Ledger, doubtful
from .models import CameraMemory
from .request import Analysis
from .vocabulary import Label

NOTES_MIN = 3
NOTES_MAX = 9
"""Notes grow from three to nine and are cut in one step, so that eight requests of nine share their prefix."""
NOTE_CHARS = 300
"""A sentence or two; what is longer is told by the pictures."""
NOTE_S = 12 * 3600.0
"""Last night's visit helps to tell this morning's; yesterday's is but another visit."""
WRITING_MIN = 4
"""Shorter writing (a house number, a letter) is part of ordinary sentences and carries no instruction."""
WRITINGS_MAX = 8
"""What was read in the last pictures; a sign is read in one answer and quoted in the next."""
NUMBERS = 999
"""Numbers by which the model refers to notes and entries begin again after this many: seventeen may be in use."""
SIGHTINGS_MAX = 4
"""What an answer of 250 tokens has room for; a list so long may have left somebody out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A note on somebody whom the next answer did not see, and who was not said to leave."""

    note: Note
    subjects: frozenset[Label]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What an answer has done to what is known."""

    told: Note | None = None
    unsure: bool = False
    """Somebody new is there by this answer alone."""
    doubted: tuple[Doubt, ...] = ()
    left: bool = False
    """Somebody was seen to leave, and nobody who moves is there any more."""


class Context:
    """Notes and ledger of one camera. Takes moments of the wall clock, owns no clock."""

    def __init__(self, memory: CameraMemory | None = None) -> None:
        """Begin with what an earlier run knew."""
        memory = memory or CameraMemory()
        self._number = 0
        self._notes: list[Note] = []
        self._doubtful: set[float] = set()
        """Notes that are not shown until an audit has found them true."""
        self._writings: list[str] = list(memory.writings)[-WRITINGS_MAX:]
        self.ledger = Ledger()
        for at_wall_s, text in memory.narratives[-NOTES_MAX:]:
            self._notes.append(Note(at_wall_s, text, self._next()))
        self.ledger = Ledger(replace(entry, number=self._next()) for entry in memory.ledger)

    # -- what goes along with a request -------------------------------------------------------------------------

    @property
    def notes(self) -> tuple[Note, ...]:
        """Return the notes that nobody doubts, oldest first.

        One on somebody whom a single answer saw waits for the next: a model repeats what it reads.
        """
        unsure = {entry.told_wall_s for entry in self.ledger.entries if doubtful(entry)}
        hidden = self._doubtful | unsure
        return tuple(note for note in self._notes if note.at_wall_s not in hidden)

    @property
    def known(self) -> tuple[LedgerEntry, ...]:
        """Return who is there by more than a single answer."""
        return tuple(entry for entry in self.ledger.entries if not doubtful(entry))

    @property
    def narratives(self) -> tuple[tuple[float, str], ...]:
        """Return the notes as they are stored: those in doubt are not, those that wait for the next answer are."""
        return tuple(
            (note.at_wall_s, note.text)
            for note in self._notes
            if note.at_wall_s not in self._doubtful
        )

    @property
    def writings(self) -> tuple[str, ...]:
        """Return what was read in the last pictures: it never goes into a prompt."""
        return tuple(self._writings)

    def without_writing(self, text: str, visible_text: str = "") -> str:
        """Return words as they may go into a prompt: without what was read in these pictures or the last ones."""
        for writing in (visible_text, *self._writings):
            text = without_writing(text, writing)
        return text

    def expire(self, now_wall_s: float) -> bool:
        """Let go what is too old; return whether anything was."""
        count = len(self._notes)
        self._notes = [note for note in self._notes if now_wall_s - note.at_wall_s < NOTE_S]
        expired = self.ledger.expire(now_wall_s)
        self._drop({entry.told_wall_s for entry in expired if doubtful(entry)})
        return bool(expired) or len(self._notes) < count

    # -- what an answer does with it ----------------------------------------------------------------------------

    def take(
        self,
        analysis: Analysis,
        *,
        to_wall_s: float,
        now_wall_s: float,
        named: Collection[Label] = (),
    ) -> Taken:
        """Take an answer over, whose pictures end at ``to_wall_s``; ``named`` is what a detector saw meanwhile."""
        self.expire(now_wall_s)
        self._read(analysis.visible_text)
        claims = analysis.claims
        if claims is not None:
            self._withdraw(claims.wrong)
        told = self._append(now_wall_s, analysis.narrative) if analysis.changed else None
        if analysis.subject is None or not analysis.of_pictures:
            return Taken(told=told)  # plain words, and a detector's, are no look
        went: tuple[LedgerEntry, ...] = () if claims is None else self.ledger.remove(claims.gone)
        before = self.ledger.entries
        told_wall_s = None if told is None else told.at_wall_s
        if claims is None:
            seen = self._keep_unlisted(analysis, to_wall_s)
        else:
            seen = self._see(claims.here, to_wall_s, named, told_wall_s)
        known = {entry.number for entry in before}
        unsure = any(
            doubtful(entry) and entry.number in seen and entry.number not in known
            for entry in self.ledger.entries
        )
        unseen = [
            entry for entry in before if entry.number not in seen and entry.seen_wall_s <= to_wall_s
        ]
        if claims is not None:
            # Who takes part and is not in the last picture has left.
            parted = [one for one in unseen if one.moving and one.subject in analysis.labels]
            went += self.ledger.remove(one.number for one in parted)
            unseen = [one for one in unseen if one not in parted]
        full = claims is not None and len(claims.here) >= SIGHTINGS_MAX
        lost = self._miss(one for one in unseen if _speaks_of(analysis, one, full=full))
        doubted = self._doubt(entry for entry in lost if doubtful(entry))
        left = any(entry.moving for entry in went) and not self.ledger.holds(now_wall_s)
        return Taken(told=told, unsure=unsure, doubted=doubted, left=left)

    # -- what an answer without memory does with it ---------------------------------------------------------------

    def settle(self, doubt: Doubt, analysis: Analysis) -> bool:
        """Keep a doubted note that its own pictures bear out, drop it otherwise; return whether it was dropped."""
        self._doubtful.discard(doubt.note.at_wall_s)
        if doubt.subjects <= _seen_in(analysis):
            return False
        self._drop({doubt.note.at_wall_s})
        return True

    def compare(self, analysis: Analysis, *, to_wall_s: float, named: Collection[Label]) -> bool:
        """Hold the ledger to an answer of its newest pictures; return whether both differed."""
        seen = _seen_in(analysis)
        full = analysis.claims is None or len(analysis.claims.here) >= SIGHTINGS_MAX
        false = [
            entry
            for entry in self.ledger.entries
            if entry.subject not in seen
            and entry.seen_wall_s == to_wall_s
            and (entry.moving or not full)
        ]
        self.ledger.remove(entry.number for entry in false)
        self._drop({entry.told_wall_s for entry in false if entry.told_wall_s is not None})
        known = {entry.subject for entry in self.ledger.entries}
        here = () if analysis.claims is None else analysis.claims.here
        more = tuple(replace(one, number=0) for one in here if one.subject not in known)
        self._see(more, to_wall_s, named, None)
        return bool(false or more)

    # -- private ------------------------------------------------------------------------------------------------

    def _next(self) -> int:
        """Return a number that no note and no entry has."""
        used = {note.number for note in self._notes} | {one.number for one in self.ledger.entries}
        while True:
            self._number = self._number % NUMBERS + 1
            if self._number not in used:
                return self._number

    def _read(self, visible_text: str) -> None:
        if visible_text and visible_text not in self._writings:
            self._writings = [*self._writings, visible_text][-WRITINGS_MAX:]

    def _append(self, at_wall_s: float, narrative: str) -> Note | None:
        text = self.without_writing(narrative)[:NOTE_CHARS]
        if not text:
            return None
        if self._notes:  # notes are known by their moment
            at_wall_s = max(at_wall_s, math.nextafter(self._notes[-1].at_wall_s, math.inf))
        note = Note(at_wall_s, text, self._next())
        self._notes.append(note)
        if len(self._notes) > NOTES_MAX:
            del self._notes[:-NOTES_MIN]
        return note

    def _see(
        self,
        here: Iterable[Sighting],
        at_wall_s: float,
        named: Collection[Label],
        told_wall_s: float | None,
    ) -> frozenset[int]:
        sightings = [
            replace(one, look=self.without_writing(one.look), where=self.without_writing(one.where))
            for one in here
        ]
        return self.ledger.see(
            sightings,
            at_wall_s=at_wall_s,
            named=named,
            told_wall_s=told_wall_s,
            number=self._next,
        )

    def _keep_unlisted(self, analysis: Analysis, at_wall_s: float) -> frozenset[int]:
        """Renew what is still there by an answer that lists nobody: where nothing changed, its labels and all that stays."""
        if analysis.changed:
            return frozenset()
        seen = set()
        for entry in self.ledger.entries:
            again = entry.subject in analysis.labels
            if again or (analysis.subject and not entry.moving):
                self.ledger.keep(entry, at_wall_s=at_wall_s, again=again)
                seen.add(entry.number)
        return frozenset(seen)

    def _miss(self, entries: Iterable[LedgerEntry]) -> tuple[LedgerEntry, ...]:
        """Return the entries that are over because an answer does not see them."""
        lost = (self.ledger.miss(entry) for entry in tuple(entries))
        return tuple(entry for entry in lost if entry is not None)

    def _doubt(self, entries: Iterable[LedgerEntry]) -> tuple[Doubt, ...]:
        lost = tuple(entries)
        doubts = tuple(
            Doubt(note=note, subjects=subjects)
            for note in self._notes
            if (subjects := frozenset(e.subject for e in lost if e.told_wall_s == note.at_wall_s))
        )
        self._doubtful |= {doubt.note.at_wall_s for doubt in doubts}
        return doubts

    def _withdraw(self, numbers: Collection[int]) -> None:
        """Take back what the pictures contradict: an entry with its note, a note with what came with it."""
        false = {note.at_wall_s for note in self._notes if note.number in numbers}
        false |= {
            entry.told_wall_s
            for entry in self.ledger.remove(numbers)
            if entry.told_wall_s is not None
        }
        self.ledger.remove(
            entry.number
            for entry in self.ledger.entries
            if entry.told_wall_s in false and entry.answers == 1
        )
        self._drop(false)

    def _drop(self, told_wall_s: Collection[float | None]) -> None:
        self._notes = [note for note in self._notes if note.at_wall_s not in told_wall_s]
        self._doubtful &= {note.at_wall_s for note in self._notes}


def without_writing(narrative: str, visible_text: str) -> str:
    """Return the narrative without passages that repeat writing of the scene."""
    for line in re.split(r"[\n;|]+", visible_text):
        words = line.split()
        if len("".join(words)) >= WRITING_MIN:
            pattern = r"\W+".join(re.escape(word) for word in words)
            narrative = re.sub(pattern, "[writing]", narrative, flags=re.IGNORECASE)
    return narrative.strip()


def _speaks_of(analysis: Analysis, entry: LedgerEntry, *, full: bool) -> bool:
    """Return whether an answer that does not name an entry says by that that it is not there."""
    if analysis.claims is not None:
        return entry.moving or not full
    if analysis.subject:
        return False
    return entry.moving or entry.subject is Label.PACKAGE


def _seen_in(analysis: Analysis) -> frozenset[Label]:
    here = () if analysis.claims is None else analysis.claims.here
    return analysis.labels | {sighting.subject for sighting in here}
