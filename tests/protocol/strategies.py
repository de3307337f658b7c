"""Any message that the protocol can carry, made from the checks that its fields themselves carry."""

from dataclasses import MISSING, fields
from enum import StrEnum
from types import ModuleType
from typing import Any

from hypothesis import strategies as st

PRINTABLE = st.characters(exclude_categories=("C", "Z"))
POLYGONS = st.lists(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=5).map(tuple),
    max_size=3,
).map(tuple)
BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "jpeg": st.binary(max_size=64).map(lambda inner: b"\xff\xd8" + inner + b"\xff\xd9"),
    "params": st.dictionaries(
        st.text(PRINTABLE, min_size=1, max_size=32),
        st.text(PRINTABLE, max_size=64) | st.floats(-1e15, 1e15),
        max_size=8,
    ),
    "masks": POLYGONS,
    "zones": POLYGONS,
    "ignored": POLYGONS,
}
"""Fields whose check is a function of their own."""
EDGES = {
    "id": (1, 2**32 - 1),
    "number": (1, 2**16 - 1),
    "camera": (0, 2**16 - 1),
    "sequence": (0, 2**32 - 1),
    "kind": (1, 2),
    "flags": (0, 31),
    "protocol_min": (1, 1000),
    "protocol_max": (1, 1000),
    "protocol": (1, 1000),
    "height_px": (120, 2160),
    "quality": (30, 95),
    "max_frame_bytes": (1024, 2**20),
    "window_frames": (1, 4096),
    "live": (0, 2**32 - 1),
    "replay": (0, 2**32 - 1),
    "activity": (0, 255),
    "novelty": (0, 255),
    "pacing_step": (0, 100),
}
"""Whole numbers with other bounds than 0 to 65535, by the name of their field."""
RATES = {"rate_fps": (0.1, 10.0), "quiet_interval_s": (0.1, 3600.0)}


def messages(protocol: ModuleType) -> st.SearchStrategy[Any]:
    """Return any message of the protocol."""
    return st.one_of([records(protocol, kind) for kind in protocol.MESSAGES.values()])


def records(protocol: ModuleType, kind: type[Any]) -> st.SearchStrategy[Any]:
    """Return any record of a kind; optional fields may be left out."""
    required: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for part in fields(kind):
        values = _values(protocol, part.name, part.type)
        (required if part.default is MISSING else optional)[part.name] = values
    return st.fixed_dictionaries(required, optional=optional).map(lambda given: kind(**given))


def _values(protocol: ModuleType, name: str, kind: Any) -> st.SearchStrategy[Any]:
    if name in BY_NAME:
        return BY_NAME[name]
    if kind is int:
        return st.integers(*EDGES.get(name, (0, 2**16 - 1)))
    if kind is bool:
        return st.booleans()
    if kind is float:
        return st.floats(*RATES.get(name, (0.0, 1.0)))
    if kind is str:
        return st.text(PRINTABLE, min_size=1, max_size=60)
    if isinstance(kind, type) and issubclass(kind, protocol.FrameFlag):
        return st.integers(0, 31).map(kind)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return st.sampled_from(list(kind))
    if isinstance(kind, type) and issubclass(kind, protocol.Record):
        return records(protocol, kind)
    arguments = kind.__args__
    if arguments[-1] is Ellipsis:
        return st.lists(_values(protocol, name, arguments[0]), max_size=3).map(tuple)
    return st.none() | _values(protocol, name, arguments[0])
