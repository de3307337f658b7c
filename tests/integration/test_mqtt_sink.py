"""The MQTT topics of a hub, with a broker, without one and while it is away."""

import json
from typing import Any

from homeassistant.components import mqtt
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed
from pytest_homeassistant_custom_component.typing import MqttMockHAClient

from custom_components.camera_narrator.const import CONF_MQTT_PREFIX
from custom_components.camera_narrator.mqtt_sink import (
    EXPIRY_S,
    LATE_S,
    QUEUE,
    REFRESH_S,
    RETRY_S,
    MqttSink,
)
from custom_components.camera_narrator.pipeline.vocabulary import Phase
from tests.integration.house import (
    CAMERA,
    KEY,
    broker_settles,
    camera_of,
    event,
    hub_entry,
    move_in,
    narrative,
    stream,
)

# The client that stands in for the real one leaves its own timer behind.
pytestmark = pytest.mark.parametrize("expected_lingering_timers", [True])

STATUS = "camera_narrator/status"


class Watch:
    """Monotonic time that moves when told."""

    def __init__(self) -> None:
        """Start anywhere."""
        self.now_s = 50.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now_s


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
async def sink(hass: HomeAssistant, mqtt_mock: MqttMockHAClient, watch: Watch) -> MqttSink:
    """Start a sink beside a connected broker."""
    entry = hub_entry()
    entry.add_to_hass(hass)
    sink = MqttSink(hass, prefix="camera_narrator", monotonic=watch)
    sink.start(entry)
    await hass.async_block_till_done(wait_background_tasks=False)
    await broker_settles(hass, mqtt_mock)
    mqtt_mock.async_publish.reset_mock()
    return sink


def _published(broker: MqttMockHAClient) -> list[tuple[str, Any, int, bool]]:
    """Return topic, payload, quality and retention of everything, JSON read."""
    return [
        (topic, json.loads(payload) if payload.startswith("{") else payload, qos, retain)
        for topic, payload, qos, retain in (call.args for call in broker.async_publish.mock_calls)
    ]


async def _connection(hass: HomeAssistant, broker: MqttMockHAClient, *, up: bool) -> None:
    """Let the connection to the broker come or go."""
    broker.connected = up
    async_dispatcher_send(hass, mqtt.MQTT_CONNECTION_STATE, up)
    await broker_settles(hass, broker)


async def test_a_hub_says_that_it_is_there(
    hass: HomeAssistant, mqtt_mock: MqttMockHAClient
) -> None:
    """At start the status and all retained states are written, the status to expire."""
    await move_in(hass)
    await broker_settles(hass, mqtt_mock)

    assert _published(mqtt_mock) == [
        (STATUS, "online", 1, True),
        ("camera_narrator/front_door/connected", "OFF", 1, True),
        ("camera_narrator/front_door/activity", "OFF", 1, True),
    ]
    assert [
        call.kwargs["message_expiry_interval"] for call in mqtt_mock.async_publish.mock_calls
    ] == [EXPIRY_S, None, None]


async def test_the_story_of_a_camera(hass: HomeAssistant, mqtt_mock: MqttMockHAClient) -> None:
    """Events go out with quality 1, sentences with 0, neither retained; states are retained."""
    entry = await move_in(hass)
    await broker_settles(hass, mqtt_mock)
    mqtt_mock.async_publish.reset_mock()

    camera = stream(entry)
    camera.publish(event())
    camera.narrate(narrative())
    await broker_settles(hass, mqtt_mock)

    told = _published(mqtt_mock)
    assert [(topic, qos, retain) for topic, _, qos, retain in told] == [
        ("camera_narrator/front_door/connected", 1, True),
        ("camera_narrator/front_door/activity", 1, True),
        ("camera_narrator/front_door/event", 1, False),
        ("camera_narrator/front_door/narrative", 0, False),
    ]
    assert told[0][1] == "ON"
    assert (told[2][1]["phase"], told[2][1]["late"]) == ("started", False)
    assert told[3][1]["text"] == "A person rings the bell."


async def test_the_status_is_refreshed(
    hass: HomeAssistant, mqtt_mock: MqttMockHAClient, sink: MqttSink
) -> None:
    """`online` is written again before it expires."""
    async_fire_time_changed(hass, dt_util.utcnow() + dt_util.dt.timedelta(seconds=REFRESH_S + 1))
    await broker_settles(hass, mqtt_mock)

    assert _published(mqtt_mock) == [(STATUS, "online", 1, True)]


