"""What a hub may do and spend: from its options to its requests, its sensors, its repairs and its file."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

from homeassistant.components.repairs import repairs_flow_manager
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from PIL import Image
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.camera_narrator import const
from custom_components.camera_narrator.coordinator import SLOW_S
from custom_components.camera_narrator.entity import describe
from custom_components.camera_narrator.hub import Hub
from custom_components.camera_narrator.hub_limits import LocalDays, terms
from custom_components.camera_narrator.pictures import shrunk
from custom_components.camera_narrator.pipeline.errors import Fault, ProviderError
from custom_components.camera_narrator.pipeline.prices import Price
from custom_components.camera_narrator.pipeline.spending import Cost, Spent, Unit
from custom_components.camera_narrator.pipeline.turn import Urgency
from custom_components.camera_narrator.pipeline.vocabulary import Saving
from rigs.model_server import ModelServer
from tests.integration import house
from tests.integration.dialogs import Result, add_hub, suggested

CHEAP = {
    const.CONF_PROVIDER: const.PROVIDER_OPENAI,
    const.CONF_BASE_URL: "https://api.openai.com/v1",
    const.CONF_API_KEY: "sk-secret",
    const.CONF_MODEL: "gpt-5-mini",
}
PRIVATE = {**CHEAP, const.CONF_BASE_URL: "http://192.0.2.9:8080/v1"}
NOBODY_KNOWS = {**CHEAP, const.CONF_BASE_URL: "https://models.example.com/v1"}
OWN_PRICE = {const.CONF_INPUT_PRICE: 2.0, const.CONF_OUTPUT_PRICE: 8.0}


async def settle(hass: HomeAssistant) -> None:
    """Let the measurements reach their entities."""
    await hass.async_block_till_done()
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=SLOW_S + 1))
    await hass.async_block_till_done()


@pytest.fixture
async def entry(hass: HomeAssistant) -> AsyncGenerator[MockConfigEntry]:
    """Return a hub with a model of a known price, and a camera."""
    assert await async_setup_component(hass, "repairs", {})
    entry = await add_hub(hass, (house.bridge_subentry(), house.camera_subentry()), data=CHEAP)
    yield entry
    await hass.config_entries.async_unload(entry.entry_id)


def hub_of(entry: MockConfigEntry) -> Hub:
    """Return the hub."""
    hub: Hub = entry.runtime_data
    return hub


def spend(entry: MockConfigEntry, usd: float) -> None:
    """Let a request have cost so much."""
    hub = hub_of(entry)
    cost = Cost(requests=1, tokens=1000, usd=usd)
    hub.limiter.spending.reserve(cost)
    hub.limiter.spending.settle(cost, cost, hub.clock.wall())
    hub.limiter.review()


@pytest.mark.parametrize(
    ("data", "options", "caps"),
    [
        ({const.CONF_PROVIDER: const.PROVIDER_BUILTIN}, {}, {}),
        (PRIVATE, {}, {}),
        (PRIVATE, OWN_PRICE, {Unit.USD: 0.5}),
        (CHEAP, {}, {Unit.USD: 0.5}),
        (
            CHEAP,
            {const.CONF_USD_PER_DAY: 2.0, const.CONF_TOKENS_PER_DAY: 9},
            {Unit.USD: 2.0, Unit.TOKENS: 9},
        ),
        (NOBODY_KNOWS, {}, {Unit.REQUESTS: 300}),
        (NOBODY_KNOWS, {const.CONF_REQUESTS_PER_DAY: 20}, {Unit.REQUESTS: 20}),
        (NOBODY_KNOWS, OWN_PRICE, {Unit.USD: 0.5}),
    ],
)
def test_caps_by_provider(
    data: dict[str, Any], options: dict[str, Any], caps: dict[Unit, float]
) -> None:
    """Half a dollar where there is a price, 300 requests where nobody knows it, none in the house."""
    assert terms(data, options).caps == caps


async def test_options_hold_at_once(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """The form tells the price by the table; what is given in it binds the limiter without a reload."""
    result: Result = await hass.config_entries.options.async_init(entry.entry_id)
    assert "$0.25 for a million tokens in and $2 out" in result["description_placeholders"]["price"]
    given = {
        **suggested(result),
        const.CONF_USD_PER_DAY: 1.5,
        const.CONF_REQUESTS_PER_MINUTE: 10,
        const.CONF_TOKENS_PER_MINUTE: 40_000,
        const.CONF_INPUT_PRICE: 2.0,
    }
    result = await hass.config_entries.options.async_configure(result["flow_id"], given)
    assert result["errors"] == {"base": "half_a_price"}
    result = await hass.config_entries.options.async_configure(
        result["flow_id"], {**given, const.CONF_OUTPUT_PRICE: 8.0}
    )
    await hass.async_block_till_done()
    assert result["type"] is FlowResultType.CREATE_ENTRY
    held = hub_of(entry).limiter.terms
    assert (held.requests_per_minute, held.tokens_per_minute) == (10, 40_000)
    assert held.caps == {Unit.USD: 1.5}
    assert held.tariff.price == Price(input_usd=2.0, output_usd=8.0)
    result = await hass.config_entries.options.async_init(entry.entry_id)
    assert "as you gave it" in result["description_placeholders"]["price"]


async def test_what_today_has_cost_is_shown_and_kept(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Cost and budget move in steps that are worth a row of the recorder, and go on after a restart."""
    await settle(hass)
    assert hass.states.get("sensor.camera_narrator_cost_today").state == "0.0"
    assert hass.states.get("sensor.camera_narrator_budget_left").state == "100.0"
    spend(entry, 0.009)
    await settle(hass)
    assert hass.states.get("sensor.camera_narrator_cost_today").state == "0.0", "less than a step"
    spend(entry, 0.101)
    await settle(hass)
    cost = hass.states.get("sensor.camera_narrator_cost_today")
    assert float(cost.state) == pytest.approx(0.11)
    midnight = dt_util.start_of_local_day().isoformat()
    assert dt_util.parse_datetime(cost.attributes["last_reset"]) == dt_util.parse_datetime(midnight)
    assert hass.states.get("sensor.camera_narrator_budget_left").state == "78.0"

    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    hub = hub_of(entry)
    assert hub.limiter.spending.today(hub.clock.wall()).cost == Cost(
        requests=2, tokens=2000, usd=0.11
    )
    await settle(hass)
    assert float(hass.states.get("sensor.camera_narrator_cost_today").state) == pytest.approx(0.11)


