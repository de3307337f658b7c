"""A visit on its whole way: from the lens to the sentence, through every process there is."""

from datetime import datetime

import pytest

from custom_components.camera_narrator.const import DOMAIN
from rigs.home_assistant_socket import Json
from rigs.model_answer import Pace
from rigs.model_request import out_of_order
from tests.end_to_end.accounts import lost
from tests.end_to_end.house import NUMBERS, House
from tests.end_to_end.told import of_event

pytestmark = pytest.mark.asyncio(loop_scope="session")

CAMERA = "front"
SLOW_S = 2.0
"""To the model's first word."""
FRESH_MS = 5_000
"""Age of the newest picture when its request arrives, on a busy machine."""


@pytest.mark.timeout(300)
async def test_a_visit_is_told_from_the_lens_to_the_sentence(house: House) -> None:
    """One visit, one id: at once on MQTT and the bus, in words when the slow model has them, to its end."""
    house.model.pace = Pace(first_token_s=SLOW_S)
    async with house.visit(CAMERA):
        started = await house.event(CAMERA, "started")
        updated = await house.event(CAMERA, "updated")
        words = await house.words(CAMERA)
        await house.pictures(CAMERA, 20)
    ended = await house.event(CAMERA, "ended")
    house.model.pace = Pace()
    # -- the model got fresh pictures in order
    requests = house.requests(CAMERA)
    assert len(requests) >= 2
    for request in requests:
        assert request.outcome == "answered"
        assert len(request.codes) == len(request.pictures)
        assert not out_of_order(request)
        assert request.pictures[-1].age_ms is not None
        assert 0 <= request.pictures[-1].age_ms < FRESH_MS
    # -- the event came before the words, and is one
    assert started.at_s < requests[0].arrived_s + SLOW_S < updated.at_s
    phases = [told.data for told in house.told.since(0, of_event(CAMERA))]
    assert [data["phase"] for data in phases][:2] == ["started", "updated"]
    assert phases[-1] == ended.data
    assert {data["id"] for data in phases} == {started.data["id"]}
    assert words.data["event"] == started.data["id"]
    # -- it says what was to be seen, and when
    (truth,) = (await house.truth(CAMERA))["visits"]
    assert started.data["narrative"] is None
    assert ended.data["narrative"].startswith("The striped visitor of visit 1 has left")
    assert ended.data["labels"] == ["person"]
    assert (ended.data["verdict"], ended.data["reason"]) == ("subject", "gone")
    assert abs(_ms(ended.data["from"]) - truth["started_ms"]) < 3_000
    assert -1_000 < _ms(ended.data["to"]) - truth["ended_ms"] < 15_000
    # -- and Home Assistant shows and fires the same
    sensor = await house.state(CAMERA, "narrative", ended.data["narrative"])
    assert sensor["attributes"]["event_id"] == started.data["id"]
    await house.writes(
        CAMERA, "event", lambda states: bool(states) and _type(states[-1]) == "ended"
    )
    types = [_type(state) for state in house.written(CAMERA, "event")]
    assert [kind for kind in types if kind] == ["started", "person", "ended"]
    await house.fired(CAMERA, "ended")
    fired = [event["data"] for event in house.bus.entries if event["data"]["camera"] == CAMERA]
    assert [{**event, "device_id": None} for event in fired] == [
        {**data, "device_id": None} for data in phases
    ]
    assert all(event["device_id"] for event in fired)
    await _is_kept(house, phases)


@pytest.mark.timeout(300)
async def test_every_frame_is_accounted_for_after_the_last_status(house: House) -> None:
    """A bridge that ends in good order leaves accounts that add up, without a frame lost."""
    await house.stop_bridge()
    accounts = await house.accounts()
    assert accounts.keys() == NUMBERS.keys()
    assert all(account["sampled"] > 0 for account in accounts.values())
    assert [lost(account) for account in accounts.values()] == [0] * len(NUMBERS)
    assert accounts[CAMERA]["outcomes"]["analysed"] > 0
    await house.start_bridge()
    await house.state(CAMERA, "connected", "on")


def _type(state: Json) -> str | None:
    kind: str | None = state["attributes"].get("event_type")
    return kind


async def _is_kept(house: House, phases: list[Json]) -> None:
    """The timeline has the visit as it was told, its looks and its picture; and it can be asked about."""
    target = {"entity_id": house.entity(CAMERA, "narrative")}
    past = await house.client.call(DOMAIN, "timeline", {**target, "details": True}, response=True)
    (kept,) = [one for one in past["events"] if one["id"] == phases[0]["id"]]
    assert kept["narrative"] == phases[-1]["narrative"]
    assert (kept["labels"], kept["reason"], kept["ended"]) == (["person"], "gone", True)
    assert [phase["phase"] for phase in kept["phases"]] == [data["phase"] for data in phases]
    assert len(kept["looks"]) >= 2
    assert all(look["input_tokens"] for look in kept["looks"])
    assert (await house.client.picture(kept["picture"])).startswith(b"\xff\xd8")
    question = {**target, "question": "Who was it?", "last": 90}
    (told,) = (await house.client.call(DOMAIN, "ask", question, response=True)).values()
    assert told["answer"]
    assert told["frames"] >= 5


def _ms(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() * 1000
