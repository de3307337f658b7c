"""Runs the automations and actions that the documents show, word for word, against a hub."""

import json
from pathlib import Path
import re
from typing import Any

from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers import config_validation as cv
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_mqtt_message,
    async_fire_time_changed,
    async_mock_service,
)
from pytest_homeassistant_custom_component.typing import MqttMockHAClient

from custom_components.camera_narrator import services
from custom_components.camera_narrator.hub_camera import HubCamera
from custom_components.camera_narrator.pipeline.models import ActivityState, Narrative
from custom_components.camera_narrator.pipeline.vocabulary import Label, Phase, Verdict
from tests.architecture.markdown import examples, read, rows
from tests.integration.house import camera_of, event, move_in, narrative, span, stream

README = Path("README.md")
ENTITIES = Path("docs/entities.md")
AUTOMATIONS = Path("docs/automations.md")

# The MQTT client that stands in for the real one does.
LEAVES_A_TIMER = pytest.mark.parametrize("expected_lingering_timers", [True])


def example(document: Path, alias: str) -> dict[str, Any]:
    """Return an automation of a document."""
    (found,) = [
        shown
        for name, shown in examples()
        if name == document.as_posix() and shown.get("alias") == alias
    ]
    return dict(found)


async def automate(hass: HomeAssistant, automation: dict[str, Any]) -> None:
    """Set an automation up; one that is not valid is not there."""
    assert await async_setup_component(hass, "automation", {"automation": automation})
    await hass.async_block_till_done()
    (state,) = hass.states.async_all("automation")
    assert state.state == "on"


@pytest.fixture
def told(hass: HomeAssistant) -> list[ServiceCall]:
    """Collect what reaches the phone."""
    return async_mock_service(hass, "notify", "mobile_app_phone")


@pytest.fixture
async def entry(hass: HomeAssistant) -> MockConfigEntry:
    """Set up a hub whose camera streams."""
    entry = await move_in(hass)
    stream(entry)
    await hass.async_block_till_done()
    return entry


async def test_words_replace_the_notification(
    hass: HomeAssistant, entry: MockConfigEntry, told: list[ServiceCall]
) -> None:
    """README: the notification of a start and that of its words carry one tag; the end adds none."""
    await automate(hass, example(README, "Tell what the front door sees"))
    camera = camera_of(entry)
    camera.publish(event())
    camera.publish(event(Phase.UPDATED, Label.PERSON, narrative="A person rings the bell."))
    camera.publish(event(Phase.ENDED, Label.PERSON, narrative="A person rings the bell."))
    await hass.async_block_till_done()
    messages = [call.data["message"] for call in told]
    assert messages == ["Something moves.", "A person rings the bell."]
    assert [call.data["data"]["tag"] for call in told] == ["visit-1", "visit-1"]


async def test_nothing_withdraws_the_notification(
    hass: HomeAssistant, entry: MockConfigEntry, told: list[ServiceCall]
) -> None:
    """docs/entities.md: a look that finds nothing there takes the visit's notification back."""
    await automate(hass, example(ENTITIES, "Who is at the front door"))
    camera = camera_of(entry)
    camera.publish(event(continues="visit-0"))
    camera.publish(event(Phase.UPDATED, verdict=Verdict.NOTHING, continues="visit-0"))
    await hass.async_block_till_done()
    assert [call.data["message"] for call in told] == ["Something moves.", "clear_notification"]
    assert [call.data["data"]["tag"] for call in told] == ["visit-0", "visit-0"]


async def test_activity_switches_the_light(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: Any
) -> None:
    """docs/entities.md: the light is on at once in the dark, and off after two quiet minutes."""
    on = async_mock_service(hass, "light", "turn_on")
    off = async_mock_service(hass, "light", "turn_off")
    hass.states.async_set("sun.sun", "below_horizon")
    await automate(hass, example(ENTITIES, "Light at the front door"))
    camera = camera_of(entry)
    camera.observe(_moves(active=False))
    camera.observe(_moves(active=True))
    await hass.async_block_till_done()
    assert [call.data["entity_id"] for call in on] == [["light.porch"]]
    camera.observe(_moves(active=False))
    await hass.async_block_till_done()
    assert off == []
    freezer.tick(121)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()
    assert [call.data["entity_id"] for call in off] == [["light.porch"]]


