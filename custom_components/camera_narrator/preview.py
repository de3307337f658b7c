"""Shows the picture of a probe in a dialog: in memory, behind a signed address, gone with the dialog."""

from collections import OrderedDict
from datetime import timedelta
from http import HTTPStatus
import secrets

from aiohttp import web
from homeassistant.components.http.auth import async_sign_path
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.http import KEY_HASS, HomeAssistantView
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN

MAX_PREVIEWS = 8
"""Open dialogs with a picture; each picture is at most a frame of the wire, so 8 MB in all."""
LIFETIME = timedelta(minutes=15)
"""How long a signed address opens: a dialog left open over a coffee still shows its picture."""


class Previews:
    """The pictures of open dialogs by random name, oldest out."""

    def __init__(self) -> None:
        """Begin empty."""
        self._pictures: OrderedDict[str, bytes] = OrderedDict()

    def keep(self, jpeg: bytes) -> str:
        """Keep a picture and return its name."""
        name = secrets.token_urlsafe(16)
        self._pictures[name] = jpeg
        while len(self._pictures) > MAX_PREVIEWS:
            self._pictures.popitem(last=False)
        return name

    def picture(self, name: str) -> bytes | None:
        """Return the picture of that name."""
        return self._pictures.get(name)

    def forget(self, name: str) -> None:
        """Let a picture go."""
        self._pictures.pop(name, None)


DATA_PREVIEWS: HassKey[Previews] = HassKey(f"{DOMAIN}_previews")


@callback
def async_setup_previews(hass: HomeAssistant) -> Previews:
    """Return the run's previews; the view is registered with the first."""
    if DATA_PREVIEWS not in hass.data:
        hass.data[DATA_PREVIEWS] = Previews()
        hass.http.register_view(PreviewView())
    return hass.data[DATA_PREVIEWS]


def signed(hass: HomeAssistant, name: str) -> str:
    """Return the path under which a browser may load the picture for a while."""
    return async_sign_path(hass, PreviewView.url.format(name=name), LIFETIME)


def plain(text: str) -> str:
    """Return a peer's words without what Markdown would make of them."""
    return "".join(char if char.isalnum() or char in " .,-" else " " for char in text).strip()


class PreviewView(HomeAssistantView):
    """Serves the pictures of open dialogs."""

    url = f"/api/{DOMAIN}/preview/{{name}}"
    name = f"api:{DOMAIN}:preview"

    async def get(self, request: web.Request, name: str) -> web.Response:
        """Return the picture, or 404 once its dialog is gone."""
        jpeg = async_setup_previews(request.app[KEY_HASS]).picture(name)
        if jpeg is None:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        return web.Response(
            body=jpeg, content_type="image/jpeg", headers={"Cache-Control": "no-store"}
        )
