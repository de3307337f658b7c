"""The camera simulator as a process: `python -m rigs.camera front=clip.mp4 yard=code`."""

import argparse
import asyncio
import contextlib
import json
from pathlib import Path
import signal
import sys
from typing import Final

from rigs.camera_control import ControlServer
from rigs.code_source import CodeSettings, CodeSource
from rigs.rtsp_server import RtspServer
from rigs.simulated_camera import Credentials, SimulatedCamera
from rigs.video_source import FileSource, SourceError, VideoSource
from rigs.visits import VisitPlan, Visits

_HELP: Final = """\
Each camera is NAME=SOURCE[,key=value…]. SOURCE is a video file (H.264 or H.265) or `code`.
Keys: user, password, auth (digest or basic), shift (seconds into the clip);
for `code` also number, fps, size (640x360), visits (FIRST:LENGTH:EVERY in seconds).
"""


class CameraSpecError(Exception):
    """A camera on the command line that cannot be; the text says which and why."""


def parse_camera(spec: str, number: int, clips: dict[Path, FileSource]) -> SimulatedCamera:
    """Make one camera of its description; clips already read are shared."""
    name, separator, rest = spec.partition("=")
    what, *pairs = rest.split(",")
    if not (name and separator and what):
        raise CameraSpecError(f"{spec}: expected NAME=SOURCE")
    options = dict(pair.partition("=")[::2] for pair in pairs)
    credentials = None
    if user := options.pop("user", ""):
        digest = options.pop("auth", "digest") == "digest"
        password = options.pop("password", "")
        credentials = Credentials(user=user, password=password, digest=digest)
    try:
        shift_s = float(options.pop("shift", "0"))
        source: VideoSource
        if what == "code":
            source = _code_source(options, number)
        else:
            path = Path(what)
            source = clips.setdefault(path, clips.get(path) or FileSource(path))
    except (ValueError, SourceError) as error:
        raise CameraSpecError(f"{name}: {error}") from error
    if options:
        raise CameraSpecError(f"{name}: unknown {', '.join(sorted(options))}")
    return SimulatedCamera(name, source, credentials=credentials, shift_s=shift_s)


async def serve(cameras: list[SimulatedCamera], *, port: int, control_port: int) -> None:
    """Serve until SIGTERM or SIGINT; says on standard output where, as one line of JSON."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = RtspServer(cameras)
    control = ControlServer(server)
    await server.start(port)
    await control.start(control_port)
    urls = {name: server.url(name, with_credentials=False) for name in server.cameras}
    ready = {"port": server.port, "control_port": control.port, "cameras": urls}
    print(json.dumps(ready), flush=True)
    await stop.wait()
    await control.close()
    await server.close()


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m rigs.camera",
        description=__doc__,
        epilog=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="RTSP port, 0 takes a free one")
    parser.add_argument("--control", type=int, default=0, help="HTTP port for faults and visits")
    parser.add_argument("cameras", nargs="+", metavar="NAME=SOURCE")
    arguments = parser.parse_args()
    clips: dict[Path, FileSource] = {}
    try:
        cameras = [parse_camera(spec, n, clips) for n, spec in enumerate(arguments.cameras, 1)]
    except CameraSpecError as error:
        print(error, file=sys.stderr)
        return 2
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(cameras, port=arguments.port, control_port=arguments.control))
    return 0


def _code_source(options: dict[str, str], number: int) -> CodeSource:
    width, _, height = options.pop("size", "640x360").partition("x")
    settings = CodeSettings(
        camera=int(options.pop("number", number)),
        fps=int(options.pop("fps", "10")),
        gop_s=float(options.pop("gop", "2")),
        width_px=int(width),
        height_px=int(height),
    )
    plan = None
    if visits := options.pop("visits", ""):
        first_s, length_s, every_s = map(float, visits.split(":"))
        plan = VisitPlan(first_s=first_s, length_s=length_s, every_s=every_s)
    return CodeSource(settings, Visits(plan))


if __name__ == "__main__":
    raise SystemExit(main())
