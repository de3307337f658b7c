"""One measured number, its budget, and how it reads."""

from dataclasses import dataclass
import math
from statistics import median
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a figure has to reach."""

    limit: float
    at_least: bool = False

    def passes(self, value: float) -> bool:
        """Return whether the value reaches it."""
        return value >= self.limit if self.at_least else value <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"


BUDGETS: Final = {
    "edge.cpu_vs_ffmpeg.1080p_h264_gop25": Budget(limit=0.15),
    "edge.cpu_vs_ffmpeg.1080p_h264_gop50_rtsp": Budget(limit=0.10),
    "edge.cpu_vs_opencv.1080p_h264_gop50_rtsp": Budget(limit=0.08),
    "edge.cpu_vs_ffmpeg.1080p_h264_gop250_quiet": Budget(limit=0.03),
    "edge.cpu_vs_ffmpeg.1080p_h264_gop250_active10": Budget(limit=0.15),
    "edge.cpu_vs_ffmpeg.4k_h264_gop50": Budget(limit=0.08),
    "edge.cores.12x4k_hevc": Budget(limit=1.0),
    "edge.mb.12x4k_hevc": Budget(limit=300.0),
    "edge.mb_per_camera.1080p": Budget(limit=3.5),
    "edge.cameras_per_2_cores.1080p_gop50": Budget(limit=128, at_least=True),
    "edge.first_frame_vs_default": Budget(limit=0.2),
    # 150 ms, one picture's interval, and decoding up to 25 pictures, some 4 ms each.
    "edge.change_to_activity_ms.gop25.p95": Budget(limit=290.0),
    "edge.change_to_activity_ms.gop50.p95": Budget(limit=350.0),
    "edge.change_to_activity_ms.gop250.p95": Budget(limit=900.0),
    "edge.wire_vs_source_bytes.4k60_quiet": Budget(limit=0.001),
    "edge.wire_vs_source_bytes.4k60_active": Budget(limit=0.0075),
    "activity.recall": Budget(limit=0.99, at_least=True),
    "activity.false_started_per_camera_day": Budget(limit=1.0),
}

NAMES: Final = (*BUDGETS, "edge.onset_to_wire_ms.p95", "activity.onsets")
"""What every run brings, quick or not; the last two have no budget."""


NARRATION_BUDGETS: Final = {
    "narration.seen_share.live": Budget(limit=0.99, at_least=True),
    "narration.seen_share.live_05s": Budget(limit=0.99, at_least=True),
    "narration.seen_share.live_10s": Budget(limit=0.95, at_least=True),
    "narration.max_gap_s.live": Budget(limit=1.2),
    "narration.max_gap_s.live_05s": Budget(limit=1.2),
    "narration.max_gap_s.live_10s": Budget(limit=2.5),
    "narration.novelty_within_2s.balanced": Budget(limit=0.99, at_least=True),
    "narration.calls_per_visit.balanced": Budget(limit=5.0),
    # What the bridge may take at this length of groups, and Home Assistant's 30 ms.
    "narration.capture_to_activity_ms.p95": Budget(limit=320.0),
    "narration.capture_to_started_ms.p95": Budget(limit=1200.0),
    "narration.activity_to_request_ms.p95": Budget(limit=250.0),
    "narration.words_after_first_field_ms.p95": Budget(limit=300.0),
    "narration.field_to_state_ms.p95": Budget(limit=20.0),
    "narration.lost": Budget(limit=0),
    "narration.doubled": Budget(limit=0),
    "narration.reordered": Budget(limit=0),
    "narration.tokens_vs_baseline.day": Budget(limit=0.10),
    "narration.calls_idle_priced": Budget(limit=0),
    "narration.usd_per_month.12x30_visits": Budget(limit=15.0),
    "narration.event_recall": Budget(limit=0.99, at_least=True),
    "ingest.core_share_128fps": Budget(limit=0.015),
    "ingest.loop_stall_ms.p99": Budget(limit=5.0),
    "ha.mb.12cams": Budget(limit=80.0),
    "ha.recorder_rows_per_day.12cams": Budget(limit=10_000),
}


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
