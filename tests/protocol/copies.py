"""The two copies of the protocol, each as one module with the names of all of its files."""

from importlib import import_module
from pathlib import Path
from types import ModuleType


def folder(package: str) -> Path:
    """Return where a copy's files are."""
    return Path(import_module(package).__file__ or "").parent


def _whole(package: str) -> ModuleType:
    whole = ModuleType(package)
    for path in sorted(folder(package).glob("[!_]*.py")):
        vars(whole).update(vars(import_module(f"{package}.{path.stem}")))
    return whole


PACKAGES = ("custom_components.camera_narrator.protocol", "edge_bridge.protocol")
INTEGRATION, BRIDGE = (_whole(package) for package in PACKAGES)
