"""What MQTT is told of a bridge, from its status: a payload for each topic. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
import re
from typing import Any, Final
import unicodedata

from .protocol.vocabulary import ErrorCode

STATUS: Final = "status"
"""The topic of the bridge itself, beside those of its cameras."""
SUFFIX_CHARACTERS: Final = 6
"""Of the bridge's id, where two bridges have one name: a house has few enough of them."""

_FIGURES: Final = (
    "source_fps",
    "sent_fps",
    "bytes_per_s",
    "key_interval_s",
    "age_ms",
    "cpu_ms_per_s",
    "skipped",
)
_FACTS: Final = ("codec", "width", "height", "mode", "pacing_step", "pacing_reason")
_WILD: Final = re.compile(r"[+#/\x00]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The retained message of one topic."""

    payload: Mapping[str, Any]
    facts: tuple[Any, ...]
    """A change of these is told at once, one of the figures with the next refresh."""


def place(name: str, bridge_id: str, *, numbered: bool) -> str:
    """Return a bridge's level of the topics: its name as a slug, with a part of its id where that is taken."""
    plain = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or "bridge"
    return f"{slug}_{bridge_id[:SUFFIX_CHARACTERS]}" if numbered else slug


def usable(prefix: str) -> bool:
    """Return whether topics may begin so."""
    return bool(prefix) and not re.search(r"[+#\x00]", prefix) and prefix[0] not in "/$"


def report(bridge_id: str, status: Mapping[str, Any]) -> dict[str, Told]:
    """Return what is told on each topic below the bridge's own, from its status."""
    cameras = [
        camera
        for camera in status.get("cameras", ())
        if _code(camera) != ErrorCode.WITHDRAWN
        and camera["camera"] != STATUS
        and not _WILD.search(camera["camera"])
    ]
    told = {camera["camera"]: _of_camera(camera) for camera in cameras}
    return {STATUS: _of_bridge(bridge_id, status, cameras), **told}


def offline(bridge_id: str, name: str) -> dict[str, Any]:
    """Return the last will of a bridge."""
    return {"online": False, "bridge": bridge_id, "name": name}


def _of_bridge(bridge_id: str, status: Mapping[str, Any], cameras: list[Mapping[str, Any]]) -> Told:
    states = [camera["state"] for camera in cameras]
    facts = {
        "name": status.get("name", ""),
        "version": status.get("version", ""),
        "connected": status.get("connected", False),
        "problem": status.get("problem"),
        "cameras": len(states),
        "streaming": states.count("streaming"),
        "connecting": states.count("connecting"),
        "failed": states.count("failed"),
    }
    figures = {
        key: status.get(key, 0)
        for key in ("cpu_percent", "memory_bytes", "waiting_bytes", "uptime_s")
    }
    return Told(
        payload={"online": True, "bridge": bridge_id, **facts, **figures},
        facts=tuple(facts.values()),
    )


def _of_camera(camera: Mapping[str, Any]) -> Told:
    facts = {
        "state": camera["state"],
        "code": _code(camera),
        **{key: camera.get(key) for key in _FACTS},
    }
    figures = {key: camera.get(key) for key in _FIGURES}
    return Told(
        payload={**facts, **figures, "frames": dict(camera.get("counters", {}))},
        facts=tuple(facts.values()),
    )


def _code(camera: Mapping[str, Any]) -> str | None:
    error = camera.get("error")
    return None if error is None else str(error["code"])
