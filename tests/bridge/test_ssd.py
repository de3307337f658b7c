"""The detector's tensors -> boxes. Recorded are outputs of the model itself, the anchors that come nearest to anything."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_bridge.protocol.area import Detection, Region
from edge_bridge.protocol.limits import MAX_DETECTIONS
from edge_bridge.protocol.vocabulary import Label
from edge_bridge.ssd import Floats, detections

RECORDED: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "outputs_of_the_model.json").read_text(encoding="utf-8")
)
ANCHORS = 1917
CLASSES = 24
PERSON, BOTTLE, CAR, BICYCLE = 4, 16, 23, 1
COARSEST = 1911
"""The first anchor of the grid that has one cell: in the middle, a square of 0.95."""


def nothing() -> tuple[Floats, Floats]:
    """Outputs of a picture in which the model sees nothing."""
    return (
        np.zeros((ANCHORS, 4), np.float32),
        np.full((ANCHORS, CLASSES), -20, np.float32),
    )


def recorded(picture: str) -> tuple[Detection, ...]:
    """What is found in a recorded picture."""
    [entry] = [entry for entry in RECORDED if entry["picture"] == picture]
    boxes, classes = nothing()
    for anchor, box, scores in entry["anchors"]:
        boxes[anchor], classes[anchor] = box, scores
    return detections(boxes, classes)


def share(one: Region, other: Region) -> float:
    """Intersection over union."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    both = max(0.0, width) * max(0.0, height)
    return both / (one.width * one.height + other.width * other.height - both)


def test_a_person_is_found_where_they_stand() -> None:
    """Twenty-four anchors around one person become one box from head to foot."""
    [person] = recorded("a person in a hall")
    assert person.label is Label.PERSON
    assert person.score == pytest.approx(0.55, abs=0.02)
    assert share(person.box, Region(x=0.27, y=0.49, width=0.29, height=0.51)) > 0.9


def test_two_vehicles_stay_two() -> None:
    """Suppression leaves neighbours alone, and the surest comes first."""
    first, second = recorded("two vehicles on a road")
    assert {first.label, second.label} == {Label.VEHICLE}
    assert first.score > second.score
    assert share(first.box, Region(x=0.14, y=0.01, width=0.19, height=0.59)) > 0.9
    assert share(second.box, Region(x=0.41, y=0.49, width=0.24, height=0.50)) > 0.9


def test_an_empty_room_is_empty() -> None:
    """The best of what the model takes a room's furniture for stays below the threshold."""
    assert recorded("an empty room") == ()


def test_furniture_is_left_out() -> None:
    """A bottle, however sure, is nothing that the narrator speaks of."""
    boxes, classes = nothing()
    classes[COARSEST, BOTTLE] = 5
    assert detections(boxes, classes) == ()


def test_box_is_the_anchor_shifted_and_stretched() -> None:
    """Tenths of the anchor's size to the right and down, fifths of a logarithm for its size; clipped to the picture."""
    boxes, classes = nothing()
    classes[COARSEST, PERSON] = 0
    boxes[COARSEST] = (-1, 1, 5 * np.log(0.5), 5 * np.log(0.2))
    [person] = detections(boxes, classes)
    assert person.score == 0.5
    centre_x, centre_y = 0.5 + 0.095, 0.5 - 0.095
    assert person.box == Region(
        x=pytest.approx(centre_x - 0.095, abs=2e-4),
        y=pytest.approx(centre_y - 0.2375, abs=2e-4),
        width=pytest.approx(0.19, abs=2e-4),
        height=pytest.approx(0.475, abs=2e-4),
    )
    boxes[COARSEST] = (0, 0, 10, 10)
    [person] = detections(boxes, classes)
    assert person.box == Region(x=0, y=0, width=1, height=1)


def test_kinds_of_vehicles_are_one_label() -> None:
    """A car that also looks like a bicycle is one vehicle with the better score; a person on it is another thing."""
    boxes, classes = nothing()
    classes[COARSEST, CAR], classes[COARSEST, BICYCLE], classes[COARSEST, PERSON] = 1, 2, 0
    found = detections(boxes, classes)
    assert [(one.label, one.score) for one in found] == [
        (Label.VEHICLE, 0.88),
        (Label.PERSON, 0.5),
    ]


def test_a_crowd_is_bounded() -> None:
    """No more than one message holds, the surest of them."""
    boxes, classes = nothing()
    boxes[:, 2:] = -10
    classes[: 19 * 19 * 3 : 3, PERSON] = np.linspace(0, 3, 19 * 19)
    found = detections(boxes, classes)
    assert len(found) == MAX_DETECTIONS
    assert found[0].score == 0.95
    assert found[-1].score > 0.9
