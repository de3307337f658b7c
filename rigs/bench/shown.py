"""One rehearsal of ours and the model that answered it: what figures and tests are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from custom_components.camera_narrator.pipeline.vocabulary import Profile
from rigs.model_request import ModelRequest
from rigs.rehearsal.model import Model, Speed
from rigs.rehearsal.observer import Stretch
from rigs.rehearsal.ours import Performance, Rehearsal, perform
from rigs.rehearsal.play import Play
from rigs.rehearsal.virtual_time import WALL_S, rehearse

SMALL_PX: Final = (426, 240)
"""Where no tokens are counted: quicker to read."""
TWO_SECONDS: Final = Speed()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One run of ours and the model that answered it."""

    run: Rehearsal
    model: Model

    @property
    def performance(self) -> Performance:
        """The only camera's, or the first one's."""
        return self.run.performances[0]


def show(
    plays: Sequence[Play],
    *,
    profile: Profile = Profile.BALANCED,
    speed: Speed = TWO_SECONDS,
    size_px: tuple[int, int] = SMALL_PX,
    storm: tuple[float, float] | None = None,
) -> Shown:
    """Rehearse plays once."""
    model = Model(speed, storm=storm)
    return Shown(run=rehearse(perform(plays, model, profile=profile, size_px=size_px)), model=model)


def captured_s(requests: Sequence[ModelRequest]) -> list[float]:
    """Return when the pictures of requests were taken."""
    return sorted(code.captured_ms / 1000 - WALL_S for one in requests for code in one.codes)


def active(play: Play) -> list[Stretch]:
    """Return when something moves."""
    return [Stretch(from_s=visit.from_s, to_s=visit.to_s) for visit in play.visits]
