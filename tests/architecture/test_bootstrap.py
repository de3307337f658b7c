"""Holds script/bootstrap to what the other scripts rely on."""

import os
from pathlib import Path
import re
import shutil
import subprocess
import sys

import pytest

ROOT = Path(__file__).parents[2]
BOOTSTRAP = ROOT / "script" / "bootstrap"


def test_it_prints_where_the_environments_are() -> None:
    """--print answers with one path and nothing else."""
    printed = _run("--print", "python")
    assert printed.stdout == f"{ROOT / '.venv/bin/python'}\n"
    assert Path(sys.prefix) == ROOT / ".venv"
    printed = _run("--print", "bridge-python")
    assert printed.stdout == f"{ROOT / '.venv-bridge/bin/python'}\n"


def test_the_bench_is_set_up_where_it_is_named(tmp_path: Path) -> None:
    """What only benchmarks need is printed where it is there, and missed by nobody."""
    (tmp_path / "script").mkdir()
    copy = tmp_path / "script" / "bootstrap"
    shutil.copy(BOOTSTRAP, copy)
    printed = _run("--print", "bench-python", command=copy)
    assert (printed.returncode, printed.stdout) == (1, "")
    interpreter = tmp_path / ".venv-bench" / "bin" / "python"
    interpreter.parent.mkdir(parents=True)
    interpreter.symlink_to(sys.executable)
    printed = _run("--print", "bench-python", command=copy)
    assert printed.stdout == f"{interpreter}\n"


def test_state_follows_the_user(tmp_path: Path) -> None:
    """What is fetched lies in the user's own cache folder, wherever that is."""
    assert _run("--print", "state", XDG_CACHE_HOME=str(tmp_path)).stdout == (
        f"{tmp_path}/camera-narrator\n"
    )
    assert _run("--print", "state", XDG_CACHE_HOME="", HOME=str(tmp_path)).stdout == (
        f"{tmp_path}/.cache/camera-narrator\n"
    )


def test_another_mosquitto_can_be_named(tmp_path: Path) -> None:
    """CAMERA_NARRATOR_MOSQUITTO goes before PATH and state folder, where it is one."""
    named = tmp_path / "broker"
    named.write_text("#!/bin/sh\necho mosquitto version 9\n", "utf-8")
    named.chmod(0o755)
    found = _run("--print", "mosquitto", CAMERA_NARRATOR_MOSQUITTO=str(named))
    assert found.stdout == f"{named}\n"
    named.write_text("#!/bin/sh\necho something else\n", "utf-8")
    found = _run("--print", "mosquitto", CAMERA_NARRATOR_MOSQUITTO=str(named))
    assert found.stdout != f"{named}\n"


def test_nothing_is_done_again() -> None:
    """Every start of the demo passes here, so a finished set-up is noticed: between its two lines no step is told."""
    done = _run("home-assistant", "bridge")
    assert done.returncode == 0
    assert re.fullmatch(r"Setting up …\nSet up in \d+ s\.\n", done.stdout)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """Without a place for the state it says which variable to set."""
    checkout = tmp_path / "checkout"
    for name in ["script/bootstrap", "requirements/edge-bridge.txt", "edge_bridge/pyproject.toml"]:
        (checkout / name).parent.mkdir(parents=True)
        shutil.copy(ROOT / name, checkout / name)
    blocked = tmp_path / "file"
    blocked.write_text("", "utf-8")
    refused = _run("bridge", command=checkout / "script/bootstrap", XDG_CACHE_HOME=str(blocked))
    assert refused.returncode == 1
    assert f"cannot write {blocked}/camera-narrator" in refused.stderr
    assert "XDG_CACHE_HOME" in refused.stderr


@pytest.mark.parametrize("arguments", [["everything"], ["--print", "nothing"], ["--print"]])
def test_unknown_words_are_refused(arguments: list[str]) -> None:
    """A misspelt part changes nothing and shows the usage."""
    refused = _run(*arguments)
    assert refused.returncode == 2
    assert "usage: script/bootstrap" in refused.stderr
    assert refused.stdout == ""


def _run(
    *arguments: str, command: Path = BOOTSTRAP, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [command, *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )
