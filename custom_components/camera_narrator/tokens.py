"""The tokens that open the bridges' endpoint: what a presented one stands for."""

from asyncio import Future
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from time import monotonic
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant, callback

from . import const
from .bridge_link import BridgeLink
from .protocol.messages import Hello
from .protocol.vocabulary import ErrorCode

REMOVED_TOKENS = 100
"""Hashes of removed bridges remembered until the next start, to answer 403 instead of 401."""
OPEN_DIALOGS = 16
"""Tokens of open dialogs at a time; nobody pairs more bridges at once."""


def token_hash(token: str) -> str:
    """Return what is stored of a token and looked up."""
    # A header may hold bytes that are no text; they arrive as surrogates.
    return sha256(token.encode(errors="surrogatepass")).hexdigest()


def hashes_of(bridge: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what is stored of a bridge's token and of those before it."""
    return (bridge[const.CONF_TOKEN_HASH], *bridge.get(const.CONF_OLD_TOKEN_HASHES, ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a presented token stands for."""

    entry: ConfigEntry | None = None
    subentry: ConfigSubentry | None = None
    pending: PendingBridge | None = None
    revoked: bool = False


class PendingBridge:
    """The bridge that an open dialog waits for; its token is known for 15 minutes."""

    def __init__(self, book: TokenBook, hashed: str, arrived: Future[Hello]) -> None:
        """Begin to wait."""
        self.token_hash = hashed
        self.arrived = arrived
        """Its first hello; wait for it with a timeout."""
        self.link: BridgeLink | None = None
        self._book = book
        self._until_s = monotonic() + const.PENDING_TOKEN_S

    @property
    def expired(self) -> bool:
        """Whether the token is no longer known."""
        return monotonic() > self._until_s

    @callback
    def admit(self, link: BridgeLink) -> ErrorCode | None:
        """Take a connection, welcomed with no cameras; return why not, where another bridge has it."""
        if self.link is not None and self.link is not link:
            if self.link.hello.bridge != link.hello.bridge:
                return ErrorCode.IN_USE
            self.link.close(ErrorCode.REPLACED)
        self.link = link
        link.welcome(mqtt_prefix="", cameras=(), received=())
        if not self.arrived.done():
            self.arrived.set_result(link.hello)
        return None

    @callback
    def detach(self, link: BridgeLink) -> None:
        """Forget a connection that ended."""
        if self.link is link:
            self.link = None

    @callback
    def close(self) -> None:
        """The dialog is gone: forget the token, unless a bridge of that token was made meanwhile."""
        if not self.arrived.done():
            self.arrived.cancel()
        self._book.leave(self)


class TokenBook:
    """Looks tokens up over the bridges of all entries, whatever their state, and the open dialogs."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Know nothing but the entries."""
        self._hass = hass
        self._pending: dict[str, PendingBridge] = {}
        self._removed: OrderedDict[str, None] = OrderedDict()

    @callback
    def pend(self, token: str) -> PendingBridge:
        """A dialog shows this token: know it until the dialog closes, for 15 minutes at most."""
        for pending in [p for p in self._pending.values() if p.expired]:
            pending.close()
        while len(self._pending) >= OPEN_DIALOGS:
            next(iter(self._pending.values())).close()
        pending = PendingBridge(self, token_hash(token), self._hass.loop.create_future())
        self._pending[pending.token_hash] = pending
        return pending

    @callback
    def adopt(self, hashed: str) -> BridgeLink | None:
        """The bridge of an open dialog has been made: hand its connection over."""
        pending = self._pending.pop(hashed, None)
        if pending is None:
            return None
        link, pending.link = pending.link, None
        return link

    @callback
    def leave(self, pending: PendingBridge) -> None:
        """Forget a dialog's token and end its connection, unless its bridge waits to be adopted."""
        known = self._stored(pending.token_hash)
        if known is not None and not known.revoked and not pending.expired:
            return
        if self._pending.get(pending.token_hash) is pending:
            del self._pending[pending.token_hash]
        if pending.link is not None:
            pending.link.close(ErrorCode.REVOKED, retry=False)

    @callback
    def remove(self, hashes: Iterable[str]) -> None:
        """A bridge was removed: its tokens are revoked rather than unknown, until the next start."""
        for hashed in hashes:
            self._removed[hashed] = None
            self._removed.move_to_end(hashed)
        while len(self._removed) > REMOVED_TOKENS:
            self._removed.popitem(last=False)

    def find(self, token: str) -> Standing | None:
        """Return what a presented token stands for, or None where nobody knows it."""
        presented = token_hash(token)
        if (stored := self._stored(presented)) is not None and not stored.revoked:
            return stored
        pending = self._pending.get(presented)
        if pending is not None and not pending.expired:
            return Standing(pending=pending)
        if stored is not None:
            return stored
        return Standing(revoked=True) if presented in self._removed else None

    def _stored(self, hashed: str) -> Standing | None:
        for entry in self._hass.config_entries.async_entries(const.DOMAIN):
            for subentry in entry.get_subentries_of_type(const.SUBENTRY_BRIDGE):
                if compare_digest(subentry.data.get(const.CONF_TOKEN_HASH, ""), hashed):
                    return Standing(entry=entry, subentry=subentry)
                if hashed in subentry.data.get(const.CONF_OLD_TOKEN_HASHES, ()):
                    return Standing(entry=entry, subentry=subentry, revoked=True)
        return None
