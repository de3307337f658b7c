"""The account of a camera's frames: what adds up, and what nobody can account for."""

from collections.abc import Mapping
from typing import Any

BRIDGE_FATES = ("replaced", "overflowed", "withdrawn", "unacknowledged")
OUTCOMES = ("rejected", "analysed", "failed", "gated", "not_selected", "evicted")


def lost(account: Mapping[str, Any]) -> int:
    """Return the frames nobody can account for; everything else must add up, and nothing be negative."""
    outcomes = account["outcomes"]
    here = sum(outcomes[fate] for fate in (*OUTCOMES, "buffered", "in_flight"))
    assert outcomes["received"] == here, outcomes
    elsewhere = (*BRIDGE_FATES, "base", "lost")
    assert account["sampled"] == here + sum(account[fate] for fate in elsewhere), account
    assert min(*(account[fate] for fate in elsewhere), *outcomes.values()) >= 0, account
    missing: int = account["lost"]
    return missing
