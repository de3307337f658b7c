"""Runs the blueprint of the visit's notification in Home Assistant, against a hub."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
import shutil
import time
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
    async_mock_service,
)

from custom_components.camera_narrator.const import DOMAIN
from custom_components.camera_narrator.entity import device_id
from custom_components.camera_narrator.pipeline.errors import Fault, ProviderError
from custom_components.camera_narrator.pipeline.models import ActivityState, Event
from custom_components.camera_narrator.pipeline.request import Chunk, Partial
from custom_components.camera_narrator.pipeline.vocabulary import EndReason, Label, Phase, Verdict
from tests.integration.house import CAMERA, camera_of, event, fresh_frame, move_in, stream

BLUEPRINT = Path("blueprints/automation/camera_narrator/visit_notification.yaml")
AUTOMATION = "automation.visits"


@pytest.fixture
def told(hass: HomeAssistant) -> list[ServiceCall]:
    """Collect what reaches the phone."""
    return async_mock_service(hass, "notify", "mobile_app_pixel_9")


@pytest.fixture
async def entry(hass: HomeAssistant) -> MockConfigEntry:
    """Set up a hub whose camera streams."""
    entry = await move_in(hass)
    stream(entry)
    await hass.async_block_till_done()
    return entry


@pytest.fixture(autouse=True)
async def _runs_end(hass: HomeAssistant) -> AsyncIterator[None]:
    """Stop the runs that still follow a visit."""
    yield
    await hass.services.async_call(
        "automation", "turn_off", {"entity_id": AUTOMATION}, blocking=True
    )


async def automate(
    hass: HomeAssistant, tmp_path: Path, entry: MockConfigEntry, **given: Any
) -> None:
    """Set an automation up from the blueprint, as its dialog would."""
    hass.config.config_dir = str(tmp_path)
    folder = tmp_path / "blueprints" / "automation" / DOMAIN
    folder.mkdir(parents=True)
    shutil.copy(BLUEPRINT, folder)
    inputs = {
        "cameras": [device_id(hass, entry, CAMERA)],
        "notify_actions": ["notify.mobile_app_pixel_9"],
        **given,
    }
    use = {"path": f"{DOMAIN}/{BLUEPRINT.name}", "input": inputs}
    automation = {"id": "visits", "alias": "Visits", "use_blueprint": use}
    assert await async_setup_component(hass, "automation", {"automation": automation})
    await hass.async_block_till_done()
    assert hass.states.get(AUTOMATION).state == "on"


async def settle(hass: HomeAssistant) -> None:
    """Let runs go as far as they can: they wait for events, so block_till_done would never see them done."""
    for _ in range(100):
        await asyncio.sleep(0)


async def publish(hass: HomeAssistant, entry: MockConfigEntry, *phases: Event) -> None:
    """Tell phases of visits, each after all has come of the one before."""
    for phase in phases:
        camera_of(entry).publish(phase)
        await settle(hass)


def _said(told: list[ServiceCall]) -> list[str]:
    return [call.data["message"] for call in told]


async def test_a_visit_is_one_notification(
    hass: HomeAssistant, tmp_path: Path, entry: MockConfigEntry, told: list[ServiceCall]
) -> None:
    """At once with a picture, rewritten under its tag without a sound when words come, left alone at the end."""
    await automate(hass, tmp_path, entry)
    await publish(hass, entry, event())
    assert _said(told) == ["Something moves."]
    await publish(hass, entry, event(Phase.UPDATED, Label.PERSON, labelled=True))
    words = 'A person says "hello" {{ 7 * 6 }}.'
    await publish(
        hass,
        entry,
        event(Phase.UPDATED, Label.PERSON, labelled=True, narrative=words),
        event(Phase.ENDED, Label.PERSON, narrative=words, reason=EndReason.QUIET),
    )

    assert _said(told) == ["Something moves.", "Person.", words]
    data = [call.data["data"] for call in told]
    assert {one["tag"] for one in data} == {"camera_narrator_visit-1"}
    assert all(one["alert_once"] for one in data)
    assert [one["push"]["interruption-level"] for one in data] == ["active", "passive", "passive"]
    assert data[0]["image"] == "/api/camera_narrator/event/visit-1/picture"
    assert told[0].data["title"] == "Front door"


async def test_words_that_come_with_the_start_are_told(
    hass: HomeAssistant, tmp_path: Path, entry: MockConfigEntry, told: list[ServiceCall]
) -> None:
    """A start that an answer brought says its words, and is told once."""
    await automate(hass, tmp_path, entry)
    camera = camera_of(entry)
    camera.publish(event(narrative="A person comes."))
    await publish(hass, entry, event(Phase.UPDATED, narrative="A person comes."))
    assert _said(told) == ["A person comes."]


async def test_a_start_that_is_known_to_be_nothing_is_not_told(
    hass: HomeAssistant, tmp_path: Path, entry: MockConfigEntry, told: list[ServiceCall]
) -> None:
    """The answer was there before the start, and found nobody: there is nothing to withdraw."""
    await automate(hass, tmp_path, entry)
    await publish(hass, entry, event(verdict=Verdict.NOTHING))
    assert told == []


async def test_words_that_come_while_the_phone_is_slow_are_told(
    hass: HomeAssistant, tmp_path: Path, entry: MockConfigEntry
) -> None:
    """Two updates during one slow push: the newer one stands on the phone, in order."""
    said: list[str] = []
    reached = asyncio.Event()

    async def push(call: ServiceCall) -> None:
        await reached.wait()
        said.append(call.data["message"])

    hass.services.async_register("notify", "mobile_app_pixel_9", push)
    await automate(hass, tmp_path, entry)
    await publish(
        hass,
        entry,
        event(),
        event(Phase.UPDATED, narrative="A person comes."),
        event(Phase.UPDATED, narrative="A person rings."),
    )
    reached.set()
    await settle(hass)

    assert said == ["Something moves.", "A person rings."]


async def test_nothing_withdraws_and_silences_nobody(
    hass: HomeAssistant, tmp_path: Path, entry: MockConfigEntry, told: list[ServiceCall]
) -> None:
    """Nobody was there: the notification goes, and who comes a moment later is announced."""
    await automate(hass, tmp_path, entry)
    await publish(
        hass,
        entry,
        event(),
        event(Phase.UPDATED, verdict=Verdict.NOTHING),
        event(Phase.ENDED, verdict=Verdict.NOTHING, reason=EndReason.QUIET),
        event(id="visit-2"),
    )

    assert _said(told) == ["Something moves.", "clear_notification", "Something moves."]
    assert [call.data["data"]["tag"][-1] for call in told] == ["1", "1", "2"]


async def test_nothing_that_becomes_somebody_is_announced_again(
    hass: HomeAssistant, tmp_path: Path, entry: MockConfigEntry, told: list[ServiceCall]
) -> None:
    """A later look finds somebody after all: the notification comes again, with a sound."""
    await automate(hass, tmp_path, entry)
    await publish(
        hass,
        entry,
        event(),
        event(Phase.UPDATED, verdict=Verdict.NOTHING),
        event(Phase.UPDATED, verdict=Verdict.SUBJECT, narrative="A person after all."),
    )

    assert _said(told) == ["Something moves.", "clear_notification", "A person after all."]
    assert told[2].data["data"]["push"]["interruption-level"] == "active"


async def test_the_group_rests_after_a_notification(
    hass: HomeAssistant,
    tmp_path: Path,
    entry: MockConfigEntry,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """No second notification within five minutes, one after; a visit that goes on rewrites its own."""
    await automate(hass, tmp_path, entry)
    camera = camera_of(entry)
    await publish(hass, entry, event())
    camera.publish(event(Phase.ENDED, reason=EndReason.QUIET))
    await publish(
        hass,
        entry,
        event(id="visit-2"),
        event(Phase.STARTED, id="visit-3", continues="visit-1"),
        event(Phase.UPDATED, id="visit-3", continues="visit-1", narrative="Back again."),
    )
    assert _said(told) == ["Something moves.", "Something moves.", "Back again."]
    assert len({call.data["data"]["tag"] for call in told}) == 1

    freezer.tick(timedelta(minutes=5, seconds=1))
    await publish(hass, entry, event(id="visit-4"))
    assert told[3].data["data"]["tag"] == "camera_narrator_visit-4"


async def test_waiting_for_a_name(
    hass: HomeAssistant,
    tmp_path: Path,
    entry: MockConfigEntry,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """With the option on, the notification waits for a label, and fires anyway when none came in time."""
    await automate(hass, tmp_path, entry, wait_for_label=8, rest=0)
    await publish(hass, entry, event())
    assert told == []
    await publish(hass, entry, event(Phase.UPDATED, Label.PERSON, labelled=True))
    assert _said(told) == ["Person."]

    await publish(
        hass,
        entry,
        event(id="visit-2"),
        event(Phase.UPDATED, id="visit-2", narrative="A shadow moves."),
    )
    assert len(told) == 1
    freezer.tick(timedelta(seconds=9))
    async_fire_time_changed(hass)
    await settle(hass)
    assert _said(told)[1:] == ["A shadow moves."]


async def test_other_cameras_and_unmet_conditions_are_left_alone(
    hass: HomeAssistant, tmp_path: Path, entry: MockConfigEntry, told: list[ServiceCall]
) -> None:
    """A camera of another group brings nothing, nor does a visit while the user's condition does not hold."""
    hass.states.async_set("zone.home", "1")
    nobody = [{"condition": "state", "entity_id": "zone.home", "state": "0"}]
    await automate(hass, tmp_path, entry, only_when=nobody, rest=0)
    camera = camera_of(entry)
    await publish(hass, entry, event())
    assert told == []

    hass.states.async_set("zone.home", "0")
    camera.publish(event(id="visit-2"))
    hass.bus.async_fire(
        "camera_narrator_event",
        {"phase": "started", "id": "other", "continues": None, "device_id": "of another house"},
    )
    await settle(hass)
    assert [call.data["data"]["tag"][-1] for call in told] == ["2"]


