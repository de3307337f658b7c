"""The benchmark's own sums and papers; what it measures is not a test's business."""

import json
from pathlib import Path

import numpy as np
import pytest

from rigs.bench import catalog, offline, report
from rigs.bench.budget import BUDGETS, NAMES
from rigs.bench.figure import Figure, percentile, ratio
from rigs.transcoding import write_pictures

FIGURES = [
    Figure(name="edge.cores.12x4k_hevc", value=0.51234567, n=12, how="RTSP"),
    Figure(name="edge.cameras_per_2_cores.1080p_gop50", value=120.4, n=64, how="RTSP"),
    Figure(name="edge.onset_to_wire_ms.p95", value=321.0, n=40, how="RTSP"),
]


def test_json_is_flat() -> None:
    """One object, metric name to number, and nothing else."""
    assert json.loads(report.as_json(FIGURES)) == {
        "edge.cores.12x4k_hevc": 0.51235,
        "edge.cameras_per_2_cores.1080p_gop50": 120.4,
        "edge.onset_to_wire_ms.p95": 321.0,
    }


def test_the_table_says_what_passes() -> None:
    """Each figure is a row with its budget, and a verdict where there is a budget."""
    assert report.table(FIGURES)[2:] == [
        "| `edge.cores.12x4k_hevc` | 0.512 | ≤ 1 | pass | 12 | RTSP |",
        "| `edge.cameras_per_2_cores.1080p_gop50` | 120 | ≥ 128 | **miss** | 64 | RTSP |",
        "| `edge.onset_to_wire_ms.p95` | 321 |  |  | 40 | RTSP |",
    ]


def test_work_left_undone_passes_nothing() -> None:
    """A bridge that slept through the visit is cheap, and that is no success."""
    name = "edge.cpu_vs_ffmpeg.1080p_h264_gop250_active10"
    assert report.verdict(ratio(name, [1.0], [100.0], "how")) == "pass"
    assert report.verdict(ratio(name, [1.0], [100.0], "how", sound=False)) == "**miss**"


def test_names_that_are_missing_are_told() -> None:
    """A run without one of the named figures is not whole."""
    assert report.missing(FIGURES) == [
        name for name in NAMES if name not in {figure.name for figure in FIGURES}
    ]
    assert set(BUDGETS) < set(NAMES)


def test_only_the_generated_part_is_written(tmp_path: Path) -> None:
    """What people wrote around the table stays."""
    document = tmp_path / "benchmarks.md"
    document.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n", "utf-8")
    report.write(document, f"{report.BEGIN}\nnew\n{report.END}")
    assert document.read_text("utf-8") == f"before\n{report.BEGIN}\nnew\n{report.END}\nafter\n"
    document.write_text("somebody took the marks away", "utf-8")
    with pytest.raises(ValueError, match="marks"):
        report.write(document, "new")


def test_the_document_has_its_marks() -> None:
    """A run finds where its table belongs."""
    text = report.DOCUMENT.read_text("utf-8")
    assert text.count(report.BEGIN) == text.count(report.END) == 1


def test_ratios_are_of_paired_rounds() -> None:
    """A round in which the machine was slow was slow for both."""
    assert ratio("name", [1.0, 4.0, 3.0], [10.0, 20.0, 10.0], "how").value == 0.2


@pytest.mark.parametrize(("share", "value"), [(0.5, 2.0), (0.95, 4.0), (0.25, 1.0), (0.0, 1.0)])
def test_percentiles_have_been_measured(share: float, value: float) -> None:
    """A percentile is one of the values, not something between."""
    assert percentile([4.0, 1.0, 3.0, 2.0], share) == value


async def test_a_file_goes_the_bridges_own_way(tmp_path: Path) -> None:
    """The bridge's parts fit together on a file as they do on a camera: a picture each second, none made up."""
    grey = np.full((180, 160), 90, np.uint8)  # 160x120 in yuv420p
    clip = tmp_path / "clip.mp4"
    assert max(write_pictures(clip, [grey] * 40, 10.0)) == 40
    told = await offline.measure(str(clip), 1.0)
    assert told["pictures"] == 4
    assert told["activities"] == 0
    assert 0 < told["cpu_s"] < 4


def test_a_tenth_is_active() -> None:
    """The clips named so show somebody for a tenth of their time, whatever the groups."""
    for gop in (25, 50, 250):
        recipe = catalog.active10("1080p", "h264", gop)
        shown = [recipe.parts[number].visit or (0, 0) for number in recipe.order]
        pictures = sum(recipe.parts[number].pictures for number in recipe.order)
        assert sum(last - first for first, last in shown) * 10 == pictures
        assert recipe.duration_s == 60


def test_onsets_are_where_the_parts_are() -> None:
    """The pictures that are told of are the first of their visits, and not all at one place of a group."""
    recipe = catalog.onsets(50, variable=True)
    assert recipe.onsets == (45, 258)
    places = {onset % 250 for onset in catalog.onsets(250, variable=True).onsets}
    assert len(places) == 3
