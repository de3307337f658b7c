"""A camera's rules as its dialog shows them, as its subentry keeps them, and as the pipeline takes them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    ObjectSelector,
    ObjectSelectorConfig,
    TextSelector,
)
from homeassistant.util import slugify

from . import const
from .pipeline.errors import NarratorError
from .pipeline.prompt import RULE_CHARS
from .pipeline.rule import Rule


class InvalidRules(NarratorError):
    """What was typed is no list of rules; the message is the key of the words that say why."""


RULES_MAX: Final = 8
"""Each costs 60 tokens a look; a model that has to answer more at once gets careless."""
NAME_CHARS: Final = 64
KEY_CHARS: Final = 40
FIELD_QUESTION: Final = "question"
FIELD_NAME: Final = "name"
FIELD_THRESHOLD: Final = "threshold"
FIELD_NEEDED: Final = "needed"
FIELD_OF: Final = "of"
FIELD_COOLDOWN: Final = "cooldown"
_KEY: Final = "key"
_DEFAULTS: Final[Mapping[str, Any]] = {
    FIELD_THRESHOLD: 70,
    FIELD_NEEDED: 2,
    FIELD_OF: 3,
    FIELD_COOLDOWN: 5,
}


def _number(low: int, high: int, unit: str | None = None) -> NumberSelector:
    config = NumberSelectorConfig(min=low, max=high, step=1, mode=NumberSelectorMode.BOX)
    if unit is not None:
        config["unit_of_measurement"] = unit
    return NumberSelector(config)


SELECTOR: Final = ObjectSelector(
    ObjectSelectorConfig(
        multiple=True,
        label_field=FIELD_QUESTION,
        description_field=FIELD_NAME,
        translation_key="rule",
        fields={
            FIELD_QUESTION: {"selector": TextSelector(), "required": True},
            FIELD_NAME: {"selector": TextSelector()},
            FIELD_THRESHOLD: {"selector": _number(50, 100, "%"), "default": 70},
            FIELD_NEEDED: {"selector": _number(1, 3), "default": 2},
            FIELD_OF: {"selector": _number(1, 5), "default": 3},
            # Up to a day: a rule that comes true now and then tells once.
            FIELD_COOLDOWN: {"selector": _number(0, 1440, "min"), "default": 5},
        },
    )
)


def read(
    typed: Iterable[Mapping[str, Any]], kept: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return rules as a subentry keeps them, each under the key it had; raise InvalidRules."""
    rules = [_read(one) for one in typed]
    if len(rules) > RULES_MAX:
        raise InvalidRules("rules_too_many")
    names = [rule[FIELD_NAME].casefold() for rule in rules]
    if len(set(names)) < len(names):
        raise InvalidRules("rules_same_name")
    before = list(kept)
    for field in (
        FIELD_NAME,
        FIELD_QUESTION,
    ):  # a rule is the same under another name, and with other words
        for rule in rules:
            same = next((one for one in before if one[field] == rule[field]), None)
            if _KEY not in rule and same is not None:
                rule[_KEY] = same[_KEY]
                before.remove(same)
    taken = {rule[_KEY] for rule in rules if _KEY in rule}
    for rule in rules:
        if _KEY not in rule:
            rule[_KEY] = _key(rule[FIELD_NAME], taken)
            taken.add(rule[_KEY])
    return rules


def written(kept: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return kept rules as the dialog shows them."""
    return [{field: value for field, value in one.items() if field != _KEY} for one in kept]


def chosen(data: Mapping[str, Any]) -> tuple[Rule, ...]:
    """Return a camera's rules for the pipeline."""
    return tuple(
        Rule(
            key=one[_KEY],
            name=one[FIELD_NAME],
            question=one[FIELD_QUESTION],
            threshold=one[FIELD_THRESHOLD] / 100,
            needed=int(one[FIELD_NEEDED]),
            of=int(one[FIELD_OF]),
            cooldown_s=one[FIELD_COOLDOWN] * 60,
        )
        for one in data.get(const.CONF_RULES, ())
    )


def _read(typed: Mapping[str, Any]) -> dict[str, Any]:
    question = " ".join(str(typed.get(FIELD_QUESTION, "")).split()).rstrip(".?! ")
    if not question:
        raise InvalidRules("rule_empty")
    if len(question) > RULE_CHARS:
        raise InvalidRules("rule_too_long")
    name = " ".join(str(typed.get(FIELD_NAME) or question).split())[:NAME_CHARS]
    rule = {**_DEFAULTS, **typed, FIELD_QUESTION: question, FIELD_NAME: name}
    if rule[FIELD_NEEDED] > rule[FIELD_OF]:
        raise InvalidRules("rule_never")
    return rule


def _key(name: str, taken: set[str]) -> str:
    base = slugify(name)[:KEY_CHARS].strip("_") or "rule"
    key, number = base, 2
    while key in taken:
        key, number = f"{base}_{number}", number + 1
    return key
