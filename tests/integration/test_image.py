"""The key frame of a camera."""

from collections.abc import Generator
from datetime import timedelta
from http import HTTPStatus
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNKNOWN, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    async_capture_events,
    async_fire_time_changed,
    snapshot_platform,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion

from custom_components.camera_narrator.image import TOKEN_LIFE
from custom_components.camera_narrator.pipeline.vocabulary import EndReason, Phase
from tests.integration.house import JPEG, event, frame, move_in, stream

IMAGE = "image.front_door_key_frame"


@pytest.fixture
def _same_links() -> Generator[None]:
    """Links to pictures hold random tokens."""
    with patch("random.SystemRandom.getrandbits", return_value=1):
        yield


@pytest.mark.usefixtures("_same_links")
async def test_the_key_frame(
    hass: HomeAssistant, entity_registry: er.EntityRegistry, snapshot: SnapshotAssertion
) -> None:
    """The image entity of a streaming camera, with all its properties."""
    entry = await move_in(hass, Platform.IMAGE)
    stream(entry)

    await snapshot_platform(hass, entity_registry, snapshot, entry.entry_id)


async def test_the_picture_comes_as_it_was_sent(
    hass: HomeAssistant, hass_client: ClientSessionGenerator
) -> None:
    """The very bytes of the bridge are served."""
    entry = await move_in(hass, Platform.IMAGE)
    assert hass.states.get(IMAGE).state == STATE_UNKNOWN
    stream(entry)
    client = await hass_client()

    response = await client.get(f"/api/image_proxy/{IMAGE}")

    assert response.status == HTTPStatus.OK
    assert response.content_type == "image/jpeg"
    assert await response.read() == JPEG


async def test_a_visit_changes_the_picture_a_few_times(hass: HomeAssistant) -> None:
    """Start, and words at least 15 s apart, never a frame by itself: each change is a row of the recorder.

    A minute's visit in the profile `balanced` (looks at 0, 4, 10, 20 s and at its end) writes 3 rows here, up to 6
    of the narrative, 4 of the event and 4 of the activity: 17, so 12 cameras with 30 such visits a day write 6120.
    The links of their live views, renewed every 30 minutes, are 576 more, those of their key frames 288 at most, and
    load and memory of a bridge, once a minute each, 2880: 9864 of the 10 000 that the integration allows itself.
    """
    entry = await move_in(hass, Platform.IMAGE)
    camera = stream(entry)
    await hass.async_block_till_done()
    changes = async_capture_events(hass, EVENT_STATE_CHANGED)

    for at_s in range(60):
        camera.receive(frame(100.0 + at_s, sequence=2 + at_s))
        if at_s == 0:
            camera.publish(event())
        elif at_s in {4, 10, 20, 55}:
            camera.publish(event(Phase.UPDATED, narrative=f"After {at_s} s."))
    camera.publish(event(Phase.ENDED, reason=EndReason.QUIET))
    await hass.async_block_till_done()

    started = dt_util.utc_from_timestamp(1_790_000_100).isoformat()
    assert [change.data["new_state"].state for change in changes] == [
        started,
        *(
            (dt_util.parse_datetime(started) + timedelta(seconds=at_s)).isoformat()
            for at_s in (20, 55)
        ),
    ]


async def test_the_link_to_the_picture_changes_with_it_or_each_hour(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """Home Assistant's renewal every 5 minutes writes no state; the picture's own and the hour's do."""
    entry = await move_in(hass, Platform.IMAGE)
    camera = stream(entry)

    def link() -> str:
        return hass.states.get(IMAGE).attributes["access_token"]

    async def wait(time: timedelta) -> None:
        freezer.tick(time)
        async_fire_time_changed(hass)
        await hass.async_block_till_done()

    first = link()
    await wait(timedelta(minutes=6))
    assert link() == first
    camera.receive(frame(30.0, sequence=2))
    camera.publish(event())
    second = link()
    assert second != first
    await wait(TOKEN_LIFE + timedelta(minutes=6))
    assert link() not in {first, second}
