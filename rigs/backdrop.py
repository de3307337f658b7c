"""Quiet scenes to put things on: what stays of a clip when all that moves is taken out, and views derived of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import numpy as np
import numpy.typing as npt

from rigs.coded_stream import HEIGHT_PX, WIDTH_PX
from rigs.footage import cache_folder, prepare
from rigs.footage_archive import Progress

type Levels = npt.NDArray[np.float32]

SUFFIXES: Final = frozenset({".mp4", ".avi", ".mkv", ".mov"})
_SAMPLES: Final = 31
"""Pictures of a clip whose median is its background: whoever stands less than half the time is not in it."""
_RECIPE: Final = 1
SMOOTHED: Final = {"day": 0.92, "night": 0.7}
"""Share of the noise that stays: at night there is less to smooth with, for what moves would smear."""
_BYTE_DEVIATION: Final = 73.9
"""Standard deviation of a signed byte of which every value is as likely."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backdrop:
    """A quiet scene, and the clip it is of."""

    name: str
    luma: Levels
    """(height, width), 0 to 255."""
    chroma: npt.NDArray[np.uint8]
    clip: Path

    def at_night(self) -> Backdrop:
        """Return it as seen by an infrared lamp: grey, dark at the sides, bright in the middle."""
        down, right = np.mgrid[-1 : 1 : HEIGHT_PX * 1j, -1 : 1 : WIDTH_PX * 1j]
        lamp = np.clip(0.75 - 0.45 * (down**2 + right**2), 0.15, 0.75)
        return Backdrop(
            name=f"{self.name}-night",
            luma=(self.luma * lamp + 8).astype(np.float32),
            chroma=np.full_like(self.chroma, 128),
            clip=self.clip,
        )

    def mirrored(self) -> Backdrop:
        """Return its mirror image, darker: another scene to a detector."""
        width = self.chroma.reshape(2, HEIGHT_PX // 2, WIDTH_PX // 2)
        return Backdrop(
            name=f"{self.name}-mirrored",
            luma=np.ascontiguousarray(self.luma[:, ::-1] * np.float32(0.7)),
            chroma=np.ascontiguousarray(width[:, :, ::-1]).reshape(self.chroma.shape),
            clip=self.clip,
        )

    def zoomed(self) -> Backdrop:
        """Return its middle, twice as near."""
        top, left = HEIGHT_PX // 4, WIDTH_PX // 4
        part = self.luma[top : top + HEIGHT_PX // 2, left : left + WIDTH_PX // 2]
        return Backdrop(
            name=f"{self.name}-near",
            luma=np.ascontiguousarray(part.repeat(2, axis=0).repeat(2, axis=1)),
            chroma=np.full_like(self.chroma, 128),
            clip=self.clip,
        )


class Grain:
    """What is left of a sensor's noise: cameras smooth it over time, by day nearly to nothing from picture to picture.

    Each picture's is made afresh: an encoder finds again whatever it has seen before.
    """

    def __init__(self, levels: float, random: np.random.Generator, *, smoothed: float) -> None:
        """Make noise of this standard deviation, of which this share stays from one picture to the next."""
        # Evenly spread bytes: to block means and to an encoder as good as normal ones, and thirty times as fast.
        self._scale = np.float32(levels / _BYTE_DEVIATION * (1 - smoothed**2) ** 0.5)
        self._smoothed = np.float32(smoothed)
        self._noise = np.zeros((HEIGHT_PX, WIDTH_PX), np.float32)
        self._random = random

    def next(self) -> Levels:
        """Return the noise of the next picture."""
        fresh = np.frombuffer(self._random.bytes(HEIGHT_PX * WIDTH_PX), np.int8)
        self._noise *= self._smoothed
        self._noise += fresh.reshape(HEIGHT_PX, WIDTH_PX) * self._scale
        return self._noise


def backdrops(footage: Path | None, say: Progress) -> list[Backdrop]:
    """Return the quiet scenes of a folder of clips, or of the demo's clip; the same ones each time."""
    clips = (
        [prepare(say).path]
        if footage is None
        else sorted(path for path in footage.iterdir() if path.suffix in SUFFIXES)
    )
    if not clips:
        raise ValueError(f"no clips in {footage}")
    made = [_backdrop(clip, say) for clip in clips]
    if len(made) == 1:
        # One clip alone: other views of it stand in.
        made = [made[0], made[0].mirrored(), made[0].zoomed()]
    return made


def pictures_of(clip: Path, most: int) -> list[npt.NDArray[np.uint8]]:
    """Return pictures spread evenly over a clip, yuv420p at the suite's size."""
    kept: list[npt.NDArray[np.uint8]] = []
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        count = stream.frames or round(float((stream.duration or 0) * (stream.time_base or 0)) * 25)
        step = max(1, count // most)
        for number, frame in enumerate(container.decode(stream)):
            if number % step == 0 and len(kept) < most:
                small = frame.reformat(WIDTH_PX, HEIGHT_PX, "yuv420p", interpolation="AREA")
                # yuv420p: bytes, whatever to_ndarray can give of other formats.
                kept.append(np.asarray(small.to_ndarray(), np.uint8))
    return kept


def _backdrop(clip: Path, say: Progress) -> Backdrop:
    folder = cache_folder().with_name("bench")
    folder.mkdir(parents=True, exist_ok=True)
    known = folder / f"backdrop_{clip.stem}_{clip.stat().st_size}_{_RECIPE}.npy"
    if known.exists():
        planes = np.load(known)
    else:
        say(f"finding the quiet scene of {clip.name}")
        planes = np.median(np.stack(pictures_of(clip, _SAMPLES)), axis=0).astype(np.uint8)
        part = known.with_suffix(".part.npy")
        np.save(part, planes)
        part.replace(known)
    return Backdrop(
        name=clip.stem,
        luma=planes[:HEIGHT_PX].astype(np.float32),
        chroma=planes[HEIGHT_PX:],
        clip=clip,
    )
