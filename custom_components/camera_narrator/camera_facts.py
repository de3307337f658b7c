"""What a probe found, in words for the dialog."""

from collections.abc import Callable

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from .camera_areas import InvalidAreas
from .const import DOMAIN, SECTION_ADVANCED, SUBENTRY_CAMERA
from .preview import plain
from .protocol.messages import Probed

_CODECS = {"h264": "H.264", "hevc": "H.265", "mjpeg": "MJPEG", "av1": "AV1", "mpeg4": "MPEG-4"}
"""Names of video formats as cameras' own settings write them."""
SMALL_PX = 352
"""Lines below which a person across a yard is a dozen pixels high: sub streams of old cameras have 240 or 288."""
LONG_INTERVAL_S = 4.0
"""While quiet, the bridge looks at key frames: between them it relies on hints that small movements do not give."""
SMART_INTERVAL_S = 8.0
"""Longer than what cameras offer in their settings is stretched by the camera itself."""


async def facts(hass: HomeAssistant, probed: Probed) -> dict[str, str]:
    """Return the placeholders of the dialog's text, all but the picture."""
    word = await _words(hass)
    interval_s = probed.key_interval_s
    advice = [
        word(key)
        for key, given in (
            ("sub_stream_advice", probed.sub_stream),
            ("main_stream_advice", 0 < probed.height < SMALL_PX),
            ("one_session_advice", probed.one_session),
            ("key_interval_advice", interval_s is None or interval_s > LONG_INTERVAL_S),
            ("smart_codec_advice", interval_s is None or interval_s > SMART_INTERVAL_S),
        )
        if given
    ]
    return {
        "codec": _codec(probed.codec),
        "size": _size(probed.width, probed.height),
        "fps": f"{probed.fps:g}",
        "key_interval": word("one_key_frame") if interval_s is None else f"{interval_s:.1f} s",
        "audio": word("audio" if probed.audio else "no_audio"),
        "advice": "\n\n".join(advice),
    }


def video(codec: str, width: int, height: int) -> str:
    """Return what a stream is, in few words."""
    return f"{_codec(codec)}, {_size(width, height)}"


async def legend(hass: HomeAssistant) -> str:
    """Return what the colours of areas in a picture mean."""
    return (await _words(hass))("areas_legend")


async def complaint(hass: HomeAssistant, error: InvalidAreas | None) -> dict[str, str]:
    """Return the placeholders of the words that say what is wrong with areas, none where nothing is."""
    if error is None:
        return {}
    words = await async_get_translations(hass, hass.config.language, "config_subentries", [DOMAIN])
    fields = f"component.{DOMAIN}.config_subentries.{SUBENTRY_CAMERA}.step.rtsp.sections"
    return {
        "field": words[f"{fields}.{SECTION_ADVANCED}.data.{error.field}"],
        "area": str(error.area),
        "given": error.given,
    }


def _codec(name: str) -> str:
    return _CODECS.get(name, plain(name))


def _size(width: int, height: int) -> str:
    return f"{width} × {height}"


async def _words(hass: HomeAssistant) -> Callable[[str], str]:
    words = await async_get_translations(hass, hass.config.language, "common", [DOMAIN])
    return lambda key: words[f"component.{DOMAIN}.common.{key}"]