async def test_the_day_is_summed_up(
    hass: HomeAssistant, entry: MockConfigEntry, told: list[ServiceCall], freezer: Any
) -> None:
    """docs/automations.md: in the evening all words of the day come as one message, the earliest first."""
    freezer.move_to("2026-09-22T03:00:00+00:00")  # eight in the evening in California
    await entry.runtime_data.timeline.rested()
    await automate(hass, example(AUTOMATIONS, "What happened today"))
    camera = camera_of(entry)
    for at_s, words in ((0, "A man rings."), (60, None), (90, "A van stops."), (-86_400, "Old.")):
        over = event(Phase.ENDED, id=f"{at_s}", span=span(at_s, at_s + 5), narrative=words)
        camera.publish(over)
    freezer.move_to("2026-09-22T04:00:00+00:00")
    async_fire_time_changed(hass)
    await hass.async_block_till_done()
    (message,) = told
    assert message.data["title"] == "3 visits today"
    assert message.data["message"] == "A man rings. A van stops."
    everything = {"entity_id": "all"}
    await hass.services.async_call("automation", "turn_off", everything, blocking=True)


async def test_the_letter_box_asks(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    told: list[ServiceCall],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """docs/automations.md: the answer about the last two minutes reaches the phone."""
    asked: list[tuple[str, float]] = []

    async def ask(_: HubCamera, question: str, seconds: float) -> Narrative:
        asked.append((question, seconds))
        return narrative("The postwoman put a letter in.")

    monkeypatch.setattr(services, "ask", ask)
    await automate(hass, example(AUTOMATIONS, "Was it the post"))
    hass.states.async_set("binary_sensor.letter_box", "off")
    hass.states.async_set("binary_sensor.letter_box", "on")
    await hass.async_block_till_done()
    assert asked == [("Has anybody put something into the letter box?", 120.0)]
    assert [call.data["message"] for call in told] == ["The postwoman put a letter in."]


@LEAVES_A_TIMER
async def test_mqtt_tells_the_end(hass: HomeAssistant, mqtt_mock: MqttMockHAClient) -> None:
    """docs/entities.md: the payload of an ended event becomes a notification; other phases do not."""
    notes = async_mock_service(hass, "persistent_notification", "create")
    await automate(hass, example(ENTITIES, "Note what happened at the front door"))
    blocks = re.findall(r"```json\n(.*?)```", read(ENTITIES), re.DOTALL)
    for block in blocks:
        async_fire_mqtt_message(hass, "camera_narrator/front_door/event", block)
    await hass.async_block_till_done()
    [ended] = [told for told in map(json.loads, blocks) if told.get("phase") == "ended"]
    assert [call.data["message"] for call in notes] == [ended["narrative"]]


@LEAVES_A_TIMER
async def test_topics_are_those_of_the_table(
    hass: HomeAssistant, mqtt_mock: MqttMockHAClient
) -> None:
    """docs/entities.md: a hub publishes on the topics of the table, retained and with the QoS it says."""
    entry = await move_in(hass)
    camera = stream(entry)
    camera.observe(_moves(active=True))
    camera.publish(event(Phase.UPDATED, narrative="A person rings the bell."))
    camera.narrate(narrative())
    assert await hass.config_entries.async_unload(entry.entry_id)  # sends what waits
    published = {}
    for call in mqtt_mock.async_publish.call_args_list:
        topic, payload, qos, retain, *_ = call.args
        published[topic] = (retain, qos)
        if not retain:
            assert json.loads(payload)["schema"] == 1
    table = [
        [cell.strip(" `") for cell in row.strip("|").split("|")]
        for row in rows(read(ENTITIES))
        if row.startswith("| `camera_narrator/")
    ]
    assert published == {row[0]: (row[2] == "yes", int(row[3])) for row in table}


async def test_the_action_is_valid(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """docs/entities.md: the action of the example exists and takes what the example gives."""
    (shown,) = [shown for _, shown in examples() if str(shown.get("action")).count("describe")]
    (step,) = cv.SCRIPT_SCHEMA([shown])
    domain, service = step["action"].split(".")
    assert hass.services.has_service(domain, service)
    schema = hass.services.async_services_for_domain(domain)[service].schema
    assert schema is not None
    assert schema({**shown["data"], **shown["target"]})["prompt"] == shown["data"]["prompt"]
    assert hass.states.get(shown["target"]["entity_id"]) is not None


def _moves(*, active: bool) -> ActivityState:
    return ActivityState(active=active, since_s=1000.0, received_s=1000.1)
