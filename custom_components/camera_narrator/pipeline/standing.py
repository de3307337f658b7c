"""Where a hub stands with its provider, and why somebody must wait, in words. Pure."""

from dataclasses import dataclass
import math

from .errors import Fault, ProviderError
from .vocabulary import Restraint, Saving

SMALLER_AT = 0.5
"""Half of what is kept for new events is used: the other half tells twice as many with small pictures."""
ROOM = 0.25
"""Of the kept part, a twentieth of the cap: an hour and a half of the pace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far the hub makes do with less now, why, and until when at least."""

    saving: Saving = Saving.NONE
    restraint: Restraint = Restraint.NONE
    until_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Why a turn must wait, and until when at least."""

    until_s: float
    restraint: Restraint


class Ladder:
    """Which rung the day's money leads to; a rung holds until there is room again, so that none flickers."""

    def __init__(self) -> None:
        """Begin at the top."""
        self._saving = Saving.NONE

    def at(self, depth: float) -> Saving:
        """Return the rung at this depth of the kept part, see Spending.depth."""
        was = self._saving
        if depth > SMALLER_AT or (was is Saving.SMALLER_PICTURES and depth > SMALLER_AT - ROOM):
            self._saving = Saving.SMALLER_PICTURES
        elif depth > 0 or (was is not Saving.NONE and depth > -ROOM):
            self._saving = Saving.FEWER_LOOKS
        else:
            self._saving = Saving.NONE
        return self._saving


def refusal(restraint: Restraint, seconds: float) -> ProviderError:
    """Return why nobody was asked, in words."""
    wait = duration(seconds)
    match restraint:
        case Restraint.BUDGET:
            fault, what = Fault.OVER_BUDGET, f"What today may cost is used up for another {wait}"
        case Restraint.ACCOUNT:
            fault = Fault.RATE_LIMITED
            what = f"The account at the model server is used up; it is asked again in {wait}"
        case Restraint.AWAY:
            fault = Fault.UNREACHABLE
            what = f"The model server brings no answers; it is asked again in {wait}"
        case _:
            fault = Fault.RATE_LIMITED
            what = f"The model server takes no more requests for another {wait}"
    return ProviderError(fault, what, retryable=False)


def duration(seconds: float) -> str:
    """Write a wait as people say it."""
    if not math.isfinite(seconds):
        return "day"
    minutes = max(1, math.ceil(seconds / 60))
    return f"{minutes} min" if minutes < 120 else f"{round(minutes / 60)} h"
