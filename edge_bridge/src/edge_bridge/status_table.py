"""The status file as a person reads it. Pure."""

from typing import Any

_COLUMNS = (
    "camera",
    "state",
    "source fps",
    "sent fps",
    "kB/s",
    "decode ms",
    "key s",
    "sampled",
    "waiting",
    "lost",
)


def table(status: dict[str, Any]) -> str:
    """Return the lines that ``edge-bridge status`` prints."""
    lines = [
        f"{status.get('name', '')}: {_link(status)}",
        _load(status),
        *_oddities(status),
    ]
    rows = [_row(camera) for camera in status.get("cameras", [])]
    if not rows:
        return "\n".join([*lines, "no cameras"])
    widths = [
        max(len(cells[column]) for cells in (_COLUMNS, *rows)) for column in range(len(_COLUMNS))
    ]
    lines += [
        "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
        for cells in (_COLUMNS, *rows)
    ]
    return "\n".join(lines)


def _link(status: dict[str, Any]) -> str:
    if status.get("connected"):
        return "connected to Home Assistant"
    return f"not connected ({status.get('problem') or 'connecting'})"


def _load(status: dict[str, Any]) -> str:
    memory_mb = status.get("memory_bytes", 0) / 2**20
    waiting_mb = status.get("waiting_bytes", 0) / 2**20
    return f"CPU {status.get('cpu_percent', 0):.1f} %, memory {memory_mb:.0f} MB, {waiting_mb:.1f} MB wait"


def _oddities(status: dict[str, Any]) -> list[str]:
    """Say what a newer or a stuck Home Assistant caused; nothing on an ordinary day."""
    named = {
        "dropped_replies": "replies dropped, for Home Assistant read too slowly",
        "unknown_messages": "messages of a newer Home Assistant ignored",
    }
    return [f"{count} {what}" for key, what in named.items() if (count := status.get(key, 0))]


def _row(camera: dict[str, Any]) -> tuple[str, ...]:
    counters = camera["counters"]
    error = camera.get("error")
    key_interval_s = camera.get("key_interval_s")
    return (
        camera["camera"],
        camera["state"] if error is None else f"{camera['state']}: {error['code']}",
        f"{camera['source_fps']:.1f}",
        f"{camera['sent_fps']:.2f}",
        f"{camera['bytes_per_s'] / 1000:.1f}",
        f"{camera['decode_ms']:.1f}",
        "-" if key_interval_s is None else f"{key_interval_s:.1f}",
        str(counters["sampled"]),
        str(counters["unacknowledged"]),
        str(counters["replaced"] + counters["overflowed"] + counters["withdrawn"]),
    )
