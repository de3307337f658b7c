"""The dialog of a camera: probes travel through the real endpoint to a bridge over a real socket."""

import asyncio
from http import HTTPStatus
import json
from pathlib import Path
import re
from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.config_entries import (
    SOURCE_USER,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.camera_narrator import (
    camera_facts,
    const,
    link_probes,
    preview,
    progress,
)
from custom_components.camera_narrator.camera_address import (
    Address,
)
from custom_components.camera_narrator.pipeline.vocabulary import Label
from custom_components.camera_narrator.protocol.messages import Probe
from custom_components.camera_narrator.protocol.vocabulary import (
    Capability,
    ErrorCode,
    Transport,
)
from custom_components.camera_narrator.providers.builtin import BuiltinProvider
from tests.integration.camera_dialog import (
    BRIDGE,
    TOKEN,
    URL,
    add_camera,
    advanced,
    bridge_subentry,
    failed,
    found,
    open_dialog,
    probe,
)
from tests.integration.dialogs import Result, add_hub, after_progress, filled_in, submit, suggested
from tests.integration.paired_bridge import JPEG, PairedBridge

pytestmark = pytest.mark.usefixtures("no_browser")
TRANSLATIONS = Path("custom_components/camera_narrator/translations/en.json")


async def test_a_camera_is_shown_before_it_is_added(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    client: TestClient[Any, Any],
    bridge: PairedBridge,
) -> None:
    """The bridge tries the address with its credentials; picture and facts are shown; then it is told to capture."""
    flow_id = await open_dialog(hass, entry, "rtsp")
    result = await probe(
        hass, flow_id, name=" Front door ", url="rtsp://viewer:p%40ss@192.0.2.7:554/stream2"
    )
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "confirm")
    (asked,) = bridge.probes
    assert (asked.url, asked.username, asked.password) == (URL, "viewer", "p@ss")
    assert asked.transport is Transport.TCP

    facts = dict(result["description_placeholders"])
    path = re.fullmatch(r"!\[\]\((.+)\)", facts.pop("preview"))
    assert path is not None
    assert facts == {
        "codec": "H.264",
        "size": "640 × 360",
        "fps": "12.5",
        "key_interval": "2.0 s",
        "audio": "no",
        "advice": "",
    }
    response = await client.get(path[1])
    assert response.status == HTTPStatus.OK
    assert response.content_type == "image/jpeg"
    assert response.headers["Cache-Control"] == "no-store"
    assert await response.read() == JPEG
    assert (await client.get(path[1].partition("?")[0])).status == HTTPStatus.UNAUTHORIZED

    result = await submit(hass, flow_id)
    assert (result["type"], result["title"]) == (FlowResultType.CREATE_ENTRY, "Front door")
    await hass.async_block_till_done()
    (camera,) = entry.get_subentries_of_type(const.SUBENTRY_CAMERA)
    assert dict(camera.data) == {
        const.CONF_KEY: "front_door",
        const.CONF_SOURCE: "rtsp",
        const.CONF_ENABLED: True,
        const.CONF_BRIDGE: BRIDGE,
        const.CONF_URL: URL,
        const.CONF_USERNAME: "viewer",
        const.CONF_PASSWORD: "p@ss",
        const.CONF_PROFILE: "balanced",
        **advanced(masks=[], zones=[], ignored=[]),
    }
    assert camera.unique_id == Address(url=URL).identity
    assert (await client.get(path[1])).status == HTTPStatus.NOT_FOUND
    await bridge.until(lambda it: len(it.cameras) == 1)
    assert (bridge.cameras[0].camera, bridge.cameras[0].url) == ("front_door", URL)


