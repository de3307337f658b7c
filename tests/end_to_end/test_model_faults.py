"""A model server that refuses, breaks off, hangs or goes away: events on time, and words for the gap."""

import pytest

from rigs.model_faults import Fault, FaultKind
from rigs.model_request import shown_twice
from tests.end_to_end.house import API_KEY, NUMBERS, House

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.timeout(300)
async def test_words_fill_the_gap_after_refused_cut_and_half_answers(house: House) -> None:
    """429 is waited for as told, a cut stream and half a JSON are asked again; the sensor says which it was."""
    camera = "yard"
    number = NUMBERS[camera]
    since, asked, states = len(house.told), len(house.model.requests), len(house.states)
    house.model.script.add(
        Fault.rate_limited(camera=number, retry_after="2"),
        Fault(kind=FaultKind.CUT, camera=number, tokens=3),
        Fault(kind=FaultKind.HALF_JSON, camera=number),
    )
    async with house.visit(camera):
        started = await house.event(camera, "started", since=since)
        updated = await house.event(camera, "updated", since=since)
        words = await house.words(camera, "visit 1", since=since)
        await house.state(camera, "last_error", "none")
    refused, cut, half, told = await house.asked(camera, 4, since=asked)
    assert [r.outcome for r in (refused, cut, half, told)] == [
        "status 429",
        "cut",
        "half_json",
        "answered",
    ]
    assert cut.arrived_s - refused.arrived_s >= 2.0
    # The event was told before the model was asked again, and did not wait for it.
    assert started.at_s < cut.arrived_s
    assert words.data["event"] == updated.data["id"] == started.data["id"]
    assert words.data["text"].startswith(updated.data["narrative"])
    # The accepted request shows the visit from where the failed ones did, and up to now.
    assert told.codes[0].sequence <= refused.codes[0].sequence
    assert told.codes[-1].sequence > half.codes[-1].sequence
    assert not shown_twice(house.stories)
    told_errors = await house.writes(
        camera,
        "last_error",
        lambda states: [state["state"] for state in states][-1:] == ["none"],
        since=states,
    )
    errors = [state["state"] for state in told_errors]
    assert errors[0] == "rate_limited"
    assert "bad_answer" in errors
    assert errors[-1] == "none"


@pytest.mark.timeout(300)
async def test_events_do_not_wait_for_a_server_that_hangs_and_goes(house: House) -> None:
    """While a request hangs for a minute the visit starts; with the server gone the sensor says so, until it is back."""
    camera = "garden"
    since, asked = len(house.told), len(house.model.requests)
    house.model.script.add(Fault(kind=FaultKind.HANG, camera=NUMBERS[camera], seconds=60))
    async with house.visit(camera):
        started = await house.event(camera, "started", since=since)
        (hanging,) = await house.asked(camera, 1, since=asked)
        await house.model.stop()
        await house.state(camera, "last_error", "unreachable")
        await house.state("", "provider_problem", "on", fault="unreachable")
        await house.model.start()
        updated = await house.event(camera, "updated", since=since)
        await house.state(camera, "last_error", "none")
        await house.state("", "provider_problem", "off")
    assert updated.data["id"] == started.data["id"]
    assert hanging.outcome == "hang"
    told = next(r for r in house.requests(camera, since=asked) if r.outcome == "answered")
    assert told.codes[0].sequence <= hanging.codes[0].sequence
    assert not shown_twice(house.stories)


@pytest.mark.timeout(300)
async def test_a_refused_key_is_asked_for_anew_and_the_new_one_brings_words(house: House) -> None:
    """401 opens the dialog for another key by itself; the visit goes on, and gets its words with the new key."""
    camera = "drive"
    since = len(house.told)
    house.model.api_key = "another key"
    async with house.visit(camera):
        started = await house.event(camera, "started", since=since)
        await house.state(camera, "last_error", "unauthorized")
        flow = await house.reauth()
        assert flow.step == "reauth_confirm"
        await flow.submit(api_key=API_KEY)
        await flow.wait()
        assert flow.errors == {"api_key": "invalid_auth"}
        await flow.submit(api_key="another key")
        await flow.wait()
        assert (flow.kind, flow.step) == ("abort", "reauth_successful")
        updated = await house.event(camera, "updated", since=since)
        await house.state(camera, "last_error", "none")
    assert updated.data["id"] == started.data["id"]
