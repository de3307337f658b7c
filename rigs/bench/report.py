"""Figures as a table in docs/benchmarks.md, as lines on the terminal, and as flat JSON."""

from collections.abc import Sequence
from datetime import UTC, datetime
import importlib.metadata
import json
import os
from pathlib import Path
import platform
import re
import subprocess
from typing import Final

from rigs.bench.budget import NAMES
from rigs.bench.figure import Figure

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "benchmarks.md"
BEGIN: Final = "<!-- written by script/bench: begin -->"
END: Final = "<!-- written by script/bench: end -->"
_PACKAGES: Final = ("av", "simplejpeg", "numpy", "opencv-python-headless")


def as_json(figures: Sequence[Figure]) -> str:
    """Return one flat object, metric name → number."""
    numbers = {figure.name: round(figure.value, 5) for figure in figures}
    return json.dumps(numbers, indent=2) + "\n"


def verdict(figure: Figure) -> str:
    """Return pass or miss, nothing where no budget is set."""
    budget = figure.budget
    if budget is None:
        return ""
    return "pass" if figure.sound and budget.passes(figure.value) else "**miss**"


def section(figures: Sequence[Figure], *, title: str, command: str) -> str:
    """Return the generated part of the document."""
    about = (
        f"`{command}` on {datetime.now(UTC):%Y-%m-%d}, {machine()}; {_versions()}. "
        f"Footage: {title}. Load average over the last quarter of an hour: "
        f"{os.getloadavg()[2]:.1f}, the run's own included."
    )
    return "\n".join([BEGIN, "", about, "", *table(figures), "", END])


def table(figures: Sequence[Figure]) -> list[str]:
    """Return the lines of the table."""
    return [
        "| figure | value | budget | | n | how |",
        "|---|---|---|---|---|---|",
        *(
            f"| `{figure.name}` | {number(figure.value)} | {figure.budget or ''} "
            f"| {verdict(figure)} | {figure.n} | {figure.how} |"
            for figure in figures
        ),
    ]


def missing(figures: Sequence[Figure]) -> list[str]:
    """Return the names that every run has to bring and that are not there."""
    there = {figure.name for figure in figures}
    return [name for name in NAMES if name not in there]


def write(document: Path, generated: str, *, begin: str = BEGIN, end: str = END) -> None:
    """Put the generated part between its marks; what stands around it stays."""
    text = document.read_text("utf-8")
    before, opened, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (opened and closed):
        raise ValueError(f"{document}: the marks of the generated part are gone")
    document.write_text(before + generated + after, "utf-8")


def lines(figures: Sequence[Figure]) -> list[str]:
    """Return the table for a terminal."""
    told = []
    for figure in figures:
        budget = "" if figure.budget is None else f"  ({figure.budget})"
        word = verdict(figure).strip("*")
        told.append(f"{word:5} {figure.name:52} {number(figure.value):>9}{budget}")
    return told


def summary(figures: Sequence[Figure]) -> str:
    """Return how many there are and how many of the budgets are met."""
    judged = [figure for figure in figures if figure.budget is not None]
    met = sum(verdict(figure) == "pass" for figure in judged)
    return f"{len(figures)} figures, {met} of {len(judged)} budgets met"


def number(value: float) -> str:
    """Return a number with three digits that matter."""
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


def machine() -> str:
    """Return what it was measured on."""
    model = re.search(r"model name\s*:\s*(.+)", _cpuinfo())
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    name = model[1] if model else platform.machine()
    return f"{os.cpu_count()} cores of {name}, {memory_gb:.0f} GB, Linux {platform.release()}"


def _cpuinfo() -> str:
    try:
        return Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return ""


def _versions() -> str:
    import imageio_ffmpeg  # noqa: PLC0415  # of this environment alone

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-version"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    ffmpeg = re.match(r"ffmpeg version n?([\d.]+)", said)
    packages = [f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES]
    names = [f"Python {platform.python_version()}", *packages]
    return ", ".join([*names, f"ffmpeg {ffmpeg[1] if ffmpeg else 'of unknown version'}"])