async def test_the_wrong_picture_leads_back_to_the_address(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    client: TestClient[Any, Any],
    bridge: PairedBridge,
) -> None:
    """Whoever sees another camera changes the address; what was typed stays, and the picture is gone."""
    flow_id = await open_dialog(hass, entry, "rtsp")
    typed = {"name": "Yard", "url": URL, "username": "viewer", "profile": "live"}
    result = await probe(hass, flow_id, **typed, password="secret")
    path = re.fullmatch(r"!\[\]\((.+)\)", result["description_placeholders"]["preview"])
    assert path is not None

    result = await submit(hass, flow_id, other_address=True)
    assert (result["step_id"], result["errors"]) == ("rtsp", {})
    assert suggested(result) == {**typed, const.CONF_BRIDGE: BRIDGE}
    assert (await client.get(path[1])).status == HTTPStatus.NOT_FOUND

    result = await probe(hass, flow_id, **{**typed, "url": "rtsp://192.0.2.8/other"})
    assert result["step_id"] == "confirm"
    assert [(probe.url, probe.password) for probe in bridge.probes] == [
        (URL, "secret"),
        ("rtsp://192.0.2.8/other", "secret"),
    ]


async def test_advice_comes_with_the_facts(
    hass: HomeAssistant, entry: MockConfigEntry, bridge: PairedBridge
) -> None:
    """Too large a picture, a single session and an unknown key frame interval are told; no picture breaks nothing."""
    bridge.preview = None
    bridge.answer = lambda probe: found(
        probe,
        codec="h264](x)",
        audio=True,
        key_interval_s=None,
        sub_stream=True,
        one_session=True,
    )
    flow_id = await open_dialog(hass, entry, "rtsp")
    result = await probe(hass, flow_id, name="Yard", url=URL)
    facts = result["description_placeholders"]
    assert facts["preview"] == ""
    assert facts["codec"] == "h264  x"
    assert facts["audio"] == "yes"
    assert facts["key_interval"] == "longer than the test"
    assert "Sub stream" in facts["advice"]
    assert "one viewer" in facts["advice"]


@pytest.mark.parametrize(
    ("facts", "advised"),
    [
        ({}, []),
        ({"height": 240}, ["**Main stream.**"]),
        ({"height": 2160, "sub_stream": True}, ["**Sub stream.**"]),
        ({"one_session": True}, ["**Restream.**"]),
        ({"key_interval_s": 4.1}, ["**Key frames.**"]),
        ({"key_interval_s": 10.0}, ["**Key frames.**", "**Smart codec.**"]),
        ({"key_interval_s": None}, ["**Key frames.**", "**Smart codec.**"]),
    ],
)
async def test_advice_is_given_where_something_can_be_better(
    hass: HomeAssistant, facts: dict[str, Any], advised: list[str]
) -> None:
    """A usual sub stream needs none; each finding has its own words."""
    told = await camera_facts.facts(hass, found(Probe(id=1, url=URL), **facts))
    assert re.findall(r"\*\*.+?\*\*", told["advice"]) == advised


async def test_only_for_is_refused_where_nobody_can_name(
    hass: HomeAssistant, entry: MockConfigEntry, bridge: PairedBridge
) -> None:
    """No detector and no model: the sentence stands above the folded fields, unfolded; without the tick it goes on."""
    flow_id = await open_dialog(hass, entry, "rtsp")
    wanted = advanced(only_for=["person", "package"])
    result = await submit(hass, flow_id, name="Yard", url=URL, advanced=wanted)
    assert result["errors"] == {const.SECTION_ADVANCED: "only_for_unnamed"}
    assert filled_in(result["data_schema"])["advanced"] == wanted
    sections = result["data_schema"].schema
    assert not sections[const.SECTION_ADVANCED].options["collapsed"]
    assert bridge.probes == []
    result = await probe(hass, flow_id, name="Yard", url=URL, advanced=advanced())
    assert result["step_id"] == "confirm"


