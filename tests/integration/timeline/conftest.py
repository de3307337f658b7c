"""A file of a timeline, and a hub with one, a minute after the visits that tests tell of."""

from collections.abc import Callable, Generator
from pathlib import Path
import sqlite3
from typing import Any

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.camera_narrator import (
    timeline,
)
from custom_components.camera_narrator.pipeline.clock import SystemClock
from custom_components.camera_narrator.timeline_file import TimelineFile
from tests.integration.house import NOON_S, move_in
from tests.integration.timeline.hub_past import past_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the file shall be; its folder is not there yet."""
    return tmp_path / "camera_narrator" / "hub.db"


@pytest.fixture
def file(path: Path) -> Generator[TimelineFile]:
    """Return an open file."""
    file = TimelineFile(path)
    file.open()
    yield file
    file.close()


@pytest.fixture
async def entry(hass: HomeAssistant) -> MockConfigEntry:
    """Set the house up."""
    return await move_in(hass)


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it be a minute after the visits that tests tell of."""
    monkeypatch.setattr(SystemClock, "wall", lambda _: NOON_S + 60)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once what failed."""
    monkeypatch.setattr(timeline, "RETRY_S", 0.01)


@pytest.fixture
async def full(entry: MockConfigEntry) -> Callable[[bool], Any]:
    """Return what fills the disk and makes room again."""
    past = past_of(entry)
    await past.rested()

    async def fill(is_full: bool) -> None:
        def limit(database: sqlite3.Connection) -> None:
            (pages,) = database.execute("PRAGMA page_count").fetchone()
            database.execute(f"PRAGMA max_page_count = {pages if is_full else 10**6}").fetchall()

        await past._in_thread(lambda: past._file.read(limit))

    return fill
