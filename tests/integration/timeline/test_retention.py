"""How long and how much a hub keeps, as its options say."""

from http import HTTPStatus
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.camera_narrator import (
    const,
)
from custom_components.camera_narrator.pipeline.vocabulary import Phase
from tests.integration.house import CAMERA, NOON_S, camera_of, event, frame, span
from tests.integration.timeline.hub_past import PATH, kept, past_of

pytestmark = pytest.mark.usefixtures("noon")


async def _choose(hass: HomeAssistant, entry: MockConfigEntry, **chosen: Any) -> None:
    flow = await hass.config_entries.options.async_init(entry.entry_id)
    schema = flow["data_schema"]
    assert schema is not None
    given = {
        str(key): key.description["suggested_value"]
        for key in schema.schema
        if key.description and "suggested_value" in key.description
    }
    result = await hass.config_entries.options.async_configure(flow["flow_id"], {**given, **chosen})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()


async def test_the_options_offer_a_week_and_a_gigabyte(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Those are the defaults, and what the timeline goes by before anything was chosen."""
    await _choose(hass, entry)
    assert entry.options[const.CONF_TIMELINE_DAYS] == 7
    assert entry.options[const.CONF_TIMELINE_MB] == 1024
    bounds = past_of(entry)._bounds
    assert bounds.from_wall_s == NOON_S + 60 - 7 * 86_400
    assert bounds.size_bytes == 2**30
    assert bounds.cameras == {CAMERA}


async def test_fewer_days_hold_at_once(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """What is older goes without a reload, and the rest stays."""
    camera = camera_of(entry)
    for days in (0, 1, 3, 5, 8):
        camera.publish(
            event(Phase.ENDED, id=f"{days}", span=span(-days * 86_400, 4 - days * 86_400))
        )
    past = past_of(entry)
    await past.rested()
    past.tidy()
    assert await kept(entry) == ["0", "1", "3", "5"]
    await _choose(hass, entry, timeline_days=2)
    assert past_of(entry) is past
    assert await kept(entry) == ["0", "1"]


async def test_no_days_keep_nothing(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """What there was is deleted, nothing new comes in, and that is no loss."""
    camera_of(entry).publish(event(id="before"))
    await _choose(hass, entry, timeline_days=0)
    assert await kept(entry) == []
    camera_of(entry).publish(event(id="after"))
    assert await kept(entry) == []
    assert past_of(entry).dropped == 0
    await _choose(hass, entry, timeline_days=1)
    camera_of(entry).publish(event(id="again"))
    assert await kept(entry) == ["again"]


async def test_fewer_megabytes_hold_at_once(
    hass: HomeAssistant, entry: MockConfigEntry, timelines: Path
) -> None:
    """The oldest events make room, and the file becomes smaller."""
    past = past_of(entry)
    for number in range(400):
        name = f"{number:03}"
        past.tell(CAMERA, event(Phase.ENDED, id=name, span=span(number, number + 1)))
        past.show(CAMERA, name, frame(number, jpeg=bytes(60_000)))
        if number % 50 == 49:
            await past.rested()
    assert past.dropped == 0
    assert len(await kept(entry)) == 400
    await _choose(hass, entry, timeline_mb=16)
    names = await kept(entry)
    assert names == [f"{number:03}" for number in range(399, 399 - len(names), -1)]
    assert 150 < len(names) < 280
    assert (timelines / "hub_entry.db").stat().st_size <= 16 * 2**20


async def test_a_removed_camera_takes_its_past_along(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, entry: MockConfigEntry
) -> None:
    """Neither words nor pictures of it are left, not even of its last moments."""
    assert await async_setup_component(hass, "http", {})
    camera = camera_of(entry)
    camera.receive(frame(active=True))
    camera.publish(event())
    await past_of(entry).rested()
    hass.config_entries.async_remove_subentry(entry, CAMERA)
    await hass.async_block_till_done()
    assert await kept(entry) == []
    assert (await (await hass_client()).get(PATH)).status == HTTPStatus.NOT_FOUND


async def test_a_removed_hub_leaves_no_file(
    hass: HomeAssistant, entry: MockConfigEntry, timelines: Path
) -> None:
    """Nor a folder, nor a message about it."""
    camera_of(entry).publish(event())
    await past_of(entry).rested()
    assert (timelines / "hub_entry.db").exists()
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert not timelines.exists()
