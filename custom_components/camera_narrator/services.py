"""The actions: what does a camera show, what did it show, and what is kept of the past?"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

from .ask import ASK_CHARS, LONGEST_S, SHORTEST_S, ask
from .const import DOMAIN
from .entity import describe
from .pipeline.models import Narrative
from .pipeline.prompt import QUESTION_CHARS
from .pipeline.vocabulary import Label
from .publisher import narrative_json
from .targets import permitted, targeted
from .timeline import Timeline, TimelineAwayError
from .timeline_json import event_json
from .timeline_record import PastEvent, Query

if TYPE_CHECKING:
    from .hub_camera import HubCamera

SERVICE_DESCRIBE: Final = "describe"
SERVICE_ASK: Final = "ask"
SERVICE_TIMELINE: Final = "timeline"
ATTR_PROMPT: Final = "prompt"
ATTR_QUESTION: Final = "question"
ATTR_LAST: Final = "last"
ATTR_FROM: Final = "from"
ATTR_TO: Final = "to"
ATTR_LABELS: Final = "labels"
ATTR_TEXT: Final = "text"
ATTR_LIMIT: Final = "limit"
ATTR_DETAILS: Final = "details"

LAST: Final = timedelta(minutes=1)
"""Within the buffer, so that pictures of all of it are there."""
TEXT_CHARS: Final = 100
LIMIT: Final = 100
LIMIT_MOST: Final = 1000
"""Of a month of a lively camera; a template that holds more becomes slow."""

DESCRIBE_SCHEMA: Final = cv.make_entity_service_schema(
    {vol.Optional(ATTR_PROMPT): vol.All(cv.string, vol.Length(min=1, max=QUESTION_CHARS))}
)
ASK_SCHEMA: Final = cv.make_entity_service_schema(
    {
        vol.Required(ATTR_QUESTION): vol.All(cv.string, vol.Length(min=1, max=ASK_CHARS)),
        vol.Optional(ATTR_LAST, default=LAST): vol.All(
            cv.positive_time_period,
            vol.Range(min=timedelta(seconds=SHORTEST_S), max=timedelta(seconds=LONGEST_S)),
        ),
    }
)
TIMELINE_SCHEMA: Final = vol.Schema(
    {
        **{vol.Optional(str(key)): value for key, value in cv.TARGET_SERVICE_FIELDS.items()},
        vol.Optional(ATTR_FROM): cv.datetime,
        vol.Optional(ATTR_TO): cv.datetime,
        vol.Optional(ATTR_LABELS, default=list): vol.All(
            cv.ensure_list, [vol.All(cv.string, vol.In([label.value for label in Label]))]
        ),
        vol.Optional(ATTR_TEXT, default=""): vol.All(cv.string, vol.Length(max=TEXT_CHARS)),
        vol.Optional(ATTR_LIMIT, default=LIMIT): vol.All(
            vol.Coerce(int), vol.Range(min=1, max=LIMIT_MOST)
        ),
        vol.Optional(ATTR_DETAILS, default=False): cv.boolean,
    }
)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions, whether or not a hub is loaded."""
    for name, action, schema, response in (
        (SERVICE_DESCRIBE, _describe, DESCRIBE_SCHEMA, SupportsResponse.OPTIONAL),
        (SERVICE_ASK, _ask, ASK_SCHEMA, SupportsResponse.ONLY),
        (SERVICE_TIMELINE, _timeline, TIMELINE_SCHEMA, SupportsResponse.ONLY),
    ):
        hass.services.async_register(DOMAIN, name, action, schema, supports_response=response)


async def _describe(call: ServiceCall) -> ServiceResponse:
    """Describe the targeted cameras, all at once; a camera whose stream is away fails, it is not skipped.

    That is why this is not Home Assistant's entity service, which leaves out what is not available.
    """
    cameras = await targeted(call)
    prompt = call.data.get(ATTR_PROMPT)
    narratives = await _all(cameras, (describe(camera, prompt) for camera in cameras.values()))
    if not call.return_response:
        if prompt is not None:  # without a question the answer is the camera's sentence already
            for entity_id, narrative in narratives.items():
                cameras[entity_id].narrate(narrative)
        return None
    return {entity_id: _answer(narrative, "text") for entity_id, narrative in narratives.items()}


async def _ask(call: ServiceCall) -> ServiceResponse:
    """Ask the targeted cameras about their last seconds or minutes, all at once."""
    cameras = await targeted(call)
    question, last = call.data[ATTR_QUESTION], call.data[ATTR_LAST]
    narratives = await _all(
        cameras, (ask(camera, question, last.total_seconds()) for camera in cameras.values())
    )
    return {entity_id: _answer(narrative, "answer") for entity_id, narrative in narratives.items()}


async def _timeline(call: ServiceCall) -> ServiceResponse:
    """Return the stored events of the targeted cameras, newest first; without a target of all there are."""
    named = any(call.data.get(key) for key in map(str, cv.TARGET_SERVICE_FIELDS))
    cameras = await (targeted(call) if named else permitted(call))
    now = dt_util.utcnow()
    limit, details = call.data[ATTR_LIMIT], call.data[ATTR_DETAILS]
    to_wall_s = _wall_s(call.data.get(ATTR_TO), now)
    hubs: dict[Timeline, list[HubCamera]] = defaultdict(list)
    for camera in cameras.values():
        hubs[camera.hub.timeline].append(camera)
    found: list[PastEvent] = []
    for timeline, members in hubs.items():
        query = Query(
            cameras=tuple(camera.subentry_id for camera in members),
            from_wall_s=_wall_s(call.data.get(ATTR_FROM), now - timedelta(days=1)),
            to_wall_s=to_wall_s,
            labels=frozenset(map(Label, call.data[ATTR_LABELS])),
            text=call.data[ATTR_TEXT],
            limit=limit + 1,
            details=details,
        )
        found += await _read(timeline, query)
    found.sort(key=lambda event: event.from_wall_s, reverse=True)
    views = {camera.subentry_id: (camera.key, view) for view, camera in cameras.items()}
    return {
        "events": [
            event_json(
                event, camera=views[event.camera][0], view=views[event.camera][1], details=details
            )
            for event in found[:limit]
        ],
        "more": len(found) > limit,
    }


async def _read(timeline: Timeline, query: Query) -> list[PastEvent]:
    try:
        return await timeline.events(query)
    except TimelineAwayError as error:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="timeline_away",
            translation_placeholders={"message": str(error)},
        ) from error


async def _all(
    cameras: Iterable[str], asking: Iterable[Awaitable[Narrative]]
) -> dict[str, Narrative]:
    """Return all answers; raise the first error once every camera is through."""
    answers = await asyncio.gather(*asking, return_exceptions=True)
    narratives: dict[str, Narrative] = {}
    for entity_id, answer in zip(cameras, answers, strict=True):
        if isinstance(answer, BaseException):
            raise answer
        narratives[entity_id] = answer
    return narratives


def _answer(narrative: Narrative, name: str) -> dict[str, Any]:
    """Return what an action responds for one camera."""
    told = narrative_json(narrative)
    return {
        name: told["text"],
        **{key: told[key] for key in ("from", "to", "provider", "frames")},
    }


def _wall_s(given: datetime | None, otherwise: datetime) -> float:
    """Return a moment that was given, in Home Assistant's time zone where it names none."""
    return (dt_util.as_utc(given) if given is not None else otherwise).timestamp()
