"""Bridges that have no business here: refused in one line, and the house stays quiet."""

import pytest

from tests.end_to_end.house import BRIDGE, House

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.timeout(300)
async def test_an_unknown_token_is_told_once_and_disturbs_nobody(house: House) -> None:
    """A bridge with a wrong token says so in one line and tries on quietly; nobody is notified or banned."""
    stranger = await house.run_bridge("stranger", token="no-such-token", level="debug")
    for _ in range(2):
        await stranger.wait_for("DEBUG Not connected to Home Assistant: token: .* next try in")
    warnings = [line for line in stranger.tail(200).splitlines() if " WARNING " in line]
    await stranger.stop()
    assert len(warnings) == 1
    assert "token: Home Assistant does not know it" in warnings[0]
    assert await house.client.command("persistent_notification/get") == []
    assert not (house.home_assistant.folder / "ip_bans.yaml").exists()
    assert await house.issues(lambda issues: not issues) == []


@pytest.mark.timeout(300)
async def test_a_copied_token_is_refused_and_the_house_is_asked(house: House) -> None:
    """A second bridge with the token of the first is sent away for minutes; the first goes on; a repair asks why."""
    copy = await house.run_bridge("copy", token=house.token)
    refused = await copy.wait_for(r"Home Assistant refuses: in_use; next try in ([\d.]+) s")
    await copy.stop()
    assert float(refused[1]) > 60
    (issue,) = await house.issues(bool)
    assert issue["issue_id"].startswith("bridge_in_use_")
    assert issue["translation_placeholders"] == {"bridge": BRIDGE}
    await house.state(BRIDGE, "bridge_connected", "on")
    assert house.bridge.returncode is None
