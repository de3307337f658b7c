"""A live source that says in every picture which one it is: for order, loss and age."""

import asyncio
from dataclasses import dataclass
from fractions import Fraction
import math
import random
import time
from typing import Final, override

import av
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
import numpy as np

from rigs.elementary_stream import (
    Codec,
    is_delimiter,
    is_parameter_set,
    packetize,
    read_extradata,
    split_nals,
)
from rigs.picture_code import Cast, Code, Plane, band_height_px, draw_code
from rigs.video_source import AccessUnit, VideoSource
from rigs.visits import Visits

_RTP_HZ: Final = 90_000
_CROSSING_S: Final = 5.0
"""Seconds the visitor takes from one side to the other: brisk, like somebody walking by."""


_SOMEBODY: Final = Cast(persons=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSettings:
    """What a code source draws."""

    camera: int
    """The number burnt into each picture, 0 to 255."""
    width_px: int = 640
    height_px: int = 360
    fps: int = 10
    gop_s: float = 2.0
    """From one key picture to the next."""
    cast: Cast = _SOMEBODY
    """Who comes on each visit, as the code tells."""


class CodeSource(VideoSource):
    """Draws and codes one picture whenever one is due; still but for the code when quiet."""

    codec = Codec.H264

    def __init__(self, settings: CodeSettings, visits: Visits | None = None) -> None:
        """Open the encoder; a new source is a new epoch."""
        self.settings = settings
        self.visits = visits or Visits()
        self.epoch: Final = random.randrange(1, 1 << 16)
        self.width_px, self.height_px = settings.width_px, settings.height_px
        self._still = _draw_still(settings.width_px, settings.height_px)
        self._visitor = _draw_visitor(settings.width_px, settings.height_px)
        self._encoder = _open_encoder(settings)
        self.parameter_sets, _ = read_extradata(self.codec, self._encoder.extradata or b"")
        self._key_wished = True
        self._last_pts = -1

    @override
    def index_at(self, timeline_s: float) -> int:
        return max(0, math.ceil(timeline_s * self.settings.fps - 1e-6))

    @override
    def due_s(self, index: int) -> float:
        return index / self.settings.fps

    @override
    async def unit(self, index: int) -> AccessUnit:
        return await asyncio.to_thread(self._draw, index)

    @override
    def wish_key(self) -> None:
        self._key_wished = True

    def _draw(self, index: int) -> AccessUnit:
        shown_s = self.due_s(index)
        captured_ms = time.time_ns() // 1_000_000
        visit, active = self.visits.draw(shown_s, captured_ms)
        height, width = self.height_px, self.width_px
        luma = self._still.copy()
        if active:
            self._place_visitor(luma, shown_s)
        blue = np.full((height // 2, width // 2), 120, np.uint8)
        red = np.full((height // 2, width // 2), 134, np.uint8)
        code = Code(
            camera=self.settings.camera,
            epoch=self.epoch,
            sequence=index,
            captured_ms=captured_ms,
            visit=visit,
            active=active,
            cast=self.settings.cast if active else Cast(),
        )
        draw_code(luma, blue, red, code)
        payloads, key = self._encode(luma, blue, red, shown_s)
        return AccessUnit(shown_s=shown_s, key=key, payloads=payloads)

    def _place_visitor(self, luma: Plane, shown_s: float) -> None:
        """Put the visitor where it is now; it walks to and fro at an even pace."""
        height, width = self._visitor.shape
        share = shown_s / _CROSSING_S % 2
        left = int((share if share <= 1 else 2 - share) * (luma.shape[1] - width))
        band = band_height_px(luma.shape[0])
        top = band + (luma.shape[0] - 2 * band - height) // 2
        luma[top : top + height, left : left + width] = self._visitor

    def _encode(
        self, luma: Plane, blue: Plane, red: Plane, shown_s: float
    ) -> tuple[tuple[bytes, ...], bool]:
        flat = np.concatenate([luma.reshape(-1), blue.reshape(-1), red.reshape(-1)])
        frame = av.VideoFrame.from_ndarray(flat.reshape(-1, self.width_px), format="yuv420p")
        self._last_pts = max(self._last_pts + 1, round(shown_s * _RTP_HZ))
        frame.pts, frame.time_base = self._last_pts, Fraction(1, _RTP_HZ)
        if self._key_wished:
            self._key_wished = False
            frame.pict_type = PictureType.I
        nals: list[bytes] = []
        key = False
        for packet in self._encoder.encode(frame):
            key = key or packet.is_keyframe
            nals += [
                nal
                for nal in split_nals(bytes(packet), 0)
                if not is_parameter_set(self.codec, nal) and not is_delimiter(self.codec, nal)
            ]
        return packetize(self.codec, [*self.parameter_sets, *nals] if key else nals), key


def _open_encoder(settings: CodeSettings) -> VideoCodecContext:
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height = settings.width_px, settings.height_px
    encoder.pix_fmt = "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, _RTP_HZ), Fraction(settings.fps)
    encoder.gop_size = round(settings.fps * settings.gop_s)
    encoder.thread_count = 1
    encoder.flags |= Flags.global_header  # the SDP needs the parameter sets before a picture
    # One slice and no look-ahead: a picture leaves the encoder in the moment it is drawn.
    encoder.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "crf": "22",
        "forced-idr": "1",
    }
    encoder.open()
    return encoder


def _draw_still(width_px: int, height_px: int) -> Plane:
    """Draw a room without anybody: a slope of grey with a few darker and lighter patches."""
    across = np.linspace(70, 150, width_px)
    down = np.linspace(20, -20, height_px)
    room = across[None, :] + down[:, None]
    for left, top, right, bottom, level in (
        (0.08, 0.2, 0.2, 0.55, -40),
        (0.6, 0.15, 0.9, 0.4, 45),
        (0.35, 0.7, 0.55, 0.85, -30),
    ):
        rows = slice(int(top * height_px), int(bottom * height_px))
        columns = slice(int(left * width_px), int(right * width_px))
        room[rows, columns] += level
    return room.clip(16, 235).astype(np.uint8)


def _draw_visitor(width_px: int, height_px: int) -> Plane:
    """Draw the one who visits: broad upright stripes, so that each step changes all of it."""
    width, height = width_px // 6 // 2 * 2, height_px // 2
    stripe = max(2, width_px // 32)
    stripes = np.where(np.arange(width) // stripe % 2 == 0, 224, 32).astype(np.uint8)
    return np.tile(stripes, (height, 1))
