"""Where a model server is, and what its address alone tells."""

from base64 import b64encode
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final, Self
from urllib.parse import unquote, urlsplit, urlunsplit

LOCAL_DOMAINS: Final = (".local", ".lan", ".home.arpa", ".localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A base URL taken apart, so that no credential travels on inside it."""

    url: str
    """Without credentials; ends in ``/v1`` where nothing else was given."""
    host: str
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read a base URL as people write it; raise ValueError where it names no http server."""
        parts = urlsplit(url.strip())
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("a model server's address begins with http:// or https://")
        path = parts.path.rstrip("/") or "/v1"
        place = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        if parts.port is not None:
            place = f"{place}:{parts.port}"
        return cls(
            url=urlunsplit((parts.scheme, place, path, parts.query, "")),
            host=parts.hostname,
            username=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )

    @property
    def authorization(self) -> str | None:
        """Return the header that the URL's credentials stand for."""
        if not self.username and not self.password:
            return None
        return "Basic " + b64encode(f"{self.username}:{self.password}".encode()).decode()

    @property
    def private(self) -> bool:
        """Whether it stands in the house, where a request costs no money."""
        try:
            address = ip_address(self.host)
        except ValueError:
            return "." not in self.host or self.host.endswith(LOCAL_DOMAINS)
        return address.is_private or address.is_loopback
