"""What is no visitor, by compositing: leaves, rain, headlights, insects, clouds, exposure, clocks and the like.

`rigs/labels/nuisances.txt` says what goes on for how long before which quiet scene; in none of it is there anybody. The
pictures go the bridge's own way in memory. `python -m rigs.nuisance` runs them and prints what was taken for a visit.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
import functools
from pathlib import Path
import sys
from typing import Final

import numpy as np

from rigs.backdrop import SMOOTHED, Backdrop, Grain, backdrops
from rigs.coded_stream import CODINGS, FPS, CodedStream
from rigs.disturbance import EFFECTS
from rigs.footage_archive import Progress
from rigs.offline_camera import OfflineCamera, Spell

LABELS: Final = Path(__file__).with_name("labels") / "nuisances.txt"
EVENT_ENDS_S: Final = 20.0
"""Activity again within this time belongs to the same event."""
_QUICK_S: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One stream in which something goes on that is nobody."""

    kind: str
    coding: str
    backdrop: int
    light: str
    noise: float
    seconds: float
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one stretch."""

    stretch: Stretch
    started_s: tuple[float, ...]
    """When it was taken for a visit."""
    labelled: int
    """Those of them in which the detector of things named something; none without one."""
    wakes: int
    decoded_share: float
    """Of all pictures."""


def read_labels(path: Path = LABELS) -> tuple[Stretch, ...]:
    """Return what the labels say; raise ValueError with the line that makes no sense."""
    stretches = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.partition("#")[0].split()
        match words:
            case []:
                continue
            case [kind, coding, backdrop, light, noise, seconds] if (
                kind in EFFECTS and coding in CODINGS
            ):
                stretches.append(
                    Stretch(
                        kind=kind,
                        coding=coding,
                        backdrop=int(backdrop),
                        light=light,
                        noise=float(noise),
                        seconds=float(seconds),
                        seed=number,
                    )
                )
            case _:
                raise ValueError(f"{path.name}, line {number}: unknown form")
    return tuple(stretches)


def run(
    *, quick: bool, footage: Path | None, say: Progress, model: Path | None = None
) -> list[Result]:
    """Run the stretches, two at a time; the quick run takes the beginning of one of each kind."""
    stretches = read_labels()
    if quick:
        codings = list(CODINGS)
        kinds = {stretch.kind: stretch for stretch in stretches}
        stretches = tuple(
            replace(stretch, coding=codings[number % len(codings)], seconds=_QUICK_S)
            for number, stretch in enumerate(kinds.values())
        )
    scenes = backdrops(footage, say)
    results = []
    with ProcessPoolExecutor() as pool:
        for result in pool.map(functools.partial(play, scenes=scenes, model=model), stretches):
            results.append(result)
            stretch = result.stretch
            say(
                f"nuisances: {len(results)} of {len(stretches)}, {stretch.kind} {stretch.coding}:"
                f" {len(result.started_s)} taken for visits in {stretch.seconds:.0f} s"
            )
    return results


def play(stretch: Stretch, scenes: list[Backdrop], model: Path | None = None) -> Result:
    """Compose, code and watch one stretch."""
    random = np.random.default_rng(stretch.seed)
    backdrop = scenes[stretch.backdrop % len(scenes)]
    if stretch.light == "night":
        backdrop = backdrop.at_night()
    effect = EFFECTS[stretch.kind](random)
    grain = Grain(stretch.noise, random, smoothed=SMOOTHED[stretch.light])
    camera = OfflineCamera(model=model)
    # Few bits make the key pictures breathe.
    stream = CodedStream(
        CODINGS[stretch.coding], rate_factor=0.25 if stretch.kind == "breathing" else 1.0
    )
    for number in range(round(stretch.seconds * FPS)):
        at_s = number / FPS
        scene = backdrop.luma.copy()
        effect(scene, at_s)
        scene += grain.next()
        luma = scene.clip(0, 255).astype(np.uint8)
        for packet in stream.encode(luma, backdrop.chroma if number == 0 else None):
            camera.take(packet, at_s)
    events = started(camera.spells)
    return Result(
        stretch=stretch,
        started_s=tuple(spell.start_s for spell in events),
        labelled=sum(spell.labelled for spell in events),
        wakes=camera.wakes,
        decoded_share=camera.pictures / max(1, camera.packets),
    )


def started(spells: list[Spell]) -> list[Spell]:
    """Return the spells that begin an event: any is long enough to be confirmed by two frames."""
    events: list[Spell] = []
    ends_s = -EVENT_ENDS_S
    for spell in spells:
        if spell.start_s - ends_s >= EVENT_ENDS_S:
            events.append(replace(spell))
        else:
            events[-1].labelled |= spell.labelled
        ends_s = spell.end_s
    return events


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m rigs.nuisance", description=__doc__)
    parser.add_argument("--footage", type=Path, help="a folder of clips")
    parser.add_argument("--quick", action="store_true", help="the beginning of one of each kind")
    arguments = parser.parse_args()

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    for result in run(quick=arguments.quick, footage=arguments.footage, say=say):
        stretch = result.stretch
        print(
            f"{stretch.kind} {stretch.coding} {stretch.light}: {len(result.started_s)} in"
            f" {stretch.seconds:.0f} s, {result.wakes} wakes,"
            f" {100 * result.decoded_share:.0f} % decoded"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
