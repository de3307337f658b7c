"""Which sequences of one (epoch, camera) have come: a set in the space of its gaps."""

from bisect import bisect_right

RANGES_MAX = 1024
"""Gaps remembered: a replay ring of 5 minutes at 2 frames a second holds 600 frames, so none is older."""


class Sequences:
    """A set of whole numbers that mostly rise one by one."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    def add(self, number: int) -> bool:
        """Put a number in; return False if it was there."""
        index = bisect_right(self._firsts, number) - 1
        if index >= 0 and number <= self._lasts[index]:
            return False
        joins_left = index >= 0 and self._lasts[index] == number - 1
        right = index + 1
        joins_right = right < len(self._firsts) and self._firsts[right] == number + 1
        if joins_left and joins_right:
            self._lasts[index] = self._lasts.pop(right)
            del self._firsts[right]
        elif joins_left:
            self._lasts[index] = number
        elif joins_right:
            self._firsts[right] = number
        else:
            self._firsts.insert(right, number)
            self._lasts.insert(right, number)
        if len(self._firsts) > RANGES_MAX:
            self._close_oldest_gap()
        return True

    def _close_oldest_gap(self) -> None:
        """Take what is missing between the two lowest ranges as come: no bridge still holds it."""
        del self._firsts[1]
        del self._lasts[0]
