"""The hub's dialogs, against a scripted model server over real sockets."""

import asyncio
from collections.abc import AsyncGenerator
import json
from pathlib import Path
from typing import Any

from homeassistant.config_entries import SOURCE_USER, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.camera_narrator import (
    const,
    options_flow,
    server_form,
)
from custom_components.camera_narrator.options_flow import is_prefix
from custom_components.camera_narrator.pipeline import errors
from custom_components.camera_narrator.providers.address import Address
from custom_components.camera_narrator.providers.kinds import Kind, kind_of
from custom_components.camera_narrator.server_draft import ServerDraft
from custom_components.camera_narrator.server_form import server_url, typed_server
from rigs.model_faults import Fault, FaultKind
from rigs.model_server import ModelServer
from tests.integration.dialogs import Result, add_hub, after_progress, suggested

TRANSLATIONS = Path("custom_components/camera_narrator/translations/en.json")
KEY = "sk-test-0123456789abcdef"
pytestmark = pytest.mark.usefixtures("no_browser")


@pytest.fixture
async def server(socket_enabled: None, library_ends: None) -> AsyncGenerator[ModelServer]:
    """Return a model server that asks for a key."""
    server = ModelServer(api_key=KEY, models=("seeing", "other"))
    await server.start()
    yield server
    await server.stop()


async def open_dialog(hass: HomeAssistant) -> str:
    """Begin to add a hub with a model server; return the flow's id."""
    result = await hass.config_entries.flow.async_init(
        const.DOMAIN, context={"source": SOURCE_USER}
    )
    assert result["type"] is FlowResultType.MENU
    result = await submit(hass, result["flow_id"], next_step_id="server")
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "server")
    flow_id: str = result["flow_id"]
    return flow_id


async def submit(hass: HomeAssistant, flow_id: str, **typed: Any) -> Result:
    """Answer a step."""
    return await hass.config_entries.flow.async_configure(flow_id, typed)


async def answer(hass: HomeAssistant, flow_id: str, **typed: Any) -> Result:
    """Answer the step before the test and return the one after it."""
    result = await submit(hass, flow_id, **typed)
    assert (result["type"], result["step_id"]) == (FlowResultType.SHOW_PROGRESS, "test")
    result = await after_progress(hass.config_entries.flow, flow_id)
    await hass.async_block_till_done()
    return result


