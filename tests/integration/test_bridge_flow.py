"""The dialog that pairs a bridge, against the real endpoint over a real socket."""

from collections.abc import AsyncGenerator
from hashlib import sha256
import json
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.config_entries import SOURCE_USER, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.core_config import async_process_ha_core_config
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import yaml
from yarl import URL

from custom_components.camera_narrator import bridge_flow, const, tokens
from custom_components.camera_narrator.bridge_flow import clean_address, default_address
from custom_components.camera_narrator.protocol.limits import PATH
from custom_components.camera_narrator.protocol.vocabulary import ErrorCode
from edge_bridge import __main__ as edge_bridge_main, settings
from tests.integration.dialogs import Result, add_hub, after_progress, submit, suggested
from tests.integration.paired_bridge import PairedBridge

closes_a_bridge = pytest.mark.parametrize("expected_lingering_timers", [True])
"""aiohttp's server starts the heartbeat of a closed socket anew when the peer's goodbye comes in; it ends by itself."""
TRANSLATIONS = Path("custom_components/camera_narrator/translations/en.json")
ADDRESS = "http://192.0.2.10:8123"
pytestmark = pytest.mark.usefixtures("no_browser")


@pytest.fixture
async def entry(hass: HomeAssistant) -> AsyncGenerator[MockConfigEntry]:
    """Return a hub without bridges."""
    entry = await add_hub(hass)
    yield entry
    await hass.config_entries.async_unload(entry.entry_id)


async def wait_for_bridge(hass: HomeAssistant, entry: MockConfigEntry) -> tuple[str, str]:
    """Open the dialog up to where it waits; return the flow's id and the token shown."""
    result = await show_token(hass, entry)
    result = await submit(hass, result["flow_id"])
    assert (result["type"], result["step_id"]) == (FlowResultType.SHOW_PROGRESS, "wait")
    return result["flow_id"], result["description_placeholders"]["token"]


async def show_token(hass: HomeAssistant, entry: MockConfigEntry) -> Result:
    """Open the dialog up to the step that shows how to start the bridge."""
    result: Result = await hass.config_entries.subentries.async_init(
        (entry.entry_id, const.SUBENTRY_BRIDGE), context={"source": SOURCE_USER}
    )
    result = await submit(hass, result["flow_id"], address=ADDRESS)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "pair")
    return result


async def pair(
    hass: HomeAssistant, entry: MockConfigEntry, client: TestClient[Any, Any]
) -> tuple[ConfigSubentry, str]:
    """Pair a bridge that leaves again; return its subentry and its token."""
    flow_id, token = await wait_for_bridge(hass, entry)
    async with PairedBridge(client, token):
        await after_progress(hass.config_entries.subentries, flow_id)
        await submit(hass, flow_id, name="Attic")
        await hass.async_block_till_done()
    (subentry,) = entry.get_subentries_of_type(const.SUBENTRY_BRIDGE)
    return subentry, token


async def reconfigure(
    hass: HomeAssistant, entry: MockConfigEntry, subentry: ConfigSubentry
) -> Result:
    """Open the dialog that changes a bridge."""
    return await hass.config_entries.subentries.async_init(
        (entry.entry_id, const.SUBENTRY_BRIDGE),
        context={"source": "reconfigure", "subentry_id": subentry.subentry_id},
    )


async def test_pairing_keeps_the_connection_and_only_the_hash(
    hass: HomeAssistant, entry: MockConfigEntry, client: TestClient[Any, Any]
) -> None:
    """The token opens the endpoint while the dialog waits; the bridge stays connected as it becomes one of the hub."""
    waiting = await show_token(hass, entry)
    flow_id, shown = waiting["flow_id"], waiting["description_placeholders"]
    token = shown["token"]
    assert shown["address"] == ADDRESS
    assert shown["image"] == "cameranarrator/edge-bridge:0.1.0"
    assert shown["package"] == "camera-narrator-edge-bridge"

    async with PairedBridge(client, token, name="Attic") as bridge:
        await bridge.until(lambda it: it.welcomed.is_set())
        await submit(hass, flow_id)
        result = await after_progress(hass.config_entries.subentries, flow_id)
        assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "name")
        assert suggested(result) == {"name": "Attic"}
        result = await submit(hass, flow_id, name="  ")
        assert result["errors"] == {"name": "name_missing"}
        result = await submit(hass, flow_id, name="Under the roof")
        assert result["type"] is FlowResultType.CREATE_ENTRY
        await hass.async_block_till_done()

        (subentry,) = entry.get_subentries_of_type(const.SUBENTRY_BRIDGE)
        assert subentry.title == "Under the roof"
        assert dict(subentry.data) == {
            const.CONF_TOKEN_HASH: sha256(token.encode()).hexdigest(),
            const.CONF_OLD_TOKEN_HASHES: [],
            const.CONF_BRIDGE_ID: "bridge-1",
            const.CONF_ADDRESS: ADDRESS,
        }
        link = entry.runtime_data.gateway.link(subentry.subentry_id)
        assert link is not None
        assert link.hello.bridge == "bridge-1"
        assert not bridge.closed.is_set()


