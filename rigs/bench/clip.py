"""The clips that are measured with: made of real footage by recipe, once, the way cameras code."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import lru_cache
import json
import os
from pathlib import Path
from typing import Final, cast

import av
from av.video.frame import PictureType
from av.video.reformatter import Interpolation, VideoReformatter
import numpy as np

from rigs.bench.scene import Planes, Scene

_RECIPE: Final = 5
"""Raised whenever what a clip shows or how it is coded changes."""
_SETTLE_S: Final = 1
"""Coded first and thrown away: the rate control's first key picture is a guess, a quarter of the size of the others."""
_NOISE_LEVELS: Final = 4.0
"""Standard deviation of the noise on luma: a sensor at dusk; it also is what a camera spends its bits on."""
_PEAK: Final = 3
"""The most of a variable bit rate, in times of the usual."""
_GRAINS: Final = 6
"""Noise pictures in turn, moved about: fresh noise for each picture would take most of the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """How a clip is coded."""

    codec: str
    """h264 or hevc."""
    width_px: int
    height_px: int
    fps: int
    gop: int
    mbit_s: float
    """Constant, or the most that is usual where it varies."""
    preset: str = "veryfast"
    crf: float | None = None
    """Constant quality, x264's scale, with bits as they are needed up to three times the rate; H.264 only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A stretch of a clip that begins with a key picture."""

    pictures: int
    visit: tuple[int, int] | None = None
    """First picture that shows somebody, first one that does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A clip: parts in the order in which they are shown; a part that comes twice is coded once."""

    name: str
    coding: Coding
    parts: tuple[Part, ...]
    order: tuple[int, ...]

    @property
    def duration_s(self) -> float:
        """Length of the clip."""
        return sum(self.parts[number].pictures for number in self.order) / self.coding.fps

    @property
    def onsets(self) -> tuple[int, ...]:
        """The pictures that are the first of a visit."""
        found, at = [], 0
        for number in self.order:
            part = self.parts[number]
            if part.visit is not None:
                found.append(at + part.visit[0])
            at += part.pictures
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A clip on disk."""

    path: Path
    recipe: Recipe
    bytes_per_s: float
    """Of the coded stream."""


def make(recipe: Recipe, scene: Scene, folder: Path, say: Callable[[str], None]) -> Clip:
    """Return the clip, made if it is not there yet; blocking."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{scene.name}_{recipe.name}_{_RECIPE}.mp4"
    note = path.with_suffix(".json")
    wanted = json.dumps(asdict(recipe))
    if not (path.exists() and note.exists() and note.read_text() == wanted):
        say(f"making the clip {recipe.name} ({recipe.duration_s:.0f} s of video)")
        part = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            _write(part, recipe, scene)
            part.replace(path)
            note.write_text(wanted)
        finally:
            part.unlink(missing_ok=True)
    size = _stream_bytes(path)
    return Clip(path=path, recipe=recipe, bytes_per_s=size / recipe.duration_s)


