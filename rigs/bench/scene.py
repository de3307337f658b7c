"""Real footage taken apart for clips of any size: one still picture, and pictures in which something moves."""

from collections.abc import Callable
from dataclasses import dataclass, field
import itertools
from pathlib import Path
from typing import Final, cast

import av
import numpy as np
import numpy.typing as npt

from rigs import footage
from rigs.footage_strip import measure

type Planes = npt.NDArray[np.uint8]
"""One picture in yuv420p: height * 3 / 2 rows of luma, then blue, then red."""

_READ_MOST: Final = 400
"""Pictures of a clip that are looked at: enough to hold a quiet one and a visit."""
_MOVING: Final = 150
"""Pictures of movement that are kept: 6 s at 25 a second."""
_SOURCE_WIDTH_PX: Final = 960
"""Footage is read no wider than this; clips are scaled up from it."""
_SUFFIXES: Final = {".mp4", ".mkv", ".avi", ".mov", ".ts", ".m4v"}


class SceneError(Exception):
    """Footage that no clip can be made of; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """What clips are made of; all pictures have one size."""

    name: str
    """Short and unique: part of the names of clips."""
    title: str
    still: Planes = field(repr=False)
    moving: tuple[Planes, ...] = field(repr=False)
    """Pictures that follow each other; the first already shows somebody."""


def load(folder: Path | None, say: Callable[[str], None]) -> Scene:
    """Return the scene of the prepared footage, or of the first video in the user's folder; blocking."""
    if folder is None:
        prepared = footage.prepare(say)
        pictures = _read(prepared.path)
        if prepared.title.startswith("a ride"):
            return _cut("ride", prepared.title, pictures)
        return _mosaic(_cut("campus", prepared.title, pictures))
    videos = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
    if not videos:
        raise SceneError(f"{folder}: no video in it")
    return _cut(f"own_{videos[0].stem}", videos[0].name, _read(videos[0]))


def _read(path: Path) -> list[Planes]:
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            return [
                _planes(frame) for frame in itertools.islice(container.decode(stream), _READ_MOST)
            ]
    except (av.FFmpegError, OSError, IndexError) as error:
        raise SceneError(f"{path}: not a readable video") from error


def _planes(frame: av.VideoFrame) -> Planes:
    width = min(frame.width, _SOURCE_WIDTH_PX) // 4 * 4
    height = round(frame.height * width / frame.width / 4) * 4
    small = frame.reformat(width=width, height=height, format="yuv420p")
    return cast(Planes, small.to_ndarray())


def _cut(name: str, title: str, pictures: list[Planes]) -> Scene:
    """Take the liveliest stretch, and as the still picture the last quiet one before it."""
    if len(pictures) <= _MOVING:
        raise SceneError(f"{title}: fewer than {_MOVING + 1} pictures")
    height = pictures[0].shape[0] * 2 // 3
    shares = np.array(measure([picture[:height] for picture in pictures]))
    sums = np.convolve(shares, np.ones(_MOVING), "valid")
    start = int(np.argmax(sums[1:])) + 1
    # The first picture must show somebody fully: from there on, a step over half of the stretch's mean.
    mean = float(shares[start : start + _MOVING].mean())
    while start + 1 < len(pictures) - _MOVING and shares[start] < mean:
        start += 1
    still = int(np.argmin(shares[:start])) if start > 1 else 0
    return Scene(
        name=name,
        title=title,
        still=pictures[still],
        moving=tuple(pictures[start : start + _MOVING]),
    )


def _mosaic(scene: Scene) -> Scene:
    """Put the moving picture among three still ones: a person is a fifth of the height, as some 10 m away."""
    planes = [_split(scene.still)]
    still = [np.concatenate([_pair(plane), _pair(plane)[::-1]]) for plane in planes[0]]

    def whole(picture: Planes) -> Planes:
        canvas = [plane.copy() for plane in still]
        for plane, part in zip(canvas, _split(picture), strict=True):
            plane[: part.shape[0], : part.shape[1]] = part
        return _joined(canvas)

    return Scene(
        name=scene.name,
        title=scene.title,
        still=_joined(still),
        moving=tuple(whole(picture) for picture in scene.moving),
    )


def _pair(plane: Planes) -> Planes:
    return np.concatenate([plane, plane[:, ::-1]], axis=1)


def _split(picture: Planes) -> tuple[Planes, Planes, Planes]:
    height, width = picture.shape[0] * 2 // 3, picture.shape[1]
    chroma = picture[height:].reshape(2, height // 2, width // 2)
    return picture[:height], chroma[0], chroma[1]


def _joined(planes: list[Planes]) -> Planes:
    width = planes[0].shape[1]
    return np.concatenate([plane.reshape(-1) for plane in planes]).reshape(-1, width)
