"""Makes `custom_components.camera_narrator` importable with and without Home Assistant."""

from importlib.util import find_spec
from pathlib import Path
import sys
from types import ModuleType

PACKAGE = "custom_components.camera_narrator"
FOLDER = Path(__file__).parent.parent / "custom_components" / "camera_narrator"


def _import_for_home_assistant() -> None:
    """Claim the name `custom_components` before the test plugin's own folder of that name does."""
    __import__("custom_components")
    if (FOLDER / "__init__.py").exists():
        __import__(PACKAGE)


def _stand_in_for_the_package() -> None:
    """Let `pipeline` and `protocol` load without the package's __init__, which needs Home Assistant."""
    package = ModuleType(PACKAGE)
    package.__path__ = [str(FOLDER)]
    sys.modules[PACKAGE] = package


if find_spec("homeassistant") is None:
    _stand_in_for_the_package()
else:
    _import_for_home_assistant()