async def add_server_hub(hass: HomeAssistant, server: ModelServer) -> MockConfigEntry:
    """Set a hub with the model server up."""
    draft = ServerDraft()
    draft.base_url, draft.api_key = server.base_url, KEY
    entry = MockConfigEntry(
        domain=const.DOMAIN,
        title="seeing",
        unique_id=draft.unique_id,
        data={
            const.CONF_PROVIDER: const.PROVIDER_OPENAI,
            const.CONF_BASE_URL: server.base_url,
            const.CONF_API_KEY: KEY,
            const.CONF_MODEL: "seeing",
        },
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


async def test_the_built_in_describer_is_one_click(hass: HomeAssistant) -> None:
    """Choosing it makes a loaded hub with its options, and goes on with the first bridge."""
    result = await hass.config_entries.flow.async_init(
        const.DOMAIN, context={"source": SOURCE_USER}
    )
    result = await submit(hass, result["flow_id"], next_step_id="builtin")
    await hass.async_block_till_done()
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Camera Narrator"
    assert result["data"] == {const.CONF_PROVIDER: const.PROVIDER_BUILTIN}
    assert result["options"] == {
        const.CONF_MQTT_PREFIX: "camera_narrator",
        const.CONF_CONCURRENCY: 2,
    }
    assert result["result"].state is ConfigEntryState.LOADED
    kind, flow_id = result["next_flow"]
    assert kind == "config_subentries_flow"
    assert hass.config_entries.subentries.async_get(flow_id)["step_id"] == "user"


async def test_the_built_in_describer_comes_once(hass: HomeAssistant) -> None:
    """A second hub with it is refused."""
    await add_hub(hass)
    result = await hass.config_entries.flow.async_init(
        const.DOMAIN, context={"source": SOURCE_USER}
    )
    result = await submit(hass, result["flow_id"], next_step_id="builtin")
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")


async def test_a_server_is_tested_with_a_picture(hass: HomeAssistant, server: ModelServer) -> None:
    """Address, key, model from the list, a picture: then the hub is there, with a prefix of its own."""
    await add_hub(hass)
    flow_id = await open_dialog(hass)
    result = await submit(hass, flow_id, base_url=f" {server.base_url}/ ", api_key=KEY)
    assert result["step_id"] == "model"
    (field,) = result["data_schema"].schema.values()
    assert field.config["options"] == ["other", "seeing"]
    assert result["description_placeholders"]["count"] == "2"

    result = await answer(hass, flow_id, model="seeing")
    assert (result["type"], result["title"]) == (FlowResultType.CREATE_ENTRY, "seeing")
    assert result["data"] == {
        const.CONF_PROVIDER: const.PROVIDER_OPENAI,
        const.CONF_BASE_URL: server.base_url,
        const.CONF_API_KEY: KEY,
        const.CONF_MODEL: "seeing",
    }
    assert result["options"][const.CONF_MQTT_PREFIX] == "camera_narrator_2"
    assert len(server.requests) == 1
    assert len(server.requests[0].pictures) == 1
    assert KEY not in result["result"].unique_id


@pytest.mark.parametrize(
    "typed", ["ftp://house", "house:11434", "http://", "http://me:secret@house"]
)
async def test_what_is_no_server_is_said_at_the_address(hass: HomeAssistant, typed: str) -> None:
    """The text stays in the field; nobody is contacted."""
    flow_id = await open_dialog(hass)
    result = await submit(hass, flow_id, base_url=typed)
    assert result["errors"] == {const.CONF_BASE_URL: "invalid_url"}
    assert suggested(result) == {const.CONF_BASE_URL: typed}


async def test_nobody_at_the_address(
    hass: HomeAssistant, server: ModelServer, socket_enabled: None
) -> None:
    """A closed port is said at the address, and the key need not be typed again."""
    flow_id = await open_dialog(hass)
    url = server.base_url
    await server.stop()
    result = await submit(hass, flow_id, base_url=url, api_key=KEY)
    assert result["errors"] == {const.CONF_BASE_URL: "cannot_connect"}
    assert suggested(result) == {const.CONF_BASE_URL: url}

    await server.start()
    result = await submit(hass, flow_id, base_url=url)
    assert result["step_id"] == "model"


async def test_a_server_that_says_nothing(
    hass: HomeAssistant, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of models is not waited for longer than people wait."""
    monkeypatch.setattr(server_form, "MODELS_TIMEOUT_S", 0)
    flow_id = await open_dialog(hass)
    result = await submit(hass, flow_id, base_url=server.base_url, api_key=KEY)
    assert result["errors"] == {const.CONF_BASE_URL: "timeout"}


async def test_a_refused_key(hass: HomeAssistant, server: ModelServer) -> None:
    """It is said at the key; the next one is taken."""
    flow_id = await open_dialog(hass)
    result = await submit(hass, flow_id, base_url=server.base_url, api_key="sk-wrong-0123456789")
    assert (result["step_id"], result["errors"]) == ("server", {const.CONF_API_KEY: "invalid_auth"})
    result = await submit(hass, flow_id, base_url=server.base_url, api_key=KEY)
    assert result["step_id"] == "model"


async def test_a_server_without_a_list(hass: HomeAssistant, server: ModelServer) -> None:
    """A server whose list fails is used all the same; the model is typed."""
    flow_id = await open_dialog(hass)
    result = await submit(
        hass, flow_id, base_url=server.base_url.replace("/v1", "/elsewhere"), api_key=KEY
    )
    assert result["step_id"] == "model"
    assert result["description_placeholders"]["count"] == "0"


@pytest.mark.parametrize(
    ("fault", "errors"),
    [
        (Fault(kind=FaultKind.REJECT_PICTURES, times=None), {"model": "pictures_rejected"}),
        (Fault.rate_limited(times=None), {"base": "rate_limited"}),
        (Fault(kind=FaultKind.STATUS, status=503, times=None), {"base": "overloaded"}),
        (Fault(kind=FaultKind.REFUSAL, times=None), {"base": "refused"}),
        (Fault(kind=FaultKind.EMPTY, times=None), {"model": "bad_answer"}),
    ],
)
async def test_a_failed_test_is_said_at_the_model(
    hass: HomeAssistant, server: ModelServer, fault: Fault, errors: dict[str, str]
) -> None:
    """What went wrong is named, the model stays typed, and the next try may work."""
    server.script.add(fault)
    flow_id = await open_dialog(hass)
    await submit(hass, flow_id, base_url=server.base_url, api_key=KEY)
    result = await answer(hass, flow_id, model="seeing")
    assert (result["step_id"], result["errors"]) == ("model", errors)
    assert suggested(result) == {const.CONF_MODEL: "seeing"}
    assert result["description_placeholders"]["detail"]

    server.script.clear()
    result = await answer(hass, flow_id, model="seeing")
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_an_unknown_model(hass: HomeAssistant, server: ModelServer) -> None:
    """A typed name that the server does not know, and a blank one, are said at the model."""
    flow_id = await open_dialog(hass)
    await submit(hass, flow_id, base_url=server.base_url, api_key=KEY)
    result = await submit(hass, flow_id, model="  ")
    assert (result["step_id"], result["errors"]) == ("model", {"model": "model_unknown"})
    result = await answer(hass, flow_id, model="imagined")
    assert (result["step_id"], result["errors"]) == ("model", {"model": "model_unknown"})


async def test_a_key_that_ends_between_list_and_test(
    hass: HomeAssistant, server: ModelServer
) -> None:
    """The way back leads to the key, not to the model."""
    flow_id = await open_dialog(hass)
    await submit(hass, flow_id, base_url=server.base_url, api_key=KEY)
    server.api_key = "sk-another-0123456789"
    result = await answer(hass, flow_id, model="seeing")
    assert (result["step_id"], result["errors"]) == ("server", {const.CONF_API_KEY: "invalid_auth"})


async def test_a_model_that_does_not_see(hass: HomeAssistant, server: ModelServer) -> None:
    """A wrong colour asks whether to change the model or to add it anyway; both work."""
    server.script.add(Fault(kind=FaultKind.LIE, times=None))
    flow_id = await open_dialog(hass)
    await submit(hass, flow_id, base_url=server.base_url, api_key=KEY)
    result = await answer(hass, flow_id, model="seeing")
    assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "blind")
    assert result["description_placeholders"]["answer"]

    result = await submit(hass, flow_id, next_step_id="model")
    assert result["step_id"] == "model"
    assert suggested(result) == {const.CONF_MODEL: "seeing"}
    result = await answer(hass, flow_id, model="other")
    assert result["step_id"] == "blind"

    result = await submit(hass, flow_id, next_step_id="add_anyway")
    await hass.async_block_till_done()
    assert (result["type"], result["title"]) == (FlowResultType.CREATE_ENTRY, "other")


async def test_a_second_look_at_a_finished_test_does_no_harm(
    hass: HomeAssistant, server: ModelServer
) -> None:
    """Two clients that go on at the same moment: the later one sees the test run, not an error."""
    flow_id = await open_dialog(hass)
    await submit(hass, flow_id, base_url=server.base_url, api_key=KEY)
    server.script.add(Fault(kind=FaultKind.LIE))
    await answer(hass, flow_id, model="seeing")
    flow: Any = hass.config_entries.flow._progress[flow_id]
    result = await flow.async_step_tested()
    assert (result["type"], result["step_id"]) == (FlowResultType.SHOW_PROGRESS, "test")
    result["progress_task"].cancel()
    await asyncio.wait({result["progress_task"]})


async def test_the_same_server_and_key_come_once(hass: HomeAssistant, server: ModelServer) -> None:
    """Another spelling of the same address with the same key is refused before anything is asked."""
    await add_server_hub(hass, server)
    flow_id = await open_dialog(hass)
    spelt = f"{server.base_url}/chat/completions"
    result = await submit(hass, flow_id, base_url=spelt, api_key=KEY)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")


async def test_a_new_key_is_tested_before_it_is_kept(
    hass: HomeAssistant, server: ModelServer
) -> None:
    """Reauthentication refuses a wrong key at its field and keeps a good one without a reload."""
    entry = await add_server_hub(hass, server)
    server.api_key = "sk-renewed-0123456789"
    hub = entry.runtime_data
    result: Result = await entry.start_reauth_flow(hass)
    flow_id = result["flow_id"]
    assert (result["step_id"], result["errors"]) == ("reauth_confirm", {})
    assert result["description_placeholders"]["server"] == "127.0.0.1"

    result = await answer(hass, flow_id, api_key="sk-wrong-0123456789")
    assert (result["step_id"], result["errors"]) == (
        "reauth_confirm",
        {const.CONF_API_KEY: "invalid_auth"},
    )
    server.script.add(Fault(kind=FaultKind.REJECT_PICTURES))
    result = await answer(hass, flow_id, api_key=server.api_key)
    assert result["errors"] == {"base": "pictures_rejected"}

    before = entry.unique_id
    result = await answer(hass, flow_id, api_key=f" {server.api_key} ")
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reauth_successful")
    assert entry.data[const.CONF_API_KEY] == server.api_key
    assert entry.unique_id != before
    assert entry.runtime_data is hub


async def test_a_new_key_that_another_hub_has(hass: HomeAssistant, server: ModelServer) -> None:
    """Two hubs cannot become one."""
    await add_server_hub(hass, server)
    draft = ServerDraft()
    draft.base_url, draft.api_key = server.base_url, "sk-second-0123456789"
    second = MockConfigEntry(
        domain=const.DOMAIN,
        unique_id=draft.unique_id,
        data={
            const.CONF_PROVIDER: const.PROVIDER_OPENAI,
            const.CONF_BASE_URL: server.base_url,
            const.CONF_API_KEY: draft.api_key,
            const.CONF_MODEL: "other",
        },
    )
    second.add_to_hass(hass)
    result = await second.start_reauth_flow(hass)
    result = await submit(hass, result["flow_id"], api_key=KEY)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")


async def test_another_model_of_the_same_server(hass: HomeAssistant, server: ModelServer) -> None:
    """Reconfiguring keeps the stored key where it is left empty, and changes without a reload."""
    entry = await add_server_hub(hass, server)
    hub = entry.runtime_data
    result: Result = await entry.start_reconfigure_flow(hass)
    flow_id = result["flow_id"]
    assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "reconfigure")
    result = await submit(hass, flow_id, next_step_id="server")
    assert suggested(result) == {const.CONF_BASE_URL: server.base_url}
    result = await submit(hass, flow_id, base_url=server.base_url)
    assert suggested(result) == {const.CONF_MODEL: "seeing"}
    result = await answer(hass, flow_id, model="other")
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    assert (entry.title, entry.data[const.CONF_MODEL]) == ("other", "other")
    assert entry.data[const.CONF_API_KEY] == KEY
    assert entry.runtime_data is hub
    await hass.async_block_till_done()
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    assert [device.name for device in devices] == ["other"]


async def test_a_stored_key_stays_with_its_server(hass: HomeAssistant, server: ModelServer) -> None:
    """Typing another host and no key does not send the stored one there."""
    entry = await add_server_hub(hass, server)
    elsewhere = {**entry.data, const.CONF_BASE_URL: "https://api.example.com/v1"}
    hass.config_entries.async_update_entry(entry, data=elsewhere)
    result = await entry.start_reconfigure_flow(hass)
    result = await submit(hass, result["flow_id"], next_step_id="server")
    result = await submit(hass, result["flow_id"], base_url=server.base_url)
    assert result["errors"] == {const.CONF_API_KEY: "invalid_auth"}


async def test_from_a_server_to_the_built_in_describer(
    hass: HomeAssistant, server: ModelServer
) -> None:
    """The server's data go; a title that a user gave stays."""
    entry = await add_server_hub(hass, server)
    hass.config_entries.async_update_entry(entry, title="My house")
    result = await entry.start_reconfigure_flow(hass)
    result = await submit(hass, result["flow_id"], next_step_id="builtin")
    assert result["reason"] == "reconfigure_successful"
    assert entry.data == {const.CONF_PROVIDER: const.PROVIDER_BUILTIN}
    assert (entry.title, entry.unique_id) == ("My house", "builtin")


async def test_options_take_a_prefix_of_their_own(hass: HomeAssistant) -> None:
    """What MQTT forbids and what another hub uses is said at the prefix; then both options hold."""
    entry = await add_hub(hass)
    MockConfigEntry(
        domain=const.DOMAIN, options={const.CONF_MQTT_PREFIX: "house/north"}
    ).add_to_hass(hass)
    result: Result = await hass.config_entries.options.async_init(entry.entry_id)
    assert suggested(result) == {
        const.CONF_MQTT_PREFIX: "camera_narrator",
        const.CONF_CONCURRENCY: 2,
        const.CONF_TIMELINE_DAYS: 7,
        const.CONF_TIMELINE_MB: 1024,
    }
    for prefix, error in (("house/#", "invalid_prefix"), ("house/north", "prefix_in_use")):
        result = await hass.config_entries.options.async_configure(
            result["flow_id"], {const.CONF_MQTT_PREFIX: prefix, const.CONF_CONCURRENCY: 4}
        )
        assert result["errors"] == {const.CONF_MQTT_PREFIX: error}
        assert suggested(result)[const.CONF_MQTT_PREFIX] == prefix
    result = await hass.config_entries.options.async_configure(
        result["flow_id"], {const.CONF_MQTT_PREFIX: " house/south ", const.CONF_CONCURRENCY: 4.0}
    )
    await hass.async_block_till_done()
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options == {const.CONF_MQTT_PREFIX: "house/south", const.CONF_CONCURRENCY: 4}
    assert entry.runtime_data.mqtt.prefix == "house/south"


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("http://house:11434", "http://house:11434/v1"),
        ("https://api.example.com/v1beta/openai/", "https://api.example.com/v1beta/openai"),
        ("http://house/v1/chat/completions", "http://house/v1"),
        ("http://house/v1/models", "http://house/v1"),
        ("http://[::1", None),
    ],
)
def test_addresses_of_servers(typed: str, url: str | None) -> None:
    """What people copy from documentation leads to the API."""
    assert server_url(typed) == url


