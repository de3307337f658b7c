"""The image without a Docker engine: the Dockerfile's own steps, run in a clean environment."""

import os
from pathlib import Path
import re
import shutil
import subprocess
import sys
import tomllib

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "edge_bridge"
DOCKERFILE = (FOLDER / "Dockerfile").read_text(encoding="utf-8")
STEP_S = 300
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")


def instructions(kind: str) -> list[str]:
    """Return what follows an instruction's name, line by line."""
    return re.findall(rf"^{kind} (.+)$", DOCKERFILE, re.MULTILINE)


@pytest.fixture
def uv() -> Path:
    """The uv that set this environment up."""
    printed = subprocess.run(
        [ROOT / "script" / "bootstrap", "--print", "uv"], capture_output=True, text=True, check=True
    )
    return Path(printed.stdout.strip())


def test_the_steps_of_the_dockerfile_install_a_working_bridge(tmp_path: Path, uv: Path) -> None:
    """Build, environment, locked packages, wheel; then the entry point, in a folder of its own."""
    ignored = (FOLDER / ".dockerignore").read_text(encoding="utf-8").split()
    (tmp_path / "build").mkdir()
    for name in [line.removeprefix("!") for line in ignored if line.startswith("!")]:
        source = FOLDER / name
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, tmp_path / "build" / name)
    environment = {
        **{
            key: value
            for key, value in os.environ.items()
            if key not in {"VIRTUAL_ENV", "PYTHONPATH"}
        },
        "PATH": f"{uv.parent}:{os.environ['PATH']}",
        # The image has one Python; this machine has this one.
        "UV_PYTHON": sys.executable,
    }
    # As in the set-up: networks that look into TLS have their authority among the machine's own.
    if AUTHORITIES.exists():
        environment.setdefault("UV_SYSTEM_CERTS", "true")
    built = [step for step in instructions("RUN") if step.startswith("uv ")]
    assert len(built) == 4
    for step in built:
        here = re.sub(r"/(?=(?:build|wheels|app)\b)", f"{tmp_path}/", step).replace(
            " --no-cache", ""
        )
        done = subprocess.run(
            ["/bin/sh", "-c", here],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=STEP_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    [entry] = instructions("ENTRYPOINT")
    command = tmp_path / "app" / "bin" / entry.strip('[]"')
    shown = subprocess.run([command, "--help"], cwd="/", capture_output=True, text=True, check=True)
    assert "run" in shown.stdout
    probed = subprocess.run(
        [command, "probe", "rtsp://127.0.0.1:9/front"],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (probed.returncode, probed.stdout) == (1, "failed       refused\n")
    packages = (tmp_path / "app").glob("lib/*/site-packages/edge_bridge/protocol.py")
    assert [path.read_bytes() for path in packages] == [
        (FOLDER / "src" / "edge_bridge" / "protocol.py").read_bytes()
    ]


def test_image_runs_without_root_and_keeps_state_in_one_volume() -> None:
    """Non-root, one volume, the state folder in it, nothing exposed."""
    assert instructions("USER") == ["bridge"]
    assert instructions("VOLUME") == ["/data"]
    assert "CAMERA_NARRATOR_STATE=/data" in DOCKERFILE
    assert not instructions("EXPOSE")
    assert all("-slim" in image for image in instructions("FROM"))


def test_image_installs_what_the_package_asks_for() -> None:
    """Every dependency of the wheel is pinned with a hash in the image's requirements."""
    project = tomllib.loads((FOLDER / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = (FOLDER / "requirements.txt").read_text(encoding="utf-8")
    for dependency in project["dependencies"]:
        name = re.split(r"[<>=~ ]", dependency)[0]
        assert re.search(rf"^{name}==\S+ ?\\?$", pinned, re.MULTILINE), name


def test_readme_names_every_setting_of_the_command() -> None:
    """Flags and environment variables of `run` stand in the README, and only those."""
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    sources = "".join(
        (FOLDER / "src" / "edge_bridge" / name).read_text(encoding="utf-8")
        for name in ("settings.py", "__main__.py")
    )
    pattern = r"CAMERA_NARRATOR_[A-Z_]+"
    assert set(re.findall(pattern, readme)) == set(re.findall(pattern, sources))
    run_flags = set(re.findall(r'"(--[a-z-]+)"', sources)) - {"--transport"}
    assert run_flags <= set(re.findall(r"--[a-z-]+", readme))
