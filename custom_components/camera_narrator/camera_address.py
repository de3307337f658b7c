"""What a user types as a camera's address: split, checked and made comparable; and the key of a new camera."""

from collections.abc import Container
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Self
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from homeassistant.util import slugify

from .pipeline.errors import NarratorError
from .protocol.limits import PRINTABLE_MAX, URL_MAX

PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443, "rtmp": 1935, "srt": 0}
"""The schemes a bridge opens, with the port that goes without saying; srt has none."""
RESERVED_KEYS = frozenset({"status", "bridge"})
"""Words that stand in the place of a camera's key in MQTT topics."""


class InvalidAddress(NarratorError):
    """The text is no address of a stream; the message is the key of the words that say why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a stream is, its credentials apart."""

    url: str
    username: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def read(cls, url: str, *, username: str = "", password: str = "") -> Self:
        """Split what was typed; credentials inside the address win over those beside it."""
        typed = url.strip()
        try:
            parts = urlsplit(typed)
            parts.port  # noqa: B018  # raises for what is no port
        except ValueError as error:
            raise InvalidAddress("invalid_url") from error
        if parts.scheme not in PORTS:
            raise InvalidAddress("scheme_not_allowed" if "://" in typed else "invalid_url")
        if not parts.hostname or len(typed) > URL_MAX or not typed.isprintable():
            raise InvalidAddress("invalid_url")
        if parts.username:
            username, password = unquote(parts.username), unquote(parts.password or "")
        return cls(url=_without_credentials(parts), username=username.strip(), password=password)

    @property
    def identity(self) -> str:
        """Return what is the same for all spellings of this address, whoever logs in."""
        parts = urlsplit(self.url)
        port = parts.port or PORTS[parts.scheme]
        place = f"{parts.hostname}:{port}{parts.path.rstrip('/')}?{parts.query}"
        return sha256(place.encode()).hexdigest()[:32]


def camera_key(title: str, taken: Container[str]) -> str:
    """Return a key for topics and the wire: made once from the first title, never changed."""
    slug = slugify(title)
    if slug == "unknown" and title.strip().lower() != "unknown":
        slug = ""  # what slugify makes of a title without a letter or digit
    # Room for a number at the end of what the wire allows.
    stem = slug[: PRINTABLE_MAX - 4].rstrip("_") or "camera"
    key, number = stem, 2
    while key in taken or key in RESERVED_KEYS:
        key, number = f"{stem}_{number}", number + 1
    return key


def _without_credentials(parts: SplitResult) -> str:
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, place, parts.path, parts.query, parts.fragment))
