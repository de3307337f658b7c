"""The demo's last line: where every frame went, and what it cost."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

TIMER_S = 5.0
"""The plain design asks every five seconds, whatever happens."""
FATES = (
    "analysed",
    "not_selected",
    "gated",
    "failed",
    "evicted",
    "rejected",
    "replaced",
    "overflowed",
    "withdrawn",
    "unacknowledged",
    "buffered",
    "in_flight",
    "base",
    "lost",
)
"""Each sampled frame is in exactly one of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What a run of the demo came to."""

    sampled: int
    fates: dict[str, int]
    requests: int
    timer_requests: int
    minutes: float
    bridge_cpu_percent: float
    home_assistant_cpu_percent: float
    wire_bytes_per_s: float
    source_bytes_per_s: float | None
    """None where the camera is not ours to measure."""

    @property
    def holds(self) -> bool:
        """Whether every frame is accounted for."""
        return (
            self.sampled > 0 and self.sampled == sum(self.fates.values()) and not self.fates["lost"]
        )

    def line(self) -> str:
        """Return the balance for people."""
        fates = " + ".join(
            f"{count} {fate.replace('_', ' ')}" for fate, count in self.fates.items() if count
        )
        sign = "=" if self.holds else "≠"
        wire = f"{self.wire_bytes_per_s / 1000:.1f} kB/s on the wire"
        if self.source_bytes_per_s:
            wire += f" against {self.source_bytes_per_s / 1000:.1f} kB/s of the source"
        return (
            f"balance: {self.sampled} frames {sign} {fates}; "
            f"{self.requests} calls (the {TIMER_S:.0f} s timer: {self.timer_requests}); "
            f"CPU bridge {self.bridge_cpu_percent:.1f} %, Home Assistant {self.home_assistant_cpu_percent:.1f} %; {wire}"
        )

    def as_json(self) -> dict[str, Any]:
        """Return the balance for machines."""
        return {**asdict(self), "holds": self.holds}


def timer_requests(seconds: float, cameras: int) -> int:
    """Return how often the plain timer would have asked."""
    return int(seconds / TIMER_S) * cameras


def add_up(accounts: Iterable[Mapping[str, Any]]) -> tuple[int, dict[str, int]]:
    """Add the accounts of all cameras and epochs: frames sampled, and frames by fate."""
    sampled = 0
    fates = dict.fromkeys(FATES, 0)
    for account in accounts:
        sampled += account["sampled"]
        counts = {**account, **account["outcomes"]}
        for fate in FATES:
            fates[fate] += counts[fate]
    return sampled, fates
