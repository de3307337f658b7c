"""Processor time on files, as fast as they can be read: ours beside ffmpeg and OpenCV, in turn."""

import json
from pathlib import Path
import sys
from typing import Final

from rigs.bench import baseline, catalog
from rigs.bench.clip import Recipe
from rigs.bench.figure import Figure, ratio
from rigs.bench.load import run_cpu_s
from rigs.bench.run import Run

DEFAULT_INTERVAL_S: Final = 10.0
"""Between pictures sent while quiet, out of the box."""


def measure(run: Run) -> list[Figure]:
    """Return the ratios of the clips; the named ones alone in a quick run. Blocking."""
    figures: list[Figure] = []
    for label, recipe, everything in _cases(run.quick):
        figures += _case(run, label, recipe, everything=everything)
    return figures


def _cases(quick: bool) -> list[tuple[str, Recipe, bool]]:
    quiet = catalog.quiet
    named = [
        ("1080p_h264_gop25", quiet("1080p", "h264", 25, rounds=2), not quick),
        ("1080p_h264_gop250_quiet", quiet("1080p", "h264", 250, parts=2, rounds=2), not quick),
        ("1080p_h264_gop250_active10", catalog.active10("1080p", "h264", 250), not quick),
        ("4k_h264_gop50", quiet("4k", "h264", 50, rounds=5), not quick),
    ]
    if quick:
        return named
    more = []
    for size in ("720p", "1080p", "4k"):
        for codec in ("h264", "hevc"):
            for gop in (25, 50, 250):
                rounds = 4 if size == "4k" else 2
                label = f"{size}_{codec}_gop{gop}"
                more.append((f"{label}_quiet", quiet(size, codec, gop, parts=2, rounds=rounds)))
                more.append((f"{label}_active10", catalog.active10(size, codec, gop)))
    known = {label for label, _, _ in named}
    return named + [(label, recipe, True) for label, recipe in more if label not in known]


def _case(run: Run, label: str, recipe: Recipe, *, everything: bool) -> list[Figure]:
    path = run.clip(recipe).path
    # Key pictures a second apart and each of them sent: the same number of pictures as the others bring.
    interval_s = 1.0 if recipe.coding.gop <= recipe.coding.fps else DEFAULT_INTERVAL_S
    run.say(f"measuring {label}: {run.rounds} rounds of {recipe.duration_s:.0f} s")
    costs: dict[str, list[float]] = {"ours": [], "ffmpeg": [], "nokey": [], "opencv": []}
    pictures: dict[str, int] = {}
    noticed = True
    for _ in range(run.rounds):
        ours = _ours(path, interval_s)
        costs["ours"].append(ours["cpu_s"])
        pictures["ours"] = int(ours["pictures"])
        noticed = not recipe.onsets or ours["activities"] > 0
        cpu_s, written = run_cpu_s(baseline.ffmpeg(str(path)))
        costs["ffmpeg"].append(cpu_s)
        pictures["ffmpeg"] = baseline.pictures_in(written)
        if everything:
            cpu_s, written = run_cpu_s(baseline.ffmpeg(str(path), keys_only=True))
            costs["nokey"].append(cpu_s)
            pictures["nokey"] = baseline.pictures_in(written)
            opencv = json.loads(run_cpu_s(baseline.opencv(str(path)))[1])
            costs["opencv"].append(opencv["cpu_s"])
            pictures["opencv"] = opencv["pictures"]
    return _figures(label, recipe, costs, pictures, noticed=noticed)


def _figures(
    label: str,
    recipe: Recipe,
    costs: dict[str, list[float]],
    pictures: dict[str, int],
    *,
    noticed: bool,
) -> list[Figure]:
    def out(name: str) -> str:
        return f"{pictures['ours']} against {pictures[name]} pictures out"

    per_s = sorted(costs["ours"])[len(costs["ours"]) // 2] / recipe.duration_s * 1000
    figures = [
        ratio(
            f"edge.cpu_vs_ffmpeg.{label}",
            costs["ours"],
            costs["ffmpeg"],
            f"file, {out('ffmpeg')} of {recipe.duration_s:.0f} s; ours {per_s:.1f} ms/s"
            + ("" if noticed else "; it did not notice the visit"),
            sound=noticed,
        )
    ]
    if costs["opencv"]:
        figures += [
            ratio(
                f"edge.cpu_vs_ffmpeg_nokey.{label}",
                costs["ours"],
                costs["nokey"],
                f"file, {out('nokey')}",
            ),
            ratio(
                f"edge.cpu_vs_opencv.{label}",
                costs["ours"],
                costs["opencv"],
                f"file, {out('opencv')}",
            ),
        ]
    return figures


def _ours(path: Path, interval_s: float) -> dict[str, float]:
    command = [sys.executable, "-m", "rigs.bench.offline", str(path), str(interval_s)]
    told: dict[str, float] = json.loads(run_cpu_s(command)[1])
    return told