@pytest.mark.parametrize(
    ("prefix", "good"),
    [
        ("camera_narrator", True),
        ("house/cameras", True),
        ("", False),
        ("/house", False),
        ("house//cameras", False),
        ("$SYS", False),
        ("house/+", False),
        ("a\nb", False),
        ("a" * (options_flow.PREFIX_MAX + 1), False),
    ],
)
def test_prefixes(prefix: str, good: bool) -> None:
    """Topics can begin with it, and nothing else can be meant."""
    assert is_prefix(prefix) is good


def test_every_fault_of_a_provider_has_words() -> None:
    """No dialog shows a bare code."""
    words = json.loads(TRANSLATIONS.read_text())["config"]["error"]
    assert set(server_form.PLACES) == set(errors.Fault)
    assert {place.error for place in server_form.PLACES.values()} <= set(words)


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        ("gemini", "https://generativelanguage.googleapis.com/v1beta/openai"),
        ("anthropic", "https://api.anthropic.com/v1"),
        ("openrouter", "https://openrouter.ai/api/v1"),
    ],
)
def test_a_server_of_the_cloud_is_chosen_by_name(kind: str, url: str) -> None:
    """Its address is filled in, and being known by it, its kind need not be kept."""
    assert typed_server(kind, "") == server_form.Typed(base_url=url, kind=None)


