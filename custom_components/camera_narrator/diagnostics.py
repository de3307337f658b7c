"""What a bug report needs to know of a hub: settings, states and counters, without secrets and without pictures."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from homeassistant.components.diagnostics import REDACTED, async_redact_data
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceEntry

from . import const
from .bridge_link import BridgeLink
from .coordinator import NarratorConfigEntry
from .hub import Hub
from .hub_bridge import HubBridge
from .hub_camera import HubCamera
from .pipeline.models import CameraMemory
from .protocol.camera import CameraStatus
from .timeline import Timeline

SECRETS = {
    const.CONF_API_KEY,
    const.CONF_TOKEN_HASH,
    const.CONF_OLD_TOKEN_HASHES,
    const.CONF_USERNAME,
    const.CONF_PASSWORD,
}
ADDRESSES = (const.CONF_URL, const.CONF_BASE_URL, const.CONF_ADDRESS)
"""Of these only scheme and host remain: paths and queries of cameras carry passwords too."""

STREAM_ELSEWHERE = {"camera", "error", "counters"}
"""Of a bridge's status: told beside it."""


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: NarratorConfigEntry
) -> dict[str, Any]:
    """Return what is known of a hub."""
    hub = entry.runtime_data
    return {
        "entry": {"data": _public(entry.data), "options": _options(entry.options)},
        "hub": _hub(hub),
        "bridges": [_bridge(hub, bridge) for bridge in hub.bridges.values()],
        "cameras": [_camera(hub, camera) for camera in hub.cameras.values()],
    }


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: NarratorConfigEntry, device: DeviceEntry
) -> dict[str, Any]:
    """Return what is known of one bridge or camera, or of the hub itself."""
    hub = entry.runtime_data
    subentry_id = device.config_subentry_id or ""
    if subentry_id in hub.cameras:
        return {"hub": _hub(hub), "camera": _camera(hub, hub.cameras[subentry_id])}
    if subentry_id in hub.bridges:
        return {"hub": _hub(hub), "bridge": _bridge(hub, hub.bridges[subentry_id])}
    return await async_get_config_entry_diagnostics(hass, entry)


def _hub(hub: Hub) -> dict[str, Any]:
    return {
        "run_id": hub.run_id,
        "mqtt": {"waiting": hub.mqtt.waiting, "dropped": hub.mqtt.dropped},
        "timeline": _timeline(hub.timeline),
        "provider": hub.provider.name,
        "heartbeats": hub.provider.heartbeats,
        "state": _plain(asdict(hub.coordinator.state)),
        "servers": {_server(name): dict(facts) for name, facts in hub.memory.servers.items()},
        "limiter": {
            "held": hub.limiter.held_until_s is not None,
            "waiting": hub.limiter.waiting,
            "in_flight": hub.limiter.in_flight,
        },
        "fallback": _fallback(hub),
        "limits": {
            "terms": asdict(hub.limiter.terms),
            "standing": asdict(hub.limiter.standing()),
            "spent": asdict(hub.memory.spent),
            "requests_last_minute": hub.limiter.requests_last_minute,
            "requests_per_minute": hub.limiter.per_minute,
        },
    }


def _timeline(timeline: Timeline) -> dict[str, Any]:
    extent = timeline.extent
    return {
        "trouble": timeline.trouble,
        "waiting": timeline.waiting,
        "dropped": timeline.dropped,
        **asdict(timeline.counts),
        "extent": None if extent is None else asdict(extent),
    }


def _plain(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same with moments as text."""
    return {
        key: value.isoformat() if isinstance(value, datetime) else value
        for key, value in told.items()
    }


def _bridge(hub: Hub, bridge: HubBridge) -> dict[str, Any]:
    return {
        "settings": _subentry(hub.entry.subentries[bridge.subentry_id]),
        "state": asdict(bridge.coordinator.state),
        "received_bytes": bridge.received_bytes,
        "connection": None if bridge.link is None else _connection(bridge.link),
    }


def _connection(link: BridgeLink) -> dict[str, Any]:
    return {
        "garbage": link.garbage,
        "unknown": link.unknown,
        "round_trip_s": link.clock.round_trip_s,
    }


def _camera(hub: Hub, camera: HubCamera) -> dict[str, Any]:
    state = camera.coordinator.state
    return {
        "settings": _subentry(hub.entry.subentries[camera.subentry_id]),
        "defects": camera.defects,
        "facts_missed": camera.source.facts_missed,
        "buffered_bytes": camera.source.buffer.size_bytes,
        "connected": state.connected,
        "problem": state.problem,
        "active": state.active,
        "context": _context(camera.source.memory),
        "rules": {
            key: {"holds": one.holds, "votes": one.votes, "answered_wall_s": one.answered_wall_s}
            for key, one in state.rules.items()
        },
        "failure": None if state.failure is None else asdict(state.failure),
        "account": {**asdict(state.account), "lost": state.account.lost},
        "detector": camera.source.detects,
        "stream": None if state.stream is None else _stream(state.stream),
        "requests": state.requests,
        "tokens": state.tokens,
        "latency_s": state.latency_s,
    }


def _context(memory: CameraMemory) -> dict[str, Any]:
    """Return what is known of a camera, without what stands written in pictures."""
    return {
        "notes": [{"at_wall_s": at_wall_s, "text": text} for at_wall_s, text in memory.narratives],
        "ledger": [asdict(entry) for entry in memory.ledger],
        "audits": asdict(memory.drift),
    }


def _stream(status: CameraStatus) -> dict[str, Any]:
    """Return how a stream fares; its frames are in the account, its error is the problem."""
    told = asdict(replace(status, error=None))
    return {key: value for key, value in told.items() if key not in STREAM_ELSEWHERE}


def _subentry(subentry: ConfigSubentry) -> dict[str, Any]:
    return {"title": subentry.title, **_public(subentry.data)}


def _public(data: Mapping[str, Any]) -> dict[str, Any]:
    shown = async_redact_data(data, SECRETS)
    return {
        **shown,
        **{key: _host(shown[key]) for key in ADDRESSES if shown.get(key)},
    }


def _options(options: Mapping[str, Any]) -> dict[str, Any]:
    fallback = options.get(const.CONF_FALLBACK)
    return {**options, const.CONF_FALLBACK: None if fallback is None else _public(fallback)}


def _fallback(hub: Hub) -> dict[str, Any] | None:
    if (backup := hub.fallback.backup) is None:
        return None
    return {
        "provider": backup.provider.name,
        "terms": asdict(backup.limiter.terms),
        "standing": asdict(backup.limiter.standing()),
        "spent": asdict(hub.memory.fallback_spent),
    }


def _server(name: str) -> str:
    model, _, url = name.rpartition("@")
    return f"{model}@{_host(url)}"


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.hostname}" if parts.hostname else REDACTED
    except ValueError:
        return REDACTED
