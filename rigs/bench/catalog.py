"""Which clips there are, by name."""

from dataclasses import replace
from typing import Final

from rigs.bench.clip import Coding, Part, Recipe

_SIZES: Final = {"720p": (1280, 720), "1080p": (1920, 1080), "4k": (3840, 2160)}
_MBIT_S: Final = {
    ("720p", "h264"): 1.5,
    ("1080p", "h264"): 4.0,
    ("1080p", "hevc"): 3.0,
    ("4k", "h264"): 8.0,
    ("4k", "hevc"): 6.0,
    ("720p", "hevc"): 1.0,
}
_SMART_SHARE: Final = 0.375
"""Of these rates for a long group of pictures, which cameras choose in order to save: 1.5 Mbit/s for 1080p H.264."""
_FPS: Final = 25
_VISIT_S: Final = 6
_CRF: Final = 27
"""Half a megabit a second for a quiet 1080p picture with the noise of these clips."""
_MBIT_S_4K60: Final = 50.0
"""What H.264 is commonly given at this size and rate."""


def quiet(size: str, codec: str, gop: int, *, parts: int = 1, rounds: int = 1) -> Recipe:
    """Nothing moves; the noise repeats with the parts, which are ten seconds or one group long."""
    pictures = _part(size, gop)
    seconds = pictures * parts * rounds // _FPS
    return Recipe(
        name=f"{size}_{codec}_gop{gop}_quiet_{seconds}s",
        coding=_coding(size, codec, gop),
        parts=(Part(pictures=pictures),) * parts,
        order=tuple(range(parts)) * rounds,
    )


def active10(size: str, codec: str, gop: int) -> Recipe:
    """A minute, of which six seconds show somebody."""
    pictures = _part(size, gop)
    tens = 10 * _FPS // pictures
    quiet_part = Part(pictures=pictures)
    # Beginning in the middle of a second, between two key pictures of short groups too.
    visit = Part(pictures=10 * _FPS, visit=(2 * _FPS + 13, (2 + _VISIT_S) * _FPS + 13))
    return Recipe(
        name=f"{size}_{codec}_gop{gop}_active10",
        coding=_coding(size, codec, gop),
        parts=(quiet_part, quiet_part, visit),
        order=(*((0, 1) * 15)[: 3 * tens], 2, *((0, 1) * 15)[: 2 * tens]),
    )


def onsets(gop: int, *, variable: bool) -> Recipe:
    """Visits that begin at various places of a group, seconds after the end of the one before."""
    # Long groups need more places: what has to be caught up with differs more.
    long = ((35, 85), (120, 170), (205, 250))
    visits, pictures = (long, 250) if gop > 50 else (((45, 95), (58, 108)), 200)
    return Recipe(
        name=f"1080p_h264_gop{gop}_onsets_{'variable' if variable else 'constant'}",
        # Coded and decoded nearly as the others, in half the time.
        coding=replace(
            _coding("1080p", "h264", gop), preset="superfast", crf=_CRF if variable else None
        ),
        parts=tuple(Part(pictures=pictures, visit=visit) for visit in visits),
        order=tuple(range(len(visits))),
    )


def busy() -> Recipe:
    """Somebody all the time: what makes most of a narrow line."""
    return Recipe(
        name="720p_h264_gop25_busy",
        coding=_coding("720p", "h264", 25),
        parts=(Part(pictures=250, visit=(0, 250)),),
        order=(0,),
    )


def fast_4k(*, active: bool) -> Recipe:
    """4K with 60 pictures a second, with somebody all the time or without anybody."""
    return Recipe(
        name=f"4k60_h264_gop120_{'active' if active else 'quiet'}",
        coding=Coding(
            codec="h264",
            width_px=3840,
            height_px=2160,
            fps=60,
            gop=120,
            mbit_s=_MBIT_S_4K60,
            # Its bytes are what counts, not what decoding it costs.
            preset="ultrafast",
        ),
        parts=(Part(pictures=120, visit=(0, 120) if active else None),),
        order=(0,),
    )


def _part(size: str, gop: int) -> int:
    """Pictures of a part: ten seconds, of 4K four where the group allows it; it takes long to code."""
    return max(gop, 100) if size == "4k" else max(gop, 10 * _FPS)


def _coding(size: str, codec: str, gop: int) -> Coding:
    width, height = _SIZES[size]
    share = _SMART_SHARE if gop >= 200 else 1.0
    return Coding(
        codec=codec,
        width_px=width,
        height_px=height,
        fps=_FPS,
        gop=gop,
        mbit_s=_MBIT_S[size, codec] * share,
        # x265 takes ten times as long with the other; what cameras make lies between.
        preset="veryfast" if codec == "h264" else "ultrafast",
    )
