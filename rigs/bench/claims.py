"""`script/bench claims`: what the design claims, beside two other designs on the same rig, within two minutes."""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
import sys
import time
from typing import Final

from rigs.bench import claim, comparison, report
from rigs.bench.claim import Claim
from rigs.rehearsal.play import Play

_VISITS: Final = 8
_CAMERAS: Final = 4


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="script/bench claims", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures, flat")
    flags = parser.parse_args()
    begun_s = time.monotonic()
    claims = _measured(begun_s)
    print("\n".join(["", *claim.lines(claims)]))
    if flags.json is not None:
        flags.json.write_text(claim.as_json(claims), "utf-8")
    about = f"`script/bench claims` on {datetime.now(UTC):%Y-%m-%d}."
    generated = "\n".join([claim.BEGIN, "", about, "", *claim.table(claims), "", claim.END])
    report.write(report.DOCUMENT, generated, begin=claim.BEGIN, end=claim.END)
    print(f"The table is in {report.DOCUMENT.relative_to(Path.cwd())}.")
    return 0


def _measured(begun_s: float) -> list[Claim]:
    visits = Play.of_visits(1, _VISITS, every_s=110.0)
    moving = Play.of_one(1, 280.0)
    busy = [Play.of_visits(camera, 4, every_s=120.0) for camera in range(1, _CAMERAS + 1)]
    claims: list[Claim] = []
    steps: tuple[tuple[str, Callable[[], list[Claim]]], ...] = (
        ("ages of pictures and words", lambda: comparison.ages(visits)),
        ("a model that stalls", lambda: comparison.stall(moving)),
        ("a server with limits", lambda: comparison.limits(busy)),
        ("the story so far", lambda: comparison.story(moving)),
        ("bytes on the wire", lambda: comparison.wire(moving)),
    )
    for title, measure in steps:
        print(f"[{time.monotonic() - begun_s:4.0f} s] {title}", flush=True)
        claims += measure()
    return claims


if __name__ == "__main__":
    sys.exit(main())
