"""A falsehood told once by the model is gone from all that it is asked, and from what it tells, within two chunks."""

import pytest

from custom_components.camera_narrator.pipeline.vocabulary import Look
from rigs.model_faults import FaultKind
from rigs.model_memory import FALSEHOOD, mentions
from rigs.rehearsal.falsehood import lie


@pytest.mark.parametrize(
    ("at", "afterwards", "labels"),
    [
        (1, None, True),
        (1, FaultKind.UNCRITICAL, False),
        (2, FaultKind.GULLIBLE, True),
        (4, FaultKind.GULLIBLE, False),
    ],
)
def test_a_falsehood_is_gone_within_two_chunks(
    at: int, afterwards: FaultKind | None, *, labels: bool
) -> None:
    """Whether the model contradicts its notes, lets them stand or repeats what it reads; with a detector and without."""
    told = lie(at, afterwards, labels=labels)
    assert [FALSEHOOD in one.answer for one in told.model.requests].index(True) == at - 1
    assert told.chunks <= 2
    assert told.run is not None
    (performance,) = told.run.performances
    assert any(FALSEHOOD in one.what.text for one in performance.narratives)
    assert performance.memory is not None
    assert not mentions(repr((performance.memory.narratives, performance.memory.ledger)))


def test_the_plain_design_keeps_it() -> None:
    """What such a model reads in its history it tells again, for as long as it stands there."""
    assert lie(1, FaultKind.GULLIBLE, plain=True).chunks > 20


def test_the_audit_settles_what_was_doubted() -> None:
    """It shows the pictures of the doubtful answer, without notes and ledger, and consumes none of them."""
    told = lie(1, FaultKind.UNCRITICAL)
    assert told.run is not None
    audits = [asked for asked in told.run.asked if asked.look is Look.AUDIT]
    assert len(audits) == 1
    (request,) = [asked.request for asked in audits if asked.request is not None]
    assert "There are no notes." in request.words
    assert "Known ones" not in request.words
    shown = {code.sequence for code in told.model.requests[0].codes}
    assert {code.sequence for code in request.codes} <= shown
    (performance,) = told.run.performances
    assert performance.outcomes.resent == len(request.codes)
    assert performance.memory is not None
    assert (performance.memory.drift.audits, performance.memory.drift.differed) == (1, 1)