async def test_phones_are_chosen_as_devices(
    hass: HomeAssistant, tmp_path: Path, entry: MockConfigEntry, told: list[ServiceCall]
) -> None:
    """A phone's device, whatever the user calls it, leads to the action of its app."""
    app = MockConfigEntry(domain="mobile_app", title="Pixel 9")
    app.add_to_hass(hass)
    registry = dr.async_get(hass)
    phone = registry.async_get_or_create(
        config_entry_id=app.entry_id, identifiers={("mobile_app", "1")}, name="Pixel 9"
    )
    registry.async_update_device(phone.id, name_by_user="My phone")
    await automate(hass, tmp_path, entry, phones=[phone.id], notify_actions=[])
    await publish(hass, entry, event())

    assert _said(told) == ["Something moves."]


class Down:
    """A model server that is away."""

    name = "away"
    heartbeats = False
    names_subjects = True

    async def analyse(self, chunk: Chunk) -> AsyncIterator[Partial]:
        """Answer nothing."""
        raise ProviderError(Fault.UNREACHABLE, "nobody is there", retryable=False)
        yield Partial(fields={})


async def test_with_the_model_down_the_notification_comes_all_the_same(
    hass: HomeAssistant, tmp_path: Path, entry: MockConfigEntry, told: list[ServiceCall]
) -> None:
    """Two active frames of a real narration, and no answer: the start is told, with the picture that opened it."""
    await automate(hass, tmp_path, entry)
    camera = camera_of(entry)
    entry.runtime_data.provider = Down()
    await camera.restart()
    now_s = time.monotonic()
    camera.observe(ActivityState(active=True, since_s=now_s, received_s=now_s))
    for sequence in (2, 3):
        camera.receive(replace(fresh_frame(sequence), active=True))
    failed = asyncio.Event()
    camera.coordinator.listen(lambda: camera.coordinator.state.failure and failed.set())
    await failed.wait()
    await settle(hass)

    assert _said(told) == ["Something moves."]
    assert told[0].data["data"]["image"].startswith("/api/camera_narrator/event/")
