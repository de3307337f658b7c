"""Stored events as the JSON of the action `timeline`: the keys of the bus event, where they mean the same."""

from typing import Any

from .event_picture import EventPictureView
from .publisher import utc
from .timeline_record import PastEvent, PastLook, PastPhase


def event_json(event: PastEvent, *, camera: str, view: str, details: bool) -> dict[str, Any]:
    """Return an event; ``camera`` is its key, ``view`` the entity that names it."""
    told: dict[str, Any] = {
        "id": event.id,
        "camera": camera,
        "entity_id": view,
        "labels": list(event.labels),
        "verdict": event.verdict,
        "threat_level": event.threat_level,
        "rule": event.rule,
        "narrative": event.narrative,
        "from": utc(event.from_wall_s),
        "to": utc(event.to_wall_s),
        "ended": event.ended,
        "origin": event.origin,
        "reason": event.reason,
        "continues": event.continues,
        "late": event.late,
        "frames": event.frames,
        "provider": event.provider,
        "picture": EventPictureView.url.format(event=event.id) if event.picture else None,
    }
    if details:
        told["phases"] = [_phase(phase) for phase in event.phases]
        told["looks"] = [_look(look) for look in event.looks]
    return told


def _phase(phase: PastPhase) -> dict[str, Any]:
    return {
        "at": utc(phase.at_wall_s),
        "phase": phase.phase,
        "labels": list(phase.labels),
        "narrative": phase.narrative,
        "closed": phase.closed,
    }


def _look(look: PastLook) -> dict[str, Any]:
    return {
        "at": utc(look.at_wall_s),
        "look": look.look,
        "frames": look.frames,
        "provider": look.provider,
        "labels": list(look.labels),
        "narrative": look.narrative or None,
        "input_tokens": look.input_tokens,
        "output_tokens": look.output_tokens,
    }
