"""`script/bench edge`: all figures of the bridge in one run."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
import inspect
from pathlib import Path
import sys
from typing import Final

import av

from rigs.bench import (
    activity,
    catalog,
    first_frame,
    latency,
    live,
    processor,
    report,
    scene,
    uplink,
    wire,
)
from rigs.bench.figure import Figure
from rigs.bench.run import Run, RunError
from rigs.footage import FootageError, cache_folder
from rigs.process import ProcessError

type Measure = Callable[[Run], Awaitable[list[Figure]] | list[Figure]]


async def _latency_and_quiet_wire(run: Run) -> list[Figure]:
    """Watch the one 4K60 camera that sends a picture every ten seconds meanwhile: it costs little but time."""
    # Coding takes both cores: it must be done when the delays are taken.
    visits = [catalog.onsets(gop, variable=True) for gop in latency.GOPS]
    for recipe in (catalog.fast_4k(active=False), *visits):
        await asyncio.to_thread(run.clip, recipe)
    async with asyncio.TaskGroup() as group:
        delays = group.create_task(latency.measure(run))
        wired = group.create_task(wire.measure_quiet(run))
    return delays.result() + wired.result()


def _activity(run: Run) -> list[Figure]:
    numbers = activity.measure(quick=run.quick, footage=run.footage, say=run.say)
    count = round(numbers["activity.onsets"])
    how = "composited onsets and nuisances, coded and taken the bridge's own way in memory"
    return [Figure(name=name, value=value, n=count, how=how) for name, value in numbers.items()]


GROUPS: Final[dict[str, Measure]] = {
    "processor": processor.measure,
    "live": live.measure,
    "first_frame": first_frame.measure,
    "latency": _latency_and_quiet_wire,
    "wire": wire.measure_active,
    "activity": _activity,
    "uplink": uplink.measure,
}
_NOT_QUICK: Final = {"uplink"}
"""Its figures have no budget here, and take a minute and a half."""


def main() -> int:
    """Run the command line."""
    flags = _parser().parse_args()
    av.logging.set_level(None)
    try:
        prepared = Run(
            quick=flags.quick,
            footage=flags.footage,
            scene=scene.load(flags.footage, lambda text: print(text, flush=True)),
            folder=cache_folder().with_name("bench"),
        )
    except (scene.SceneError, FootageError, OSError) as error:
        print(f"script/bench: {error}", file=sys.stderr)
        return 1
    figures, whole = _measured(prepared, flags.only or _groups(quick=flags.quick))
    _tell(prepared, figures)
    if flags.json is not None:
        flags.json.write_text(report.as_json(figures), "utf-8")
    if not flags.only and (missing := report.missing(figures)):
        print(f"missing: {', '.join(missing)}", file=sys.stderr)
        whole = False
    if whole and not flags.only:
        command = "script/bench edge" + (" --quick" if flags.quick else "")
        generated = report.section(figures, title=prepared.scene.title, command=command)
        report.write(report.DOCUMENT, generated)
        print(f"The table is in {report.DOCUMENT.relative_to(Path.cwd())}.")
    return 0 if whole else 1


def _groups(*, quick: bool) -> list[str]:
    return [name for name in GROUPS if not (quick and name in _NOT_QUICK)]


def _measured(run: Run, groups: list[str]) -> tuple[list[Figure], bool]:
    """Return what could be measured, and whether that was all."""
    figures: list[Figure] = []
    whole = True
    for name in groups:
        try:
            measured = GROUPS[name](run)
            figures += (
                asyncio.run(_awaited(measured)) if inspect.isawaitable(measured) else measured
            )
        except* (RunError, ProcessError, OSError) as failures:
            whole = False
            for failure in failures.exceptions:
                run.say(f"{name} could not be measured: {failure}")
    return figures, whole


async def _awaited(measured: Awaitable[list[Figure]]) -> list[Figure]:
    return await measured


def _tell(run: Run, figures: list[Figure]) -> None:
    print("\n".join(["", *report.lines(figures)]))
    run.say(report.summary(figures))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    edge = commands.add_parser("edge", help="measure the edge bridge")
    edge.add_argument("--json", type=Path, metavar="FILE", help="write the figures, flat")
    edge.add_argument("--quick", action="store_true", help="the named figures, in five minutes")
    edge.add_argument("--footage", type=Path, metavar="DIR", help="a folder with your own videos")
    edge.add_argument(
        "--only",
        action="append",
        choices=[*GROUPS],
        help="one group of figures, and no table; may be given again",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
