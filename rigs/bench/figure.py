"""One measured number and how it came about."""

from dataclasses import dataclass
import math
from statistics import median

from rigs.bench.budget import BUDGETS, NARRATION_BUDGETS, Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number with its name and how it came about."""

    name: str
    value: float
    n: int
    """How many rounds, cameras, frames or onsets it is of."""
    how: str
    """In a few words, for the table."""
    sound: bool = True
    """False where it came about by not doing the work: then it passes nothing."""

    @property
    def budget(self) -> Budget | None:
        """Return what it has to reach, None where that is open."""
        return BUDGETS.get(self.name) or NARRATION_BUDGETS.get(self.name)


def ratio(
    name: str, ours: list[float], theirs: list[float], how: str, *, sound: bool = True
) -> Figure:
    """Return the median of the ratios of paired rounds."""
    pairs = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    return Figure(name=name, value=median(pairs), n=len(pairs), how=how, sound=sound)


def percentile(values: list[float], share: float) -> float:
    """Return the nearest-rank percentile: a value that has been measured."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]
