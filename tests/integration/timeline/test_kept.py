"""A hub's past: what comes into it, and what outlives the run."""

from http import HTTPStatus
from pathlib import Path

from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.camera_narrator.pipeline.models import CameraMemory
from custom_components.camera_narrator.pipeline.vocabulary import EndReason, Label, Phase
from custom_components.camera_narrator.timeline import TimelineAwayError
from custom_components.camera_narrator.timeline_file import TimelineFile
from custom_components.camera_narrator.timeline_record import Query
from tests.integration.house import CAMERA, camera_of, event, frame, looked, span
from tests.integration.timeline.hub_past import EVER, PATH, past_of, until

pytestmark = pytest.mark.usefixtures("noon")


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
