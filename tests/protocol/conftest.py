"""Both copies of the protocol, for tests that must hold for each."""

from types import ModuleType

import pytest

from tests.protocol.copies import BRIDGE, INTEGRATION


@pytest.fixture(params=[INTEGRATION, BRIDGE], ids=["integration", "bridge"])
def protocol(request: pytest.FixtureRequest) -> ModuleType:
    copy: ModuleType = request.param
    return copy