async def test_a_closed_dialog_forgets_its_token(
    hass: HomeAssistant, entry: MockConfigEntry, client: TestClient[Any, Any]
) -> None:
    """What was shown opens nothing any more."""
    flow_id, token = await wait_for_bridge(hass, entry)
    hass.config_entries.subentries.async_abort(flow_id)
    response = await client.get(PATH, headers={"Authorization": f"Bearer {token}"})
    assert response.status == 401


async def test_nobody_came(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    client: TestClient[Any, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The dialog offers to wait on with the same token, or to change the address."""
    monkeypatch.setattr(const, "PENDING_TOKEN_S", 0)
    flow_id, token = await wait_for_bridge(hass, entry)
    result = await after_progress(hass.config_entries.subentries, flow_id)
    assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "timeout")
    assert result["description_placeholders"]["address"] == ADDRESS

    result = await submit(hass, flow_id, next_step_id="user")
    assert suggested(result) == {const.CONF_ADDRESS: ADDRESS}
    monkeypatch.setattr(const, "PENDING_TOKEN_S", 900)
    result = await submit(hass, flow_id, address="https://house.example.com/ha/")
    assert result["description_placeholders"]["address"] == "https://house.example.com/ha"
    assert result["description_placeholders"]["token"] == token
    await submit(hass, flow_id)
    async with PairedBridge(client, token):
        result = await after_progress(hass.config_entries.subentries, flow_id)
        assert result["step_id"] == "name"


async def test_waiting_on(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    client: TestClient[Any, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After the time is over the same token may be waited for again."""
    monkeypatch.setattr(const, "PENDING_TOKEN_S", 0)
    flow_id, token = await wait_for_bridge(hass, entry)
    await after_progress(hass.config_entries.subentries, flow_id)
    monkeypatch.setattr(const, "PENDING_TOKEN_S", 900)
    result = await submit(hass, flow_id, next_step_id="pair")
    assert result["description_placeholders"]["token"] == token
    result = await submit(hass, flow_id)
    assert result["type"] is FlowResultType.SHOW_PROGRESS
    async with PairedBridge(client, token):
        result = await after_progress(hass.config_entries.subentries, flow_id)
        assert result["step_id"] == "name"
        # Two clients that go on at the same moment: the later one waits, and breaks nothing.
        flow: Any = hass.config_entries.subentries._progress[flow_id]
        again = await flow.async_step_waited()
        assert again["type"] is FlowResultType.SHOW_PROGRESS
        again["progress_task"].cancel()


async def test_more_dialogs_than_tokens_are_kept(
    hass: HomeAssistant, entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest dialog says that nobody came instead of failing."""
    monkeypatch.setattr(tokens, "OPEN_DIALOGS", 1)
    first, _ = await wait_for_bridge(hass, entry)
    await wait_for_bridge(hass, entry)
    result = await after_progress(hass.config_entries.subentries, first)
    assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "timeout")


async def test_the_bar_moves_while_waiting(
    hass: HomeAssistant, entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The share of the time that is over is told."""
    monkeypatch.setattr(const, "PENDING_TOKEN_S", 2)
    monkeypatch.setattr(bridge_flow, "PROGRESS_S", 1)
    told: list[float] = []
    hass.bus.async_listen(
        "data_entry_flow_progress_update", lambda event: told.append(event.data["progress"])
    )
    flow_id, _ = await wait_for_bridge(hass, entry)
    await after_progress(hass.config_entries.subentries, flow_id)
    assert told == [0.0, 0.5]


@closes_a_bridge
async def test_a_bridge_comes_once(
    hass: HomeAssistant, entry: MockConfigEntry, client: TestClient[Any, Any]
) -> None:
    """A bridge that is already there is named, and the way to a new token told."""
    await pair(hass, entry, client)
    flow_id, token = await wait_for_bridge(hass, entry)
    async with PairedBridge(client, token) as bridge:
        result = await after_progress(hass.config_entries.subentries, flow_id)
        assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
        assert result["description_placeholders"] == {"name": "Attic"}
        await bridge.until(lambda it: it.closed.is_set())


async def test_what_is_no_address_is_said(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """The text stays in the field."""
    result: Result = await hass.config_entries.subentries.async_init(
        (entry.entry_id, const.SUBENTRY_BRIDGE), context={"source": SOURCE_USER}
    )
    result = await submit(hass, result["flow_id"], address="house:8123")
    assert result["errors"] == {const.CONF_ADDRESS: "invalid_address"}
    assert suggested(result) == {const.CONF_ADDRESS: "house:8123"}


async def test_renaming_disturbs_nothing(
    hass: HomeAssistant, entry: MockConfigEntry, client: TestClient[Any, Any]
) -> None:
    """Name and address change; token and connection stay."""
    subentry, token = await pair(hass, entry, client)
    before = dict(subentry.data)
    async with PairedBridge(client, token) as bridge:
        await bridge.until(lambda it: it.welcomed.is_set())
        result = await reconfigure(hass, entry, subentry)
        assert suggested(result) == {"name": "Attic", const.CONF_ADDRESS: ADDRESS}
        result = await submit(hass, result["flow_id"], name=" ", address="nowhere", rotate=False)
        assert result["errors"] == {"name": "name_missing", const.CONF_ADDRESS: "invalid_address"}
        result = await submit(
            hass, result["flow_id"], name="Cellar", address="http://ha.local:8123", rotate=False
        )
        await hass.async_block_till_done()
        assert (result["type"], result["reason"]) == (
            FlowResultType.ABORT,
            "reconfigure_successful",
        )
        changed = entry.subentries[subentry.subentry_id]
        assert changed.title == "Cellar"
        assert dict(changed.data) == {**before, const.CONF_ADDRESS: "http://ha.local:8123"}
        assert entry.runtime_data.gateway.link(subentry.subentry_id) is not None
        assert not bridge.closed.is_set()


@closes_a_bridge
async def test_a_new_token_ends_the_old_one(
    hass: HomeAssistant, entry: MockConfigEntry, client: TestClient[Any, Any]
) -> None:
    """The old token holds until the new one is in place; then its connection ends, and it is refused as revoked."""
    subentry, old = await pair(hass, entry, client)
    async with PairedBridge(client, old) as bridge:
        await bridge.until(lambda it: it.welcomed.is_set())
        result = await reconfigure(hass, entry, subentry)
        result = await submit(hass, result["flow_id"], name="Attic", address=ADDRESS, rotate=True)
        assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "rotate")
        new = result["description_placeholders"]["token"]
        assert new != old
        assert not bridge.closed.is_set()

        async with PairedBridge(client, new, bridge="bridge-2") as successor:
            await successor.until(lambda it: it.welcomed.is_set())
            result = await submit(hass, result["flow_id"])
            assert result["reason"] == "reconfigure_successful"
            await bridge.until(lambda it: it.closed.is_set())
            await hass.async_block_till_done()
            assert bridge.refusal is not None
            assert bridge.refusal.error.code is ErrorCode.REVOKED
            link = entry.runtime_data.gateway.link(subentry.subentry_id)
            assert link is not None
            assert link.hello.bridge == "bridge-2"

    data = entry.subentries[subentry.subentry_id].data
    assert data[const.CONF_TOKEN_HASH] == sha256(new.encode()).hexdigest()
    assert data[const.CONF_OLD_TOKEN_HASHES] == [sha256(old.encode()).hexdigest()]
    assert data[const.CONF_BRIDGE_ID] == "bridge-2"
    response = await client.get(PATH, headers={"Authorization": f"Bearer {old}"})
    assert response.status == 403


async def test_old_tokens_are_bounded(
    hass: HomeAssistant, entry: MockConfigEntry, client: TestClient[Any, Any]
) -> None:
    """Of many old tokens the newest are remembered."""
    subentry, _ = await pair(hass, entry, client)
    many = [f"{number:064}" for number in range(const.OLD_TOKENS)]
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, const.CONF_OLD_TOKEN_HASHES: many}
    )
    newest = subentry.data[const.CONF_TOKEN_HASH]
    result = await reconfigure(hass, entry, subentry)
    result = await submit(hass, result["flow_id"], name="Attic", address=ADDRESS, rotate=True)
    await submit(hass, result["flow_id"])
    await hass.async_block_till_done()
    kept = entry.subentries[subentry.subentry_id].data[const.CONF_OLD_TOKEN_HASHES]
    assert kept == [*many[1:], newest]


async def test_the_address_offered(hass: HomeAssistant) -> None:
    """The internal address where there is one, else the name that most houses have."""
    assert default_address(hass) == "http://homeassistant.local:8123"
    await async_process_ha_core_config(hass, {"internal_url": "http://192.0.2.3:8123"})
    assert default_address(hass) == "http://192.0.2.3:8123"


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        (" http://ha.local:8123/ ", "http://ha.local:8123"),
        ("https://house.example.com/ha", "https://house.example.com/ha"),
        ("ws://ha.local", None),
        ("http://me:secret@ha.local", None),
        ("http://[::1", None),
        ("", None),
    ],
)
def test_addresses_of_home_assistant(typed: str, address: str | None) -> None:
    """A base path stays, credentials and other schemes are refused."""
    assert clean_address(typed) == address


