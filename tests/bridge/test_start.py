"""Where the settings of a start come from, and as whom it runs."""

import json
import os
from pathlib import Path
import pwd
import subprocess
import sys

import pytest

from edge_bridge import env_file
from edge_bridge.errors import SettingsError, StateError
from edge_bridge.privileges import drop


def test_a_file_of_variables_is_read_as_docker_reads_it(tmp_path: Path) -> None:
    """Comments and empty lines are passed over; what follows the first = is the value, as it is."""
    path = tmp_path / "bridge.env"
    path.write_text(
        "# the attic's\n\nCAMERA_NARRATOR_URL=http://a?b=c\n CAMERA_NARRATOR_TOKEN=x \n"
    )
    assert env_file.read(str(path)) == {
        "CAMERA_NARRATOR_URL": "http://a?b=c",
        "CAMERA_NARRATOR_TOKEN": "x",
    }


@pytest.mark.parametrize("content", [b"A=b\nsecret", b"=secret", b"\xff", None])
def test_a_file_that_is_none_is_named_without_what_it_holds(
    tmp_path: Path, content: bytes | None
) -> None:
    """A line that is no variable may be the token."""
    path = tmp_path / "bridge.env"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"^env-file: ") as caught:
        env_file.read(str(path))
    assert "secret" not in str(caught.value)


def test_environment_goes_before_the_file(tmp_path: Path) -> None:
    """Both reach the process; the error of the one that counts is the one that is told."""
    path = tmp_path / "bridge.env"
    path.write_text("CAMERA_NARRATOR_URL=http://file\nCAMERA_NARRATOR_TOKEN=two words\n")
    command = [sys.executable, "-m", "edge_bridge", "run", "--env-file", str(path)]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    for given, told in (
        ({}, "token: holds a character that no token has"),
        ({"CAMERA_NARRATOR_URL": "ftp://environment"}, "url: must look like"),
    ):
        done = subprocess.run(
            command, env=environment | given, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert done.stderr.startswith(f"edge-bridge: {told}")


def test_root_is_given_up_and_the_state_goes_along(tmp_path: Path) -> None:
    """An app starts as root and serves as the image's user, who owns the bridge's id; others stay who they are."""
    state = tmp_path / "bridge"
    state.mkdir()
    (state / "bridge_id").write_text("abc\n")
    script = """
import json, os, sys
from pathlib import Path
from edge_bridge.privileges import drop
state = Path(sys.argv[1])
drop(state, "nobody")
print(json.dumps([os.getresuid(), os.getresgid(), os.getgroups()]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(state)], capture_output=True, text=True, check=True
    )
    users, groups, others = json.loads(done.stdout)
    owner = (state / "bridge_id").stat().st_uid
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        assert users == [nobody.pw_uid] * 3
        assert groups == [nobody.pw_gid] * 3
        assert others == []
        assert owner == nobody.pw_uid
    else:
        assert users == [os.geteuid()] * 3
        assert owner == os.geteuid()


def test_a_user_that_is_missing_keeps_the_bridge_from_starting(tmp_path: Path) -> None:
    """Better no bridge than one that serves as root; who is not root has nothing to give up."""
    if os.geteuid() == 0:
        with pytest.raises(StateError, match="no user"):
            drop(tmp_path, "nobody-of-this-name")
    else:
        drop(tmp_path, "nobody-of-this-name")
    assert tmp_path.stat().st_uid == os.geteuid()
