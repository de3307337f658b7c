"""The ways to install agree with each other: app, image, Compose, unit, dialog and package."""

from configparser import ConfigParser
import json
import os
from pathlib import Path
import re
import shutil
import subprocess
import sys
import tomllib
from typing import Any

from PIL import Image
import pytest
import yaml

from custom_components.camera_narrator import bridge_flow, const
from edge_bridge import app as options, detector_model, settings
from edge_bridge.__main__ import EXIT_SETTINGS, _parser
from tests.architecture.markdown import ROOT, read

APP = ROOT / "edge_bridge"
UNIT = APP / "systemd" / "camera-narrator-edge-bridge.service"
PLATFORMS = ("x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl")
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")


# -- the app ------------------------------------------------------------------------------------------------------


def test_the_repository_is_one_of_apps() -> None:
    """The Supervisor wants these three, and leads people to where the integration comes from."""
    repository = yaml.safe_load(read("repository.yaml"))
    manifest = json.loads(read("custom_components/camera_narrator/manifest.json"))
    assert repository.keys() == {"name", "url", "maintainer"}
    assert repository["url"] == manifest["documentation"] == app()["url"]


def test_the_app_says_what_the_supervisor_needs() -> None:
    """Required keys, both architectures, and the Home Assistant that the integration needs."""
    config = app()
    assert {"name", "version", "slug", "description", "arch"} <= config.keys()
    assert config["arch"] == ["amd64", "aarch64"]
    assert config["homeassistant"] == json.loads(read("hacs.json"))["homeassistant"]
    assert re.fullmatch(r"[a-z_]+", config["slug"])


def test_the_app_asks_for_no_more_than_it_uses() -> None:
    """No host network, port, folder or device; the Supervisor's word on Home Assistant and the broker."""
    assert app().keys() == {
        *("name", "version", "slug", "description", "url", "image", "arch", "homeassistant"),
        *("hassio_api", "services", "discovery", "options", "schema"),
    }
    assert app()["services"] == ["mqtt:want"]
    assert app()["discovery"] == [const.DOMAIN]


def test_the_options_are_those_that_the_bridge_reads() -> None:
    """Each is checked, explained and read; none has to be filled in."""
    schema, defaults = app()["schema"], app()["options"]
    assert set(schema) == set(options.OPTION_NAMES)
    assert {name for name, kind in schema.items() if not kind.endswith("?")} == set(defaults)
    assert schema["token"] == "password?"
    assert schema["log_level"] == f"list({'|'.join(settings.LOG_LEVELS)})"
    assert options.checked(defaults) == defaults
    words = yaml.safe_load(read("edge_bridge/translations/en.yaml"))
    assert words.keys() == {"configuration"}
    assert words["configuration"].keys() == schema.keys()
    documents = read("edge_bridge/DOCS.md")
    for word in words["configuration"].values():
        assert word.keys() == {"name", "description"}
        assert f"**{word['name']}**" in documents


def test_the_app_has_all_that_its_page_shows() -> None:
    """Texts, and pictures of the size that the store asks for."""
    for name in ("README.md", "DOCS.md", "CHANGELOG.md"):
        assert (APP / name).read_text("utf-8").startswith("# ")
    assert (APP / "CHANGELOG.md").read_text("utf-8") == read("CHANGELOG.md")
    with Image.open(APP / "icon.png") as icon:
        assert icon.size == (128, 128)
    with Image.open(APP / "logo.png") as logo:
        assert logo.width > logo.height


def test_the_release_makes_the_images_that_are_asked_for() -> None:
    """The dialog's for both architectures, and the app's with the version as its tag."""
    workflow = yaml.safe_load(read(".github/workflows/release.yaml"))
    builds = {
        step["with"].get("target", ""): step["with"]
        for step in workflow["jobs"]["image"]["steps"]
        if step.get("uses", "").startswith("docker/build-push-action@")
    }
    assert builds.keys() == {"", "app"}
    for build in builds.values():
        assert build["platforms"] == "linux/amd64,linux/arm64"
        assert build["context"] == "edge_bridge"
    version = ":${{ steps.version.outputs.version }}"
    assert f"{bridge_flow.IMAGE}{version}" in builds[""]["tags"].splitlines()
    assert builds["app"]["tags"] == f"{app()['image']}{version}"


# -- Compose and systemd ------------------------------------------------------------------------------------------


def test_compose_gives_the_bridge_no_more_than_it_needs() -> None:
    """Read-only, without capabilities, the token as a secret, one volume, an end to its memory."""
    compose = yaml.safe_load(read("edge_bridge/compose.yaml"))
    (service,) = compose["services"].values()
    assert service["image"] == f"{bridge_flow.IMAGE}:latest"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"]
    assert service["mem_limit"]
    assert service["restart"] == "unless-stopped"
    assert "ports" not in service
    (volume,) = service["volumes"]
    name, path = volume.split(":")
    assert name in compose["volumes"]
    assert f"CAMERA_NARRATOR_STATE={path}" in read("edge_bridge/Dockerfile")
    (secret,) = service["secrets"]
    assert secret in compose["secrets"]
    variables = service["environment"]
    assert variables.keys() == {"CAMERA_NARRATOR_URL", "CAMERA_NARRATOR_TOKEN_FILE"}
    assert variables["CAMERA_NARRATOR_TOKEN_FILE"] == f"/run/secrets/{secret}"


