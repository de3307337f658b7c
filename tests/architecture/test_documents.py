"""Holds the documents to the code: links, files and names that exist, numbers that hold, commands that work."""

import ast
from functools import cache
import json
from pathlib import Path
import re

from homeassistant.util import slugify
import pytest

from custom_components.camera_narrator import bridge_flow, camera_form, const
from custom_components.camera_narrator.pipeline import gate
from custom_components.camera_narrator.pipeline.errors import Fault
from custom_components.camera_narrator.pipeline.vocabulary import Profile
from custom_components.camera_narrator.protocol.vocabulary import ErrorCode
from custom_components.camera_narrator.publisher import event_json, narrative_json
from edge_bridge import settings
from edge_bridge.__main__ import _parser
from tests.architecture.markdown import (
    ROOT,
    anchors,
    blocks,
    documents,
    examples,
    links,
    read,
    rows,
    spans,
)
from tests.integration.house import event, narrative

INTEGRATION = ROOT / "custom_components" / "camera_narrator"
BRIDGE = ROOT / "edge_bridge" / "src" / "edge_bridge"
WORDS = json.loads((INTEGRATION / "translations" / "en.json").read_text("utf-8"))
OF_A_BRIDGE = {"bridge_connected", "version", "cpu", "memory"}
OF_THE_HUB = {
    "provider_problem",
    "cost_today",
    "budget_left",
    "limited_until",
    "saving",
    "pictures_out",
}
NAME = re.compile(r"[A-Z][a-z]\w*(\.\w+)?|[A-Z_]+ = .+|[a-z_]+")
NOT_NAMES = {"rejected", "replaced", "overflowed", "not_selected", "updated"}
"""Counters and phases beside the names of a row."""


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    """Each relative link names a file that exists, and a heading in it where it names one."""
    for target in links(read(path)):
        if "://" in target:
            continue
        name, _, heading = target.partition("#")
        found = (path.parent / name).resolve() if name else path
        assert found.exists(), target
        if heading:
            assert heading in anchors(read(found)), target


def test_readme_shows_two_commands() -> None:
    """Whoever clones the repository needs script/demo and script/test, and is shown no other."""
    commands = [
        line.split()[0] for block in blocks(read("README.md"), "sh") for line in block.splitlines()
    ]
    assert commands == ["script/demo", "script/test"]
    assert set(re.findall(r"script/\w+", read("README.md"))) == set(commands)


def test_readme_leads_to_this_repository() -> None:
    """HACS is given the address that the manifest names."""
    manifest = json.loads((INTEGRATION / "manifest.json").read_text("utf-8"))
    assert f"`{manifest['documentation']}`" in read("README.md")
    assert f"`{manifest['documentation']}`" in read("docs/installation.md")


def test_required_home_assistant_is_named() -> None:
    """README and installation ask for the version that HACS asks for."""
    version = json.loads(read("hacs.json"))["homeassistant"].removesuffix(".0")
    for name in ("README.md", "docs/installation.md"):
        assert f"Home Assistant {version} or newer" in read(name), name


def test_contributing_stays_short() -> None:
    """What a contributor has to read is under 120 lines."""
    assert len(read("CONTRIBUTING.md").splitlines()) < 120


# -- docs/architecture.md -----------------------------------------------------------------------------------------


def test_architecture_names_every_file() -> None:
    """A module that the way of a frame does not mention is one nobody finds."""
    linked = _linked("docs/architecture.md", read("docs/architecture.md"))
    modules = {path for folder in (INTEGRATION, BRIDGE) for path in folder.rglob("*.py")}
    wiring = {path for path in modules if path.name == "__init__.py"}
    copies = set((BRIDGE / "protocol").glob("*.py"))
    assert sorted(str(path) for path in modules - wiring - copies - linked) == []


@pytest.mark.parametrize(
    "row",
    [row for row in rows(read("docs/architecture.md")) if ".py)" in row],
    ids=lambda row: row.split("|")[1].strip(),
)
def test_architecture_names_what_exists(row: str) -> None:
    """Classes, functions and constants of a row are in one of the files of that row, with the value it tells."""
    known = set[str]().union(*(_names(path) for path in _linked("docs/architecture.md", row)))
    named = {_normal(name) for name in spans(row) if NAME.fullmatch(name)} - NOT_NAMES
    assert sorted(named - known) == []


def test_architecture_names_what_exists_between_the_tables() -> None:
    """A method that the prose names is in one of the files of the page."""
    text = read("docs/architecture.md")
    known = set[str]().union(*(_names(path) for path in _linked("docs/architecture.md", text)))
    named = {name for name in spans(text) if re.fullmatch(r"[A-Z]\w+\.\w+", name)}
    assert "Account.lost" in named
    assert sorted(named - known) == []


