"""A hub's past on a real disk: what comes into it, what keeps it out, how long it stays, and what the house is told."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
import sqlite3
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.camera_narrator import (
    backup,
    const,
    diagnostics,
    timeline,
    timeline_queue,
)
from custom_components.camera_narrator.pipeline.clock import SystemClock
from custom_components.camera_narrator.pipeline.models import CameraMemory
from custom_components.camera_narrator.pipeline.vocabulary import EndReason, Label, Phase
from custom_components.camera_narrator.repairs import async_create_fix_flow
from custom_components.camera_narrator.timeline import Timeline, TimelineAwayError
from custom_components.camera_narrator.timeline_file import TimelineFile, Trouble
from custom_components.camera_narrator.timeline_record import Query
from custom_components.camera_narrator.timeline_schema import STEPS
from tests.integration.house import CAMERA, NOON_S, camera_of, event, frame, looked, move_in, span

PATH = "/api/camera_narrator/event/visit-1/picture"
EVER = Query(cameras=(CAMERA,), from_wall_s=0.0, to_wall_s=9e9, limit=10_000)


@pytest.fixture
async def entry(hass: HomeAssistant) -> MockConfigEntry:
    """Set the house up."""
    return await move_in(hass)


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
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


# -- what comes in --------------------------------------------------------------------------------------------------


async def test_a_visit_is_kept_with_its_picture_and_looks(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """What the camera tells, and what its looks used, is in the timeline; the picture is that of the event."""
    assert await async_setup_component(hass, "http", {})
    camera = camera_of(entry)
    camera.receive(frame(active=True, jpeg=b"who came"))
    camera.publish(event())
    camera.looked(looked(at_s=3).looked)
    camera.publish(event(Phase.UPDATED, Label.PERSON, narrative="A person rings the bell."))
    camera.publish(event(Phase.ENDED, Label.PERSON, span=span(0, 9), reason=EndReason.QUIET))
    (past,) = await past_of(entry).events(
        Query(cameras=(CAMERA,), from_wall_s=0, to_wall_s=9e9, details=True)
    )
    assert (past.id, past.ended, past.reason) == ("visit-1", True, "quiet")
    assert (past.labels, past.narrative) == (("person",), "A person rings the bell.")
    assert [phase.phase for phase in past.phases] == ["started", "updated", "ended"]
    assert [(look.look, look.input_tokens) for look in past.looks] == [("schedule", 900)]
    picture = await past_of(entry).picture("visit-1")
    assert picture is not None
    assert (picture.jpeg, picture.width, picture.height) == (b"who came", 640, 360)


async def test_a_late_visit_is_kept_too(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """It was told in one piece after an outage, and is not lost to who reads."""
    camera_of(entry).publish(event(Phase.ENDED, id="late", late=True, narrative="A van came."))
    (past,) = await past_of(entry).events(EVER)
    assert (past.id, past.late, past.ended, past.narrative) == ("late", True, True, "A van came.")


async def test_pictures_outlive_the_run(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, entry: MockConfigEntry
) -> None:
    """After a restart the path of an event shows what it showed; one that nobody knows is not found."""
    assert await async_setup_component(hass, "http", {})
    camera = camera_of(entry)
    camera.receive(frame(active=True, jpeg=b"who came"))
    camera.publish(event())
    camera.publish(event(Phase.ENDED))
    assert await hass.config_entries.async_reload(entry.entry_id)
    camera_of(entry)._pictures.forget(CAMERA)  # what a restart does
    client = await hass_client()
    response = await client.get(PATH)
    assert response.status == HTTPStatus.OK
    assert await response.read() == b"who came"
    assert (await client.get(PATH.replace("visit-1", "nobody"))).status == HTTPStatus.NOT_FOUND


async def test_an_event_that_stayed_open_has_its_picture_back(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Its later phases name the path again, though the run's memory of pictures is gone."""
    camera = camera_of(entry)
    camera.receive(frame(active=True, jpeg=b"who came"))
    camera.publish(event())
    await past_of(entry).rested()
    camera.remember(CameraMemory(open_event=event()))
    assert await hass.config_entries.async_unload(entry.entry_id)
    camera._pictures.forget(CAMERA)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=False)
    camera = camera_of(entry)
    await until(lambda: "visit-1" in camera._pictures, past_of(entry))
    assert camera._pictures.picture("visit-1") == b"who came"


async def test_what_waits_is_written_when_home_assistant_stops(
    hass: HomeAssistant, entry: MockConfigEntry, timelines: Path
) -> None:
    """The last words before a shutdown are in the file, and the file is closed."""
    await past_of(entry).rested()
    camera_of(entry).publish(event(id="last"))
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()
    assert [one.name for one in timelines.iterdir()] == ["hub_entry.db"]
    file = TimelineFile(timelines / "hub_entry.db")
    file.open()
    rows = file.read(lambda database: database.execute("SELECT id FROM events").fetchall())
    file.close()
    assert [row["id"] for row in rows] == ["last"]
    with pytest.raises(TimelineAwayError):
        await past_of(entry).events(EVER)


# -- how long it stays ------------------------------------------------------------------------------------------------


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


# -- what keeps it out ------------------------------------------------------------------------------------------------


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
