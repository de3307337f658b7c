"""The specification names everything that is on the wire, and no number differs from the code's."""

from pathlib import Path
import re
from types import ModuleType

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_every_name_is_there(protocol: ModuleType, page: str) -> None:
    """Messages, error codes, capabilities and the path stand in the specification."""
    names = {*protocol.MESSAGES, *protocol.ErrorCode, *protocol.Capability}
    assert {name for name in names if f"`{name}`" not in page} == set()
    assert protocol.PATH in page
    assert protocol.HEADER.format in page


def test_every_code_is_one(protocol: ModuleType, page: str) -> None:
    """The list of codes has none that the code lacks."""
    listed = re.search(r"^`refused` .*?configuration\.$", page, re.DOTALL | re.MULTILINE)
    assert listed is not None
    assert set(re.findall(r"`(\w+)`", listed[0])) == set(protocol.ErrorCode)


def test_the_limits_are_those_of_the_code(protocol: ModuleType, page: str) -> None:
    """The table of limits holds."""
    assert f"| one JPEG | {protocol.MAX_FRAME_BYTES // 2**20} MiB" in page
    assert f"| one message | {protocol.MAX_TEXT_BYTES // 2**20} MiB" in page
    assert f"| cameras of a bridge | {protocol.MAX_CAMERAS} |" in page
    assert f"| regions of an activity | {protocol.MAX_REGIONS} |" in page
    assert f"| names, keys, ids | {protocol.PRINTABLE_MAX} printable" in page
    assert f"a header of {protocol.HEADER.size} bytes" in page


def test_every_link_leads_somewhere(page: str) -> None:
    """Files that the specification points to exist."""
    targets = re.findall(r"\]\((\.\./[^)#]+)", page)
    assert len(targets) > 15
    assert [target for target in targets if not (PAGE.parent / target).exists()] == []
