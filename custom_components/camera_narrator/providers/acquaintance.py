"""What is known of one model on one server, how it is learned from what comes back, and what follows for the next request."""

from dataclasses import dataclass, replace
from typing import Any, Final

from ..pipeline.prices import PictureRule, picture_rule
from . import complaints
from .arrangement import Arrangement
from .dialect import Dialect
from .kinds import Row
from .ladder import Rung
from .server_facts import FactStore, ServerFacts, place

PROSE_BEFORE_STEPPING_DOWN: Final = 2
"""Answers in a row out of the shape that worked before: one may be chance, two are a changed server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How one request is sent."""

    rung: Rung
    dialect: Dialect
    arrangement: Arrangement


class Acquaintance:
    """Begins with the row of the server's kind, is corrected by the server, and remembers it."""

    def __init__(self, *, row: Row, model: str, url: str, store: FactStore) -> None:
        """Go on from what was found out before."""
        self._row = row
        self._model = model
        self._place = place(model, url)
        self._store = store
        self.facts = ServerFacts.read(store.get(self._place))
        self._rung = self.facts.rung or row.rung
        self._dialect = Dialect.of(row, self.facts)
        self._prose = 0
        self._relapsed = False

    @property
    def manner(self) -> Manner:
        """Return how the next request is sent."""
        return Manner(rung=self._rung, dialect=self._dialect, arrangement=self._arrangement)

    def refused(self, told: str, manner: Manner, pictures: int) -> Manner | None:
        """Take a refusal; return how to send the same request at once instead, None where nothing helps."""
        if complaints.about_context(told):
            if pictures < 2 or manner.arrangement.sheet:
                return None
            self._change(tight=True)
            return replace(manner, arrangement=self._arrangement)
        if (most := complaints.pictures_most(told, pictures)) is not None:
            self._change(pictures_most=most)
            return replace(manner, arrangement=self._arrangement)
        if (dialect := manner.dialect.without(told)) is not None:
            if self._dialect == manner.dialect:
                self._dialect = dialect
                self._change()
            return replace(manner, dialect=dialect)
        if complaints.about_format(told) and (lower := manner.rung.after_refusal) is not None:
            self._step_down(lower)
            return replace(manner, rung=lower)
        return None

    def prose(self, manner: Manner) -> Manner | None:
        """Take an answer out of shape; return how to ask once more, None at the end of the ladder."""
        lower = manner.rung.after_prose
        if lower is None:
            return None
        if manner.rung is self._rung:
            self._prose += 1
            if self.facts.rung is None or self._prose >= PROSE_BEFORE_STEPPING_DOWN:
                self._step_down(lower)
        return replace(manner, rung=lower)

    def answered(self, manner: Manner, *, thought: bool, whole: bool) -> None:
        """Take a good answer: what was sent works, and is remembered."""
        if thought:
            self.thought(manner)
        elif self._silenced(manner):
            self._dialect = self._dialect.silent()
        facts = replace(self.facts, streams=not whole)
        if manner.rung is self._rung:
            self._prose = 0
            facts = replace(facts, rung=manner.rung)
        self._keep(self._dialect.learned(facts))

    def thought(self, manner: Manner) -> None:
        """Note that the model thinks: the next request switches that off, if it can be, and has room for it."""
        if self._dialect == manner.dialect:
            self._relapsed = self._relapsed or (
                self._dialect.quiet is not None and not self._dialect.thinks
            )
            self._dialect = self._dialect.thinking()

    def found(self, **changes: Any) -> None:
        """Take what the probe found."""
        self._keep(replace(self.facts, **changes))

    def _silenced(self, manner: Manner) -> bool:
        """Whether an answer without thoughts shows that the switch works, for good."""
        sent = manner.dialect
        return bool(sent.quiet) and sent.thinks and self._dialect == sent and not self._relapsed

    def _change(self, **changes: Any) -> None:
        """Correct what was known; what a probe found is asked for anew."""
        self._keep(replace(self.facts, **changes).contradicted())

    def _step_down(self, rung: Rung) -> None:
        self._rung = self._rung.lowest(rung)
        self._prose = 0
        self._change(rung=None)

    def _keep(self, facts: ServerFacts) -> None:
        if facts != self.facts:
            self.facts = facts
            self._store.set(self._place, facts.out())

    @property
    def _arrangement(self) -> Arrangement:
        policy, facts = self._row.pictures, self.facts
        counted = facts.picture_tokens
        flat = picture_rule(self._model) is PictureRule.FLAT if counted is None else counted.flat
        return Arrangement(
            most=facts.pictures_most or policy.most,
            sheet=policy.sheet or flat or facts.tight or facts.cramped,
            edge_px=policy.edge_px,
        )
