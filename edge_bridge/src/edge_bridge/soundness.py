"""Whether a decoder still understands the stream that it is given. Pure."""

BROKEN_US = 1_000_000
"""Failures over a shorter time are damage on the way."""
SILENT_US = 5_000_000
"""A decoder that takes packets for so long, without an error and without a picture, does not understand them."""


class Soundness:
    """Counts what came of the packets of one stream."""

    def __init__(self, now_us: int) -> None:
        """Start with nothing against it."""
        self._picture_us = now_us
        self._failures = 0

    def good(self, now_us: int) -> None:
        """Take note of a picture."""
        self._picture_us = now_us
        self._failures = 0

    def bad(self, now_us: int, *, most: int) -> bool:
        """Take note of a packet that cannot be decoded; return whether so many in a row are more than damage."""
        self._failures += 1
        return self._failures >= most and now_us - self._picture_us >= BROKEN_US

    def silent(self, now_us: int) -> bool:
        """Take note of a packet without a picture; return whether there has been none for too long."""
        return now_us - self._picture_us >= SILENT_US
