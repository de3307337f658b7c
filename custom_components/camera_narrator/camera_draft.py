"""A camera while its dialog is open: what was typed so far, what is wrong with it, what its subentry will keep."""

from collections.abc import Mapping
from typing import Any

from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant

from . import camera_rules, const, local_only, only_for, wording
from .bridge_link import BridgeLink
from .camera_address import Address, InvalidAddress
from .camera_areas import Areas, InvalidAreas
from .camera_form import flat, typed_before
from .coordinator import NarratorConfigEntry
from .gateway import async_setup_http
from .protocol.vocabulary import Capability, Source

_PROBED = (
    const.CONF_URL,
    const.CONF_USERNAME,
    const.CONF_PASSWORD,
    const.CONF_TRANSPORT,
    const.CONF_BRIDGE,
)
"""What a bridge tries again when it changes."""


class CameraDraft:
    """What a dialog knows of a camera; begins with what a kept camera has."""

    def __init__(
        self, hass: HomeAssistant, entry: NarratorConfigEntry, kept_id: str | None
    ) -> None:
        """Begin with the camera that is changed, or with nothing."""
        self._hass = hass
        self._entry = entry
        self._kept_id = kept_id
        self._rules: list[dict[str, Any]] = []
        self._instructions = ""
        self.typed: dict[str, Any] = {}
        self.source = Source.RTSP
        self.address = Address(url="")
        self.areas = Areas()
        self.errors: dict[str, str] = {}
        """What is wrong, by field; a form shows it once."""
        self.invalid_areas: InvalidAreas | None = None
        if (kept := self.kept) is not None:
            self.typed = typed_before(kept)
            self.source = Source(kept.data[const.CONF_SOURCE])
            self.address = Address(
                url=kept.data.get(const.CONF_URL, ""),
                username=kept.data.get(const.CONF_USERNAME, ""),
                password=kept.data.get(const.CONF_PASSWORD, ""),
            )
            self.areas = Areas.of(kept.data)

    @property
    def kept(self) -> ConfigSubentry | None:
        """Return the camera that is changed as it is now: its switch may replace it meanwhile."""
        return None if self._kept_id is None else self._entry.subentries[self._kept_id]

    @property
    def title(self) -> str:
        """Return the camera's name."""
        name: str = self.typed[CONF_NAME]
        return name.strip()

    @property
    def link(self) -> BridgeLink | None:
        """Return the connection to the chosen bridge, None while it is away."""
        return async_setup_http(self._hass).link(self.typed[const.CONF_BRIDGE])

    @property
    def needs_probe(self) -> bool:
        """Return whether the address or the way to it is another than the one that was tried."""
        if (kept := self.kept) is None:
            return True
        after = self.data()
        return any(kept.data.get(key) != after.get(key) for key in _PROBED)

    @property
    def areas_changed(self) -> bool:
        """Return whether a kept camera's areas are others now."""
        kept = self.kept
        return kept is not None and self.areas != Areas.of(kept.data)

    def take(self, user_input: Mapping[str, Any]) -> None:
        """Take a filled form; what is wrong with it is in ``errors``."""
        # A client that leaves the section out changes nothing in it.
        before = self.typed.get(const.SECTION_ADVANCED, {})
        self.typed = {const.SECTION_ADVANCED: before, **user_input}
        self.errors = {}
        self.invalid_areas = None
        if not self.title:
            self.errors[CONF_NAME] = "name_missing"
        if only_for.unnamed(self._entry, self.link, flat(self.typed)):
            self.errors[const.SECTION_ADVANCED] = "only_for_unnamed"
        self._take_rules()
        try:
            self._instructions = wording.read(self.typed)
        except ValueError as error:
            self.errors[const.CONF_INSTRUCTIONS] = str(error)
        if self.source is Source.RTSP and self._take_address(user_input):
            self._take_areas()

    def data(self) -> dict[str, Any]:
        """Return what the subentry keeps."""
        kept = self.kept
        data = flat(self.typed)
        wishes = {const.CONF_RULES: self._rules, const.CONF_INSTRUCTIONS: self._instructions}
        for key, wish in wishes.items():
            data.pop(key, None)
            if wish or (kept is not None and key in kept.data):
                data[key] = wish
        if self.source is Source.RTSP:
            data |= {
                const.CONF_URL: self.address.url,
                const.CONF_USERNAME: self.address.username,
                const.CONF_PASSWORD: self.address.password,
                **self.areas.stored(),
            }
        return data

    def _take_rules(self) -> None:
        before = self.kept
        kept = [] if before is None else before.data.get(const.CONF_RULES, [])
        try:
            self._rules = camera_rules.read(self.typed.get(const.CONF_RULES, ()), kept)
        except camera_rules.InvalidRules as error:
            self.errors[const.CONF_RULES] = str(error)
            return
        data = flat(self.typed)
        held = before is not None and self._rules == kept
        if held and before is not None:
            held = local_only.stays(before.data) == local_only.stays(data)
        if self._rules and not held and local_only.answered_by_code(self._entry, data):
            outside = self._entry.data[const.CONF_PROVIDER] != const.PROVIDER_BUILTIN
            self.errors[const.CONF_RULES] = "rules_stay" if outside else "rules_need_model"

    def _take_address(self, user_input: Mapping[str, Any]) -> bool:
        """Return whether an address could be read."""
        before = self.address
        username = user_input.get(const.CONF_USERNAME, "")
        password = user_input.get(const.CONF_PASSWORD, "")
        if not password and username and username.strip() == before.username:
            password = before.password
        try:
            address = Address.read(user_input[const.CONF_URL], username=username, password=password)
        except InvalidAddress as error:
            self.errors[const.CONF_URL] = str(error)
            return False
        self.address = address
        self.typed |= {const.CONF_URL: address.url, const.CONF_USERNAME: address.username}
        if any(
            camera.subentry_id != self._kept_id and camera.unique_id == address.identity
            for camera in self._entry.get_subentries_of_type(const.SUBENTRY_CAMERA)
        ):
            self.errors[const.CONF_URL] = "already_configured"
        return True

    def _take_areas(self) -> None:
        try:
            self.areas = Areas.read(flat(self.typed))
        except InvalidAreas as error:
            # A browser shows no error at a field inside a section.
            self.errors[const.SECTION_ADVANCED] = error.key
            self.invalid_areas = error
            return
        link = self.link
        if (
            self.areas.masks
            and link is not None
            and Capability.MASKS not in link.hello.capabilities
        ):
            self.errors[const.CONF_BRIDGE] = "bridge_cannot_mask"
