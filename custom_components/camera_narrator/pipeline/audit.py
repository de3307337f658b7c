"""When to ask about the same pictures again without what is known, and what comes of the answer."""

from dataclasses import dataclass, replace

from .claim import Drift
from .context import Context, Doubt, Taken
from .models import Frame, Span
from .request import Analysis
from .vocabulary import Label

EVERY_FREE = 24
"""Answers between two audits where asking costs nothing: about five visits, or two hours of heartbeats."""
EVERY_PRICED = 100
"""The same where it costs money: a hundredth of the bill, about one a day and camera."""
CALLS_PER_VISIT = 5
"""What a visit may cost on average: where looks are few, an audit now and then has to fit into what they leave."""
FRAMES = 3
"""First, middle and last: what an answer claims of five pictures is to be seen in one of these, at half their price."""
WAIT_S = 180.0
"""An audit that has not left by then is not worth it: what it would check has been seen again, or has expired."""
APART_S = 600.0
"""Between two audits: a camera whose answers never agree costs six more an hour, not one more a visit."""
ROOM_S = 10.0
"""Until the next look of a visit: most answers are there by then, so that it does not wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Pictures to be looked at again, and the notes in doubt; without any the ledger is compared."""

    frames: tuple[Frame, ...]
    span: Span
    named: frozenset[Label]
    since_s: float
    doubts: tuple[Doubt, ...] = ()


class Audits:
    """The audit of one camera that waits or is under way."""

    def __init__(self, context: Context, drift: Drift) -> None:
        """Begin without any."""
        self.every = EVERY_PRICED
        self.frugal = False
        """Whether a visit's looks are budgeted."""
        self.drift = drift
        self._context = context
        self._answers = 0
        self._visits = 0
        self._visit_id: str | None = None
        self._last_s = float("-inf")
        self._waiting: Audit | None = None
        self._unsure: Audit | None = None
        """The pictures of the last answer that alone claims somebody to be there."""

    def heed(
        self,
        taken: Taken,
        *,
        frames: tuple[Frame, ...],
        span: Span,
        named: frozenset[Label],
        visit_id: str | None,
        now_s: float,
    ) -> None:
        """An answer was taken over: what it doubts is audited by the pictures it was told of, every so often the newest."""
        shown = Audit(frames=frames, span=span, named=named, since_s=now_s)
        claimed, self._unsure = self._unsure, shown if taken.unsure else None
        self._answers += 1
        if visit_id is not None and visit_id != self._visit_id:
            self._visit_id, self._visits = visit_id, self._visits + 1
        if now_s - self._last_s < APART_S:
            return
        if taken.doubted and claimed is not None:
            self._waiting = replace(claimed, since_s=now_s, doubts=taken.doubted)
        elif self._due and self._context.ledger.entries and self._waiting is None:
            self._waiting = shown

    def wanted(self, now_s: float, *, next_look_s: float | None) -> Audit | None:
        """Return the audit that waits, where there is time for it before the next look."""
        audit = self._waiting
        if audit is None:
            return None
        if now_s - audit.since_s > WAIT_S:
            self._waiting = None
            return None
        room = next_look_s is None or next_look_s - now_s >= ROOM_S
        return audit if room else None

    def answer(self, audit: Audit, analysis: Analysis, *, now_s: float) -> None:
        """Apply the answer to an audit; one that cannot tell who is there, or was given orders, says nothing."""
        self.give_up(audit)
        self._last_s = now_s
        self._answers = self._visits = 0
        if analysis.subject is None or not analysis.of_pictures or analysis.sign:
            return
        if audit.doubts:
            differed = sum(self._context.settle(doubt, analysis) for doubt in audit.doubts) > 0
        else:
            differed = self._context.compare(
                analysis, to_wall_s=audit.span.to_wall_s, named=audit.named
            )
        self.drift = Drift(
            audits=self.drift.audits + 1, differed=self.drift.differed + int(differed)
        )

    def give_up(self, audit: Audit) -> None:
        """Ask it no more; another may wait by now."""
        if self._waiting is audit:
            self._waiting = None

    @property
    def _due(self) -> bool:
        """Return whether it is time for one without a reason, and there is room for it."""
        before = max(0, self._visits - 1)  # the present one has looks to come
        room = not self.frugal or self._answers < CALLS_PER_VISIT * before
        return self._answers >= self.every and room
