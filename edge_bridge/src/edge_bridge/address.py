"""Where Home Assistant is: what of its address may be dialled with a token."""

import asyncio
import ipaddress
import socket

from yarl import URL

from .errors import SettingsError
from .protocol.limits import PATH


def endpoint(text: str) -> URL:
    """Return where bridges connect, from what a person types; raise SettingsError."""
    try:
        url = URL(text.strip())
        # Names that no name server takes: a part of it is empty or too long.
        (url.host or "").encode("idna")
    except ValueError as error:
        raise SettingsError("url", "not an address") from error
    if " " in (url.host or ""):
        raise SettingsError("url", "not an address: it holds a space")
    if url.scheme not in {"http", "https"} or not url.host:
        raise SettingsError("url", "must look like http://homeassistant.local:8123")
    if url.user or url.password:
        raise SettingsError(
            "url", "must not hold a name or a password; the token goes into its own setting"
        )
    base = url.path.rstrip("/").removesuffix(PATH)
    return url.with_path(base + PATH).with_query(None).with_fragment(None)


async def is_private(host: str) -> bool:
    """Return whether every address of a host is in a house's own network; raise OSError where it has none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return all(
        not ipaddress.ip_address(str(entry[4][0]).partition("%")[0]).is_global for entry in found
    )
