"""`script/bench narration`: what the narration sees, asks, tells and costs, and what it takes of Home Assistant."""

import argparse
import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
import sys
import time
from typing import Final

from rigs.bench import ingest, lived, rehearsed, report, timeline
from rigs.bench.figure import Figure

BEGIN: Final = "<!-- written by script/bench narration: begin -->"
END: Final = "<!-- written by script/bench narration: end -->"


type Say = Callable[[str], None]


def _lived(*, quick: bool, say: Say) -> list[Figure]:
    return lived.figures(asyncio.run(lived.delays(rounds=2 if quick else 8, say=say)))


def _ingest(*, quick: bool, say: Say) -> list[Figure]:
    return asyncio.run(ingest.measure(quick=quick, say=say))


_REAL: Final[dict[str, Callable[..., list[Figure]]]] = {
    "lived": _lived,
    "ingest": _ingest,
    "timeline": timeline.measure,
}
_GROUPS: Final = (*rehearsed.GROUPS, *_REAL)


def main() -> int:
    """Run the command line."""
    flags = _parser().parse_args()
    begun_s = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - begun_s:4.0f} s] {text}", flush=True)

    figures: list[Figure] = []
    for name in flags.only or _GROUPS:
        say(name)
        if name in _REAL:
            figures += _REAL[name](quick=flags.quick, say=say)
        else:
            figures += rehearsed.GROUPS[name](quick=flags.quick)
    print("\n".join(["", *report.lines(figures)]))
    say(report.summary(figures))
    if flags.json is not None:
        flags.json.write_text(report.as_json(figures), "utf-8")
    if not flags.only:
        command = "script/bench narration" + (" --quick" if flags.quick else "")
        about = f"`{command}` on {datetime.now(UTC):%Y-%m-%d}, {report.machine()}."
        generated = "\n".join([BEGIN, "", about, "", *report.table(figures), "", END])
        report.write(report.DOCUMENT, generated, begin=BEGIN, end=END)
        print(f"The table is in {report.DOCUMENT.relative_to(Path.cwd())}.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="script/bench narration", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures, flat")
    parser.add_argument("--quick", action="store_true", help="fewer visits and a shorter day")
    parser.add_argument(
        "--only",
        action="append",
        choices=_GROUPS,
        help="one group of figures, and no table; may be given again",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
