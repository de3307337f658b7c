"""Holds the repository to what its documents promise: host-free, locked, one version."""

import json
import os
from pathlib import Path
import re
import shutil
import subprocess
import tomllib
from zipfile import ZipFile

import homeassistant
import pytest
import yaml

from custom_components.camera_narrator import bridge_flow

ROOT = Path(__file__).parents[2]
MANIFEST = "custom_components/camera_narrator/manifest.json"
BRIDGE_PROJECT = "edge_bridge/pyproject.toml"
BRIDGE_MODULE = "edge_bridge/src/edge_bridge/__init__.py"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
LOCKED = [
    "requirements/home-assistant.txt",
    "requirements/edge-bridge.txt",
    "edge_bridge/requirements.txt",
]

# Written in two halves, because this file is committed too.
REGISTRY_HOSTS = [
    "pypi" + ".org",
    "python" + "hosted.org",
    "npmjs" + ".org",
    "npmjs" + ".com",
    "deb.debian" + ".org",
    "archive.ubuntu" + ".com",
    "crates" + ".io",
    "ghcr" + ".io",
    "docker" + ".io",
    "hugging" + "face.co",
]


def test_no_committed_file_names_a_registry() -> None:
    """Mirrors differ from machine to machine, so no file says where packages come from."""
    named = []
    for name in _committed():
        text = (ROOT / name).read_bytes().decode("utf-8", "ignore").lower()
        named += [f"{name}: {host}" for host in REGISTRY_HOSTS if host in text]
    assert named == []


@pytest.mark.parametrize("name", LOCKED)
def test_requirements_are_pinned_and_hashed_without_addresses(name: str) -> None:
    """Every requirement has one version and a hash; no line is an address or an index option."""
    text = (ROOT / name).read_text("utf-8")
    assert "://" not in text
    requirements = [
        entry for entry in text.replace("\\\n", " ").splitlines() if entry and entry[0] not in " #"
    ]
    assert len(requirements) > 10
    for requirement in requirements:
        assert re.match(r"[a-z0-9][a-z0-9._-]*(\[[a-z,]+\])?==\S+ ", requirement), requirement
        assert "--hash=sha256:" in requirement, requirement


def test_locked_files_hold_what_the_bridge_asks_for() -> None:
    """A dependency of the bridge that is not locked would be missing in environments and image."""
    project = tomllib.loads((ROOT / BRIDGE_PROJECT).read_text("utf-8"))["project"]
    names = [re.match(r"[A-Za-z0-9_-]+", entry) for entry in project["dependencies"]]
    for name in LOCKED:
        text = (ROOT / name).read_text("utf-8")
        for dependency in names:
            assert dependency is not None
            assert f"\n{dependency[0].lower()}==" in text, f"{dependency[0]} in {name}"


def test_constraints_are_those_of_the_installed_home_assistant() -> None:
    """The constraints come from the version of Home Assistant that the tests run in."""
    shipped = (Path(homeassistant.__file__).parent / "package_constraints.txt").read_text("utf-8")
    replaced = re.findall(
        r"(?m)^([a-z0-9-]+)==", (ROOT / "requirements/overrides.txt").read_text("utf-8")
    )
    expected = [
        line
        for line in shipped.splitlines()
        if re.match("[A-Za-z0-9]", line) and line.partition("==")[0] not in replaced
    ]
    committed = (ROOT / "requirements/constraints.txt").read_text("utf-8").splitlines()
    assert committed[1:] == expected, "run script/lock"


def test_components_find_the_versions_they_ask_for() -> None:
    """What is locked for Home Assistant's components is what their manifests pin, overrides apart."""
    asked = (ROOT / "requirements/home-assistant.in").read_text("utf-8")
    components = set(re.findall(r"(?m)^\S+ +# (\w+)", asked))
    assert {"camera", "frontend", "mqtt"} <= components
    locked = (ROOT / "requirements/home-assistant.txt").read_text("utf-8")
    overrides = (ROOT / "requirements/overrides.txt").read_text("utf-8")
    for component in components:
        folder = Path(homeassistant.__file__).parent / "components" / component
        for requirement in json.loads((folder / "manifest.json").read_text("utf-8"))[
            "requirements"
        ]:
            name, _, version = requirement.lower().partition("==")
            if f"\n{name}==" not in overrides:
                assert f"\n{name}=={version} " in locked, f"{component}: {requirement}"


def test_scripts_can_be_started() -> None:
    """Whatever lies in script/ is a command: executable, with a first line that says by what."""
    for path in [*sorted((ROOT / "script").iterdir()), ROOT / ".ci" / "run"]:
        if path.is_file():
            assert os.access(path, os.X_OK), path
            assert path.read_text("utf-8").startswith(("#!/usr/bin/env ", "#!/bin/sh\n")), path


def test_one_version() -> None:
    """The integration, the bridge, its image and app, and the workspace carry the same version."""
    assert len(set(_versions(ROOT))) == 1


