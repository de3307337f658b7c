"""Conditions in plain words: the model answers, code decides. Takes moments, owns no clock."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from .clock import Now
from .rule import RULE_VALID_S, Rule, RuleAnswer, RuleState

ASK_AGAIN_S = 10.0
"""After a change of answer: who only passed by is gone by then, and the sensor still follows within 30 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What answers have brought."""

    told: bool = False
    """At least one answer counted."""
    again: bool = False
    """An answer changed, or is not decided yet: another look is worth it."""
    fired: tuple[str, ...] = ()
    """Keys of the rules that hold now and did not before, and whose cooldown is over."""


class Rules:
    """What is known of one camera's rules."""

    def __init__(self, states: Mapping[str, RuleState]) -> None:
        self._rules: tuple[Rule, ...] = ()
        self.states: Mapping[str, RuleState] = states

    def change(self, rules: tuple[Rule, ...]) -> bool:
        """Take over what is asked; return whether answers were forgotten with their question."""
        self._rules = rules
        asked = {rule.key: rule.question for rule in rules}
        kept = {key: one for key, one in self.states.items() if asked.get(key) == one.question}
        forgotten = len(kept) < len(self.states)
        self.states = kept
        return forgotten

    def answer(self, answers: Mapping[str, RuleAnswer], now: Now) -> Outcome:
        """Take the answers of one look; unsure ones, and those below a rule's threshold, count for nothing."""
        outcome = Outcome()
        states = dict(self.states)
        for rule in self._rules:
            given = answers.get(rule.key)
            if given is None or given.holds is None or given.confidence < rule.threshold:
                continue
            before = states.get(rule.key)
            if before is not None and now.wall_s - before.answered_wall_s > RULE_VALID_S:
                before = replace(before, holds=None, votes=())
            after = _voted(rule, before, given.holds, now)
            fired = after.holds is True and (before is None or not before.holds)
            if fired and now.wall_s - after.fired_wall_s >= rule.cooldown_s:
                after = replace(after, fired_wall_s=now.wall_s)
                outcome = replace(outcome, fired=(*outcome.fired, rule.key))
            changed = before is None or before.votes[-1:] != (given.holds,)
            again = changed or after.holds is not given.holds
            outcome = replace(outcome, told=True, again=outcome.again or again)
            states[rule.key] = after
        self.states = states
        return outcome


def _voted(rule: Rule, before: RuleState | None, holds: bool, now: Now) -> RuleState:
    """Return the state after one more vote: the newest answer rules once enough of the last agree with it."""
    known = before or RuleState(question=rule.question)
    votes = (*known.votes, holds)[-rule.of :]
    decided = holds if votes.count(holds) >= rule.needed else known.holds
    return replace(known, holds=decided, votes=votes, answered_wall_s=now.wall_s)
