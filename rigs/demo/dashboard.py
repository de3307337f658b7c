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
        section
        for subentry, found in devices.items()
        if "sensor.narrative" in found
        for section in _camera(titles[subentry], found, bridges[0] if bridges else {})
    ]
    view = {"title": TITLE, "type": "sections", "max_columns": 2, "sections": sections}
    return {"title": TITLE, "views": [view]}


def _camera(title: str, camera: Entities, bridge: Entities) -> list[dict[str, Any]]:
    """Return two sections, side by side where there is room: what is seen and said, and how it goes."""
    narrative, connected = camera["sensor.narrative"], camera["binary_sensor.connected"]
    told = [narrative, camera["event.event"], connected]
    numbers = [
        _number(narrative, "From lens to words", attribute="latency", unit="s"),
        _number(narrative, "Span of the sentence", attribute="seconds", unit="s"),
        _number(narrative, "Pictures behind it", attribute="frames", unit=""),
        *(
            _number(bridge[key], name)
            for key, name in (("sensor.cpu", "Bridge CPU"), ("sensor.memory", "Bridge memory"))
            if key in bridge
        ),
    ]
    numbers[-1] = _wide(numbers[-1])  # five fill three rows of two
    seen = [
        {"type": "heading", "heading": title, "icon": "mdi:cctv"},
        _picture(camera["camera.live"], connected, "on", camera_view="live"),
        # A camera that is away has no live picture: the last one of a visit stands in for it.
        _picture(camera["image.key_frame"], connected, "off"),
        _wide({"type": "markdown", "content": _sentence(narrative)}),
        *(_tile(camera[key]) for key in ("binary_sensor.activity", "binary_sensor.connected")),
    ]
    goes = [
        {"type": "heading", "heading": "How it goes", "icon": "mdi:counter"},
        *numbers,
        {"type": "heading", "heading": "Events", "icon": "mdi:bell-ring"},
        _wide({"type": "logbook", "target": {"entity_id": told}, "hours_to_show": 1}),
    ]
    return [{"type": "grid", "cards": seen}, {"type": "grid", "cards": goes}]


def _picture(entity: str, connected: str, state: str, **more: str) -> dict[str, Any]:
    return _wide(
        {
            "type": "picture-entity",
            "entity": entity,
            "show_name": False,
            "show_state": False,
            "visibility": [{"condition": "state", "entity": connected, "state": state}],
            **more,
        }
    )


def _wide(card: dict[str, Any]) -> dict[str, Any]:
    return {**card, "grid_options": {"columns": "full"}}


def _tile(entity: str) -> dict[str, Any]:
    return {"type": "tile", "entity": entity, "grid_options": {"columns": 6}}


def _number(entity: str, name: str, **attribute: str) -> dict[str, Any]:
    card = {"type": "entity", "entity": entity, "name": name, **attribute}
    return {**card, "grid_options": {"columns": 6}}


def _sentence(narrative: str) -> str:
    def time(attribute: str) -> str:
        return f"{{{{ state_attr('{narrative}', '{attribute}') | as_timestamp | timestamp_custom('%H:%M:%S') }}}}"

    return (
        f"### {{{{ states('{narrative}') }}}}\n"
        f"{{% if state_attr('{narrative}', 'to') %}}{time('from')} to {time('to')}, "
        f"words by {{{{ state_attr('{narrative}', 'provider') }}}}{{% endif %}}"
    )
