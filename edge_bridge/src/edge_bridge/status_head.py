"""What a bridge's status says of the bridge itself: its link, its load, its broker and its detector. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from .terminal_text import count, size, span


def head(status: Mapping[str, Any]) -> list[str]:
    """Return the lines above the table of cameras."""
    return [
        f"{status.get('name', '')}: {_link(status)}",
        _load(status),
        *_broker(status),
        *_detector(status),
        *_oddities(status),
    ]


def _link(status: Mapping[str, Any]) -> str:
    if status.get("connected"):
        return "connected to Home Assistant"
    return f"not connected to Home Assistant ({status.get('problem') or 'connecting'})"


def _load(status: Mapping[str, Any]) -> str:
    parts = [_census(status.get("cameras", ()))]
    if (uptime_s := status.get("uptime_s")) is not None:
        parts.append(f"up {span(uptime_s)}")
    parts += [
        f"CPU {status.get('cpu_percent', 0):.0f} % of a core",
        f"memory {size(status.get('memory_bytes', 0))}",
        f"{size(status.get('waiting_bytes', 0))} of pictures wait",
    ]
    return ", ".join(parts)


def _census(cameras: Iterable[Mapping[str, Any]]) -> str:
    states = [camera["state"] for camera in cameras]
    troubled = [
        f"{states.count(state)} {state}" for state in ("connecting", "failed") if state in states
    ]
    total = "1 camera" if len(states) == 1 else f"{len(states)} cameras"
    return f"{total} ({', '.join(troubled)})" if troubled else total


def _broker(status: Mapping[str, Any]) -> list[str]:
    mqtt = status.get("mqtt")
    if mqtt is None:
        return []
    if mqtt.get("connected"):
        return [f"MQTT: {mqtt['broker']}, topics under {mqtt['topic']}"]
    return [f"MQTT: {mqtt['broker']} not connected ({mqtt.get('problem') or 'connecting'})"]


def _detector(status: Mapping[str, Any]) -> list[str]:
    told = status.get("detector")
    if told is None:
        return []
    if told.get("problem"):
        return [f"detector: not in use, {told['problem']}"]
    looks, skipped = told.get("looks", 0), told.get("skipped", 0)
    if not looks:
        return ["detector: in use, nothing to look at yet"]
    passed = f", {count(skipped)} given up for lack of time" if skipped else ""
    return [f"detector: {count(looks)} looks of {told.get('look_ms', 0):.0f} ms{passed}"]


def _oddities(status: Mapping[str, Any]) -> list[str]:
    """Say what a newer or a stuck Home Assistant caused; nothing on an ordinary day."""
    named = {
        "dropped_replies": "replies dropped, for Home Assistant read too slowly",
        "unknown_messages": "messages of a newer Home Assistant ignored",
    }
    return [f"{number} {what}" for key, what in named.items() if (number := status.get(key, 0))]
