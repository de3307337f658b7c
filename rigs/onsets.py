"""Onsets by compositing: people and vehicles that come into quiet scenes, and how soon the bridge knows.

`rigs/labels/onsets.txt` says for each what comes when, how large, how fast and how well it stands out; the pictures are
made of that and of whatever clips there are, coded as cameras code them, and go the bridge's own way in memory.
`python -m rigs.onsets` runs them and prints what was missed.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
import functools
from pathlib import Path
import sys
from typing import Final

import numpy as np

from rigs.backdrop import SMOOTHED, Backdrop, Grain, backdrops
from rigs.coded_stream import CODINGS, FPS, HEIGHT_PX, WIDTH_PX, CodedStream
from rigs.figures import Figure, cut_outs, put, resized, vehicle, walker
from rigs.footage_archive import Progress
from rigs.offline_camera import OfflineCamera

LABELS: Final = Path(__file__).with_name("labels") / "onsets.txt"
LIMIT_S: Final = 2.0
"""Activity must be known so soon after half of the figure can be seen."""
_STAYS_S: Final = 5.0
_TAIL_S: Final = 4.0
_OTHER_CONTRAST: Final = -50.0
_QUICK_ONSETS: Final = 4
"""Of each reel: the quick run takes the first few of one reel per coding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something that comes."""

    at_s: float
    """When half of it can be seen."""
    figure: str
    """walker, vehicle or cut."""
    height_px: int
    way: str
    """right and left come in at the side, door from behind something in the middle."""
    pace: float
    """Its own heights a second; of vehicles lengths."""
    contrast: float
    """Levels that it is brighter than the scene behind it; of a cut-out none."""
    foot: float
    """Where its feet are, as a share of the picture's height."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reel:
    """One stream with several onsets."""

    number: int
    coding: str
    backdrop: int
    light: str
    noise: float
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one onset was seen."""

    reel: Reel
    entry: Entry
    delay_s: float | None
    """From half visible to activity, below nought where it was known before; None: not within the limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReelResult:
    """What one reel gave."""

    outcomes: tuple[Outcome, ...]
    seconds: float
    wakes: int
    decoded_share: float
    """Of all pictures."""
    stray: int
    """Spells of activity while nothing was in view."""


def read_labels(path: Path = LABELS) -> tuple[Reel, ...]:
    """Return what the labels say; raise ValueError with the line that makes no sense."""
    reels: list[Reel] = []
    entries: list[Entry] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.partition("#")[0].split()
        try:
            match words:
                case []:
                    continue
                case ["reel", name, coding, backdrop, light, noise] if coding in CODINGS:
                    entries = []
                    reels.append(
                        Reel(
                            number=int(name),
                            coding=coding,
                            backdrop=int(backdrop),
                            light=light,
                            noise=float(noise),
                            entries=(),
                        )
                    )
                case [at_s, figure, height, way, pace, contrast, foot]:
                    entries.append(
                        Entry(
                            at_s=float(at_s),
                            figure=figure,
                            height_px=int(height),
                            way=way,
                            pace=float(pace),
                            contrast=float(contrast),
                            foot=float(foot),
                        )
                    )
                    reels[-1] = _with(reels[-1], entries)
                case _:
                    raise ValueError("unknown form")
        except (ValueError, IndexError) as error:
            raise ValueError(f"{path.name}, line {number}: {error}") from error
    return tuple(reels)


def run(*, quick: bool, footage: Path | None, say: Progress) -> list[ReelResult]:
    """Run the reels, two at a time; the quick run takes a few onsets of each coding."""
    reels = read_labels()
    if quick:
        firsts = {reel.coding: reel for reel in reversed(reels)}
        reels = tuple(_with(reel, reel.entries[:_QUICK_ONSETS]) for reel in firsts.values())
    scenes = backdrops(footage, say)
    results = []
    with ProcessPoolExecutor() as pool:
        play = functools.partial(play_reel, scenes=scenes)
        for result in pool.map(play, reels):
            results.append(result)
            seen = sum(outcome.delay_s is not None for outcome in result.outcomes)
            say(f"onsets: {len(results)} of {len(reels)} reels, {seen} of {len(result.outcomes)}")
    return results


