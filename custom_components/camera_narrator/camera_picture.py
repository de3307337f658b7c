"""The picture in a camera's dialog: drawn with the camera's areas, kept while the dialog shows it."""

from homeassistant.core import HomeAssistant

from .camera_areas import Areas
from .camera_drawing import drawn
from .camera_facts import legend
from .preview import async_setup_previews, signed


class CameraPicture:
    """One dialog's picture; a new one takes the place of the last."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Begin without a picture."""
        self._hass = hass
        self._name = ""

    async def show(self, jpeg: bytes | None, areas: Areas) -> str:
        """Return the words that show a picture and what the colours in it mean; none without a picture."""
        self.drop()
        if jpeg is None:
            return ""
        jpeg = await self._hass.async_add_executor_job(drawn, jpeg, areas)
        self._name = async_setup_previews(self._hass).keep(jpeg)
        shown = f"![]({signed(self._hass, self._name)})"
        return f"{shown}\n\n{await legend(self._hass)}" if areas else shown

    def drop(self) -> None:
        """Let the picture go."""
        if self._name:
            async_setup_previews(self._hass).forget(self._name)
            self._name = ""
