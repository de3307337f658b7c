"""`script/bench claims`: what the design claims, beside two other designs on the same rig, within two minutes."""

import argparse
import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
import sys
import time
from typing import Final

from rigs.bench import claim, comparison, lived, report
from rigs.bench.claim import Claim
from rigs.bench.figure import percentile
from rigs.rehearsal.model import Speed
from rigs.rehearsal.plain import CLIP_BYTES_PER_S, CLIP_S, UPLINK_BYTES_PER_S
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
        ("a real house", lambda: _in_a_real_house(begun_s)),
    )
    for title, measure in steps:
        _say(begun_s, title)
        claims += measure()
    return claims


def _in_a_real_house(begun_s: float) -> list[Claim]:
    """Measure ours where processes, RTSP, WebSocket, HTTP and MQTT are real."""
    told = asyncio.run(
        lived.delays(
            rounds=1, say=lambda text: _say(begun_s, text), first_token_s=Speed().first_token_s
        )
    )
    how = f"ours in real processes: RTSP, bridge, Home Assistant, MQTT; median of {len(told.activity_ms)} visits"
    return [
        Claim(
            name="connections",
            what="connections opened in a minute",
            clip=60 / (CLIP_S + CLIP_S * CLIP_BYTES_PER_S / UPLINK_BYTES_PER_S),
            timer=1,
            ours=told.connections,
            how="ours: counted before Home Assistant, 4 cameras, over the whole stay; a clip's upload each, the timer's one, by their design",
        ),
        Claim(
            name="glass_to_activity_s",
            what="first picture drawn with somebody → activity at the broker, s",
            clip=None,
            timer=None,
            ours=percentile(told.activity_ms, 0.5) / 1000,
            how=f"{how}; the others know no activity",
        ),
        Claim(
            name="glass_to_words_s",
            what="first picture drawn with somebody → first words at the broker, s",
            clip=None,
            timer=None,
            ours=percentile(told.words_ms, 0.5) / 1000,
            how=f"{how}; model 2 s to the first token; for the others see the onset above",
        ),
    ]


def _say(begun_s: float, text: str) -> None:
    print(f"[{time.monotonic() - begun_s:4.0f} s] {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
