"""Delays in a real house: from the first picture that shows somebody to activity, event, request and words."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
import json
from typing import Final

from rigs.bench.figure import Figure, percentile
from rigs.bench.household import Household
from rigs.model_request import ModelRequest
from rigs.mqtt_listener import Message

_CAMERAS: Final = 4
_LEARN_S: Final = 12.0
"""The bridge learns how the quiet scene looks."""
_VISIT_S: Final = 6.0
_APART_S: Final = 2.3
"""Between the cameras' onsets: what all at once take is another question."""
_BETWEEN_S: Final = 30.0
"""20 s of quiet end an event."""
_WITHIN_MS: Final = 15_000.0
"""What is not told by then was missed, and counts so much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """One number per visit, missed ones included."""

    activity_ms: list[float]
    started_ms: list[float]
    words_ms: list[float]
    request_ms: list[float]
    """From the activity at the broker to the request at the server."""
    state_ms: list[float]
    """From the end of the model's answer to its words at the broker."""
    connections: int
    """That the bridge has opened to Home Assistant."""


async def delays(*, rounds: int, say: Callable[[str], None], first_token_s: float = 0.5) -> Delays:
    """Live through some rounds of visits; a quick model leaves the limiter free."""
    say("a real house moves in")
    async with Household(_CAMERAS, first_token_s=first_token_s) as house:
        say(f"{rounds} rounds of {_CAMERAS} visits")
        await asyncio.sleep(_LEARN_S)
        for number in range(rounds):
            if number:
                await asyncio.sleep(_BETWEEN_S)
            async with asyncio.TaskGroup() as group:
                for name in house.names:
                    group.create_task(house.visit(name, _VISIT_S))
                    await asyncio.sleep(_APART_S)
        await asyncio.sleep(_LEARN_S)
        return await _of(house)


def figures(lived: Delays) -> list[Figure]:
    """Return them as figures."""
    how = "real processes, RTSP 25 pictures a second, GOP 25, MQTT; "
    first = how + "first picture drawn with the visitor → "
    return [
        Figure(
            name=f"narration.{name}.p95", value=percentile(values, 0.95), n=len(values), how=text
        )
        for name, values, text in (
            ("capture_to_activity_ms", lived.activity_ms, first + "activity ON"),
            ("capture_to_started_ms", lived.started_ms, first + "`started`"),
            (
                "activity_to_request_ms",
                lived.request_ms,
                how + "activity ON → request at the server",
            ),
            ("field_to_state_ms", lived.state_ms, how + "last token → `updated`"),
        )
    ]


async def _of(house: Household) -> Delays:
    told = Delays(
        activity_ms=[],
        started_ms=[],
        words_ms=[],
        request_ms=[],
        state_ms=[],
        connections=house.link.connections,
    )
    cameras = (await house.simulator.status())["cameras"]
    for name in house.names:
        on = [one for one in house.told(name, "activity") if one.text == "ON"]
        events = house.told(name, "event")
        started = [one for one in events if one.json()["phase"] == "started"]
        words = [one for one in events if one.json()["narrative"]]
        for visit in cameras[name]["visits"]:
            since_ms = float(visit["started_ms"])
            told.activity_ms.append(_after(since_ms, on))
            told.started_ms.append(_after(since_ms, started))
            told.words_ms.append(_after(since_ms, words))
        requests = [
            one
            for one in house.model.requests
            if house.number(name) in {code.camera for code in one.codes}
        ]
        for message in on:
            arrived = [
                one.arrived_s for one in requests if one.arrived_s >= message.received_s - 0.1
            ]
            if arrived:
                told.request_ms.append(max(0.0, 1000 * (min(arrived) - message.received_s)))
        for request in requests:
            told.state_ms.extend(_to_state(request, events))
    return told


def _to_state(request: ModelRequest, events: Sequence[Message]) -> list[float]:
    """Return how long the last token took to be words at the broker; nothing where it brought none."""
    if request.outcome != "answered" or request.finished_s is None or request.schema is None:
        return []
    narrative = (json.loads(request.answer).get("story") or {}).get("narrative")
    told_s = [
        one.received_s
        for one in events
        # The server notes the end of its answer a moment after it has written it.
        if one.received_s >= request.finished_s - 0.5 and one.json()["narrative"] == narrative
    ]
    return [max(0.0, 1000 * (min(told_s) - request.finished_s))] if narrative and told_s else []


def _after(since_ms: float, messages: Sequence[Message]) -> float:
    """Return the delay of the first message after a moment; what was missed took as long as was waited for."""
    waits = (one.received_wall_s * 1000 - since_ms for one in messages)
    return min((wait for wait in waits if 0 <= wait < _WITHIN_MS), default=_WITHIN_MS)
