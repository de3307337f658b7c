"""Cameras whose pictures stay in the house, and where the pictures of all others go."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import const
from .providers.address import Address

if TYPE_CHECKING:
    from homeassistant.config_entries import ConfigEntry


def stays(camera: Mapping[str, Any]) -> bool:
    """Return whether a camera's pictures must not leave the house."""
    return bool(camera.get(const.CONF_LOCAL_ONLY, False))


def outside(data: Mapping[str, Any], options: Mapping[str, Any]) -> str | None:
    """Return the host to which a hub sends pictures out of the house; None for the built-in describer and a server in it.

    A server in the house that has a price passes pictures on to one outside.
    """
    if data[const.CONF_PROVIDER] == const.PROVIDER_BUILTIN:
        return None
    address = Address.parse(data[const.CONF_BASE_URL])
    passes_on = options.get(const.CONF_INPUT_PRICE) is not None
    return address.host if passes_on or not address.private else None


def newly_outside(data: Mapping[str, Any], before: ConfigEntry | None) -> bool:
    """Return whether pictures would go to a host out of the house to which a hub does not send them already."""
    options = {} if before is None else before.options
    host = outside(data, options)
    return host is not None and (before is None or outside(before.data, options) != host)


def answered_by_code(entry: ConfigEntry, camera: Mapping[str, Any]) -> bool:
    """Return whether no model reads a camera's pictures: there is none, or they may go to none that there is."""
    if entry.data[const.CONF_PROVIDER] == const.PROVIDER_BUILTIN:
        return True
    if not stays(camera) or outside(entry.data, entry.options) is None:
        return False
    second = entry.options.get(const.CONF_FALLBACK)
    if not second:
        return True
    return outside({**second, const.CONF_PROVIDER: const.PROVIDER_OPENAI}, second) is not None
