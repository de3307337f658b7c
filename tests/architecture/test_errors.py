"""Holds the errors of each package to one tree, so that whoever catches its root misses none."""

import ast
import builtins
from importlib import import_module
from pathlib import Path
import re

import pytest

from custom_components.camera_narrator.pipeline.errors import NarratorError
from custom_components.camera_narrator.protocol.record import ProtocolError
from edge_bridge.errors import BridgeError
from edge_bridge.protocol.record import ProtocolError as BridgeProtocolError
from tests.architecture.markdown import ROOT

INTEGRATION = ROOT / "custom_components" / "camera_narrator"
BRIDGE = ROOT / "edge_bridge" / "src" / "edge_bridge"
# The wire's own root beside each package's: protocol/ is copied, and stands on the standard library alone.
ROOTS = {
    "custom_components.camera_narrator": (NarratorError, ProtocolError),
    "edge_bridge": (BridgeError, BridgeProtocolError),
}


def _classes(folder: Path) -> list[tuple[str, str]]:
    """Return module and name of every class that may be an exception, by the names of its bases."""
    base = ROOT if folder is INTEGRATION else BRIDGE.parent
    found: list[tuple[str, str]] = []
    for path in sorted(folder.rglob("*.py")):
        module = ".".join(path.relative_to(base).with_suffix("").parts)
        found += [
            (module, node.name)
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.ClassDef) and any(_raised(base) for base in node.bases)
        ]
    return found


def _raised(base: ast.expr) -> bool:
    name = ast.unparse(base)
    kind = getattr(builtins, name, None)
    builtin = isinstance(kind, type) and issubclass(kind, BaseException)
    return builtin or name.endswith(("Error", "Exception"))


ERRORS = [*_classes(INTEGRATION), *_classes(BRIDGE)]


def test_errors_are_found() -> None:
    """The search sees those that everybody knows."""
    names = {name for _, name in ERRORS}
    assert {
        "NarratorError",
        "ProviderError",
        "ProbeFailed",
        "BridgeError",
        "ProtocolError",
    } <= names


@pytest.mark.parametrize(("module", "name"), ERRORS, ids=lambda value: value.rpartition(".")[2])
def test_every_error_is_in_the_tree_of_its_package(module: str, name: str) -> None:
    """An error beside the tree escapes who catches the root."""
    roots = next(roots for package, roots in ROOTS.items() if module.startswith(package))
    assert issubclass(getattr(import_module(module), name), roots)


@pytest.mark.parametrize(
    "path",
    [INTEGRATION / "pipeline" / "errors.py", BRIDGE / "errors.py"],
    ids=lambda p: p.parts[-3],
)
def test_the_tree_is_printed(path: Path) -> None:
    """The docstring of errors.py draws the tree with every error of the package, the wire's own apart."""
    folder = INTEGRATION if path.is_relative_to(INTEGRATION) else BRIDGE
    drawn = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    known = {name for _, name in _classes(folder)} - {"ProtocolError"}
    assert sorted(known - set(re.findall(r"\w+", drawn))) == []