def test_architecture_accounts_for_every_counter() -> None:
    """The table of counters is that of the sum, and each one is also a sensor."""
    text = read("docs/architecture.md")
    section = text.partition("## The accounting")[2].partition("## Threads")[0]
    counters = [spans(row)[0] for row in rows(section) if spans(row)]
    outcomes = {
        key.removeprefix("frames_") for key in WORDS["entity"]["sensor"] if "frames_" in key
    }
    names = {"earlier": "base", "duplicated": "duplicates"}
    assert set(counters) == {names.get(key, key) for key in outcomes}
    assert len(counters) == len(set(counters))
    (formula,) = blocks(section, "text")
    assert set(re.findall(r"\b[a-z]+_?[a-z]+\b", formula)) >= set(counters) - {
        "duplicates",
        "resent",
    }


# -- docs/entities.md ---------------------------------------------------------------------------------------------


def test_entities_are_all_described() -> None:
    """Every entity is named by the id it gets, and no other."""
    devices = "front_door|attic|camera_narrator"
    platforms = "|".join(WORDS["entity"])
    told = set(re.findall(rf"\b(?:{platforms})\.(?:{devices})\w*", read("docs/entities.md")))
    assert told == set(_entity_ids().values())


def test_attributes_are_all_described() -> None:
    """The row of an entity names all of its attributes."""
    table = rows(read("docs/entities.md"))
    for (platform, key), entity_id in _entity_ids().items():
        (row,) = [row for row in table if f"`{entity_id}`" in row]
        attributes = WORDS["entity"][platform][key].get("state_attributes", {})
        assert set(attributes) <= set(spans(row)), entity_id


def test_events_are_all_described() -> None:
    """Types, end reasons and keys are those of the code; the examples carry exactly the published keys."""
    text = read("docs/entities.md")
    named = set(spans(text))
    attributes = WORDS["entity"]["event"]["event"]["state_attributes"]
    assert set(attributes["event_type"]["state"]) <= named
    assert set(attributes["reason"]["state"]) <= named
    bus, told, ended = (json.loads(block) for block in blocks(text, "json"))
    assert list(bus) == list(ended) == list(event_json(event()))
    assert list(told) == list(narrative_json(narrative()))
    assert {*bus, "device_id"} <= named
    assert f"`{const.EVENT_TYPE}`" in text


# -- docs/installation.md -----------------------------------------------------------------------------------------


def test_every_error_has_its_way_out() -> None:
    """Codes of the wire, faults of providers, errors of dialogs and repairs are all in the troubleshooting."""
    text = read("docs/installation.md").partition("## Troubleshooting")[2]
    dialogs = [WORDS["config"], WORDS["options"], *WORDS["config_subentries"].values()]
    errors = {key for dialog in dialogs for key in dialog["error"]}
    expected = {*ErrorCode, *Fault, *errors, *WORDS["issues"]}
    assert sorted(expected - set(spans(text))) == []


def test_every_setting_of_the_bridge_is_described() -> None:
    """Flags and variables in the documents are those that edge-bridge knows."""
    text = read("docs/installation.md")
    (commands,) = [action.choices for action in _parser()._actions if action.dest == "command"]
    assert isinstance(commands, dict)
    options = {option for action in commands["run"]._actions for option in action.option_strings}
    assert {"--url", "--token-file"} < options
    assert options - {"-h", "--help"} <= set(spans(text))
    source = Path(settings.__file__).read_text("utf-8") + (BRIDGE / "__main__.py").read_text(
        "utf-8"
    )
    variables = set(re.findall(r"CAMERA_NARRATOR_[A-Z_]+", source))
    assert set(re.findall(r"CAMERA_NARRATOR_[A-Z_]+", text)) == variables


def test_the_bridge_starts_as_the_dialog_says() -> None:
    """The lines for Docker, Compose, uvx and systemd are those which the pairing dialog shows."""
    env, docker, compose, uvx, systemd = _lines("pair")
    text = read("docs/installation.md")
    for lines in (docker, uvx, systemd):
        assert lines in blocks(text, "sh")
    assert compose in blocks(text, "yaml")
    assert [line.partition("=")[0] for line in env.split()] == [
        line.partition("=")[0] for line in blocks(text, "ini")[0].split()
    ]


def test_a_new_token_is_put_in_place_as_the_documents_say() -> None:
    """Each way has lines of its own, and Docker's and uvx's are those of the first start."""
    env, docker, compose, uvx, systemd = _lines("rotate")
    first = _lines("pair")
    assert (env, docker, uvx) == (first[0], first[1], first[3])
    text = read("docs/installation.md")
    for lines in (compose, systemd):
        assert lines in blocks(text, "sh")


