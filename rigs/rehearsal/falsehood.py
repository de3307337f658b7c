"""A falsehood told once: for how many requests it lives on in what the camera is asked and told."""

from collections.abc import Sequence
from dataclasses import dataclass

from rigs.model_faults import FaultKind
from rigs.model_memory import FALSEHOOD, mentions
from rigs.model_request import ModelRequest
from rigs.rehearsal.model import Model, Speed
from rigs.rehearsal.ours import Rehearsal, perform
from rigs.rehearsal.plain import PlainCamera
from rigs.rehearsal.play import Play
from rigs.rehearsal.virtual_time import rehearse

_SMALL_PX = (426, 240)
_LIES_AT = (1, 2, 4)
"""Which answer of the first visit invents somebody: its onset's, one in the middle, its closing one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lie:
    """One run in which the model invented somebody once."""

    model: Model
    run: Rehearsal | None = None
    """None of the plain design."""

    @property
    def chunks(self) -> int:
        """After how many requests it was gone from both the requests and the answers."""
        return _lives_for(self.model.requests)


def lie(
    at: int, afterwards: FaultKind | None = None, *, labels: bool = True, plain: bool = False
) -> Lie:
    """Rehearse three visits; the answer with this number invents somebody, later ones are as ``afterwards``."""
    told = 0

    def wrong(_: ModelRequest) -> FaultKind | None:
        nonlocal told
        told += 1
        return FaultKind.HALLUCINATE if told == at else afterwards

    model, play = Model(Speed(), wrong=wrong), Play.of_visits(1, 3)
    if plain:
        rehearse(PlainCamera(play=play, model=model, size_px=_SMALL_PX).run())
        return Lie(model=model)
    run = rehearse(perform([play], model, labels=labels, size_px=_SMALL_PX))
    return Lie(model=model, run=run)


def chunks(*, plain: bool = False) -> tuple[int, int]:
    """Return the longest life of a falsehood, in requests, and over how many runs.

    The model afterwards contradicts its notes, lets them stand, or repeats them; with a detector and without.
    """
    kinds = (None, FaultKind.UNCRITICAL, FaultKind.GULLIBLE)
    runs = [
        lie(at, kind, labels=labels, plain=plain)
        for at in _LIES_AT
        for kind in kinds
        for labels in ((True,) if plain else (True, False))
    ]
    return max(run.chunks for run in runs), len(runs)


def _lives_for(requests: Sequence[ModelRequest]) -> int:
    """Count the requests after the lie up to the last that still asks or tells of it."""
    told = [mentions(one.words) or FALSEHOOD in one.answer for one in requests]
    first, last = told.index(True), len(told) - 1 - told[::-1].index(True)
    return last - first
