"""The clip a simulated camera shows: fetched and prepared once, or the user's own.

`python -m rigs.footage` prepares the clip and prints where it is.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
import hashlib
import json
import os
from pathlib import Path
import sys
import time
from typing import Final

from rigs.footage_archive import ArchiveError, Progress, fetch_bikes, fetch_pedestrians
from rigs.footage_strip import Span, find_visits, measure, render, string
from rigs.transcoding import (
    VideoError,
    is_camera_video,
    read_pictures,
    transcode,
    write_pictures,
)

_RECIPE: Final = 2
"""Raised whenever the prepared clip changes, so that an old one is not taken for it."""
_CROP: Final = (144, 288, 384, 288)
"""Left, top, width, height of the quarter of the campus path that is quiet between visits."""
_LEAD_S: Final = 3.0
"""Quiet before the first visit: time for a viewer to settle."""
_QUIET_S: Final = 30.0
"""Quiet after each visit: its event ends after 20 s of it, and a calm scene is seen too.
With the longest visit (20 s) it makes less than a minute from beginning to beginning."""
_SAY_EVERY_S: Final = 2.0
_RETRY_S: Final = 86_400.0
"""How long the second best clip is good enough: a try costs 20 s where no mirror answers."""


class FootageError(Exception):
    """No clip to show; the text says why and what helps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footage:
    """A clip ready to be sent."""

    path: Path
    title: str
    """What it shows, in words."""
    visits: tuple[Span, ...]
    """Where something moves; empty where nobody measured."""


def prepare(progress: Progress, *, folder: Path | None = None) -> Footage:
    """Return the prepared clip, fetching and making it the first time; blocking."""
    folder = folder or cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    if (known := _known(folder, "campus")) is not None:
        return known
    second_best = _known(folder, "bikes")
    if second_best is not None and time.time() - second_best.path.stat().st_mtime < _RETRY_S:
        return second_best
    try:
        return _make(folder, "campus", progress)
    except ArchiveError as error:
        progress(f"no pedestrians: {error}; taking a clip whose camera moves instead")
    if second_best is not None:
        second_best.path.touch()
        return second_best
    try:
        return _make(folder, "bikes", progress)
    except ArchiveError as error:
        raise FootageError(
            f"no footage can be had here ({error}): name a video or a camera with --source"
        ) from error


def take(path: Path, progress: Progress, *, folder: Path | None = None) -> Footage:
    """Return the user's own video, coded anew where no camera would code it so; blocking."""
    title = path.name
    try:
        if is_camera_video(path):
            return Footage(path=path, title=title, visits=())
        folder = folder or cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
        target = folder / f"source_{digest}_{_RECIPE}.mp4"
        if not target.exists():
            progress(f"coding {title} as H.264")
            _write(target, lambda part: transcode(path, part), progress)
    except (VideoError, OSError) as error:
        raise FootageError(str(error)) from error
    return Footage(path=target, title=title, visits=())


def cache_folder() -> Path:
    """Return where prepared clips are kept."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "camera-narrator" / "footage"


_TITLES: Final = {
    "campus": "pedestrians on a campus path, quiet stretches held",
    "bikes": "a ride behind bicycles: the camera moves, so every visit fills the picture",
}
_FETCH: Final[dict[str, Callable[[Path, Progress], None]]] = {
    "campus": fetch_pedestrians,
    "bikes": fetch_bikes,
}


def _known(folder: Path, name: str) -> Footage | None:
    path = folder / f"{name}_{_RECIPE}.mp4"
    visits = path.with_suffix(".json")
    if not (path.exists() and visits.exists()):
        return None
    spans = tuple(Span(**span) for span in json.loads(visits.read_text()))
    return Footage(path=path, title=_TITLES[name], visits=spans)


def _make(folder: Path, name: str, progress: Progress) -> Footage:
    raw = folder / f"{name}_raw_{os.getpid()}"
    path = folder / f"{name}_{_RECIPE}.mp4"
    try:
        _FETCH[name](raw, progress)
        progress("measuring what moves")
        campus = name == "campus"
        pictures, fps = read_pictures(raw, _CROP if campus else None)
        height = pictures[0].shape[0] * 2 // 3
        shares = measure([picture[:height] for picture in pictures])
        visits = (
            find_visits(shares, fps) if campus else [(0, min(len(pictures), round(20 * fps)) - 1)]
        )
        strip = string(visits, fps, lead_s=_LEAD_S, quiet_s=_QUIET_S)
        progress(f"coding {len(strip.frames) / fps:.0f} s with {len(strip.visits)} visits as H.264")

        def write(part: Path) -> Iterator[float]:
            for number in write_pictures(part, render(strip, pictures), fps):
                yield number / fps

        # The list of visits first: where the clip is, its list is too.
        part = path.with_suffix(f".json.{os.getpid()}")
        part.write_text(json.dumps([asdict(span) for span in strip.visits]))
        part.replace(path.with_suffix(".json"))
        _write(path, write, progress)
    finally:
        raw.unlink(missing_ok=True)
    return Footage(path=path, title=_TITLES[name], visits=strip.visits)


def _write(target: Path, write: Callable[[Path], Iterator[float]], progress: Progress) -> None:
    """Write a clip beside its place and move it there whole; says every 2 s how far it is."""
    part = target.with_name(f".{target.name}.{os.getpid()}")
    said_s = time.monotonic()
    try:
        for done_s in write(part):
            if time.monotonic() - said_s >= _SAY_EVERY_S:
                said_s = time.monotonic()
                progress(f"{done_s:.0f} s of video done")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def main() -> int:
    """Run the command line: progress as lines, then one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m rigs.footage", description=__doc__)
    parser.add_argument("--source", type=Path, help="a video of your own instead")
    source: Path | None = parser.parse_args().source

    def say(text: str) -> None:
        print(text, flush=True)

    try:
        footage = prepare(say) if source is None else take(source, say)
    except FootageError as error:
        print(error, file=sys.stderr)
        return 1
    visits = [asdict(span) for span in footage.visits]
    print(json.dumps({"path": str(footage.path), "title": footage.title, "visits": visits}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