def test_every_way_of_the_dialog_is_closed_until_it_is_chosen() -> None:
    """One summary and one end for each; a translation holds no markup of its own."""
    for name in ("pair", "rotate"):
        shown = _dialog(name)
        assert shown.count("{fold}") == shown.count("{unfold}") == shown.count("{end}") == 4
        assert "<" not in shown
        for way in re.findall(r"\{fold\}(.*?)\{end\}", shown, re.DOTALL):
            # Markdown goes on inside only after an empty line.
            assert re.match(r"[^{]+\{unfold\}\n\n.*\n\n$", way, re.DOTALL), way


def test_the_image_is_what_the_documents_say() -> None:
    """State folder, user and entry point of the image are those that the documents rely on."""
    image = read("edge_bridge/Dockerfile")
    text = read("docs/installation.md")
    assert "CAMERA_NARRATOR_STATE=/data" in image
    assert ":/data " in text
    assert "--uid 10001 " in image
    assert "number 10001" in read("edge_bridge/compose.yaml")
    assert 'ENTRYPOINT ["edge-bridge"]' in image


@pytest.mark.parametrize(
    "key",
    [
        const.CONF_RATE_FPS,
        const.CONF_HEIGHT_PX,
        const.CONF_QUALITY,
        const.CONF_INTERVAL_S,
        const.CONF_FRAMES,
    ],
)
def test_ranges_of_a_camera_hold(key: str) -> None:
    """The documented range and default of an advanced field are those of the form."""
    step = WORDS["config_subentries"]["camera"]["step"]["rtsp"]["sections"]["advanced"]
    field = camera_form._ADVANCED[key]
    limits = getattr(field, "validators", (field,))[0].config
    told = re.search(rf"\*{step['data'][key]}\*[^(·|]*\(([^)]+)\)", read("docs/installation.md"))
    assert told is not None
    assert told[1].startswith(f"{limits['min']:g} to {limits['max']:g}")
    assert told[1].endswith(f"default {camera_form._DEFAULTS[key]:g}")


def test_profiles_ask_when_they_say() -> None:
    """The seconds of the profiles' table are the gate's."""
    text = read("docs/installation.md")
    first, second, third = gate.OFFSETS_S[Profile.BALANCED]
    assert (
        f"after {first:g}, {second:g} and {third:g} s, then every {gate.LONG_VISIT_S:g} s" in text
    )
    assert f"| Economy | {gate.OFFSETS_S[Profile.ECONOMY][0]:g} s after" in text
    assert f"every {gate.HEARTBEAT_S / 60:g} minutes while nothing moves" in text


def test_examples_parse() -> None:
    """Every YAML example is YAML, and there are those that are promised."""
    found = [name for name, example in examples() if isinstance(example, dict)]
    assert found.count("README.md") == 1
    assert found.count("docs/entities.md") >= 4


def _dialog(step: str) -> str:
    text: str = WORDS["config_subentries"]["bridge"]["step"][step]["description"]
    return text


def _lines(step: str) -> list[str]:
    """Return the code blocks of a step of the pairing dialog; the bare token of the app apart."""
    shown = (
        _dialog(step)
        .replace("{image}", f"{bridge_flow.IMAGE}:latest")
        .replace("{package}", bridge_flow.PACKAGE)
    )
    return [
        code for code in re.findall(r"```\n(.*?)```", shown, re.DOTALL) if code.strip() != "{token}"
    ]


# -- reading the code ---------------------------------------------------------------------------------------------


def _linked(document: str, text: str) -> set[Path]:
    folder = (ROOT / document).parent
    return {(folder / target).resolve() for target in links(text) if target.endswith(".py")}


@cache
def _names(path: Path) -> frozenset[str]:
    """Return what a module defines: names, methods as Class.method, constants with their values; and what it calls."""
    tree = ast.parse(path.read_text("utf-8"))
    found = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in tree.body:
        match node:
            case ast.ClassDef():
                members = [
                    part
                    for part in node.body
                    if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
                ]
                found |= {node.name, *(f"{node.name}.{part.name}" for part in members)}
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                found.add(node.name)
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                found |= {name, f"{name} = {ast.unparse(value)}"}
    return frozenset(found)


def _normal(name: str) -> str:
    constant, equals, value = name.partition(" = ")
    return f"{constant} = {ast.unparse(ast.parse(value))}" if equals else name


def _entity_ids() -> dict[tuple[str, str], str]:
    """Return the ids that the entities of the documents' examples get."""
    found = {}
    for platform, entities in WORDS["entity"].items():
        for key, words in entities.items():
            device = (
                "attic"
                if key in OF_A_BRIDGE
                else "camera_narrator"
                if key in OF_THE_HUB
                else "front_door"
            )
            name = "" if (platform, key) == ("camera", "live") else f"_{slugify(words['name'])}"
            found[platform, key] = f"{platform}.{device}{name}"
    return found