@pytest.mark.parametrize("named_by", ["detector", "model"])
async def test_only_for_is_kept_where_somebody_can_name(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    client: TestClient[Any, Any],
    monkeypatch: pytest.MonkeyPatch,
    named_by: str,
) -> None:
    """The bridge's detector is enough, and so is a model; the camera's narration follows it at once."""
    capabilities: tuple[Capability, ...] = tuple(Capability)
    if named_by == "model":
        capabilities = (Capability.PROBE, Capability.ACTIVITY)
        monkeypatch.setattr(BuiltinProvider, "names_subjects", True)
    async with PairedBridge(client, TOKEN, capabilities=capabilities) as bridge:
        bridge.answer = found
        await bridge.until(lambda it: it.welcomed.is_set())
        flow_id = await open_dialog(hass, entry, "rtsp")
        only = advanced(only_for=["person"])
        result = await probe(hass, flow_id, name="Yard", url=URL, advanced=only)
        result = await submit(hass, flow_id)
        assert result["type"] is FlowResultType.CREATE_ENTRY
        await hass.async_block_till_done()
    (camera,) = entry.get_subentries_of_type(const.SUBENTRY_CAMERA)
    assert camera.data[const.CONF_ONLY_FOR] == ["person"]
    settings = entry.runtime_data.cameras[camera.subentry_id].source.settings
    assert settings.only_for == {Label.PERSON}


@pytest.mark.parametrize("code", ErrorCode)
async def test_what_is_wrong_is_said_in_words(
    hass: HomeAssistant, entry: MockConfigEntry, bridge: PairedBridge, code: ErrorCode
) -> None:
    """Each code has words at its field, what was typed stays, the password is not shown but kept."""
    bridge.answer = failed(code)
    flow_id = await open_dialog(hass, entry, "rtsp")
    typed = {"name": "Yard", "url": URL, "username": "viewer", "profile": "live"}
    result = await probe(hass, flow_id, **typed, password="secret", advanced={"transport": "udp"})
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "rtsp")
    field = const.CONF_PASSWORD if code is ErrorCode.UNAUTHORIZED else const.CONF_URL
    assert result["errors"] == {field: code.value}
    assert suggested(result) == {**typed, const.CONF_BRIDGE: BRIDGE}
    assert filled_in(result["data_schema"])["advanced"] == advanced(transport="udp")
    away = code in {ErrorCode.UNREACHABLE, ErrorCode.TIMEOUT, ErrorCode.REFUSED}
    assert ("add_anyway" in result["data_schema"].schema) is away

    bridge.answer = found
    result = await probe(hass, flow_id, **typed)
    assert result["step_id"] == "confirm"
    assert bridge.probes[0].transport is Transport.UDP
    assert [probe.password for probe in bridge.probes] == ["secret", "secret"]


async def test_a_camera_that_is_away_may_be_added_anyway(
    hass: HomeAssistant, entry: MockConfigEntry, bridge: PairedBridge
) -> None:
    """The second answer skips the probe; the bridge will keep trying."""
    bridge.answer = failed(ErrorCode.UNREACHABLE)
    flow_id = await open_dialog(hass, entry, "rtsp")
    await probe(hass, flow_id, name="Yard", url=URL, username="viewer", password="secret")
    result = await submit(hass, flow_id, name="Yard", url=URL, username="viewer", add_anyway=True)
    await hass.async_block_till_done()
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert len(bridge.probes) == 1
    (camera,) = entry.get_subentries_of_type(const.SUBENTRY_CAMERA)
    assert camera.data[const.CONF_PASSWORD] == "secret"
    assert "add_anyway" not in camera.data


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("192.0.2.7/stream", "invalid_url"),
        ("rtsp://", "invalid_url"),
        ("rtsp://camera:port/", "invalid_url"),
        ("rtsp://camera/a\x07b", "invalid_url"),
        ("file:///etc/passwd", "scheme_not_allowed"),
    ],
)
async def test_what_is_no_address_is_said_before_anything_is_tried(
    hass: HomeAssistant, entry: MockConfigEntry, bridge: PairedBridge, url: str, error: str
) -> None:
    """The text stays in the field, the bridge hears nothing."""
    flow_id = await open_dialog(hass, entry, "rtsp")
    result = await submit(hass, flow_id, name="  ", url=url)
    assert result["errors"] == {"name": "name_missing", const.CONF_URL: error}
    assert suggested(result)[const.CONF_URL] == url
    assert bridge.probes == []


