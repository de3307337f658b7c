"""The way to Home Assistant: dials, hands the connection to a session, dials again for ever."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
import itertools
import logging
import random
import socket
import ssl
import time

import aiohttp
from yarl import URL

from .address import endpoint, is_private
from .backoff import Backoff
from .errors import Cause, DialError, RedirectError
from .protocol.limits import MAX_TEXT_BYTES
from .session import Session, Side, WebSocket
from .settings import Settings

_LOGGER = logging.getLogger(__name__)

DIAL_S = 10.0
"""Connect, TLS and upgrade: longer than a loaded Home Assistant takes."""
CONNECT_S = 0.4
PATIENT_S = 2.0
PATIENT_EVERY = 20
"""What knocks at a line that is down is lost, and the system knocks again after 1, 3 and 7 s: a new try is quicker when
the line comes back. Every twentieth one waits for a line by satellite."""
LEAST_S = 0.05
"""Between the end of one try and the next."""
HEARTBEAT_S = 20.0
"""A dead line shows after half as long again."""
CLOSE_S = 0.5
STOOD_S = 10.0
"""A connection that stood so long was a good one: the next try comes at once."""
UNSENT_BYTES = 128 * 1024
"""The largest usual frame: what the system does not take waits in this process, out of reach as well."""
FORLORN_MS = 20_000
"""What the far end's system has not taken for so long is given up with its connection, before the heartbeat ends: it
would go out first when the line is back, as if it were live."""
_NOT_SENT_LOW_WATER = getattr(socket, "TCP_NOTSENT_LOWAT", 25)
_USER_TIMEOUT = getattr(socket, "TCP_USER_TIMEOUT", 18)

REDIRECTS_MOST = 4
"""To TLS, to a path, and room for a proxy that does both in steps."""

_PUBLIC = "a public address without https would show the token to everyone on the way (--insecure allows it)"
_REDIRECTS = frozenset({301, 302, 307, 308})


class Uplink:
    """Keeps a connection to Home Assistant for as long as it runs."""

    def __init__(
        self, settings: Settings, side: Side, changed: Callable[[], None] = lambda: None
    ) -> None:
        """Prepare; nothing is dialled before ``run``. ``changed`` is called when there is a new problem."""
        self._settings = settings
        self._side = side
        self._changed = changed
        self._url = endpoint(settings.url)
        self._backoff = Backoff(time.monotonic(), random.random, announced=settings.announced)
        self._target: URL | None = None
        """Where a redirect led, for as long as that works."""
        self._session: Session | None = None
        self.problem: DialError | None = None
        """Why there is no connection."""

    @property
    def connected(self) -> bool:
        """Whether Home Assistant has welcomed this bridge and the connection stands."""
        return self._session is not None and self._session.welcomed

    def greet_anew(self) -> None:
        """Say hello again, on another connection: what the last one said of this bridge holds no more."""
        if self._session is not None:
            self._session.leave()

    async def run(self) -> None:
        """Connect for ever; ends only by cancellation."""
        # The certificates are read from disk.
        tls = await asyncio.to_thread(_tls, self._settings)
        for number in itertools.count(1):
            began_s = time.monotonic()
            patience_s = PATIENT_S if number % PATIENT_EVERY == 0 else CONNECT_S
            async with aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(sock_connect=patience_s),
                middlewares=(_stop_at_redirect,),
            ) as client:
                problem = await self._connect(client, tls)
            delay_s = self._backoff.delay_s(problem.cause, time.monotonic())
            if problem.cause is Cause.SILENT:
                # Waiting for an answer was part of the wait.
                delay_s = max(delay_s - (time.monotonic() - began_s), LEAST_S)
            self._tell(problem, delay_s)
            await asyncio.sleep(delay_s)

    async def _connect(
        self, client: aiohttp.ClientSession, tls: ssl.SSLContext | bool
    ) -> DialError:
        try:
            async with self._dial(client, tls) as ws:
                session = self._session = Session(ws, self._side)
                began_s = time.monotonic()
                problem = await session.run()
        except DialError as error:
            return error
        finally:
            self._session = None
        if session.welcomed:
            self.problem = None
            if problem.cause is Cause.CLOSED or time.monotonic() - began_s >= STOOD_S:
                self._backoff.connected()
        return problem

    @asynccontextmanager
    async def _dial(
        self, client: aiohttp.ClientSession, tls: ssl.SSLContext | bool
    ) -> AsyncIterator[WebSocket]:
        try:
            async with asyncio.timeout(DIAL_S):
                ws = await self._handshake(client, tls)
        except DialError:
            self._target = None
            raise
        except (aiohttp.ClientError, OSError) as error:
            self._target = None
            raise _problem(error) from None
        _keep_little(ws)
        try:
            yield ws
        finally:
            await ws.close()

    async def _handshake(
        self, client: aiohttp.ClientSession, tls: ssl.SSLContext | bool
    ) -> WebSocket:
        url = self._target or self._url
        for _ in range(REDIRECTS_MOST):
            try:
                if await self._would_show_the_token(url):
                    # It may only send us on to TLS, which needs no token.
                    async with client.get(url, ssl=tls):
                        raise DialError(Cause.UNREACHABLE, "url", _PUBLIC)
                ws = await client.ws_connect(
                    url,
                    headers={"Authorization": f"Bearer {self._settings.token}"},
                    ssl=tls,
                    compress=0,
                    heartbeat=HEARTBEAT_S,
                    max_msg_size=MAX_TEXT_BYTES,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_S),
                )
            except RedirectError as error:
                url = _redirected(url, error.location)
            else:
                self._target = url
                return ws
        raise DialError(Cause.UNREACHABLE, "url", "redirects without end")

    async def _would_show_the_token(self, url: URL) -> bool:
        return (
            url.scheme != "https"
            and not self._settings.insecure
            and not await is_private(url.host or "")
        )

    def _tell(self, problem: DialError, delay_s: float) -> None:
        news = problem != self.problem
        self.problem = problem
        self._changed()
        _LOGGER.log(
            logging.WARNING if news else logging.DEBUG,
            "Not connected to Home Assistant: %s; next try in %.1f s",
            problem,
            delay_s,
        )


async def _stop_at_redirect(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    # Before aiohttp follows by itself: whether the token may go along is decided here.
    response = await handler(request)
    if response.status in _REDIRECTS:
        response.close()
        raise RedirectError(response.headers.get("Location", ""))
    return response


def _redirected(url: URL, location: str) -> URL:
    try:
        target = url.join(URL(location))
    except ValueError:
        target = url
    if target.host != url.host or target.scheme not in {url.scheme, "https"} or target == url:
        raise DialError(Cause.UNREACHABLE, "url", "redirects to another address; give that one")
    return target


def _tls(settings: Settings) -> ssl.SSLContext | bool:
    if settings.insecure:
        return False
    if settings.ca is None:
        return True
    return ssl.create_default_context(cafile=str(settings.ca))


def _keep_little(ws: WebSocket) -> None:
    wire = ws.get_extra_info("socket")
    if wire is None:
        return
    # Not every system knows it; without it a slow link only shows older pictures.
    try:
        wire.setsockopt(socket.IPPROTO_TCP, _NOT_SENT_LOW_WATER, UNSENT_BYTES)
        wire.setsockopt(socket.IPPROTO_TCP, _USER_TIMEOUT, FORLORN_MS)
    except OSError as error:
        _LOGGER.debug("The system keeps its own measures of unsent data: %s", error)


def _problem(error: aiohttp.ClientError | OSError) -> DialError:
    match error:
        case aiohttp.WSServerHandshakeError(status=401):
            return DialError(Cause.UNAUTHORIZED, "token", "Home Assistant does not know it")
        case aiohttp.WSServerHandshakeError(status=403):
            return DialError(Cause.FORBIDDEN, "token", "Home Assistant does not accept it any more")
        case aiohttp.WSServerHandshakeError(status=404):
            return DialError(
                Cause.NOT_READY,
                "url",
                "no Camera Narrator there (404): wrong address, or not loaded yet",
            )
        case aiohttp.WSServerHandshakeError(status=503):
            return DialError(Cause.NOT_READY, "url", "Home Assistant is not ready yet (503)")
        case aiohttp.WSServerHandshakeError():
            return DialError(
                Cause.UNREACHABLE,
                "url",
                f"not a Home Assistant, or a proxy in between ({error.status})",
            )
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError() | ssl.SSLError():
            return DialError(
                Cause.UNREACHABLE,
                "ca",
                "the certificate is not trusted, or the TLS handshake failed",
            )
        case TimeoutError():
            return DialError(Cause.SILENT, "url", "no answer in time")
        case aiohttp.ClientConnectorDNSError() | socket.gaierror():
            return DialError(Cause.SILENT, "url", "its name is not known")
        case aiohttp.ClientConnectorError():
            return DialError(Cause.SILENT, "url", f"nothing answers ({error.os_error.strerror})")
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError():
            # A forwarder takes every connection, and has nobody to lead it to.
            return DialError(Cause.SILENT, "url", "nothing answers (closed at once)")
        case _:
            return DialError(
                Cause.UNREACHABLE, "url", f"the connection failed ({type(error).__name__})"
            )
