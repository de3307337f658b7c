"""Reads any video into pictures, and writes H.264 the way a camera codes it."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final, cast

import av
import numpy as np
import numpy.typing as npt

type Planes = npt.NDArray[np.uint8]

_GOP_S: Final = 1
"""Seconds between key pictures: whoever looks in waits for the next; cameras allow one to four."""
_LARGEST_PX: Final = 1080
"""Taller videos are scaled down: the demo is about words, not about decoding 4K."""
_FASTEST_FPS: Final = 30


class VideoError(Exception):
    """A file that is no readable video; the text says which and why."""


def is_camera_video(path: Path) -> bool:
    """Whether the file can be sent as it is: H.264 or H.265 in any container."""
    try:
        with av.open(str(path)) as container:
            streams = container.streams.video
            return bool(streams) and streams[0].codec_context.name in {"h264", "hevc"}
    except (av.FFmpegError, OSError) as error:
        raise VideoError(f"{path}: not a readable video ({error.strerror})") from error


def read_pictures(
    path: Path, crop: tuple[int, int, int, int] | None = None
) -> tuple[list[Planes], float]:
    """Return all pictures (yuv420p) and their rate; `crop` is left, top, width, height."""
    pictures: list[Planes] = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        fps = float(stream.average_rate or 25)
        for frame in container.decode(stream):
            planes = _planes(frame)
            pictures.append(planes if crop is None else _cropped(planes, crop))
    return pictures, fps


def write_pictures(path: Path, pictures: Iterable[Planes], fps: float) -> Iterator[int]:
    """Write an MP4; yields the number of pictures so far, after each."""
    rate = Fraction(fps).limit_denominator(1001)
    with av.open(str(path), "w", format="mp4") as container:
        stream = None
        for number, planes in enumerate(pictures, 1):
            if stream is None:
                stream = _video_stream(container, rate, planes.shape[1], planes.shape[0] * 2 // 3)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = number - 1, 1 / rate
            container.mux(stream.encode(frame))
            yield number
        if stream is not None:
            container.mux(stream.encode(None))


def transcode(path: Path, target: Path) -> Iterator[float]:
    """Code any video anew as a camera would; yields the seconds done so far."""
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise VideoError(f"{path}: no video in it")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            fps = min(float(stream.average_rate or 25), _FASTEST_FPS)
            for number in write_pictures(target, _resampled(container, fps), fps):
                yield number / fps
    except (av.FFmpegError, OSError) as error:
        raise VideoError(f"{path}: not a readable video ({error.strerror})") from error


def _resampled(container: av.container.InputContainer, fps: float) -> Iterator[Planes]:
    """Decode at an even rate and a size that H.264 can have."""
    due_s = 0.0
    for frame in container.decode(video=0):
        if frame.time is not None and frame.time + 1e-6 < due_s:
            continue
        due_s += 1 / fps
        height = min(frame.height, _LARGEST_PX) // 2 * 2
        width = round(frame.width * height / frame.height / 2) * 2
        yield _planes(frame.reformat(width=width, height=height))


def _planes(frame: av.VideoFrame) -> Planes:
    # Any picture becomes yuv420p, whose samples are bytes.
    return cast(Planes, frame.to_ndarray(format="yuv420p"))


def _video_stream(
    container: av.container.OutputContainer, rate: Fraction, width_px: int, height_px: int
) -> av.VideoStream:
    stream = container.add_stream("libx264", rate=rate)
    stream.width, stream.height = width_px, height_px
    stream.pix_fmt = "yuv420p"
    stream.gop_size = round(rate * _GOP_S)
    # No B pictures, no key pictures but those on time: like a camera.
    stream.options = {"preset": "veryfast", "crf": "23", "bf": "0", "sc_threshold": "0"}
    return stream


def _cropped(planes: Planes, crop: tuple[int, int, int, int]) -> Planes:
    left, top, width, height = crop
    rows = planes.shape[0] * 2 // 3
    luma = planes[top : top + height, left : left + width]
    chroma = planes[rows:].reshape(2, rows // 2, planes.shape[1] // 2)
    small = chroma[:, top // 2 : (top + height) // 2, left // 2 : (left + width) // 2]
    return np.concatenate([luma.reshape(-1), small.reshape(-1)]).reshape(-1, width)
