"""The bridges' endpoint: who may come in, and what becomes of who may not."""

import asyncio
from collections import OrderedDict
from http import HTTPStatus
import logging
from time import monotonic
from typing import TYPE_CHECKING

from aiohttp import ClientError, WSCloseCode, WSMsgType, hdrs, web
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.http import HomeAssistantView
from homeassistant.util.hass_dict import HassKey

from . import bridge_issues
from .bridge_link import CLOSE_S, BridgeLink
from .const import DOMAIN
from .protocol.limits import MAX_TEXT_BYTES, PATH
from .protocol.messages import Hello, Refuse, negotiate, parse
from .protocol.record import ProtocolError
from .protocol.vocabulary import ErrorCode
from .protocol.wire_error import WireError
from .tokens import PendingBridge, Standing, TokenBook

if TYPE_CHECKING:
    from .hub import Hub
    from .hub_bridge import HubBridge

_LOGGER = logging.getLogger(__name__)

HELLO_S = 10.0
"""A bridge has its hello ready before it connects."""
HEARTBEAT_S = 25.0
"""Proxies close sockets that are silent for 60 s, some for 30 s."""
RETRY_AFTER_S = 5
"""An entry that is not loaded mostly is a moment later."""
REFUSALS_PER_MINUTE = 30
"""Unknown tokens from one address that are still answered one by one; known ones never count."""
ADDRESSES = 256
"""Addresses remembered for that; the one silent for longest is forgotten first."""


class Gateway:
    """Everything that bridges connect to, one per run of Home Assistant."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Let nobody in before a hub opens."""
        self.tokens = TokenBook(hass)
        self._hass = hass
        self._hubs: dict[str, Hub] = {}
        self._links: set[BridgeLink] = set()
        self._refusals = Refusals()

    @callback
    def open(self, hub: Hub) -> None:
        """Let the bridges of a hub in."""
        self._hubs[hub.entry.entry_id] = hub
        for bridge in hub.bridges.values():
            bridge.start()

    @callback
    def close(self, hub: Hub) -> None:
        """Let no bridge of this hub in any more; those that are in are the hub's to close."""
        self._hubs.pop(hub.entry.entry_id, None)

    def serves(self, hub: Hub) -> bool:
        """Whether the bridges of a hub are let in."""
        return self._hubs.get(hub.entry.entry_id) is hub

    @callback
    def pend(self, token: str) -> PendingBridge:
        """A dialog shows a token: let its bridge in to wait."""
        return self.tokens.pend(token)

    @callback
    def adopt(self, token_hash: str) -> BridgeLink | None:
        """The dialog's bridge was made: hand over its connection."""
        return self.tokens.adopt(token_hash)

    def link(self, subentry_id: str) -> BridgeLink | None:
        """Return the connection of a bridge."""
        for hub in self._hubs.values():
            if (bridge := hub.bridges.get(subentry_id)) is not None:
                return bridge.link
        return None

    @callback
    def stop(self, _event: Event | None = None) -> None:
        """Home Assistant stops: say goodbye to all."""
        for link in self._links:
            link.close(None, close_code=WSCloseCode.GOING_AWAY)

    # -- one request --------------------------------------------------------------------------------------------

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a bridge: with a refusal, or with a connection that lasts."""
        scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        standing = self.tokens.find(token.strip()) if scheme.lower() == "bearer" else None
        if (refusal := self._refuse(standing, request.remote)) is not None:
            return refusal
        socket = web.WebSocketResponse(
            compress=False,
            decode_text=False,
            heartbeat=HEARTBEAT_S,
            max_msg_size=MAX_TEXT_BYTES,
            timeout=CLOSE_S,
        )
        await socket.prepare(request)
        try:
            hello = await _hello(socket)
        except ProtocolError as error:
            _LOGGER.warning("A bridge at %s was sent away: %s", request.remote, error)
            await _send_away(socket, WireError.of(ErrorCode.MALFORMED), retry=True)
            return socket
        transport = request.transport
        if hello is not None and transport is not None:
            await self._connect(BridgeLink(socket, hello, abort=transport.abort), token.strip())
        return socket

    def _refuse(self, standing: Standing | None, address: str | None) -> web.Response | None:
        """Return, never raise: a raised 401 notifies and can ban an address that the house shares."""
        if standing is None:
            if self._refusals.over(address or ""):
                return _refusal(HTTPStatus.TOO_MANY_REQUESTS, retry_after_s=60)
            return _refusal(HTTPStatus.UNAUTHORIZED)
        if standing.revoked:
            if (subentry := standing.subentry) is not None:
                bridge_issues.create(
                    self._hass,
                    bridge_issues.TOKEN_ROTATED,
                    subentry.subentry_id,
                    subentry.title,
                )
            return _refusal(HTTPStatus.FORBIDDEN)
        if self._hass.is_stopping or (standing.pending is None and self._bridge(standing) is None):
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, retry_after_s=RETRY_AFTER_S)
        return None

    async def _connect(self, link: BridgeLink, token: str) -> None:
        """Find the link's place, which may have changed while its hello was awaited, and serve it."""
        standing = self.tokens.find(token)
        place = None if standing is None else standing.pending or self._bridge(standing)
        self._links.add(link)
        try:
            if standing is None or standing.revoked:
                link.close(ErrorCode.REVOKED, retry=False)
            elif place is None or self._hass.is_stopping:
                link.close(None, close_code=WSCloseCode.SERVICE_RESTART)
            elif negotiate(link.hello) is None:
                if standing.subentry is not None:
                    bridge_issues.create(
                        self._hass,
                        bridge_issues.PROTOCOL,
                        standing.subentry.subentry_id,
                        standing.subentry.title,
                    )
                link.close(ErrorCode.PROTOCOL_UNSUPPORTED, retry=False)
            elif (error := place.admit(link)) is not None:
                _LOGGER.warning("Bridge %s was sent away: %s", link.hello.name, error)
                link.close(error, retry=error is not ErrorCode.IN_USE)
            await link.run()
        finally:
            self._links.discard(link)
            if place is not None:
                place.detach(link)

    def _bridge(self, standing: Standing) -> HubBridge | None:
        if standing.entry is None or standing.subentry is None:
            return None
        hub = self._hubs.get(standing.entry.entry_id)
        return None if hub is None else hub.bridges.get(standing.subentry.subentry_id)


