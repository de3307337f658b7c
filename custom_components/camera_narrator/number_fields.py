"""Fields of dialogs that take a number: counts and dollars."""

from typing import Any

from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
)
import voluptuous as vol

MAX_USD = 100.0
"""A day: whoever spends more has typed a point too few."""
MAX_PRICE = 200.0
"""For a million tokens: twice what the dearest models took."""


def count_field(high: int, *, low: int = 0, unit: str = "") -> Any:
    """Return a field for whole numbers."""
    config = NumberSelectorConfig(min=low, max=high, step=1, mode=NumberSelectorMode.BOX)
    if unit:
        config["unit_of_measurement"] = unit
    return vol.All(NumberSelector(config), vol.Coerce(int))


def dollars_field(high: float, *, low: float = 0.0) -> Any:
    """Return a field for an amount of money."""
    return NumberSelector(
        NumberSelectorConfig(
            min=low, max=high, step="any", mode=NumberSelectorMode.BOX, unit_of_measurement="$"
        )
    )