def test_the_unit_starts_what_the_package_installs(tmp_path: Path) -> None:
    """Its command is a script of the package with flags that exist; systemd, where it is there, agrees with the rest."""
    service = unit()["Service"]
    program, *arguments = service["ExecStart"].split()
    assert Path(program).name in project()["scripts"]
    flags = _parser().parse_args(arguments)
    assert flags.command == "run"
    credential, _, source = service["LoadCredential"].partition(":")
    assert flags.env_file == f"${{CREDENTIALS_DIRECTORY}}/{credential}"
    assert source.startswith("/etc/")
    folder = service["StateDirectory"]
    assert service["Environment"] == f"CAMERA_NARRATOR_STATE=%S/{folder} XDG_CACHE_HOME=%C"
    assert detector_model.model_path("").parts[-3] == service["CacheDirectory"] == folder
    assert service["RestartPreventExitStatus"] == str(EXIT_SETTINGS)
    if analyze := shutil.which("systemd-analyze"):
        # Here nothing is installed where the unit looks for it.
        copy = tmp_path / UNIT.name
        copy.write_text(UNIT.read_text("utf-8").replace(program, sys.executable), "utf-8")
        verified = subprocess.run(
            [analyze, "verify", "--man=no", copy], capture_output=True, text=True, check=False
        )
        told = [line for line in verified.stderr.splitlines() if copy.name in line]
        assert (verified.returncode, told) == (0, [])


def test_the_unit_confines_the_bridge() -> None:
    """A user of its own, no capability, no way to devices, kernel and home folders."""
    service = unit()["Service"]
    assert service["CapabilityBoundingSet"] == ""
    assert service["SystemCallFilter"] == "@system-service"
    assert service["Restart"] == "always"
    switches = {
        *("DynamicUser", "ProtectHome", "PrivateDevices", "ProtectKernelModules"),
        *("ProtectKernelTunables", "ProtectControlGroups", "RestrictNamespaces"),
    }
    assert {name: service[name] for name in switches} == dict.fromkeys(switches, "yes")


def test_the_dialogs_lines_put_the_unit_where_it_looks_for_things() -> None:
    """The file of variables, the folder of programs, and where the package brings the unit to."""
    pair = json.loads(read("custom_components/camera_narrator/translations/en.json"))
    shown = pair["config_subentries"]["bridge"]["step"]["pair"]["description"]
    shown = shown.replace("{package}", bridge_flow.PACKAGE)
    service = unit()["Service"]
    assert f"bridge.env {service['LoadCredential'].partition(':')[2]}\n" in shown
    assert f"UV_TOOL_BIN_DIR={Path(service['ExecStart'].split()[0]).parent} " in shown
    wheel = tomllib.loads(read("edge_bridge/pyproject.toml"))["tool"]["hatch"]["build"]["targets"]
    (brought,) = wheel["wheel"]["shared-data"].values()
    tools = re.search(r"UV_TOOL_DIR=(\S+)", shown)
    assert tools is not None
    assert f"  {tools[1]}/{bridge_flow.PACKAGE}/{brought}\n" in shown


# -- the integration ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_the_manifest_asks_for_is_ready_made_for_home_assistants_container(
    platform: str,
) -> None:
    """Every requirement, with all that it needs, has a wheel for musl: nothing is compiled in the container.

    Resolved anew against the package index that uv is set up for, because the locked files know no platforms, and
    by the constraints of the Home Assistant that the tests run in, which the container installs by too.
    """
    manifest = json.loads(read("custom_components/camera_narrator/manifest.json"))
    done = resolved(manifest["requirements"], platform)
    assert done.returncode == 0, done.stderr
    names = {re.split(r"[<>=~ ]", entry)[0] for entry in manifest["requirements"]}
    assert names <= set(re.findall(r"(?m)^([\w.-]+)==", done.stdout))


def test_a_package_without_such_a_wheel_would_be_noticed() -> None:
    """The detector's runtime has none for musl, which is why the integration does not ask for it."""
    (runtime,) = project()["optional-dependencies"]["detector"]
    refused = resolved([runtime], PLATFORMS[0])
    assert refused.returncode != 0
    assert "no wheels with a matching" in " ".join(refused.stderr.split())


def resolved(requirements: list[str], platform: str) -> subprocess.CompletedProcess[str]:
    """Ask uv for ready-made packages for a platform; only their metadata is fetched."""
    uv = subprocess.run(
        [ROOT / "script" / "bootstrap", "--print", "uv"], capture_output=True, text=True, check=True
    ).stdout.strip()
    environment = dict(os.environ)
    # As in the set-up: networks that look into TLS have their authority among the machine's own.
    if AUTHORITIES.exists():
        environment.setdefault("UV_SYSTEM_CERTS", "true")
    return subprocess.run(
        [
            *(uv, "pip", "compile", "--no-header", "--no-annotate", "-"),
            *("--python", sys.executable, "--python-platform", platform),
            *("--only-binary", ":all:", "--constraints", "requirements/constraints.txt"),
        ],
        cwd=ROOT,
        env=environment,
        input="\n".join(requirements),
        capture_output=True,
        text=True,
        check=False,
    )


def app() -> dict[str, Any]:
    """Return the app's configuration."""
    config: dict[str, Any] = yaml.safe_load(read("edge_bridge/config.yaml"))
    return config


def project() -> dict[str, Any]:
    """Return what the bridge's package says of itself."""
    content: dict[str, Any] = tomllib.loads(read("edge_bridge/pyproject.toml"))["project"]
    return content


def unit() -> ConfigParser:
    """Return the unit's sections."""
    parser = ConfigParser(interpolation=None, strict=True, comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment, method-assign] # systemd minds the case
    parser.read(UNIT, encoding="utf-8")
    return parser
