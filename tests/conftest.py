"""Makes `custom_components.camera_narrator` importable with and without Home Assistant."""

from importlib import import_module
from importlib.util import find_spec
import os
from pathlib import Path
import sys
from types import ModuleType

from hypothesis import settings

PACKAGE = "custom_components.camera_narrator"
FOLDER = Path(__file__).parent.parent / "custom_components" / "camera_narrator"


def _claim_the_name() -> None:
    """Import our `custom_components` before the test plugin brings its own folder of that name."""
    import_module("custom_components")


def _stand_in_for_the_package() -> None:
    """Let `pipeline` and `protocol` load without the package's __init__, which needs Home Assistant."""
    package = ModuleType(PACKAGE)
    package.__path__ = [str(FOLDER)]
    sys.modules[PACKAGE] = package
    vars(import_module("custom_components"))["camera_narrator"] = package


if find_spec("homeassistant") is None:
    _stand_in_for_the_package()
else:
    _claim_the_name()

# No deadline: how long an example takes says more about the machine. The same examples in every automatic run.
settings.register_profile("camera_narrator", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("camera_narrator")
