"""The story as it arrives on MQTT: one line a message, and what the balance needs of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
import json
from typing import Any

from rigs.mqtt_listener import Message


@dataclass(slots=True)
class Story:
    """Collects what arrived; every message is kept as it came."""

    prefix: str
    events: list[dict[str, Any]] = field(default_factory=list)
    narratives: list[dict[str, Any]] = field(default_factory=list)
    states: list[dict[str, Any]] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    @property
    def complete(self) -> bool:
        """Whether a visit was told from start to end, in words."""
        phases = {event["phase"] for event in self.events}
        return {"started", "ended"} <= phases and bool(self.narratives)

    def take(self, message: Message) -> str | None:
        """Keep a message; return its line, or None for one that says nothing new."""
        topic, payload, arrived = message.topic, message.text, message.received_wall_s
        camera, _, kind = topic.removeprefix(f"{self.prefix}/").rpartition("/")
        match kind:
            case "event":
                event = json.loads(payload)
                self.events.append({**event, "arrived": arrived})
                return _event_line(event, arrived)
            case "narrative":
                narrative = json.loads(payload)
                self.narratives.append({**narrative, "arrived": arrived})
                return None if narrative["event"] else _narrative_line(narrative, arrived)
            case "activity" | "connected" if camera and not message.retained:
                self.states.append(
                    {"camera": camera, "kind": kind, "state": payload, "arrived": arrived}
                )
                return self._state_line(camera, kind, payload)
        return None

    def _state_line(self, camera: str, kind: str, state: str) -> str | None:
        """Tell that a camera went away or came back; before the first time there is nothing to tell."""
        if kind != "connected":
            return None
        known = camera in self._seen
        if state == "ON":
            self._seen.add(camera)
        if not known:
            return None
        return _line(0, "camera back" if state == "ON" else "camera away", "", camera)

    def latencies_s(self) -> dict[str, list[float]]:
        """Return the seconds from the capture of the newest picture to the message, by kind."""
        return {
            "started": [
                _age(event, event["arrived"])
                for event in self.events
                if event["phase"] == "started"
            ],
            "narrative": [_age(narrative, narrative["arrived"]) for narrative in self.narratives],
        }


def _event_line(event: Mapping[str, Any], arrived: float) -> str:
    words = event["narrative"] or "(no words yet)"
    if event["phase"] == "ended":
        words = f"{words}  [{event['reason']}]"
    if event.get("late"):
        words = f"{words}  [told after an outage]"
    by = f" · by {event['provider']}" if event.get("provider") else ""
    return _line(_age(event, arrived), event["phase"], event["id"], f"{words}  {_span(event)}{by}")


def _narrative_line(narrative: Mapping[str, Any], arrived: float) -> str:
    words = f"{narrative['text']}  {_span(narrative)} · by {narrative['provider']}"
    return _line(_age(narrative, arrived), "sentence", "", words)


def _span(message: Mapping[str, Any]) -> str:
    start, end = _time(message["from"]), _time(message["to"])
    return f"· {start:%H:%M:%S}-{end:%H:%M:%S} · {message['frames']} frames"


def _line(age_s: float, what: str, event_id: str, text: str) -> str:
    age = f"+{age_s:6.2f} s" if age_s else " " * 9
    return f"{age}  {what:<18} {event_id[-6:]:<6}  {text}"


def _age(message: Mapping[str, Any], arrived: float) -> float:
    return arrived - _time(message["to"]).timestamp()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone()
