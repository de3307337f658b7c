"""Both copies of the protocol, for tests that must hold for each."""

from types import ModuleType

import pytest

from custom_components.camera_narrator import protocol as integration_copy
from edge_bridge import protocol as bridge_copy

COPIES = {"integration": integration_copy, "bridge": bridge_copy}


@pytest.fixture(params=COPIES.values(), ids=COPIES.keys())
def protocol(request: pytest.FixtureRequest) -> ModuleType:
    copy: ModuleType = request.param
    return copy
