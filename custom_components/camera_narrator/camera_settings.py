"""What a camera's subentry says, as its narration and its bridge take it."""

from collections.abc import Mapping
from typing import Any

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant

from . import camera_rules, const, only_for, wording
from .camera_areas import Areas
from .coordinator import NarratorConfigEntry
from .pipeline.models import CameraSettings
from .pipeline.vocabulary import Profile
from .protocol.camera import CameraConfig
from .protocol.vocabulary import Source, Transport


def chosen(
    hass: HomeAssistant, entry: NarratorConfigEntry, subentry: ConfigSubentry
) -> CameraSettings:
    """Return what its narration must know."""
    data = subentry.data
    return CameraSettings(
        title=subentry.title,
        profile=Profile(data.get(const.CONF_PROFILE, Profile.BALANCED)),
        enabled=data.get(const.CONF_ENABLED, True),
        interval_s=data.get(const.CONF_INTERVAL_S, const.DEFAULT_INTERVAL_S),
        frames_per_chunk=int(data.get(const.CONF_FRAMES, const.DEFAULT_FRAMES)),
        rules=camera_rules.chosen(data),
        only_for=only_for.chosen(data),
        instructions=wording.instructions(data),
        language=wording.language(hass, entry, data),
    )


def capture_config(data: Mapping[str, Any], number: int) -> CameraConfig:
    """Return what its bridge must know, under the number of a connection."""
    rate_fps = data.get(const.CONF_RATE_FPS, const.DEFAULT_RATE_FPS)
    always = data.get(const.CONF_PROFILE) == Profile.ALWAYS
    areas = Areas.of(data)
    return CameraConfig(
        number=number,
        camera=data[const.CONF_KEY],
        source=Source(data[const.CONF_SOURCE]),
        url=data.get(const.CONF_URL) or "",
        username=data.get(const.CONF_USERNAME) or "",
        password=data.get(const.CONF_PASSWORD) or "",
        transport=Transport(data.get(const.CONF_TRANSPORT, Transport.TCP)),
        rate_fps=rate_fps,
        quiet_interval_s=1 / rate_fps if always else const.QUIET_INTERVAL_S,
        height_px=data.get(const.CONF_HEIGHT_PX, const.DEFAULT_HEIGHT_PX),
        quality=data.get(const.CONF_QUALITY, const.DEFAULT_QUALITY),
        masks=areas.masks,
        zones=areas.zones,
        ignored=areas.ignored,
    )