@pytest.mark.parametrize(
    "mqtt_config_entry_data",
    [{mqtt.CONF_BROKER: "mock-broker", mqtt.CONF_PROTOCOL: "3.1.1"}],
)
async def test_an_older_broker_knows_no_expiry(
    hass: HomeAssistant, mqtt_mock: MqttMockHAClient
) -> None:
    """Spoken to in MQTT 3.1.1, the status goes out all the same."""
    await move_in(hass)
    await broker_settles(hass, mqtt_mock)

    accepted = [
        call
        for call in mqtt_mock.async_publish.mock_calls
        if call.kwargs["message_expiry_interval"] is None
    ]
    assert accepted[0].args == (STATUS, "online", 1, True)
    assert len(accepted) == 3


async def test_news_wait_for_a_broker_that_is_away(
    hass: HomeAssistant, mqtt_mock: MqttMockHAClient, sink: MqttSink, watch: Watch
) -> None:
    """Nothing waits but the queue; back again, states come as they are now, then the story in order."""
    await _connection(hass, mqtt_mock, up=False)
    sink.activity("front_door", active=True)
    sink.event("front_door", {"id": "1"}, Phase.STARTED)
    sink.narrative("front_door", {"text": "Somebody comes."})
    sink.activity("front_door", active=False)
    watch.now_s += LATE_S + 1
    sink.event("front_door", {"id": "1"}, Phase.ENDED)
    await broker_settles(hass, mqtt_mock)
    assert _published(mqtt_mock) == []
    assert sink.waiting == 3

    await _connection(hass, mqtt_mock, up=True)

    assert _published(mqtt_mock) == [
        ("camera_narrator/front_door/activity", "OFF", 1, True),
        (STATUS, "online", 1, True),
        ("camera_narrator/front_door/event", {"id": "1", "late": True}, 1, False),
        ("camera_narrator/front_door/narrative", {"text": "Somebody comes."}, 0, False),
        ("camera_narrator/front_door/event", {"id": "1"}, 1, False),
    ]
    assert (sink.waiting, sink.dropped) == (0, 0)


async def test_a_full_queue_gives_up_words_before_events(
    hass: HomeAssistant, mqtt_mock: MqttMockHAClient, sink: MqttSink
) -> None:
    """The oldest update goes first, then the oldest sentence, at last the oldest of all; all counted."""
    await _connection(hass, mqtt_mock, up=False)
    sink.narrative("yard", {"text": "first"})
    sink.event("yard", {"id": "a"}, Phase.STARTED)
    sink.event("yard", {"id": "a"}, Phase.UPDATED)
    for _ in range(QUEUE - 3):
        sink.event("yard", {"id": "b"}, Phase.ENDED)
    assert (sink.waiting, sink.dropped) == (QUEUE, 0)

    for _ in range(3):
        sink.event("yard", {"id": "new"}, Phase.STARTED)
    assert (sink.waiting, sink.dropped) == (QUEUE, 3)
    await _connection(hass, mqtt_mock, up=True)

    told = [payload for topic, payload, _, _ in _published(mqtt_mock) if topic != STATUS]
    assert told == [{"id": "b"}] * (QUEUE - 3) + [{"id": "new"}] * 3


async def test_a_refused_message_is_sent_again(
    hass: HomeAssistant, mqtt_mock: MqttMockHAClient, sink: MqttSink
) -> None:
    """An error of the client keeps states and messages, these in their order, for the next try."""
    mqtt_mock.async_publish.side_effect = HomeAssistantError("queue full")
    sink.connected("yard", connected=True)
    sink.event("yard", {"id": "a"}, Phase.STARTED)
    sink.event("yard", {"id": "b"}, Phase.ENDED)
    await broker_settles(hass, mqtt_mock)
    assert sink.waiting == 2

    mqtt_mock.async_publish.side_effect = None
    mqtt_mock.async_publish.reset_mock()
    async_fire_time_changed(hass, dt_util.utcnow() + dt_util.dt.timedelta(seconds=RETRY_S + 1))
    await broker_settles(hass, mqtt_mock)

    assert [told[:2] for told in _published(mqtt_mock) if told[0] != STATUS] == [
        ("camera_narrator/yard/connected", "ON"),
        ("camera_narrator/yard/event", {"id": "a"}),
        ("camera_narrator/yard/event", {"id": "b"}),
    ]
    assert sink.waiting == 0


