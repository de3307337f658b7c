"""What the bridge's detector named in a span: of each kind how many, and where first and last."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..pipeline.models import ActivityState, Region
from ..pipeline.vocabulary import Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Things of one kind."""

    label: Label
    count: int
    """Most at the same time."""
    first: tuple[Region, ...]
    """Where they were when this kind was first seen, the surest first; never empty."""
    last: tuple[Region, ...]


def sightings(activity: Sequence[ActivityState]) -> tuple[Sighting, ...]:
    """Return what was named, each kind once, in the order of Label."""
    states = [state for state in activity if state.active and state.detections]
    told = []
    for label in Label:
        places = [found for state in states if (found := _places(state, label))]
        if places:
            count = max(len(found) for found in places)
            told.append(Sighting(label=label, count=count, first=places[0], last=places[-1]))
    return tuple(told)


def _places(state: ActivityState, label: Label) -> tuple[Region, ...]:
    found = [detection for detection in state.detections if detection.label is label]
    found.sort(key=lambda detection: -detection.score)
    return tuple(detection.box for detection in found)
