"""Clips of which somebody knows what they show: a folder for each, or the prepared footage."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import av
import simplejpeg

from custom_components.camera_narrator.pipeline.models import Frame
from custom_components.camera_narrator.pipeline.vocabulary import Label
from rigs.footage import Footage

NOTHING: Final = "nothing"
"""The class in which nobody and nothing takes part."""
FRAMES: Final = 5
"""A second apart, as a look of an active camera has them."""
_APART_S: Final = 1.0
_HEIGHT_PX: Final = 480
_QUALITY: Final = 70
"""All as a new camera has them."""
_VIDEOS: Final = frozenset({".mp4", ".mkv", ".avi", ".mov", ".ts", ".m4v"})
_MARGIN_S: Final = 2.0
"""Around a visit: who comes is not in the picture yet, who leaves is still there."""


class ClipError(Exception):
    """Clips that cannot be used; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledClip:
    """Pictures in order of time, and the truth about them."""

    name: str
    labels: frozenset[Label]
    """Empty where nobody and nothing takes part."""
    jpegs: tuple[bytes, ...] = field(repr=False)

    @property
    def frames(self) -> tuple[Frame, ...]:
        """Return the pictures as a camera would have brought them."""
        return tuple(self._frame(number, jpeg) for number, jpeg in enumerate(self.jpegs, 1))

    def _frame(self, number: int, jpeg: bytes) -> Frame:
        height_px, width_px, _, _ = simplejpeg.decode_jpeg_header(jpeg)
        at_s = number * _APART_S
        return Frame(
            camera="clip",
            epoch="clip",
            sequence=number,
            captured_s=at_s,
            captured_wall_s=at_s,
            received_s=at_s,
            width=width_px,
            height=height_px,
            active=True,
            jpeg=jpeg,
        )


def of_folder(folder: Path) -> list[LabelledClip]:
    """Return the clips of a folder: its folders are named by what their videos, or folders of JPEGs, show."""
    clips = [
        LabelledClip(name=f"{kind.name}/{path.name}", labels=labels(kind.name), jpegs=jpegs)
        for kind in sorted(folder.iterdir())
        if kind.is_dir()
        for path in sorted(kind.iterdir())
        if (jpegs := _pictures(path))
    ]
    if not clips:
        raise ClipError(
            f"{folder}: no clip; put videos, or folders of JPEGs, into folders named person, vehicle, animal, "
            f"package, person+package or {NOTHING}"
        )
    return clips


def of_footage(footage: Footage) -> list[LabelledClip]:
    """Return the visits of people in the prepared footage, and the quiet stretches before them."""
    clips = []
    before_s = 0.0
    for number, visit in enumerate(footage.visits, 1):
        middle_s = max(visit.start_s, (visit.start_s + visit.end_s - FRAMES * _APART_S) / 2)
        quiet_s = visit.start_s - _MARGIN_S - FRAMES * _APART_S
        if quiet_s >= before_s:
            clips.append(_stretch(footage.path, f"quiet {number}", frozenset(), quiet_s))
        person = frozenset({Label.PERSON})
        clips.append(_stretch(footage.path, f"visit {number}", person, middle_s))
        before_s = visit.end_s + _MARGIN_S
    return clips


def labels(name: str) -> frozenset[Label]:
    """Read what a folder's name says; raise ClipError where nobody could know."""
    parts = [part.strip() for part in name.lower().split("+")]
    if parts == [NOTHING]:
        return frozenset()
    try:
        return frozenset(Label(part) for part in parts)
    except ValueError:
        known = ", ".join([*(label.value for label in Label), NOTHING])
        raise ClipError(f"{name}: no class of clips; there are {known}") from None


def _stretch(path: Path, name: str, truth: frozenset[Label], from_s: float) -> LabelledClip:
    return LabelledClip(name=name, labels=truth, jpegs=tuple(_decoded(path, from_s)))


def _pictures(path: Path) -> tuple[bytes, ...]:
    if path.is_dir():
        return tuple(file.read_bytes() for file in sorted(path.glob("*.jp*g"))[:FRAMES])
    return tuple(_decoded(path, 0.0)) if path.suffix.lower() in _VIDEOS else ()


def _decoded(path: Path, from_s: float) -> Iterator[bytes]:
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            due_s, taken = from_s, 0
            for frame in container.decode(stream):
                if (frame.time or 0.0) < due_s:
                    continue
                yield _jpeg(frame)
                due_s, taken = due_s + _APART_S, taken + 1
                if taken == FRAMES:
                    return
    except (av.FFmpegError, OSError, IndexError) as error:
        raise ClipError(f"{path}: not a readable video") from error


def _jpeg(frame: av.VideoFrame) -> bytes:
    height = min(_HEIGHT_PX, frame.height)
    width = round(frame.width * height / frame.height / 2) * 2
    picture = frame.to_ndarray(format="rgb24", width=width, height=height)
    coded: bytes = simplejpeg.encode_jpeg(picture, quality=_QUALITY, colorsubsampling="420")
    return coded


def classes(clips: Iterable[LabelledClip]) -> list[str]:
    """Return the classes that clips show, in the order of the vocabulary."""
    there = frozenset().union(*(clip.labels for clip in clips))
    named = [label.value for label in Label if label in there]
    return named + [NOTHING] * any(not clip.labels for clip in clips)
