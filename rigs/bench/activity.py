"""How much of what happens the bridge notices, and how often it takes nothing for something.

Onsets and nuisances are composited on quiet scenes (`rigs.onsets`, `rigs.nuisance`; what and when is in `rigs/labels`),
coded as cameras code them, and go the bridge's own way in memory: hint, key frames, catch-up, detector.
"""

from collections.abc import Callable, Sequence
import math
from pathlib import Path
from typing import Final

import numpy as np

from edge_bridge.detector_model import model_path, problem
from rigs import nuisance, onsets

_DAY_S: Final = 86_400.0
_SURE: Final = 1.96
"""Of the normal distribution: 95 % confidence."""


def measure(*, quick: bool, footage: Path | None, say: Callable[[str], None]) -> dict[str, float]:
    """Run both suites; takes a quarter of an hour, quick one minute."""
    figures = _onsets(onsets.run(quick=quick, footage=footage, say=say))
    model = model_path("auto")
    if model is not None and (missing := problem(model)) is not None:
        say(f"no detector of things: {missing}")
        model = None
    results = nuisance.run(quick=quick, footage=footage, say=say, model=model)
    return figures | _nuisances(results, labelled=model is not None)


def wilson(seen: int, count: int) -> tuple[float, float]:
    """Return the interval of a share that was measured so, with 95 % confidence."""
    if not count:
        return 0.0, 1.0
    share, square = seen / count, _SURE**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    spread = math.sqrt(share * (1 - share) / count + square / (4 * count**2))
    half = _SURE * spread / (1 + square / count)
    return max(0.0, middle - half), min(1.0, middle + half)


def _onsets(results: Sequence[onsets.ReelResult]) -> dict[str, float]:
    outcomes = [outcome for result in results for outcome in result.outcomes]
    figures = {"activity.onsets": float(len(outcomes))}
    for name, own in [
        ("", outcomes),
        *(
            (f".{coding}", [outcome for outcome in outcomes if outcome.reel.coding == coding])
            for coding in sorted({outcome.reel.coding for outcome in outcomes})
        ),
    ]:
        delays = [outcome.delay_s for outcome in own if outcome.delay_s is not None]
        figures[f"activity.recall{name}"] = len(delays) / max(1, len(own))
        if delays:
            figures[f"activity.delay_s{name}.p95"] = float(np.percentile(delays, 95))
    seen = sum(outcome.delay_s is not None for outcome in outcomes)
    low, high = wilson(seen, len(outcomes))
    return figures | {"activity.recall_low": low, "activity.recall_high": high}


def _nuisances(results: Sequence[nuisance.Result], *, labelled: bool) -> dict[str, float]:
    seconds = sum(result.stretch.seconds for result in results)
    alone = sum(len(result.started_s) for result in results)
    with_labels = sum(result.labelled for result in results)
    a_day = _DAY_S / max(1.0, seconds)
    figures = {
        "activity.nuisance_minutes": seconds / 60,
        # Where there is no detector, that is the figure of what people then have.
        "activity.false_started_per_camera_day": (with_labels if labelled else alone) * a_day,
        "activity.false_started_per_camera_day_without_detector": alone * a_day,
        # None in so much time says no more than this, with 95 % confidence.
        "activity.false_started_per_camera_day_bound": 3 * a_day,
    }
    for kind in dict.fromkeys(result.stretch.kind for result in results):
        own = [result for result in results if result.stretch.kind == kind]
        hours = sum(result.stretch.seconds for result in own) / 3600
        figures[f"activity.false_started_per_hour.{kind}"] = (
            sum(len(result.started_s) for result in own) / hours
        )
        figures[f"activity.decoded_share.{kind}"] = float(
            np.mean([result.decoded_share for result in own])
        )
    return figures
