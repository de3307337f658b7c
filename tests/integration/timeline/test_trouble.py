"""What keeps a hub's past off the disk, what the house is told of it, and backups."""

from collections.abc import Callable
from pathlib import Path
import sqlite3
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.camera_narrator import (
    backup,
    diagnostics,
    timeline,
    timeline_queue,
)
from custom_components.camera_narrator.pipeline.vocabulary import Phase
from custom_components.camera_narrator.repairs import async_create_fix_flow
from custom_components.camera_narrator.timeline import TimelineAwayError
from custom_components.camera_narrator.timeline_file import TimelineFile, Trouble
from custom_components.camera_narrator.timeline_schema import STEPS
from tests.integration.house import CAMERA, camera_of, event, frame, move_in
from tests.integration.timeline.hub_past import EVER, issues, kept, past_of, until

pytestmark = pytest.mark.usefixtures("noon")


@pytest.mark.usefixtures("quick")
async def test_a_full_disk_is_told_waited_for_and_over(
    hass: HomeAssistant, entry: MockConfigEntry, full: Callable[[bool], Any]
) -> None:
    """The narration goes on, what is told waits, the house knows; with room again everything is there."""
    past = past_of(entry)
    past.tell(CAMERA, event(id="before"))
    await past.rested()
    with patch.object(
        TimelineFile, "open"
    ):  # another connection would not know that the disk is full
        await full(True)
        for number in range(60):
            past.tell(CAMERA, event(id=f"{number:02}"))
            past.show(CAMERA, f"{number:02}", frame(jpeg=bytes(20_000)))
        await until(lambda: past.trouble is not None, past)
        assert past.trouble is Trouble.FULL
        assert issues(hass) == {"timeline_full"}
        assert past.waiting > 0
        assert past.counts.failures > 0
        camera_of(entry).publish(event(Phase.ENDED, id="meanwhile"))
        state = hass.states.get("event.front_door_event")
        assert state is not None
        assert state.attributes["event_id"] == "meanwhile"
        assert "before" in await kept(entry)
        await full(False)
        await until(lambda: past.trouble is None, past)
    assert {"before", "00", "59", "meanwhile"} <= set(await kept(entry))
    assert (past.waiting, past.dropped) == (0, 0)
    assert issues(hass) == set()


