"""What the residents ask of a camera's words: what to tell and how, and in which language."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import LanguageSelector, TextSelector, TextSelectorConfig

from . import const
from .pipeline.prompt import INSTRUCTIONS_CHARS

INSTRUCTIONS: Final = TextSelector(TextSelectorConfig(multiline=True))
LANGUAGE: Final = LanguageSelector()
_PLAIN: Final = "en"
"""Prompts are English, and so are answers that no language is asked of."""


def read(typed: Mapping[str, Any]) -> str:
    """Return the instructions as a subentry keeps them; raise ValueError, its message a key of words, if too long."""
    text = str(typed.get(const.CONF_INSTRUCTIONS, "")).strip()
    if len(text) > INSTRUCTIONS_CHARS:
        raise ValueError("instructions_too_long")
    return text


def instructions(data: Mapping[str, Any]) -> str:
    """Return a camera's instructions."""
    return str(data.get(const.CONF_INSTRUCTIONS, ""))


def language(hass: HomeAssistant, entry: ConfigEntry, data: Mapping[str, Any]) -> str:
    """Return the language of a camera's words: its own, the hub's, or else Home Assistant's; empty for English."""
    chosen: str = (
        data.get(const.CONF_LANGUAGE)
        or entry.options.get(const.CONF_LANGUAGE)
        or hass.config.language
    )
    return "" if chosen == _PLAIN else chosen
