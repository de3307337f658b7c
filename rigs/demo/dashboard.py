"""The demo's dashboard: standard cards, the live picture first."""

from collections.abc import Mapping, Sequence
from typing import Any

URL_PATH = "camera-narrator"
TITLE = "Camera Narrator"


def config(cameras: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Return the dashboard; each camera maps a key of the integration's entities to its entity id, and `title`."""
    return {"title": TITLE, "views": [{"title": TITLE, "type": "sections", "max_columns": 3, "sections": _sections(cameras)}]}


def _sections(cameras: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    return [{"type": "grid", "cards": _cards(camera)} for camera in cameras]


def _cards(camera: Mapping[str, str]) -> list[dict[str, Any]]:
    narrative = camera["narrative"]
    return [
        {"type": "heading", "heading": camera["title"], "icon": "mdi:cctv"},
        {
            "type": "picture-entity",
            "entity": camera["live"],
            "camera_view": "live",
            "show_name": False,
            "show_state": False,
            "grid_options": {"columns": "full"},
        },
        {"type": "markdown", "content": _sentence(narrative), "grid_options": {"columns": "full"}},
        {
            "type": "logbook",
            "target": {"entity_id": [camera["event"], camera["activity"], narrative]},
            "hours_to_show": 1,
            "grid_options": {"columns": "full", "rows": 5},
        },
        *(
            {"type": "tile", "entity": camera[key], "grid_options": {"columns": 6}}
            for key in ("activity", "connected", "latency", "requests", "analysed", "frame_rate", "lost")
            if key in camera
        ),
    ]


def _sentence(narrative: str) -> str:
    start = f"state_attr('{narrative}', 'from')"
    end = f"state_attr('{narrative}', 'to')"
    return (
        f"### {{{{ states('{narrative}') }}}}\n"
        f"{{% if {start} %}}{{{{ as_timestamp({start}) | timestamp_custom('%H:%M:%S') }}}} to "
        f"{{{{ as_timestamp({end}) | timestamp_custom('%H:%M:%S') }}}}, "
        f"{{{{ state_attr('{narrative}', 'frames') }}}} pictures, "
        f"words by {{{{ state_attr('{narrative}', 'provider') }}}}{{% endif %}}"
    )
