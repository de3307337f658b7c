"""What a hub keeps, and what the house is told of it."""

import asyncio
from collections.abc import Callable

from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.camera_narrator.timeline import Timeline
from custom_components.camera_narrator.timeline_record import Query
from tests.integration.house import CAMERA

PATH = "/api/camera_narrator/event/visit-1/picture"
EVER = Query(cameras=(CAMERA,), from_wall_s=0.0, to_wall_s=9e9, limit=10_000)


def past_of(entry: MockConfigEntry) -> Timeline:
    """Return the timeline of a hub."""
    past: Timeline = entry.runtime_data.timeline
    return past


async def kept(entry: MockConfigEntry) -> list[str]:
    """Return the ids of all events that are kept, newest first."""
    return [one.id for one in await past_of(entry).events(EVER)]


def issues(hass: HomeAssistant) -> set[str]:
    """Return what the house is told of its timelines."""
    registry = ir.async_get(hass)
    return {
        issue.translation_key or ""
        for issue in registry.issues.values()
        if issue.active and issue.issue_id.startswith("timeline_")
    }


async def until(true: Callable[[], bool], past: Timeline) -> None:
    """Wait for the timeline to come to something."""
    async with asyncio.timeout(30):
        while not true():
            await past._in_thread(lambda: None)