async def test_what_can_never_be_sent_holds_up_nothing(
    hass: HomeAssistant,
    mqtt_mock: MqttMockHAClient,
    sink: MqttSink,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A message that the client itself chokes on is given up and counted; all behind it go out."""

    async def choke(topic: str, payload: str, *_: object, **__: object) -> None:
        if "poison" in payload or topic.endswith("/activity"):
            raise ValueError("no such topic")

    mqtt_mock.async_publish.side_effect = choke
    sink.event(KEY, {"id": "poison"}, Phase.STARTED)
    sink.activity(KEY, active=True)
    sink.event(KEY, {"id": "good"}, Phase.STARTED)
    await broker_settles(hass, mqtt_mock)
    assert _published(mqtt_mock)[-1][1] == {"id": "good"}
    assert (sink.waiting, sink.dropped) == (0, 2)
    assert "ValueError: no such topic" in caplog.text


async def test_unloading_says_goodbye(hass: HomeAssistant, mqtt_mock: MqttMockHAClient) -> None:
    """`offline` is the last word, and stays."""
    entry = await move_in(hass)
    await broker_settles(hass, mqtt_mock)

    assert await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done()

    assert _published(mqtt_mock)[-1] == (STATUS, "offline", 1, True)


async def test_stopping_home_assistant_says_goodbye(
    hass: HomeAssistant, mqtt_mock: MqttMockHAClient
) -> None:
    """It is said before the broker's connection goes."""
    await move_in(hass)
    await broker_settles(hass, mqtt_mock)

    await hass.async_stop()

    assert _published(mqtt_mock)[-1] == (STATUS, "offline", 1, True)


async def test_a_new_prefix_takes_everything_along(
    hass: HomeAssistant, mqtt_mock: MqttMockHAClient
) -> None:
    """Retained topics are cleared under the old prefix and written under the new."""
    entry = await move_in(hass)
    stream(entry)
    await broker_settles(hass, mqtt_mock)
    mqtt_mock.async_publish.reset_mock()

    hass.config_entries.async_update_entry(entry, options={CONF_MQTT_PREFIX: "cameras"})
    await broker_settles(hass, mqtt_mock)
    camera_of(entry).publish(event())
    await broker_settles(hass, mqtt_mock)

    told = _published(mqtt_mock)
    retained = {topic: payload for topic, payload, _, retain in told if retain}
    assert retained == {
        "camera_narrator/front_door/activity": "",
        "camera_narrator/front_door/connected": "",
        STATUS: "",
        "cameras/status": "online",
        "cameras/front_door/connected": "ON",
        "cameras/front_door/activity": "OFF",
    }
    assert told[-1][0] == "cameras/front_door/event"


async def test_a_removed_camera_is_forgotten_by_the_broker(
    hass: HomeAssistant, mqtt_mock: MqttMockHAClient
) -> None:
    """Its retained topics are cleared, for good."""
    entry = await move_in(hass)
    await broker_settles(hass, mqtt_mock)
    mqtt_mock.async_publish.reset_mock()

    hass.config_entries.async_remove_subentry(entry, CAMERA)
    await broker_settles(hass, mqtt_mock)
    assert {(topic, payload) for topic, payload, _, _ in _published(mqtt_mock)} == {
        ("camera_narrator/front_door/activity", ""),
        ("camera_narrator/front_door/connected", ""),
    }

    mqtt_mock.async_publish.reset_mock()
    await _connection(hass, mqtt_mock, up=True)
    assert _published(mqtt_mock) == [(STATUS, "online", 1, True)]


async def test_without_mqtt_nothing_waits_and_nobody_complains(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    """A house without a broker has a whole integration, and keeps no messages for one."""
    entry: MockConfigEntry = await move_in(hass)
    camera = stream(entry)
    camera.publish(event())
    camera.narrate(narrative())
    await hass.async_block_till_done()

    sink: MqttSink = entry.runtime_data.mqtt
    assert (sink.waiting, sink.dropped) == (0, 0)
    assert await hass.config_entries.async_unload(entry.entry_id)
    ours = "custom_components.camera_narrator"
    assert [record for record in caplog.records if record.name.startswith((ours, "mqtt"))] == []
