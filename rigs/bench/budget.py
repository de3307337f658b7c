"""What the figures have to reach."""

from dataclasses import dataclass
import re
from typing import Final, Self

_LINE: Final = re.compile(r"(\S+) (≤|≥) ([\d._]+)")
_EDGE: Final = """
edge.cpu_vs_ffmpeg.1080p_h264_gop25 ≤ 0.15
edge.cpu_vs_ffmpeg.1080p_h264_gop50_rtsp ≤ 0.10
edge.cpu_vs_opencv.1080p_h264_gop50_rtsp ≤ 0.08
edge.cpu_vs_ffmpeg.1080p_h264_gop250_quiet ≤ 0.03
edge.cpu_vs_ffmpeg.1080p_h264_gop250_active10 ≤ 0.15
edge.cpu_vs_ffmpeg.4k_h264_gop50 ≤ 0.08
edge.cores.12x4k_hevc ≤ 1.0
edge.mb.12x4k_hevc ≤ 300.0
edge.mb_per_camera.1080p ≤ 3.5
edge.cameras_per_2_cores.1080p_gop50 ≥ 128
edge.first_frame_vs_default ≤ 0.2
# 150 ms, one picture's interval, and decoding up to 25 pictures, some 4 ms each.
edge.change_to_activity_ms.gop25.p95 ≤ 290.0
edge.change_to_activity_ms.gop50.p95 ≤ 350.0
edge.change_to_activity_ms.gop250.p95 ≤ 900.0
edge.wire_vs_source_bytes.4k60_quiet ≤ 0.001
edge.wire_vs_source_bytes.4k60_active ≤ 0.0075
activity.recall ≥ 0.99
activity.false_started_per_camera_day ≤ 1.0
"""
_NARRATION: Final = """
narration.seen_share.live ≥ 0.99
narration.seen_share.live_05s ≥ 0.99
narration.seen_share.live_10s ≥ 0.95
narration.max_gap_s.live ≤ 1.2
narration.max_gap_s.live_05s ≤ 1.2
narration.max_gap_s.live_10s ≤ 2.5
narration.novelty_within_2s.balanced ≥ 0.99
narration.calls_per_visit.balanced ≤ 5.0
# What the bridge may take at this length of groups, and Home Assistant's 30 ms.
narration.capture_to_activity_ms.p95 ≤ 320.0
narration.capture_to_started_ms.p95 ≤ 1200.0
narration.activity_to_request_ms.p95 ≤ 250.0
narration.words_after_first_field_ms.p95 ≤ 300.0
narration.field_to_state_ms.p95 ≤ 20.0
narration.lost ≤ 0
narration.doubled ≤ 0
narration.reordered ≤ 0
narration.tokens_vs_baseline.day ≤ 0.10
narration.calls_idle_priced ≤ 0
narration.usd_per_month.12x30_visits ≤ 15.0
narration.event_recall ≥ 0.99
narration.falsehood_chunks ≤ 2
ingest.core_share_128fps ≤ 0.015
ingest.loop_stall_ms.p99 ≤ 5.0
ha.mb.12cams ≤ 80.0
ha.recorder_rows_per_day.12cams ≤ 10_000
timeline.write_ms_120k.p95 ≤ 10
timeline.read_day_ms.p95 ≤ 50
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a figure has to reach."""

    limit: float
    at_least: bool = False

    @classmethod
    def read(cls, table: str) -> dict[str, Self]:
        """Read a table with a figure, a sign and a limit in each line."""
        return {
            name: cls(limit=float(limit), at_least=sign == "≥")
            for name, sign, limit in _LINE.findall(table)
        }

    def passes(self, value: float) -> bool:
        """Return whether the value reaches it."""
        return value >= self.limit if self.at_least else value <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"


BUDGETS: Final = Budget.read(_EDGE)
NAMES: Final = (*BUDGETS, "edge.onset_to_wire_ms.p95", "activity.onsets")
"""What every run brings, quick or not; the last two have no budget."""
NARRATION_BUDGETS: Final = Budget.read(_NARRATION)