@pytest.mark.usefixtures("quick")
async def test_what_waits_for_too_long_is_counted(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    full: Callable[[bool], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By number and by bytes the oldest give way; diagnostics say how many."""
    monkeypatch.setattr(timeline_queue, "RECORDS_MOST", 10)
    monkeypatch.setattr(timeline_queue, "WAITING_BYTES_MOST", 100_000)
    past = past_of(entry)
    with patch.object(TimelineFile, "open"):
        await full(True)
        past.show(CAMERA, "none", frame(jpeg=bytes(80_000)))
        past.tell(CAMERA, event(narrative="x" * 50_000))
        await until(lambda: past.trouble is not None, past)
        for number in range(20):
            past.tell(CAMERA, event(id=f"{number:02}"))
        assert past.waiting == 10
        assert past.dropped == 12
        past.show(CAMERA, "19", frame(jpeg=bytes(90_000)))
        past.show(CAMERA, "18", frame(jpeg=bytes(90_000)))
        assert past.waiting == 1
        told = await diagnostics.async_get_config_entry_diagnostics(hass, entry)
        assert told["hub"]["timeline"]["dropped"] == past.dropped == 23
        assert told["hub"]["timeline"]["trouble"] == "full"
        await full(False)
        await until(lambda: past.trouble is None, past)
    assert past.waiting == 0


async def test_a_later_versions_file_is_left_alone(
    hass: HomeAssistant, timelines: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The hub narrates, the house is told why nothing is kept, and the file is as it was."""
    path = timelines / "hub_entry.db"
    later = TimelineFile(path, steps=(*STEPS, ("CREATE TABLE moods (mood TEXT)",)))
    later.open()
    later.close()
    before = path.read_bytes()
    entry = await move_in(hass)
    past = past_of(entry)
    await past.rested()
    assert entry.state is ConfigEntryState.LOADED
    assert past.trouble is Trouble.TOO_NEW
    assert issues(hass) == {"timeline_too_new"}
    camera_of(entry).publish(event())
    assert (past.waiting, past.dropped) == (0, 1)
    with pytest.raises(TimelineAwayError):
        await past.events(EVER)
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert path.read_bytes() == before
    assert "is of version" in caplog.text


async def test_a_broken_file_is_set_aside_and_told_of(hass: HomeAssistant, timelines: Path) -> None:
    """The hub begins a new one at once; the message stays until somebody has read it."""
    timelines.mkdir()
    (timelines / "hub_entry.db").write_bytes(b"no database at all " * 500)
    entry = await move_in(hass)
    await until(lambda: issues(hass) == {"timeline_broken"}, past_of(entry))
    camera_of(entry).publish(event())
    await until(lambda: past_of(entry).counts.written == 1, past_of(entry))
    assert await kept(entry) == ["visit-1"]
    (aside,) = [one for one in timelines.iterdir() if ".broken-" in one.name]
    assert aside.read_bytes().startswith(b"no database")
    (issue,) = [one for one in ir.async_get(hass).issues.values() if one.is_fixable]
    assert issue.translation_placeholders is not None
    assert aside.name in issue.translation_placeholders["path"]
    flow = await async_create_fix_flow(hass, issue.issue_id, None)
    flow.hass, flow.issue_id = hass, issue.issue_id
    assert (await flow.async_step_init())["type"] is FlowResultType.FORM  # type: ignore[attr-defined]


@pytest.mark.usefixtures("quick")
async def test_a_folder_that_is_in_the_way_is_no_end(hass: HomeAssistant, timelines: Path) -> None:
    """A file in the place of the folder: the house is told, and once it is gone everything is written."""
    timelines.write_text("in the way", "utf-8")
    entry = await move_in(hass)
    past = past_of(entry)
    await past.rested()
    assert issues(hass) == {"timeline_unwritable"}
    camera_of(entry).publish(event())
    assert past.waiting == 1
    timelines.unlink()
    await until(lambda: past.trouble is None and not past.waiting, past)
    assert await kept(entry) == ["visit-1"]
    assert issues(hass) == set()


async def test_readers_are_bounded(
    hass: HomeAssistant, entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes when too many wait is told so at once."""
    monkeypatch.setattr(timeline, "READINGS_MOST", 0)
    with pytest.raises(TimelineAwayError, match="too many"):
        await past_of(entry).events(EVER)


# -- backups ----------------------------------------------------------------------------------------------------------


async def test_a_backup_copies_a_file_at_rest(
    hass: HomeAssistant, entry: MockConfigEntry, timelines: Path, tmp_path: Path
) -> None:
    """While it is made the file does not change, and what is told meanwhile is kept nevertheless."""
    past = past_of(entry)
    camera_of(entry).publish(event(id="before"))
    await backup.async_pre_backup(hass)
    path = timelines / "hub_entry.db"
    copied = path.read_bytes()
    for number in range(300):
        past.tell(CAMERA, event(id=f"{number:03}", narrative="x" * 5000))
        if number % 50 == 49:
            await past.rested()
    assert path.read_bytes() == copied
    await backup.async_post_backup(hass)
    assert path.read_bytes() != copied
    assert len(await kept(entry)) == 301
    copy = tmp_path / "copy.db"
    copy.write_bytes(copied)
    with sqlite3.connect(copy) as database:
        assert database.execute("SELECT id FROM events").fetchall() == [("before",)]
    database.close()


async def test_a_hub_that_keeps_nothing_hinders_no_backup(
    hass: HomeAssistant, timelines: Path
) -> None:
    """A timeline that cannot be opened is no reason to have no backup."""
    timelines.write_text("in the way", "utf-8")
    entry = await move_in(hass)
    await past_of(entry).rested()
    await backup.async_pre_backup(hass)
    await backup.async_post_backup(hass)
    assert past_of(entry).trouble is Trouble.UNWRITABLE
