"""The demo's dashboard: standard cards, the live picture first."""

from collections.abc import Mapping, Sequence
from typing import Any

URL_PATH = "camera-narrator"
TITLE = "Camera Narrator"

type Entities = Mapping[str, str]
"""Entity ids by platform and key, such as `sensor.narrative`."""


def config(registry: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> dict[str, Any]:
    """Return the dashboard of one hub: its entities as registered, and its subentries' titles by id."""
    devices: dict[str, dict[str, str]] = {}
    for entity in registry:
        subentry = entity["config_subentry_id"]
        if subentry in titles and not entity["disabled_by"]:
            key = entity["unique_id"].removeprefix(f"{subentry}_")
            named = f"{entity['entity_id'].partition('.')[0]}.{key}"
            devices.setdefault(subentry, {})[named] = entity["entity_id"]
    bridges = [found for found in devices.values() if "sensor.cpu" in found]
    sections = [
        _camera(titles[subentry], found, bridges[0] if bridges else {})
        for subentry, found in devices.items()
        if "sensor.narrative" in found
    ]
    view = {"title": TITLE, "type": "sections", "max_columns": 2, "sections": sections}
    return {"title": TITLE, "views": [view]}


def _camera(title: str, camera: Entities, bridge: Entities) -> dict[str, Any]:
    narrative = camera["sensor.narrative"]
    shown = [narrative, camera["event.event"], camera["binary_sensor.activity"]]
    return {
        "type": "grid",
        "cards": [
            {"type": "heading", "heading": title, "icon": "mdi:cctv"},
            {
                "type": "picture-entity",
                "entity": camera["camera.live"],
                "camera_view": "live",
                "show_name": False,
                "show_state": False,
                "grid_options": {"columns": "full"},
            },
            _wide({"type": "markdown", "content": _sentence(narrative)}),
            _attribute(narrative, "latency", "From lens to words", "s"),
            _attribute(narrative, "seconds", "Span of the sentence", "s"),
            _attribute(narrative, "frames", "Pictures behind it", ""),
            *(
                {"type": "tile", "entity": bridge[key], "grid_options": {"columns": 6}}
                for key in ("sensor.cpu", "sensor.memory")
                if key in bridge
            ),
            {"type": "tile", "entity": camera["binary_sensor.activity"]},
            {"type": "tile", "entity": camera["binary_sensor.connected"]},
            _wide({"type": "logbook", "target": {"entity_id": shown}, "hours_to_show": 1}),
        ],
    }


def _wide(card: dict[str, Any]) -> dict[str, Any]:
    return {**card, "grid_options": {"columns": "full"}}


def _attribute(entity: str, attribute: str, name: str, unit: str) -> dict[str, Any]:
    return {
        "type": "entity",
        "entity": entity,
        "attribute": attribute,
        "name": name,
        "unit": unit,
        "grid_options": {"columns": 4},
    }


def _sentence(narrative: str) -> str:
    def time(attribute: str) -> str:
        return f"{{{{ state_attr('{narrative}', '{attribute}') | as_timestamp | timestamp_custom('%H:%M:%S') }}}}"

    return (
        f"### {{{{ states('{narrative}') }}}}\n"
        f"{{% if state_attr('{narrative}', 'to') %}}{time('from')} to {time('to')}, "
        f"words by {{{{ state_attr('{narrative}', 'provider') }}}}{{% endif %}}"
    )