async def test_an_address_comes_once(
    hass: HomeAssistant, entry: MockConfigEntry, bridge: PairedBridge
) -> None:
    """The same stream in another spelling, with other credentials, is refused at the address."""
    await add_camera(hass, entry, bridge)
    flow_id = await open_dialog(hass, entry, "rtsp")
    result = await submit(hass, flow_id, name="Again", url="rtsp://me:too@192.0.2.7/stream2/")
    assert result["errors"] == {const.CONF_URL: "already_configured"}
    assert suggested(result)[const.CONF_URL] == "rtsp://192.0.2.7/stream2/"
    assert suggested(result)[const.CONF_USERNAME] == "me"


async def test_cameras_wait_for_a_bridge(hass: HomeAssistant) -> None:
    """Without any bridge the dialog says what comes first."""
    entry = await add_hub(hass)
    result = await hass.config_entries.subentries.async_init(
        (entry.entry_id, const.SUBENTRY_CAMERA), context={"source": SOURCE_USER}
    )
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "no_bridge")
    await hass.config_entries.async_unload(entry.entry_id)


async def test_a_bridge_that_is_not_connected(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """It is said at the bridge, and nothing typed is lost."""
    flow_id = await open_dialog(hass, entry, "rtsp")
    result = await submit(hass, flow_id, name="Yard", url=URL)
    assert (result["step_id"], result["errors"]) == ("rtsp", {const.CONF_BRIDGE: "bridge_away"})
    assert suggested(result)[const.CONF_URL] == URL


async def test_a_bridge_that_goes_away_while_it_tries(
    hass: HomeAssistant, entry: MockConfigEntry, client: TestClient[Any, Any]
) -> None:
    """The dialog says so at once instead of waiting."""
    flow_id = await open_dialog(hass, entry, "rtsp")
    async with PairedBridge(client, TOKEN) as bridge:
        await bridge.until(lambda it: it.welcomed.is_set())
        await submit(hass, flow_id, name="Yard", url=URL)
        await bridge.until(lambda it: bool(it.probes))
    result = await after_progress(hass.config_entries.subentries, flow_id)
    assert result["errors"] == {const.CONF_BRIDGE: "bridge_away"}

    flow: Any = hass.config_entries.subentries._progress[flow_id]
    assert (await flow._probe()).error == "bridge_away"


async def test_a_bridge_that_does_not_report_back(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    bridge: PairedBridge,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The probe has an end."""
    monkeypatch.setattr(link_probes, "PROBE_S", 0.05)
    bridge.answer = lambda _: None
    flow_id = await open_dialog(hass, entry, "rtsp")
    result = await probe(hass, flow_id, name="Yard", url=URL)
    assert result["errors"] == {const.CONF_BRIDGE: "bridge_silent"}


async def test_a_bridge_that_cannot_probe(
    hass: HomeAssistant, entry: MockConfigEntry, client: TestClient[Any, Any]
) -> None:
    """A simple client is named as what it is."""
    async with PairedBridge(client, TOKEN, capabilities=(Capability.BASE64,)) as bridge:
        await bridge.until(lambda it: it.welcomed.is_set())
        flow_id = await open_dialog(hass, entry, "rtsp")
        result = await probe(hass, flow_id, name="Yard", url=URL)
        assert result["errors"] == {const.CONF_BRIDGE: "bridge_cannot_probe"}


async def test_a_second_look_at_a_finished_probe_does_no_harm(
    hass: HomeAssistant, entry: MockConfigEntry, bridge: PairedBridge
) -> None:
    """Two clients that go on at the same moment: the later one sees a probe run, not an error."""
    flow_id = await open_dialog(hass, entry, "rtsp")
    await probe(hass, flow_id, name="Yard", url=URL)
    flow: Any = hass.config_entries.subentries._progress[flow_id]
    result = await flow.async_step_probed()
    assert (result["type"], result["step_id"]) == (FlowResultType.SHOW_PROGRESS, "probe")
    result["progress_task"].cancel()


async def test_a_pushed_camera_tells_its_key(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """No probe, no address; the client needs the key, which is made unique."""
    for title, key in (("Webcam", "webcam"), ("Webcam", "webcam_2"), ("Bridge", "bridge_2")):
        flow_id = await open_dialog(hass, entry, "pushed")
        result = await submit(hass, flow_id, name=title)
        await hass.async_block_till_done()
        assert (result["type"], result["title"]) == (FlowResultType.CREATE_ENTRY, title)
        assert (result["description"], result["description_placeholders"]) == (
            "pushed",
            {"key": key},
        )
        camera = list(entry.get_subentries_of_type(const.SUBENTRY_CAMERA))[-1]
        assert camera.unique_id == key
        assert dict(camera.data) == {
            const.CONF_KEY: key,
            const.CONF_SOURCE: "pushed",
            const.CONF_ENABLED: True,
            const.CONF_BRIDGE: BRIDGE,
            const.CONF_PROFILE: "balanced",
            const.CONF_INTERVAL_S: 5.0,
            const.CONF_FRAMES: 5,
            const.CONF_ONLY_FOR: [],
            const.CONF_OPENED_BY: [],
            const.CONF_REQUIRED: [],
            const.CONF_LOCAL_ONLY: False,
            const.CONF_LANGUAGE: "",
        }
    flow_id = await open_dialog(hass, entry, "pushed")
    result = await submit(hass, flow_id, name=" ")
    assert result["errors"] == {"name": "name_missing"}


async def test_two_bridges_leave_the_choice(hass: HomeAssistant) -> None:
    """Only a single bridge is chosen already."""
    entry = await add_hub(
        hass, (bridge_subentry(), bridge_subentry("second", "another token", "Cellar"))
    )
    flow_id = await open_dialog(hass, entry, "rtsp")
    result: Result = await hass.config_entries.subentries.async_configure(flow_id)
    schema = result["data_schema"].schema
    (field,) = [selector for marker, selector in schema.items() if marker == const.CONF_BRIDGE]
    assert field.config["options"] == [
        {"value": BRIDGE, "label": "Attic"},
        {"value": "second", "label": "Cellar"},
    ]
    with pytest.raises(InvalidData):
        await submit(hass, flow_id, name="Yard", url=URL)
    await hass.config_entries.async_unload(entry.entry_id)


def test_previews_are_bounded() -> None:
    """The oldest picture goes when too many dialogs are open."""
    previews = preview.Previews()
    names = [previews.keep(bytes([number])) for number in range(preview.MAX_PREVIEWS + 1)]
    assert previews.picture(names[0]) is None
    assert [previews.picture(name) for name in names[1:]] == [
        bytes([number]) for number in range(1, preview.MAX_PREVIEWS + 1)
    ]


def test_every_code_of_the_wire_has_words() -> None:
    """No dialog shows a bare code."""
    words = json.loads(TRANSLATIONS.read_text())["config_subentries"]["camera"]["error"]
    assert set(ErrorCode) <= set(words)


async def test_a_progress_step_lasts_until_a_browser_listens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Work that is done at once is still told of only later, with its result."""
    monkeypatch.setattr(progress, "SHOWN_S", 0.05)
    loop = asyncio.get_running_loop()
    began_s = loop.time()

    async def work() -> str:
        return "done"

    assert await progress.shown(work) == "done"
    assert loop.time() - began_s >= 0.05