async def test_yesterday_is_forgotten(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """What another day has cost neither counts nor shows."""
    hub = hub_of(entry)
    hub.limiter.spending.restore(Spent(day="2020-02-29", cost=Cost(requests=9, usd=0.49)))
    hub.limiter.review()
    await settle(hass)
    assert hass.states.get("sensor.camera_narrator_budget_left").state == "100.0"


async def test_the_repair_raises_the_cap(
    hass: HomeAssistant, entry: MockConfigEntry, issue_registry: ir.IssueRegistry
) -> None:
    """New events without words for want of money are a repair; its end is a higher cap, which holds at once."""
    hub = hub_of(entry)
    spend(entry, 0.5)
    turn = hub.limiter.turn(
        "front_door",
        Urgency.ONSET,
        estimate=lambda: Cost(requests=1, tokens=1000, usd=0.01),
        understudy=True,
    )
    async with turn:
        assert turn.declined is not None
        assert turn.declined.fault is Fault.OVER_BUDGET
    await settle(hass)
    assert hass.states.get("sensor.camera_narrator_saving").state == "built_in_words"
    assert hass.states.get("sensor.camera_narrator_saving").attributes["reason"] == "budget"
    until = hass.states.get("sensor.camera_narrator_limited_until").state
    assert dt_util.parse_datetime(until) == dt_util.start_of_local_day() + timedelta(days=1)
    issue_id = f"budget_used_up_{entry.entry_id}"
    issue = issue_registry.async_get_issue(const.DOMAIN, issue_id)
    assert issue is not None
    assert issue.translation_placeholders == {"hub": "Camera Narrator", "cap": "$0.50"}

    manager = repairs_flow_manager(hass)
    assert manager is not None
    result: Result = await manager.async_init(const.DOMAIN, data={"issue_id": issue_id})
    assert result["step_id"] == "raise"
    result = await manager.async_configure(result["flow_id"], {"cap": 1})
    await hass.async_block_till_done()
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert hub.limiter.terms.caps == {Unit.USD: 1.0}
    async with hub.limiter.turn("front_door", Urgency.ONSET, understudy=True) as _:
        assert hub.limiter.standing().saving is not Saving.BUILT_IN_WORDS
    assert issue_registry.async_get_issue(const.DOMAIN, issue_id) is None


async def test_an_empty_account_is_a_repair_until_it_is_filled(
    hass: HomeAssistant, entry: MockConfigEntry, issue_registry: ir.IssueRegistry
) -> None:
    """Nothing in here fills it; the first answer takes the repair back."""
    limiter = hub_of(entry).limiter
    limiter.failed(ProviderError(Fault.RATE_LIMITED, "pay first", retryable=False))
    async with (turn := limiter.turn("front_door", Urgency.ONSET, understudy=True)):
        assert turn.declined is not None
    issue_id = f"account_used_up_{entry.entry_id}"
    issue = issue_registry.async_get_issue(const.DOMAIN, issue_id)
    assert issue is not None
    assert not issue.is_fixable
    limiter.release()
    assert issue_registry.async_get_issue(const.DOMAIN, issue_id) is None


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (CHEAP, "Economy $0.06, Balanced $0.15, Live $0.36, Always $17.06."),
        (NOBODY_KNOWS, "Economy 60 requests, Balanced 150, Live 366, Always 17280."),
        (PRIVATE, "costs nothing"),
    ],
)
async def test_a_camera_tells_what_it_will_cost(
    hass: HomeAssistant, data: dict[str, Any], told: str
) -> None:
    """By profile, in the form, before anything is saved."""
    entry = await add_hub(hass, (house.bridge_subentry(),), data=data)
    result: Result = await hass.config_entries.subentries.async_init(
        (entry.entry_id, const.SUBENTRY_CAMERA), context={"source": "user"}
    )
    result = await hass.config_entries.subentries.async_configure(
        result["flow_id"], {"next_step_id": "rtsp"}
    )
    assert told in result["description_placeholders"]["estimate"]
    await hass.config_entries.async_unload(entry.entry_id)