async def test_a_server_in_the_house_is_asked_for_its_address(
    hass: HomeAssistant, server: ModelServer
) -> None:
    """The form comes back with the shape of one; the kind that the address does not tell is kept and used."""
    flow_id = await open_dialog(hass)
    result = await submit(hass, flow_id, server="ollama")
    assert result["errors"] == {const.CONF_BASE_URL: "address_missing"}
    assert suggested(result) == {
        const.CONF_SERVER: "ollama",
        const.CONF_BASE_URL: "http://192.168.1.20:11434/v1",
    }
    await submit(hass, flow_id, server="groq", base_url=server.base_url, api_key=KEY)
    result = await answer(hass, flow_id, model="seeing")
    assert result["data"][const.CONF_SERVER] == "groq"
    assert server.requests[0].rung == "json_schema", "as that kind wants it"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://api.openai.com/v1", Kind.OPENAI),
        ("https://api.groq.com/openai/v1", Kind.GROQ),
        ("http://192.168.1.7:11434/v1", Kind.OLLAMA),
        ("http://homeassistant.local:1234", Kind.LM_STUDIO),
        ("https://models.example.com:11434/v1", Kind.OTHER),
        ("http://192.168.1.7/v1", Kind.OTHER),
    ],
)
def test_servers_of_before_are_known_by_their_address(url: str, kind: Kind) -> None:
    """No entry needs to change: the host tells, and in the house the port."""
    assert kind_of(Address.parse(url)) is kind


