"""Whether a decoder still understands the stream that it is given. Pure."""

BROKEN_US = 1_000_000
"""Failures in a row over a shorter time are damage on the way."""
SILENT_US = 5_000_000
"""A decoder that takes packets for so long, without an error and without a picture, does not understand them."""
UNSEEN_US = 30_000_000
"""Longer than the key-frame interval of any camera seen: packets for so long of which nobody got a picture, whatever the
reason, are helped by nothing but another session, which begins with a key frame."""
PAUSE_US = 1_000_000
"""The most that counts of the time between two packets: a process that stood still has not missed a picture by that."""


class Soundness:
    """Counts what came of the packets of one stream."""

    def __init__(self) -> None:
        """Start with nothing against it."""
        self._vain_us: int | None = None
        """When the first of the packets was decoded that have given no picture."""
        self._failures = 0
        self._offered_us: int | None = None
        self._unseen_us = 0

    def offered(self, captured_us: int) -> bool:
        """Take note of a packet, decoded or not; return whether none has become a picture for too long."""
        before_us, self._offered_us = self._offered_us, captured_us
        if before_us is not None:
            self._unseen_us += min(captured_us - before_us, PAUSE_US)
        return self._unseen_us >= UNSEEN_US

    def good(self) -> None:
        """Take note of a picture."""
        self._vain_us = None
        self._failures = 0

    def seen(self) -> None:
        """Take note that somebody has taken a picture."""
        self._unseen_us = 0

    def bad(self, now_us: int, *, most: int) -> bool:
        """Take note of a packet that cannot be decoded; return whether so many in a row are more than damage."""
        self._failures += 1
        return self._failures >= most and self._vain_for_us(now_us) >= BROKEN_US

    def silent(self, now_us: int) -> bool:
        """Take note of a packet without a picture; return whether there has been none for too long."""
        return self._vain_for_us(now_us) >= SILENT_US

    def _vain_for_us(self, now_us: int) -> int:
        if self._vain_us is None:
            self._vain_us = now_us
        return now_us - self._vain_us
