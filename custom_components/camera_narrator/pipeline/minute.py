"""Requests and tokens in any minute: reserved before a request, corrected after it. Pure."""

from collections import deque
from dataclasses import dataclass
import math

WINDOW_S = 62.0
"""A minute, and what two requests may be nearer to each other at the server than here."""


@dataclass(slots=True)
class Entry:
    """One request in the window."""

    at_s: float
    amount: float


class MinuteWindow:
    """What was taken in the last minute, against a limit."""

    def __init__(self, limit: float | None) -> None:
        """Begin empty; None lets all pass."""
        self.limit = limit
        self._entries: deque[Entry] = deque()

    def opens_s(self, amount: float, now_s: float) -> float:
        """Return from when on an amount fits; infinity where it never does."""
        if self.limit is None:
            return now_s
        if amount > self.limit:
            return math.inf
        self._forget(now_s)
        over = sum(entry.amount for entry in self._entries) + amount - self.limit
        if over <= 0:
            return now_s
        for entry in self._entries:
            over -= entry.amount
            if over <= 0:
                return entry.at_s + WINDOW_S
        return now_s + WINDOW_S

    def take(self, amount: float, now_s: float) -> Entry:
        """Count an amount; the entry may be corrected."""
        self._forget(now_s)
        entry = Entry(now_s, amount)
        self._entries.append(entry)
        return entry

    def taken(self, now_s: float) -> float:
        """Return what the last minute holds."""
        self._forget(now_s)
        return sum(entry.amount for entry in self._entries)

    def _forget(self, now_s: float) -> None:
        while self._entries and self._entries[0].at_s + WINDOW_S <= now_s:
            self._entries.popleft()
