"""Rules in Home Assistant: the dialog, a sensor each, the event, and what survives."""

from datetime import timedelta
import time
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.event import ATTR_EVENT_TYPE
from homeassistant.config_entries import SOURCE_RECONFIGURE
from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.camera_narrator import camera_rules, const
from custom_components.camera_narrator.camera_rules import InvalidRules
from custom_components.camera_narrator.pipeline.clock import SystemClock
from custom_components.camera_narrator.pipeline.models import CameraMemory
from custom_components.camera_narrator.pipeline.rule import Rule, RuleState
from tests.integration.house import CAMERA, bridge_subentry, camera_of, camera_subentry

PARCEL = {"question": "a parcel lies at the door", "name": "Parcel"}
GATE = {"question": "The gate is open?"}
SENSOR = "binary_sensor.front_door_parcel"


def known(*, holds: bool | None = True, age_s: float = 0.0) -> RuleState:
    """Return the parcel's state as answered some time ago."""
    return RuleState(
        question=PARCEL["question"],
        holds=holds,
        votes=() if holds is None else (holds, holds),
        answered_wall_s=time.time() - age_s,
    )


async def house(hass: HomeAssistant, *rules: dict[str, Any]) -> MockConfigEntry:
    """Set up a hub with a model server and a camera with these rules."""
    entry = MockConfigEntry(
        domain=const.DOMAIN,
        entry_id="hub_entry",
        title="House",
        data={
            const.CONF_PROVIDER: const.PROVIDER_OPENAI,
            const.CONF_BASE_URL: "http://192.0.2.1:1/v1",
            const.CONF_MODEL: "eyes",
        },
        subentries_data=[
            bridge_subentry(),
            camera_subentry(
                **{
                    const.CONF_TRANSPORT: "tcp",
                    const.CONF_RULES: camera_rules.read(rules, []),
                }
            ),
        ],
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


async def reconfigure(hass: HomeAssistant, entry: MockConfigEntry, rules: list[Any]) -> Any:
    """Submit the camera's form with these rules and nothing else changed."""
    flow = await hass.config_entries.subentries.async_init(
        (entry.entry_id, const.SUBENTRY_CAMERA),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": CAMERA},
    )
    data = entry.subentries[CAMERA].data
    return await hass.config_entries.subentries.async_configure(
        flow["flow_id"],
        {
            "name": "Front door",
            const.CONF_BRIDGE: data[const.CONF_BRIDGE],
            const.CONF_URL: data[const.CONF_URL],
            const.CONF_USERNAME: data[const.CONF_USERNAME],
            const.CONF_PROFILE: data[const.CONF_PROFILE],
            const.CONF_RULES: rules,
        },
    )


def test_rules_keep_their_keys() -> None:
    """By name or by words, in whatever order; a new one never takes the key of another."""
    kept = camera_rules.read([PARCEL, GATE], [])
    assert [(one["key"], one["question"]) for one in kept] == [
        ("parcel", "a parcel lies at the door"),
        ("the_gate_is_open", "The gate is open"),
    ]
    shown = camera_rules.written(kept)
    assert camera_rules.read(reversed(shown), kept) == list(reversed(kept))
    renamed = camera_rules.read(
        [{**shown[0], "name": "Post"}, {**PARCEL, "question": "other"}], kept
    )
    assert [one["key"] for one in renamed] == ["post", "parcel"]
    assert camera_rules.chosen({const.CONF_RULES: kept})[0] == Rule(
        key="parcel", name="Parcel", question="a parcel lies at the door"
    )


@pytest.mark.parametrize(
    ("rules", "error"),
    [
        ([PARCEL] * 2, "rules_same_name"),
        ([{"question": f"{n} cars"} for n in range(9)], "rules_too_many"),
        ([{"question": " . "}], "rule_empty"),
        ([{"question": "x" * 201}], "rule_too_long"),
        ([{**PARCEL, "needed": 3, "of": 2}], "rule_never"),
    ],
)
def test_what_is_no_rule(rules: list[dict[str, Any]], error: str) -> None:
    """Each mistake has words of its own."""
    with pytest.raises(InvalidRules, match=error):
        camera_rules.read(rules, [])


async def test_the_dialog_adds_renames_and_removes(
    hass: HomeAssistant, entity_registry: er.EntityRegistry
) -> None:
    """Sensors come and go without a reload; a renamed rule keeps its sensor, key and state."""
    entry = await house(hass)
    result = await reconfigure(hass, entry, [PARCEL, GATE])
    assert result.get("errors") is None, result
    assert result["type"] is FlowResultType.ABORT
    await hass.async_block_till_done()
    assert hass.states.get(SENSOR).state == STATE_UNKNOWN
    assert hass.states.get("binary_sensor.front_door_the_gate_is_open") is not None
    camera_of(entry).rules({"parcel": known()}, ())
    assert hass.states.get(SENSOR).state == "on"

    shown = camera_rules.written(entry.subentries[CAMERA].data[const.CONF_RULES])
    await reconfigure(hass, entry, [{**shown[0], "name": "Post"}])
    await hass.async_block_till_done()
    state = hass.states.get(SENSOR)
    assert (state.state, state.name) == ("on", "Front door Post")
    assert state.attributes["question"] == "a parcel lies at the door"
    assert hass.states.get("binary_sensor.front_door_the_gate_is_open") is None
    assert entity_registry.async_get("binary_sensor.front_door_the_gate_is_open") is None


async def test_a_wrong_rule_is_said_at_its_field(hass: HomeAssistant) -> None:
    """And the built-in describer, which reads no pictures, can answer none."""
    entry = await house(hass)
    result = await reconfigure(hass, entry, [PARCEL, PARCEL])
    assert result["errors"] == {const.CONF_RULES: "rules_same_name"}
    hass.config_entries.async_update_entry(
        entry, data={const.CONF_PROVIDER: const.PROVIDER_BUILTIN}
    )
    result = await reconfigure(hass, entry, [PARCEL])
    assert result["errors"] == {const.CONF_RULES: "rules_need_model"}
    assert entry.subentries[CAMERA].data[const.CONF_RULES] == []


async def test_it_is_unknown_when_nobody_answered_for_long(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """Until the first answer, while the answers differ, and a quarter of an hour after the last."""
    entry = await house(hass, PARCEL)
    camera = camera_of(entry)
    assert hass.states.get(SENSOR).state == STATE_UNKNOWN
    camera.rules({"parcel": known(holds=None)}, ())
    assert hass.states.get(SENSOR).state == STATE_UNKNOWN
    camera.rules({"parcel": known(holds=False)}, ())
    assert hass.states.get(SENSOR).state == "off"
    freezer.tick(timedelta(minutes=14))
    async_fire_time_changed(hass)
    assert hass.states.get(SENSOR).state == "off"
    freezer.tick(timedelta(minutes=1, seconds=1))
    async_fire_time_changed(hass)
    assert hass.states.get(SENSOR).state == STATE_UNKNOWN


async def test_it_fires_the_event_with_its_key(hass: HomeAssistant) -> None:
    """Type `rule`, told apart by key; the sensor stays available without the stream."""
    entry = await house(hass, PARCEL)
    camera = camera_of(entry)
    camera.rules({"parcel": known()}, ("parcel",))
    await hass.async_block_till_done()
    told = hass.states.get("event.front_door_event").attributes
    assert (told[ATTR_EVENT_TYPE], told["rule"], told["name"]) == ("rule", "parcel", "Parcel")
    camera.disconnect()
    assert hass.states.get(SENSOR).state == "on"


async def test_it_survives_a_restart(hass: HomeAssistant) -> None:
    """A state that is young enough holds; one whose question changed meanwhile does not."""
    entry = await house(hass, PARCEL)
    camera_of(entry).remember(CameraMemory(rules={"parcel": known()}))
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert hass.states.get(SENSOR).state == "on"
    memory = entry.runtime_data.memory.camera(CAMERA, SystemClock())
    assert memory is not None
    assert memory.rules["parcel"].votes == (True, True)

    await reconfigure(hass, entry, [{**PARCEL, "question": "a letter lies at the door"}])
    await hass.async_block_till_done()
    assert hass.states.get(SENSOR).state == STATE_UNKNOWN
