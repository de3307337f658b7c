"""Where a stream is and how to ask for it."""

from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit, urlunsplit

from .errors import CaptureError
from .protocol.camera import CameraConfig
from .protocol.messages import Probe
from .protocol.vocabulary import ErrorCode, Transport

SCHEMES = frozenset({"rtsp", "rtsps", "http", "https", "rtmp", "srt"})
"""What cameras speak. Everything else libav would open as well: files, pipes, lists of other addresses."""

_CREDENTIAL_SAFE = "-._~"
"""The characters that RFC 3986 never asks to encode."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSource:
    """The address of a stream; credentials stand apart from it."""

    url: str = field(repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    transport: Transport = Transport.TCP

    @classmethod
    def of(cls, message: CameraConfig | Probe) -> StreamSource:
        """Take the address out of a configuration or of the wish to probe."""
        return cls(
            url=message.url,
            username=message.username,
            password=message.password,
            transport=message.transport,
        )

    @property
    def scheme(self) -> str:
        """The scheme in small letters, empty where there is none."""
        scheme, separator, _ = self.url.strip().partition("://")
        return scheme.lower() if separator else ""

    @property
    def host(self) -> str:
        """The host, empty where there is none, or where its port is not a number."""
        try:
            parts = urlsplit(self.url.strip())
            return "" if parts.port == 0 else parts.hostname or ""
        except ValueError:
            return ""

    def check(self) -> None:
        """Raise CaptureError for an address that must not be opened."""
        if self.scheme not in SCHEMES:
            raise CaptureError(ErrorCode.SCHEME_NOT_ALLOWED, scheme=self.scheme)
        if not self.host:
            raise CaptureError(ErrorCode.UNREACHABLE)

    def full_url(self) -> str:
        """Return the address with its credentials: for opening only, never for a log."""
        if not self.username and not self.password:
            # libav knows schemes in small letters alone.
            return f"{self.scheme}://{self.url.strip().partition('://')[2]}"
        parts = urlsplit(self.url.strip())
        place = parts.netloc.rpartition("@")[2]
        user = quote(self.username, safe=_CREDENTIAL_SAFE)
        password = quote(self.password, safe=_CREDENTIAL_SAFE)
        return urlunsplit(parts._replace(netloc=f"{user}:{password}@{place}"))
