"""The picture that decides an event: which one it is, who may load it, and how long it stays."""

from http import HTTPStatus

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.camera_narrator import event_picture
from custom_components.camera_narrator.const import EVENT_TYPE
from custom_components.camera_narrator.event_picture import EventPictures, deciding
from custom_components.camera_narrator.pipeline.vocabulary import Label, Phase
from tests.integration.house import CAMERA, camera_of, event, frame, move_in

PATH = "/api/camera_narrator/event/visit-1/picture"


def test_most_movement_decides() -> None:
    """Of the frames of the visit the one where most moves; a frame from before it never."""
    before = frame(-1.0, sequence=1, active=True, activity=250)
    first = frame(0.0, sequence=2, active=True, activity=40)
    second = frame(1.0, sequence=3, active=True, activity=90)
    quiet = frame(2.0, sequence=4)
    assert deciding(event(), [before, first, second, quiet]) == second
    assert deciding(event(), [before, quiet]) == quiet
    assert deciding(event(), [before]) is None


def test_a_name_decides_anew_once() -> None:
    """The first label replaces the picture of the start; later phases leave it alone."""
    pictures = EventPictures()

    def decide(told: object, jpeg: bytes) -> None:
        pictures.decide(told, [frame(jpeg=jpeg)], camera=CAMERA)  # type: ignore[arg-type]

    decide(event(), b"start")
    decide(event(Phase.UPDATED, narrative="It moves."), b"words")
    assert pictures.picture("visit-1") == b"start"
    decide(event(Phase.UPDATED, Label.PERSON, labelled=True), b"name")
    decide(event(Phase.UPDATED, Label.PERSON, Label.ANIMAL, labelled=True), b"later")
    decide(event(Phase.ENDED, Label.PERSON, labelled=True), b"end")
    assert pictures.picture("visit-1") == b"name"


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """By number and by bytes; the oldest event goes first."""
    monkeypatch.setattr(event_picture, "KEPT", 3)
    monkeypatch.setattr(event_picture, "BYTES_MAX", 100)
    pictures = EventPictures()
    for number in range(4):
        pictures.decide(event(id=str(number)), [frame(jpeg=b"x" * 10)], camera=CAMERA)
    assert [str(number) in pictures for number in range(4)] == [False, True, True, True]
    pictures.decide(event(id="large"), [frame(jpeg=b"x" * 85)], camera=CAMERA)
    assert [name in pictures for name in ("2", "3", "large")] == [False, True, True]


async def test_who_may_see_it(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    """The bus event names a path that opens for users alone; the entity's picture carries a signature."""
    assert await async_setup_component(hass, "http", {})
    entry = await move_in(hass)
    told = async_capture_events(hass, EVENT_TYPE)
    camera = camera_of(entry)
    camera.receive(frame(active=True, jpeg=b"who came"))
    camera.publish(event())
    await hass.async_block_till_done()
    assert told[0].data["picture"] == PATH

    stranger = await hass_client_no_auth()
    assert (await stranger.get(PATH)).status == HTTPStatus.UNAUTHORIZED
    state = hass.states.get("event.front_door_event")
    assert state is not None
    assert state.attributes["picture"] == PATH
    for response in (
        await (await hass_client()).get(PATH),
        await stranger.get(state.attributes["entity_picture"]),
    ):
        assert response.status == HTTPStatus.OK
        assert await response.read() == b"who came"


async def test_a_removed_camera_takes_its_pictures_along(
    hass: HomeAssistant, hass_client: ClientSessionGenerator
) -> None:
    """Nothing of it is left; an event without a picture says null."""
    assert await async_setup_component(hass, "http", {})
    entry: MockConfigEntry = await move_in(hass)
    told = async_capture_events(hass, EVENT_TYPE)
    camera = camera_of(entry)
    camera.publish(event(id="blind"))
    camera.receive(frame(active=True))
    camera.publish(event())
    await hass.async_block_till_done()
    assert told[0].data["picture"] is None
    hass.config_entries.async_remove_subentry(entry, CAMERA)
    await hass.async_block_till_done()

    assert (await (await hass_client()).get(PATH)).status == HTTPStatus.NOT_FOUND