class Refusals:
    """Counts refused tries by address; a full table forgets the address silent for longest."""

    def __init__(self) -> None:
        """Hold nothing against anybody."""
        self._tries: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def over(self, address: str) -> bool:
        """Count a try; return whether this address has had its tries of the minute."""
        now_s = monotonic()
        since_s, tries = self._tries.pop(address, (now_s, 0))
        if now_s - since_s >= 60:
            since_s, tries = now_s, 0
        self._tries[address] = (since_s, tries + 1)
        if len(self._tries) > ADDRESSES:
            self._tries.popitem(last=False)
        return tries >= REFUSALS_PER_MINUTE


DATA: HassKey[Gateway] = HassKey(DOMAIN)


@callback
def async_setup_http(hass: HomeAssistant) -> Gateway:
    """Return the gateway; the first call registers its endpoint, for dialogs may be open before any entry."""
    if (known := hass.data.get(DATA)) is not None:
        return known
    gateway = hass.data[DATA] = Gateway(hass)
    hass.http.register_view(BridgeView(gateway))
    hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, gateway.stop)
    return gateway


class BridgeView(HomeAssistantView):
    """The endpoint; bridges have tokens of their own, which open nothing else."""

    url = PATH
    name = f"api:{DOMAIN}:bridge"
    requires_auth = False
    cors_allowed = False

    def __init__(self, gateway: Gateway) -> None:
        """Serve one gateway."""
        self._gateway = gateway

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Answer a bridge."""
        return await self._gateway.serve(request)


def _refusal(status: HTTPStatus, *, retry_after_s: int | None = None) -> web.Response:
    headers = {} if retry_after_s is None else {hdrs.RETRY_AFTER: str(retry_after_s)}
    return web.Response(status=status, headers=headers)


async def _hello(socket: web.WebSocketResponse) -> Hello | None:
    """Wait for the first message, which must be a hello; None where the bridge left without a word."""
    try:
        async with asyncio.timeout(HELLO_S):
            message = await socket.receive()
    except TimeoutError:
        raise ProtocolError("hello", "did not come in time") from None
    if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
        return None
    if message.type is not WSMsgType.TEXT:
        raise ProtocolError("hello", "not the first message")
    parsed = parse(message.data)
    if not isinstance(parsed, Hello):
        raise ProtocolError("hello", "not the first message")
    return parsed


async def _send_away(socket: web.WebSocketResponse, error: WireError, *, retry: bool) -> None:
    try:
        await socket.send_str(Refuse(error=error, retry=retry).dumps())
        await socket.close(code=WSCloseCode.INVALID_TEXT, message=error.code.encode())
    except ClientError, ConnectionError:
        _LOGGER.debug("A bridge left before its refusal")
