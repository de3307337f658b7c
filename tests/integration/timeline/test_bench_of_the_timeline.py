"""The measurement of the timeline finds what it wrote."""

from rigs.bench import timeline


def test_a_small_run_brings_both_figures() -> None:
    """Two days, and each day that is read holds all its visits; both figures have a budget."""
    told: list[str] = []
    figures = timeline.measure(quick=True, say=told.append, events=720)
    assert [figure.name for figure in figures] == [
        "timeline.write_ms_120k.p95",
        "timeline.read_day_ms.p95",
    ]
    assert told[0] == "720 events of 2 days"
    for figure in figures:
        assert figure.n == 100
        assert figure.budget is not None
        assert 0 < figure.value < 10 * figure.budget.limit
