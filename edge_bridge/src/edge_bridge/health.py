"""Whether the bridge that runs here does its work. Pure.

Health is the bridge's own: a Home Assistant, a broker or a camera that is away is a state to show, and no reason
to start the bridge anew.
"""

from collections.abc import Mapping
from typing import Any, Final

STALLED_S: Final = 60.0
"""A worker takes some packets at a time, the heaviest of which needs half a second on a slow box: one that has been
at it for so long never comes back. Long enough for a machine that was suspended in between."""


def illness(status: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the bridge that wrote a fresh status; None where nothing is."""
    stalled_s = status.get("stalled_s", 0.0)
    if stalled_s > STALLED_S:
        return f"decoding has stood still for {stalled_s:.0f} s"
    return None