def test_every_kind_has_a_name_in_the_dialog() -> None:
    """A row that nobody can choose is dead."""
    options = json.loads(TRANSLATIONS.read_text("utf-8"))["selector"]["server"]["options"]
    assert list(options) == [kind.value for kind in Kind]


@pytest.fixture
def _outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the model server of the test count as one outside of the house."""
    monkeypatch.setattr(Address, "private", property(lambda _: False))


@pytest.mark.usefixtures("_outside")
async def test_the_dialog_says_where_pictures_go_and_asks(
    hass: HomeAssistant, server: ModelServer
) -> None:
    """Before there is a hub; nothing but the test's own picture has gone there."""
    await add_hub(hass)
    flow_id = await open_dialog(hass)
    await submit(hass, flow_id, base_url=server.base_url, api_key=KEY)
    result = await answer(hass, flow_id, model="seeing")
    assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "consent")
    assert result["description_placeholders"] == {"server": "127.0.0.1"}
    assert len(hass.config_entries.async_entries(const.DOMAIN)) == 1

    result = await submit(hass, flow_id, next_step_id="consent_given")
    assert (result["type"], result["title"]) == (FlowResultType.CREATE_ENTRY, "seeing")


@pytest.mark.usefixtures("_outside")
async def test_who_does_not_want_that_chooses_another_server(
    hass: HomeAssistant, server: ModelServer
) -> None:
    """The other way of the question leads back to the address."""
    await add_hub(hass)
    flow_id = await open_dialog(hass)
    await submit(hass, flow_id, base_url=server.base_url, api_key=KEY)
    await answer(hass, flow_id, model="seeing")
    result = await submit(hass, flow_id, next_step_id="server")
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "server")