async def test_options_say_that_built_in_words_cost_nothing(hass: HomeAssistant) -> None:
    """And nothing of servers and prices, of which there are none."""
    entry = await add_hub(hass, (), data={const.CONF_PROVIDER: const.PROVIDER_BUILTIN})
    result: Result = await hass.config_entries.options.async_init(entry.entry_id)
    told = result["description_placeholders"]["price"]
    assert told == "The built-in describer costs nothing, and no picture leaves the house."
    await hass.config_entries.async_unload(entry.entry_id)


def test_days_are_those_of_the_house() -> None:
    """Caps begin anew at local midnight; days of a change of clocks are as long as they are."""
    before = dt_util.get_default_time_zone()
    days = LocalDays()
    noon_s = datetime(2026, 3, 29, 12, 0, tzinfo=UTC).timestamp()
    elsewhere = days(noon_s)
    dt_util.set_default_time_zone(dt_util.get_time_zone("Europe/Berlin"))
    try:
        summer = days(noon_s)
        winter = days(datetime(2026, 10, 24, 22, 30, tzinfo=UTC).timestamp())
    finally:
        dt_util.set_default_time_zone(before)
    assert elsewhere != summer
    assert (summer.key, summer.to_wall_s - summer.from_wall_s) == ("2026-03-29", 23 * 3600)
    assert (winter.key, winter.to_wall_s - winter.from_wall_s) == ("2026-10-25", 25 * 3600)


def picture(width_px: int, height_px: int) -> bytes:
    """Return a JPEG."""
    file = BytesIO()
    Image.new("RGB", (width_px, height_px), "grey").save(file, "JPEG")
    return file.getvalue()


def test_pictures_are_made_smaller() -> None:
    """Those that are too high shrink and keep their shape; others, and what is no picture, stay as they are."""
    large, low = picture(1280, 720), picture(320, 240)
    shown = shrunk((large, low, b"\xff\xd8 broken"), 320)
    assert Image.open(BytesIO(shown[0])).size == (569, 320)
    assert shown[1:] == (low, b"\xff\xd8 broken")


@pytest.mark.usefixtures("socket_enabled", "library_ends")
async def test_a_servers_own_count_is_what_today_has_cost(hass: HomeAssistant) -> None:
    """A request through the whole way is counted by usage; with the cap reached the next is not sent at all."""
    server = ModelServer()
    await server.start()
    entry = await add_hub(
        hass,
        (house.bridge_subentry(), house.camera_subentry()),
        data={**PRIVATE, const.CONF_BASE_URL: server.base_url, const.CONF_MODEL: "scripted"},
        options={**OWN_PRICE, const.CONF_USD_PER_DAY: 0.1},
    )
    try:
        hub, camera = hub_of(entry), house.camera_of(entry)
        camera.connect(epoch="epoch", reports_activity=True, active=False)
        now_s = hub.clock.monotonic()
        camera.receive(
            replace(house.frame(jpeg=picture(640, 360)), captured_s=now_s, received_s=now_s)
        )
        assert (await describe(camera, None)).text
        cost = hub.limiter.spending.today(hub.clock.wall()).cost
        assert (cost.requests, len(server.requests)) == (1, 1)
        assert cost.tokens == camera.coordinator.state.tokens
        assert cost.usd > 0
        assert hub.memory.spent.cost.usd == pytest.approx(cost.usd)
        spend(entry, 0.1)
        with pytest.raises(HomeAssistantError) as refused:
            await describe(camera, None)
        assert refused.value.translation_key == "provider_over_budget"
        assert len(server.requests) == 1
        assert camera.coordinator.state.failure.code == Fault.OVER_BUDGET
        assert hub.coordinator.state.problem == Fault.OVER_BUDGET
    finally:
        await hass.config_entries.async_unload(entry.entry_id)
        await server.stop()
