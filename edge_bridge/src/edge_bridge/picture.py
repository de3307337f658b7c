"""A decoded picture, and who takes it."""

from dataclasses import dataclass
from typing import Protocol

from av.video.frame import VideoFrame

from .protocol.vocabulary import DecodeMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One decoded picture."""

    frame: VideoFrame
    captured_us: int
    """Monotonic clock when the packet that completes the picture arrived."""
    key: bool
    doubtful: bool
    """Data was lost before it and no key frame has come since."""
    decode_us: int
    waited_us: int
    """From its packet's arrival to now: a catch-up shows what is past."""
    alone: bool
    """Nothing between key frames can be decoded now: other cameras take all the time there is."""
    mode: DecodeMode
    """Continuous where the picture before was shown too, keys where this one stands for itself."""


class Sink(Protocol):
    """Who takes a track's pictures; on decoder threads, one call at a time."""

    @property
    def active(self) -> bool:
        """Return whether activity has been confirmed."""

    @property
    def interval_us(self) -> int:
        """Return how far apart the pictures may be that are wanted now, activity apart."""

    def picture(self, picture: Picture) -> bool:
        """Take a picture; return whether those that follow are wanted, every one."""