def shown_blocks(step: str) -> list[str]:
    """Return the lines that a step shows, block by block, as a shell would take them."""
    words = json.loads(TRANSLATIONS.read_text())["config_subentries"]["bridge"]["step"]
    shown = {"token": "t0ken-_", "address": ADDRESS, "image": "image:1", "package": "package"}
    text = words[step]["description"].format(**shown, app="https://app", **bridge_flow.FOLDED)
    return [block.strip().replace("\\\n  ", "") for block in text.split("```")[1::2]]


@pytest.mark.parametrize("step", ["pair", "rotate"])
def test_the_lines_shown_start_a_bridge(step: str) -> None:
    """The file they describe holds all that the bridge asks for; the commands are those it has."""
    *_, file, docker, _, uvx, _ = shown_blocks(step)
    environment = dict(line.split("=", 1) for line in file.splitlines())
    flags = edge_bridge_main._parser().parse_args(uvx.partition(" package ")[2].split())
    loaded = settings.load(flags, environment)
    assert (loaded.url, loaded.token) == (ADDRESS, "t0ken-_")
    assert "--env-file bridge.env" in uvx
    assert docker.endswith("--volume edge-bridge:/data image:1")
    for option in ("--env-file bridge.env", "--read-only", "--cap-drop ALL"):
        assert f" {option} " in docker


def test_compose_as_shown_is_as_confined_as_the_example() -> None:
    """Less than the file of the repository by the token's secret and the limits alone."""
    service = yaml.safe_load(shown_blocks("pair")[2])["services"]["edge-bridge"]
    assert (service["image"], service["env_file"]) == ("image:1", "bridge.env")
    assert service["volumes"] == ["edge-bridge:/data"]
    (example,) = yaml.safe_load(Path("edge_bridge/compose.yaml").read_text())["services"].values()
    for key in ("hostname", "restart", "read_only", "cap_drop"):
        assert service[key] == example[key]
    assert [f"{option}:true" for option in service["security_opt"]] == example["security_opt"]


async def test_the_dialog_leads_to_the_app_of_this_repository(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """By way of one's own Home Assistant; every way on the page has its placeholders."""
    shown = (await show_token(hass, entry))["description_placeholders"]
    manifest = json.loads(Path("custom_components/camera_narrator/manifest.json").read_text())
    assert URL(shown["app"]).query == {"repository_url": manifest["documentation"]}
    words = json.loads(TRANSLATIONS.read_text())["config_subentries"]["bridge"]["step"]
    assert "<details>" in words["pair"]["description"].format(**shown)
