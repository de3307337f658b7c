"""Holds every module to what it may import: the seams of the design, so that each half runs without the other."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
import sys

import pytest

from custom_components.camera_narrator import PLATFORMS
from tests.architecture.markdown import ROOT

INTEGRATION = ROOT / "custom_components" / "camera_narrator"
BRIDGE = ROOT / "edge_bridge" / "src" / "edge_bridge"
PLATFORM_MAY = {
    "coordinator",
    "entity",
    "const",
    "measurement",
    "picture_link",
    *(f"{of}_sensor" for of in ("bridge", "camera", "hub")),
    *(f"pipeline.{data}" for data in ("models", "outcomes", "rule", "vocabulary")),
}
PLATFORM_MAY_NAME = {"hub", "hub_bridge", "hub_camera"}
"""For type checkers alone: what an entity is handed."""


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name, its module spelt out from the root."""

    module: str
    name: str | None
    typing_only: bool


def _files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def _id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize(
    "path",
    [
        *_files(INTEGRATION / "pipeline"),
        *_files(INTEGRATION / "protocol"),
        *_files(BRIDGE / "protocol"),
    ],
    ids=_id,
)
def test_the_pipeline_and_the_wire_need_the_standard_library_alone(path: Path) -> None:
    """They run in a process without Home Assistant, and in tests of milliseconds."""
    base = BRIDGE.parent if path.is_relative_to(BRIDGE) else ROOT
    own = ".".join(path.parent.relative_to(base).parts)
    foreign = [
        imported.module
        for imported in _imports(path)
        if not imported.module.startswith(own)
        and imported.module.partition(".")[0] not in sys.stdlib_module_names
    ]
    assert foreign == []


@pytest.mark.parametrize("path", _files(BRIDGE), ids=_id)
def test_the_bridge_stands_alone(path: Path) -> None:
    """Its image holds nothing of Home Assistant, of the integration, of rigs or tests."""
    tops = {imported.module.partition(".")[0] for imported in _imports(path)}
    assert tops & {"homeassistant", "custom_components", "rigs", "tests"} == set()


@pytest.mark.parametrize("path", _files(INTEGRATION), ids=_id)
def test_the_integration_stands_alone(path: Path) -> None:
    """HACS installs nothing but its folder."""
    tops = {imported.module.partition(".")[0] for imported in _imports(path)}
    assert tops & {"edge_bridge", "rigs", "tests"} == set()
    own = [i.module for i in _imports(path) if i.module.startswith("custom_components")]
    assert [name for name in own if not name.startswith("custom_components.camera_narrator")] == []


@pytest.mark.parametrize(
    "path", [*_files(INTEGRATION), *_files(BRIDGE), *_files(ROOT / "rigs")], ids=_id
)
def test_nothing_imports_from_a_package(path: Path) -> None:
    """A package's __init__ wires; who needs a thing names the module that it is in."""
    through = [
        f"{imported.module}: {imported.name}"
        for imported in _imports(path)
        if (folder := _package(imported.module)) is not None
        and not (imported.name and _is_module(folder / imported.name))
    ]
    assert through == []


@pytest.mark.parametrize("platform", sorted(PLATFORMS))
def test_platforms_know_their_coordinator_alone(platform: str) -> None:
    """Entities show what a coordinator holds; of the rest they may only name the types."""
    own = "custom_components.camera_narrator."
    allowed = {False: PLATFORM_MAY, True: PLATFORM_MAY | PLATFORM_MAY_NAME}
    beyond = [
        imported.module
        for imported in _imports(INTEGRATION / f"{platform}.py")
        if imported.module.startswith(own)
        and imported.module.removeprefix(own) not in allowed[imported.typing_only]
    ]
    assert beyond == []


def test_the_contracts_would_notice(tmp_path: Path) -> None:
    """Relative, absolute, nested and type-checking imports are all seen."""
    file = tmp_path / "module.py"
    file.write_text(
        "import os.path\nif TYPE_CHECKING:\n    from .hub import Hub\n"
        "def late():\n    from ..pipeline import gate\n",
        "utf-8",
    )
    assert list(_read(file, "custom_components.camera_narrator.providers")) == [
        Import("os.path", None, False),
        Import("custom_components.camera_narrator.providers.hub", "Hub", True),
        Import("custom_components.camera_narrator.pipeline", "gate", False),
    ]


@cache
def _imports(path: Path) -> tuple[Import, ...]:
    base = BRIDGE.parent if path.is_relative_to(BRIDGE) else ROOT
    return tuple(_read(path, ".".join(path.parent.relative_to(base).parts)))


def _read(path: Path, package: str) -> Iterator[Import]:
    tree = ast.parse(path.read_text("utf-8"))
    for node, typing_only in _walk(tree, typing_only=False):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield Import(alias.name, None, typing_only)
            case ast.ImportFrom(module=module, names=names, level=level):
                parts = package.split(".")[: len(package.split(".")) - level + 1] if level else []
                full = ".".join([*parts, *([module] if module else [])])
                for alias in names:
                    yield Import(full, alias.name, typing_only)


def _walk(node: ast.AST, *, typing_only: bool) -> Iterator[tuple[ast.AST, bool]]:
    for child in ast.iter_child_nodes(node):
        guarded = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
        yield child, typing_only
        yield from _walk(child, typing_only=typing_only or guarded)


def _package(module: str) -> Path | None:
    """Return the folder of one of our packages, None for a module and for what is not ours."""
    for base in (ROOT, BRIDGE.parent):
        folder = base.joinpath(*module.split("."))
        if (folder / "__init__.py").is_file():
            return folder
    return None


def _is_module(path: Path) -> bool:
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()
