"""How much attention a visit deserves, decided by code from what is reported. Pure; no model is asked for it."""

from .models import Event
from .vocabulary import Label, ThreatLevel, Verdict

NIGHT_FROM_H = 23
NIGHT_TO_H = 6
"""Hours of the house's clock in which few homes expect anybody."""
LINGERS_S = 180.0
"""Whoever delivers, rings or passes is gone by then."""
_COMES = frozenset({Label.PERSON, Label.VEHICLE})
_LEVELS = tuple(ThreatLevel)


def is_night(hour: int) -> bool:
    """Return whether an hour of the day, 0 to 23, belongs to the night."""
    return hour >= NIGHT_FROM_H or hour < NIGHT_TO_H


def threat_level(event: Event, *, night: bool) -> ThreatLevel:
    """Return the level of a visit as it is known now; writing that gives orders raises it, and nothing in a picture lowers it."""
    level = _of_labels(event, night=night)
    if event.rule is not None:
        level = _at_least(level, ThreatLevel.MEDIUM if night else ThreatLevel.LOW)
    if event.sign:
        level = _at_least(_raised(level), ThreatLevel.MEDIUM)
    return level


def _of_labels(event: Event, *, night: bool) -> ThreatLevel:
    if event.verdict is Verdict.NOTHING:
        return ThreatLevel.NONE
    if not event.labels & _COMES:
        unnamed = not event.labels
        return ThreatLevel.LOW if night and unnamed else ThreatLevel.NONE
    level = ThreatLevel.LOW
    if night:
        level = _raised(level)
    if event.span.seconds >= LINGERS_S:
        level = _raised(level)
    return level


def _raised(level: ThreatLevel) -> ThreatLevel:
    return _LEVELS[min(_LEVELS.index(level) + 1, len(_LEVELS) - 1)]


def _at_least(level: ThreatLevel, least: ThreatLevel) -> ThreatLevel:
    return max(level, least, key=_LEVELS.index)
