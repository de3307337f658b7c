"""The bridge's own way from packets to activity, run on a stream in memory as fast as it goes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from av.packet import Packet
from av.video.stream import VideoStream

from edge_bridge.activity import ActivityDetector
from edge_bridge.budget import Budget
from edge_bridge.decoding import Decoders
from edge_bridge.encoder import Encoder
from edge_bridge.hint import PacketHint
from edge_bridge.label_track import LabelTrack
from edge_bridge.labels import Labeller
from edge_bridge.picture import Picture
from edge_bridge.protocol.vocabulary import DecodeMode
from edge_bridge.stream import Coding
from edge_bridge.track import Track

START_US: Final = 1_000_000_000
"""A clock that does not start at nought, as none does."""
QUIET_INTERVAL_US: Final = 10_000_000
"""What a quiet camera sends, as users get it."""
ACTIVE_INTERVAL_US: Final = 1_000_000
LABEL_US: Final = 500_000
"""The detector of things looks at two pictures a second."""


@dataclass(slots=True, kw_only=True)
class Spell:
    """A time of activity, in seconds of the stream."""

    start_s: float
    end_s: float
    labelled: bool = False
    """The detector of things named something in it, twice in three looks; never without one."""


class OfflineCamera:
    """One camera whose packets are handed over instead of read."""

    def __init__(self, *, model: Path | None = None) -> None:
        """Start quiet; with a model, things are named in active pictures."""
        self.spells: list[Spell] = []
        self.pictures = 0
        """Decoded so far."""
        self.wakes = 0
        """Times that decoding set in while quiet."""
        self.packets = 0
        self._now_us = START_US
        self._continuous = False
        self._detector = ActivityDetector()
        self._encoder = Encoder()
        self._decoders = Decoders()
        self._labeller = None if model is None else Labeller(self._encoder, model)
        self._labels = LabelTrack()
        self._labelled_us = 0
        self._track = Track(
            Coding(codec="h264", parameters=b""),
            self,
            hint=PacketHint(),
            budget=Budget(cores=64),
            ready=lambda _: None,
            clock_us=lambda: self._now_us,
        )

    def take(self, packet: Packet[VideoStream], at_s: float) -> None:
        """Take the next packet, and do all that it causes."""
        self.packets += 1
        self._now_us = START_US + round(at_s * 1_000_000)
        self._track.offer(packet, self._now_us)
        while self._track.work(self._decoders):
            pass
        continuous = self._track.mode is DecodeMode.CONTINUOUS
        self.wakes += continuous and not self._continuous
        self._continuous = continuous

    # -- what the track asks of a camera ----------------------------------------------------------------------

    @property
    def active(self) -> bool:
        """Return whether activity has been confirmed."""
        return self._detector.verdict.active

    @property
    def interval_us(self) -> int:
        """Return how far apart the pictures may be that are wanted now, activity apart."""
        return ACTIVE_INTERVAL_US if self.active else QUIET_INTERVAL_US

    def picture(self, picture: Picture) -> bool:
        """Look at a picture as the bridge's camera does."""
        self.pictures += 1
        was_active = self.active
        if self._detector.due(picture.captured_us):
            plane = self._encoder.luma(picture.frame)
            if picture.mode is DecodeMode.KEYS:
                if self._detector.glance(plane, picture.captured_us):
                    return True
            else:
                self._detector.observe(plane, picture.captured_us, doubtful=picture.doubtful)
        if self.active:
            self._note(picture, began=not was_active)
        elif was_active:
            self._labels.quiet()
        return self.active or self._detector.confirming()

    def _note(self, picture: Picture, *, began: bool) -> None:
        # When it is known, not when it was captured: a catch-up looks at what has been.
        at_s = (self._now_us - START_US) / 1_000_000
        if began:
            self.spells.append(Spell(start_s=at_s, end_s=at_s))
        spell = self.spells[-1]
        spell.end_s = at_s
        since_us = picture.captured_us - self._labelled_us
        if self._labeller is not None and not spell.labelled and since_us >= LABEL_US:
            self._labelled_us = picture.captured_us
            regions = self._detector.verdict.regions
            seen = self._labeller.detect(picture.frame, focus=regions)
            self._labels.look(seen, regions, picture.captured_us)
            spell.labelled = bool(self._labels.labels)
