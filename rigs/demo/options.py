"""What the demo's command line says."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
import os
from pathlib import Path

KEY_VARIABLE = "CAMERA_NARRATOR_API_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The demo's settings."""

    source: str | None
    """An RTSP URL or a video file; None for the demo's own footage."""
    mqtt: tuple[str, int] | None
    base_url: str | None
    model: str | None
    api_key: str
    cameras: int
    minutes: float | None
    """None runs until Ctrl-C."""
    faults: bool
    show_request: int | None
    json: Path | None
    headless: bool

    @property
    def source_is_url(self) -> bool:
        """Whether the pictures come from a camera of the user's."""
        return self.source is not None and "://" in self.source


def parse(arguments: Sequence[str]) -> Options:
    """Read the command line; exits with 2 and a sentence on a wrong one."""
    parser = argparse.ArgumentParser(
        prog="script/demo",
        description="Watch a camera being narrated: real video, a real bridge, a real Home Assistant.",
    )
    parser.add_argument(
        "--source", metavar="URL|FILE", help="your own camera (rtsp://…) or video file"
    )
    parser.add_argument(
        "--cameras", type=int, default=1, metavar="N", help="serve the clip N times, shifted"
    )
    parser.add_argument(
        "--minutes",
        type=float,
        metavar="N",
        help="end by itself; exit 0 only if a whole visit was told",
    )
    parser.add_argument("--no-faults", action="store_true", help="never take the camera away")
    parser.add_argument(
        "--headless", action="store_true", help="leave out what only the browser needs"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything for machines")
    parser.add_argument(
        "--show-request",
        type=int,
        metavar="N",
        help="print the Nth request as sent, pictures as labels",
    )
    parser.add_argument("--mqtt", metavar="HOST:PORT", help="use this broker instead of an own one")
    parser.add_argument(
        "--base-url",
        metavar="URL",
        help="an OpenAI-compatible server instead of the built-in describer",
    )
    parser.add_argument("--model", help=f"its model; the key is read from {KEY_VARIABLE}")
    given = parser.parse_args(arguments)
    if given.base_url and not given.model:
        parser.error("--base-url needs --model")
    if given.cameras < 1:
        parser.error("--cameras needs at least 1")
    if given.minutes is not None and given.minutes <= 0:
        parser.error("--minutes needs more than 0")
    if given.show_request is not None and given.show_request < 1:
        parser.error("--show-request counts from 1")
    options = Options(
        source=given.source,
        mqtt=_address(parser, given.mqtt) if given.mqtt else None,
        base_url=given.base_url,
        model=given.model,
        api_key=os.environ.get(KEY_VARIABLE, ""),
        cameras=given.cameras,
        minutes=given.minutes,
        faults=not given.no_faults,
        show_request=given.show_request,
        json=given.json,
        headless=given.headless,
    )
    if options.source and not options.source_is_url and not Path(options.source).is_file():
        parser.error(f"--source: there is no file {options.source}")
    if options.json and not options.json.absolute().parent.is_dir():
        parser.error(f"--json: there is no folder {options.json.absolute().parent}")
    return options


def _address(parser: argparse.ArgumentParser, text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        parser.error("--mqtt: expected HOST:PORT")
    return host, int(port)
