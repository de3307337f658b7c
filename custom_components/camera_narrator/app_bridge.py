"""The bridge that runs as an app beside Home Assistant: what the Supervisor tells of it, and what is kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
import re
from typing import Any, Self

from homeassistant.config_entries import ConfigEntry, ConfigSubentry, ConfigSubentryData
from homeassistant.const import CONF_NAME
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    TextSelector,
)
import voluptuous as vol

from . import const
from .protocol.limits import PRINTABLE_MAX
from .tokens import hashes_of

CONF_HUB = "hub"
NAME = "Bridge"
"""Suggested where only one is meant, the one on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppBridge:
    """Announced by the app itself: its id, and the SHA-256 of the token that it made and keeps."""

    bridge: str
    token_hash: str

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self | None:
        """Return what was announced, or None where that is no bridge of this version."""
        bridge, hashed = config.get("bridge"), config.get("token_hash")
        if not isinstance(bridge, str) or not isinstance(hashed, str):
            return None
        if not 0 < len(bridge) <= PRINTABLE_MAX or not bridge.isprintable():
            return None
        return (
            cls(bridge=bridge, token_hash=hashed) if re.fullmatch(r"[0-9a-f]{64}", hashed) else None
        )

    def known(self, entries: Iterable[ConfigEntry]) -> bool:
        """Return whether a hub has this bridge, or had it under this token."""
        return any(
            self.token_hash in hashes_of(subentry.data)
            or self.bridge == subentry.data.get(const.CONF_BRIDGE_ID)
            for entry in entries
            for subentry in entry.get_subentries_of_type(const.SUBENTRY_BRIDGE)
        )

    def kept(self, name: str, address: str) -> ConfigSubentryData:
        """Return the bridge as a hub keeps it."""
        return ConfigSubentryData(
            subentry_type=const.SUBENTRY_BRIDGE,
            title=name,
            unique_id=None,
            data={
                const.CONF_TOKEN_HASH: self.token_hash,
                const.CONF_OLD_TOKEN_HASHES: [],
                const.CONF_BRIDGE_ID: self.bridge,
                const.CONF_ADDRESS: address,
            },
        )

    def subentry(self, name: str, address: str) -> ConfigSubentry:
        """Return the same for a hub that is there."""
        kept = self.kept(name, address)
        return ConfigSubentry(
            data=dict(kept["data"]),  # type: ignore[arg-type] # Home Assistant freezes it
            subentry_type=kept["subentry_type"],
            title=kept["title"],
            unique_id=kept["unique_id"],
        )


def name_schema(hubs: Iterable[ConfigEntry]) -> vol.Schema:
    """Return the field of the name, and that of the hub where there is a choice."""
    options = [SelectOptionDict(value=hub.entry_id, label=hub.title) for hub in hubs]
    fields: dict[vol.Marker, object] = {vol.Required(CONF_NAME, default=NAME): TextSelector()}
    if len(options) > 1:
        fields[vol.Required(CONF_HUB, default=options[0]["value"])] = SelectSelector(
            SelectSelectorConfig(options=options)
        )
    return vol.Schema(fields)