def _stream_bytes(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(packet.size for packet in container.demux(video=0))


def _write(path: Path, recipe: Recipe, scene: Scene) -> None:
    coding = recipe.coding
    coded = [_coded_part(coding, part, scene, seed) for seed, part in enumerate(recipe.parts)]
    with av.open(str(path), "w", format="mp4") as container:
        # The coder of the stream only lends its parameter sets, which are those of every part.
        stream = container.add_stream(_encoder_name(coding), rate=coding.fps)
        _set_up(cast(av.VideoCodecContext, stream.codec_context), coding)
        at = 0
        for number in recipe.order:
            for data, key in coded[number]:
                packet = av.Packet(data)
                packet.stream = stream
                packet.time_base = Fraction(1, coding.fps)
                packet.pts = packet.dts = at
                packet.is_keyframe = key
                container.mux_one(packet)
                at += 1


@lru_cache(maxsize=4)
def _coded_part(coding: Coding, part: Part, scene: Scene, seed: int) -> list[tuple[bytes, bool]]:
    """Code a part, or return it where a clip made just before has the same."""
    return list(_coded(coding, part, scene, seed))


def _coded(coding: Coding, part: Part, scene: Scene, seed: int) -> Iterator[tuple[bytes, bool]]:
    encoder = av.CodecContext.create(_encoder_name(coding), "w")
    assert isinstance(encoder, av.VideoCodecContext)  # noqa: S101  # narrows what create returns
    _set_up(encoder, coding)
    before = _SETTLE_S * coding.fps
    warm = Part(pictures=before + part.pictures, visit=part.visit)
    packets: list[tuple[bytes, bool]] = []
    for number, frame in enumerate(_pictures(coding, warm, before, scene, seed)):
        frame.pts, frame.time_base = number, Fraction(1, coding.fps)
        if number == before:
            frame.pict_type = PictureType.I
        packets += [(bytes(packet), packet.is_keyframe) for packet in encoder.encode(frame)]
    packets += [(bytes(packet), packet.is_keyframe) for packet in encoder.encode(None)]
    yield from packets[before:]


def _pictures(
    coding: Coding, part: Part, before: int, scene: Scene, seed: int
) -> Iterator[av.VideoFrame]:
    """Scale up and add noise, fresh in every picture, as no sensor is still."""
    import cv2  # noqa: PLC0415  # of this environment alone; it adds and clips in one go

    random = np.random.default_rng(seed)
    width, height = coding.width_px, coding.height_px
    grains = random.normal(0.0, _NOISE_LEVELS, (_GRAINS, height, width)).astype(np.int16)
    scaler = VideoReformatter()
    still = _scaled(scaler, scene.still, coding)
    visit = part.visit
    for number in range(part.pictures):
        if visit is not None and visit[0] <= number - before < visit[1]:
            shown = _scaled(scaler, _moving(scene, number - before - visit[0]), coding)
        else:
            shown = still.copy()
        grain = np.roll(grains[number % _GRAINS], int(random.integers(width)), axis=1)
        if random.integers(2):
            grain = grain[::-1]
        cv2.add(shown[:height], grain, dst=shown[:height], dtype=cv2.CV_8U)
        yield av.VideoFrame.from_ndarray(shown, format="yuv420p")


def _moving(scene: Scene, number: int) -> Planes:
    """Go through the moving pictures to and fro, for visits longer than they are."""
    count = len(scene.moving)
    at = number % (2 * count)
    return scene.moving[at if at < count else 2 * count - 1 - at]


def _scaled(scaler: VideoReformatter, picture: Planes, coding: Coding) -> Planes:
    frame = scaler.reformat(
        av.VideoFrame.from_ndarray(picture, format="yuv420p"),
        coding.width_px,
        coding.height_px,
        interpolation=Interpolation.BICUBIC,
    )
    # Of yuv420p, whose samples are bytes.
    return cast(Planes, frame.to_ndarray())


def _encoder_name(coding: Coding) -> str:
    return {"h264": "libx264", "hevc": "libx265"}[coding.codec]


def _set_up(encoder: av.VideoCodecContext, coding: Coding) -> None:
    """Code like a camera: no B pictures, key pictures on time only, one slice."""
    kbit_s = round(coding.mbit_s * 1000)
    encoder.thread_type = "FRAME"  # by slices, each picture would have as many as there are cores
    encoder.width, encoder.height = coding.width_px, coding.height_px
    encoder.pix_fmt = "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, coding.fps), Fraction(coding.fps)
    encoder.gop_size = coding.gop
    if coding.crf is None:
        encoder.bit_rate = kbit_s * 1000
    encoder.flags |= av.codec.context.Flags.global_header
    if coding.codec == "hevc":
        encoder.options = {
            "preset": coding.preset,
            "forced-idr": "1",
            "x265-params": f"bframes=0:scenecut=0:rc-lookahead=0:ref=1:keyint={coding.gop}:"
            f"min-keyint={coding.gop}:open-gop=0:vbv-maxrate={kbit_s}:vbv-bufsize={kbit_s}:"
            "log-level=none",
        }
        return
    encoder.options = {
        "preset": coding.preset,
        "forced-idr": "1",
        # Key pictures seven times the size of the others at two seconds, as cameras have them; not eleven times.
        "x264-params": "ipratio=1.05",
        "bf": "0",
        "refs": "1",
        "sc_threshold": "0",
        "rc-lookahead": "0",
        **_rate_control(coding, kbit_s),
    }


def _rate_control(coding: Coding, kbit_s: int) -> dict[str, str]:
    if coding.crf is None:
        return {"maxrate": f"{kbit_s}k", "bufsize": f"{kbit_s}k"}
    most = _PEAK * kbit_s
    return {"crf": f"{coding.crf}", "maxrate": f"{most}k", "bufsize": f"{most}k"}