def play_reel(reel: Reel, scenes: list[Backdrop]) -> ReelResult:
    """Compose, code and watch one reel."""
    random = np.random.default_rng(reel.number)
    backdrop = scenes[reel.backdrop % len(scenes)]
    cuts = cut_outs(backdrop)
    if reel.light == "night":
        backdrop = backdrop.at_night()
    grain = Grain(reel.noise, random, smoothed=SMOOTHED[reel.light])
    figures = [_figure(entry, backdrop, cuts, number) for number, entry in enumerate(reel.entries)]
    stream, camera = CodedStream(CODINGS[reel.coding]), OfflineCamera()
    length_s = reel.entries[-1].at_s + _STAYS_S + _TAIL_S
    for number in range(round(length_s * FPS)):
        at_s = number / FPS
        scene = backdrop.luma.copy()
        for entry, figure in zip(reel.entries, figures, strict=True):
            if -2 * _STAYS_S < at_s - entry.at_s < _STAYS_S:
                _place(scene, entry, figure, at_s - entry.at_s)
        scene += grain.next()
        luma = scene.clip(0, 255).astype(np.uint8)
        for packet in stream.encode(luma, backdrop.chroma if number == 0 else None):
            camera.take(packet, at_s)
    outcomes = tuple(
        Outcome(reel=reel, entry=entry, delay_s=_delay(entry, figure, camera))
        for entry, figure in zip(reel.entries, figures, strict=True)
    )
    return ReelResult(
        outcomes=outcomes,
        seconds=length_s,
        wakes=camera.wakes,
        decoded_share=camera.pictures / max(1, camera.packets),
        stray=sum(
            all(
                not entry.at_s - _lead_s(entry, figure)
                <= spell.start_s
                <= entry.at_s + _STAYS_S + 1
                for entry, figure in zip(reel.entries, figures, strict=True)
            )
            for spell in camera.spells
        ),
    )


def _with(reel: Reel, entries: list[Entry] | tuple[Entry, ...]) -> Reel:
    return Reel(
        number=reel.number,
        coding=reel.coding,
        backdrop=reel.backdrop,
        light=reel.light,
        noise=reel.noise,
        entries=tuple(entries),
    )


def _figure(entry: Entry, backdrop: Backdrop, cuts: list[Figure], number: int) -> Figure:
    bottom = round(entry.foot * HEIGHT_PX)
    third = {"right": 0, "door": 1, "left": 2}[entry.way] * WIDTH_PX // 3
    place = backdrop.luma[max(0, bottom - entry.height_px) : bottom, third : third + WIDTH_PX // 3]
    # Cut-outs have their own; where a clip gives none, a drawn figure needs one.
    level = min(250.0, max(5.0, float(place.mean()) + (entry.contrast or _OTHER_CONTRAST)))
    if entry.figure == "vehicle":
        return vehicle(entry.height_px, paint=level)
    if entry.figure == "cut" and cuts:
        return resized(cuts[number % len(cuts)], entry.height_px)
    return walker(
        entry.height_px, coat=level, trousers=min(250.0, max(5.0, level - 15)), skin=level + 20
    )


def _speed(entry: Entry, figure: Figure) -> float:
    return entry.pace * (figure.width if entry.figure == "vehicle" else figure.height)


def _lead_s(entry: Entry, figure: Figure) -> float:
    """Return for how long it can be seen already when half of it can be seen."""
    return figure.width / 2 / _speed(entry, figure)


def _place(scene: np.ndarray, entry: Entry, figure: Figure, since_s: float) -> None:
    way = since_s * _speed(entry, figure)
    y = entry.foot * HEIGHT_PX - figure.height
    hidden = 0.0
    match entry.way:
        case "left":
            x = WIDTH_PX - figure.width / 2 - way
        case "door":
            hidden = WIDTH_PX * 0.4
            x = hidden - figure.width / 2 + way
        case _:
            x = -figure.width / 2 + way
    put(scene, figure, x=x, y=y, seconds=since_s + 100, clip_x=hidden)


def _delay(entry: Entry, figure: Figure, camera: OfflineCamera) -> float | None:
    appears_s = entry.at_s - _lead_s(entry, figure)
    for spell in camera.spells:
        # What was active before anything could be seen has found nothing.
        if appears_s - 0.02 <= spell.start_s <= entry.at_s + LIMIT_S:
            return spell.start_s - entry.at_s
    return None


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m rigs.onsets", description=__doc__)
    parser.add_argument("--footage", type=Path, help="a folder of clips")
    parser.add_argument("--quick", action="store_true", help="a few of each coding")
    arguments = parser.parse_args()

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    results = run(quick=arguments.quick, footage=arguments.footage, say=say)
    outcomes = [outcome for result in results for outcome in result.outcomes]
    for outcome in outcomes:
        if outcome.delay_s is None:
            print(f"missed: reel {outcome.reel.number} {outcome.reel.coding} {outcome.entry}")
    delays = np.array([o.delay_s for o in outcomes if o.delay_s is not None])
    for name in CODINGS:
        own = np.array(
            [o.delay_s for o in outcomes if o.delay_s is not None and o.reel.coding == name]
        )
        if own.size:
            median, most = np.percentile(own, (50, 95))
            print(f"{name}: delay p50 {median:.2f} s, p95 {most:.2f} s of {own.size}")
    print(f"seen {delays.size} of {len(outcomes)}")
    for result in results:
        reel = result.outcomes[0].reel
        print(
            f"reel {reel.number} {reel.coding} {reel.light}: {result.seconds:.0f} s,"
            f" {result.wakes} wakes, {result.stray} stray,"
            f" {100 * result.decoded_share:.0f} % decoded"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
