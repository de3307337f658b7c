"""What a probe found, in words for the dialog."""

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from .const import DOMAIN
from .preview import plain, signed
from .protocol import Probed

_CODECS = {"h264": "H.264", "hevc": "H.265", "mjpeg": "MJPEG", "av1": "AV1", "mpeg4": "MPEG-4"}
"""Names of video formats as cameras' own settings write them."""


async def facts(hass: HomeAssistant, probed: Probed, *, preview: str) -> dict[str, str]:
    """Return the placeholders of the dialog's text; ``preview`` names a kept picture or is empty."""
    words = await async_get_translations(hass, hass.config.language, "common", [DOMAIN])

    def word(key: str) -> str:
        return words[f"component.{DOMAIN}.common.{key}"]

    advice = [
        word(key)
        for key, given in (
            ("sub_stream_advice", probed.sub_stream),
            ("one_session_advice", probed.one_session),
        )
        if given
    ]
    interval_s = probed.key_interval_s
    return {
        "preview": f"![]({signed(hass, preview)})" if preview else "",
        "codec": _CODECS.get(probed.codec, plain(probed.codec)),
        "size": f"{probed.width} × {probed.height}",
        "fps": f"{probed.fps:g}",
        "key_interval": word("one_key_frame") if interval_s is None else f"{interval_s:.1f} s",
        "audio": word("audio" if probed.audio else "no_audio"),
        "advice": "\n\n".join(advice),
    }