@pytest.mark.parametrize("asked", [False, True], ids=["same host", "from the house"])
async def test_it_is_asked_once(
    hass: HomeAssistant, server: ModelServer, monkeypatch: pytest.MonkeyPatch, asked: bool
) -> None:
    """Another model of a server outside needs no second answer; a server outside after none does."""
    entry = await add_server_hub(hass, server)
    if asked:
        hass.config_entries.async_update_entry(
            entry, data={const.CONF_PROVIDER: const.PROVIDER_BUILTIN}
        )
        await hass.async_block_till_done()
    monkeypatch.setattr(Address, "private", property(lambda _: False))
    result: Result = await entry.start_reconfigure_flow(hass)
    flow_id = result["flow_id"]
    await submit(hass, flow_id, next_step_id="server")
    await submit(hass, flow_id, base_url=server.base_url, api_key=KEY)
    result = await answer(hass, flow_id, model="other")
    if asked:
        assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "consent")
        result = await submit(hass, flow_id, next_step_id="consent_given")
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")


async def test_a_servers_complaint_is_shown_as_plain_words(
    hass: HomeAssistant, server: ModelServer
) -> None:
    """A dialog renders Markdown: what a server says of an error brings neither links nor pictures into it."""
    nasty = "[click here](http://evil.example/) ![x](http://evil.example/x.png) <img src=x> now"
    server.script.add(
        Fault(kind=FaultKind.STATUS, times=None, status=418, body={"error": {"message": nasty}})
    )
    await add_hub(hass)
    flow_id = await open_dialog(hass)
    await submit(hass, flow_id, base_url=server.base_url, api_key=KEY)
    result = await answer(hass, flow_id, model="seeing")
    detail = result["description_placeholders"]["detail"]
    assert "click here" in detail
    assert not set("<>`*") & set(detail)
    assert "](" not in detail
    assert "://" not in detail


def test_a_stored_key_that_was_taken_over_follows_to_no_other_server() -> None:
    """Who corrects the address to another server's after a first try brings no key there but a typed one."""
    stored = {const.CONF_BASE_URL: "https://one.example/v1", const.CONF_API_KEY: KEY}
    draft = ServerDraft()
    assert draft.take({const.CONF_BASE_URL: "https://one.example/v2"}, stored) == {}
    assert draft.api_key == KEY
    assert draft.take({const.CONF_BASE_URL: "https://other.example/v1"}, stored) == {}
    assert draft.api_key == ""
    typed = {const.CONF_BASE_URL: "https://other.example/v1", const.CONF_API_KEY: "sk-typed"}
    assert draft.take(typed, stored) == {}
    assert draft.take({const.CONF_BASE_URL: "https://other.example/v2"}, stored) == {}
    assert draft.api_key == "sk-typed"