def test_a_tag_stamps_every_place(tmp_path: Path) -> None:
    """script/stamp_version changes all of them, and refuses what is no version."""
    copy = _copy_of_the_sources(tmp_path)
    subprocess.run([copy / "script/stamp_version", "12.34.56"], check=True)
    assert set(_versions(copy)) == {"12.34.56"}
    refused = subprocess.run(
        [copy / "script/stamp_version", "latest"], check=False, capture_output=True
    )
    assert refused.returncode == 1
    assert set(_versions(copy)) == {"12.34.56"}


def test_a_release_has_one_version(tmp_path: Path) -> None:
    """The wheel and the zip which the release workflow builds carry the tag's version."""
    copy = _copy_of_the_sources(tmp_path)
    subprocess.run([copy / "script/stamp_version", "12.34.56"], check=True)
    subprocess.run(
        [copy / "script/package", tmp_path / "dist"],
        check=True,
        env=os.environ | {"PYTHON": shutil.which("python", path=ROOT / ".venv/bin") or "python3"},
    )
    wheel = tmp_path / "dist" / "camera_narrator_edge_bridge-12.34.56-py3-none-any.whl"
    with ZipFile(wheel) as archive:
        metadata = archive.read("camera_narrator_edge_bridge-12.34.56.dist-info/METADATA").decode()
        assert "Version: 12.34.56\n" in metadata
        assert '__version__ = "12.34.56"' in archive.read("edge_bridge/__init__.py").decode()
    with ZipFile(tmp_path / "dist" / "camera_narrator.zip") as archive:
        # HACS unpacks it right into the integration's folder.
        assert json.loads(archive.read("manifest.json"))["version"] == "12.34.56"
        assert not [name for name in archive.namelist() if name.endswith(".pyc")]


def test_the_release_workflow_uses_these_commands() -> None:
    """The workflow builds by them what HACS looks for and what the pairing dialog tells to start."""
    text = (ROOT / ".github/workflows/release.yaml").read_text("utf-8")
    assert 'script/stamp_version "${TAG#v}"' in text
    assert "script/package dist" in text
    assert f"{bridge_flow.IMAGE}:${{{{ steps.version.outputs.version }}}}" in text
    project = tomllib.loads((ROOT / BRIDGE_PROJECT).read_text("utf-8"))["project"]
    assert project["name"] == bridge_flow.PACKAGE
    assert _hacs()["filename"] == "camera_narrator.zip"


def test_hacs_file_has_only_known_keys() -> None:
    """HACS rejects a repository whose hacs.json has other keys."""
    known = {
        "name",
        "homeassistant",
        "hacs",
        "content_in_root",
        "zip_release",
        "filename",
        "hide_default_branch",
        "render_readme",
        "country",
        "persistent_directory",
    }
    assert _hacs().keys() <= known
    assert _hacs()["name"] == "Camera Narrator"
    # The oldest Home Assistant that has what the integration uses.
    assert _hacs()["homeassistant"] == "2026.10.0"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_are_complete(path: Path) -> None:
    """Each workflow parses, says what it may do, and ends by itself."""
    workflow = yaml.safe_load(path.read_text("utf-8"))
    # YAML 1.1 reads the key `on` as a truth value.
    assert workflow[True]
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"]
        assert job["steps"]


def test_the_workflows_are_the_expected_ones() -> None:
    """Tests, Home Assistant's and HACS's own checks, and the release."""
    assert [path.stem for path in WORKFLOWS] == ["hacs", "hassfest", "release", "test"]


def test_contributing_stays_short() -> None:
    """Rules that nobody can read in five minutes are not kept."""
    assert len((ROOT / "CONTRIBUTING.md").read_text("utf-8").splitlines()) < 120


def _committed() -> list[str]:
    # Whoever runs the tests need not be the one who cloned.
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [name for name in listed.stdout.split("\0") if (ROOT / name).is_file()]


def _versions(root: Path) -> list[str]:
    module = re.search(r'__version__ = "(.+)"', (root / BRIDGE_MODULE).read_text("utf-8"))
    assert module is not None
    image = re.search(
        r"(?m)^ARG VERSION=(.+)$", (root / "edge_bridge/Dockerfile").read_text("utf-8")
    )
    assert image is not None
    return [
        json.loads((root / MANIFEST).read_text("utf-8"))["version"],
        tomllib.loads((root / BRIDGE_PROJECT).read_text("utf-8"))["project"]["version"],
        tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"],
        module[1],
        image[1],
        yaml.safe_load((root / "edge_bridge/config.yaml").read_text("utf-8"))["version"],
    ]


def _copy_of_the_sources(folder: Path) -> Path:
    copy = folder / "copy"
    for name in _committed():
        if name.startswith(("custom_components/", "edge_bridge/", "script/", "pyproject.toml")):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    return copy


def _hacs() -> dict[str, object]:
    content: dict[str, object] = json.loads((ROOT / "hacs.json").read_text("utf-8"))
    return content
