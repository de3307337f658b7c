"""What a hub's model costs, and what a camera will, in words for the dialogs."""

from collections.abc import Callable, Mapping
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from . import const, local_only
from .hub_limits import tariff_of
from .pipeline.estimate import VISITS, per_day
from .pipeline.models import CameraSettings
from .pipeline.prices import AS_OF
from .pipeline.vocabulary import Profile


async def price(hass: HomeAssistant, entry: ConfigEntry) -> str:
    """Return what requests of a hub cost, and who says so."""
    word = await _words(hass)
    if entry.data.get(const.CONF_PROVIDER) == const.PROVIDER_BUILTIN:
        return word("price_builtin")
    given = tariff_of(entry.data, entry.options)
    model = entry.data.get(const.CONF_MODEL, "")
    if given.free:
        return word("price_free")
    if given.price is None:
        return word("price_unknown").format(model=model)
    own = entry.options.get(const.CONF_INPUT_PRICE) is not None
    return word("price_own" if own else "price_known").format(
        model=model,
        input=f"{given.price.input_usd:g}",
        output=f"{given.price.output_usd:g}",
        as_of=AS_OF,
    )


async def estimate(hass: HomeAssistant, entry: ConfigEntry, camera: Mapping[str, Any]) -> str:
    """Return what a camera with these settings costs on a day, by profile."""
    word = await _words(hass)
    given = tariff_of(entry.data, entry.options)
    if given.free:
        return word("estimate_free")
    if local_only.answered_by_code(entry, camera):
        return word("estimate_stays")
    told: dict[str, str] = {}
    for profile in Profile:
        settings = CameraSettings(
            title="",
            profile=profile,
            interval_s=camera.get(const.CONF_INTERVAL_S, const.DEFAULT_INTERVAL_S),
            frames_per_chunk=int(camera.get(const.CONF_FRAMES, const.DEFAULT_FRAMES)),
        )
        height_px = int(camera.get(const.CONF_HEIGHT_PX, const.DEFAULT_HEIGHT_PX))
        cost = per_day(
            settings, given, height_px=height_px, heartbeats=bool(camera.get(const.CONF_RULES))
        )
        told[profile.value] = str(cost.requests) if given.unknown else f"${cost.usd:.2f}"
    key = "estimate_requests" if given.unknown else "estimate_usd"
    return word(key).format(visits=VISITS, **told)


async def _words(hass: HomeAssistant) -> Callable[[str], str]:
    words = await async_get_translations(hass, hass.config.language, "common", [const.DOMAIN])
    return lambda key: words[f"component.{const.DOMAIN}.common.{key}"]
