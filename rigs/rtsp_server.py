"""An RTSP server for simulated cameras: the few requests that viewers really send."""

import asyncio
import base64
import contextlib
from dataclasses import dataclass
from hashlib import md5
import hmac
import os
import struct
from typing import Final
from urllib.parse import urlsplit

from rigs.rtp_leg import DatagramCarrier, InterleavedCarrier, RtpLeg
from rigs.simulated_camera import Credentials, Refusal, SimulatedCamera

_REALM: Final = "camera"
_PHRASES: Final = {
    200: "OK",
    401: "Unauthorized",
    404: "Not Found",
    454: "Session Not Found",
    501: "Not Implemented",
    503: "Service Unavailable",
}
_METHODS: Final = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER"


class RtspServer:
    """Several cameras behind one port, which can go away and come back."""

    def __init__(self, cameras: list[SimulatedCamera], *, host: str = "127.0.0.1") -> None:
        """Mount each camera under its name."""
        self.cameras: Final = {camera.name: camera for camera in cameras}
        self.host: Final = host
        self.port = 0
        self.nonce: Final = os.urandom(16).hex()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, port: int = 0) -> None:
        """Listen; port 0 takes a free one, which `port` then names."""
        self._server = await asyncio.start_server(self._accept, self.host, port or self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def go_away(self) -> None:
        """Close the port and abort all connections, as if the plug were pulled."""
        if self._server is not None:
            self._server.close()
            self._server.abort_clients()
            self._server = None

    async def come_back(self) -> None:
        """Listen on the same port again."""
        if self._server is None:
            await self.start(self.port)

    @property
    def away(self) -> bool:
        """Whether connections are refused."""
        return self._server is None

    def url(self, name: str, *, with_credentials: bool = True) -> str:
        """Return the address of a camera."""
        credentials = self.cameras[name].credentials
        login = ""
        if credentials is not None and with_credentials:
            login = f"{credentials.user}:{credentials.password}@"
        return f"rtsp://{login}{self.host}:{self.port}/{name}"

    async def close(self) -> None:
        """Stop everything."""
        self.go_away()
        for camera in self.cameras.values():
            await camera.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (task := asyncio.current_task()) is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await _Connection(self, reader, writer).serve()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    method: str
    url: str
    headers: dict[str, str]

    @property
    def session(self) -> str:
        return self.headers.get("session", "").partition(";")[0]


class _Connection:
    """One viewer's TCP connection."""

    def __init__(
        self, server: RtspServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._camera: SimulatedCamera | None = None
        self._legs: dict[str, RtpLeg] = {}

    async def serve(self) -> None:
        """Answer until the viewer leaves or talks nonsense."""
        gone = (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError)
        try:
            with contextlib.suppress(*gone, ValueError):
                while (request := await self._read()) is not None:
                    if not await self._answer(request):
                        break
        finally:
            if self._camera is not None:
                self._camera.disconnect(self._writer)
                for leg in self._legs.values():
                    self._camera.remove(leg)
            self._writer.close()

    async def _read(self) -> _Request | None:
        """Read one request, stepping over the viewer's own RTCP packets."""
        while True:
            first = await self._reader.readexactly(1)
            if first == b"$":
                _, length = struct.unpack(">BH", await self._reader.readexactly(3))
                await self._reader.readexactly(length)
            elif not first.isspace():
                break
        text = (first + await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        start, *lines = text.rstrip().split("\r\n")
        method, url, _ = start.split(" ", 2)
        pairs = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        await self._reader.readexactly(int(headers.get("content-length", "0")))
        return _Request(method=method, url=url, headers=headers)

    async def _answer(self, request: _Request) -> bool:
        """Answer one request; False ends the connection."""
        if request.method == "OPTIONS":
            self._reply(request, 200, f"Public: {_METHODS}")
            return True
        name = urlsplit(request.url).path.strip("/").removesuffix("/track")
        camera = self._server.cameras.get(name)
        if camera is None:
            self._reply(request, 404)
            return True
        self._camera = camera
        camera.connect(self._writer)
        if not self._authorized(camera.credentials, request):
            self._challenge(request, camera.credentials)
            return True
        match request.method:
            case "DESCRIBE":
                return await self._describe(request, camera)
            case "SETUP":
                await self._set_up(request, camera)
            case "PLAY" | "PAUSE" | "TEARDOWN":
                self._control(request, camera)
                return request.method != "TEARDOWN"
            case "GET_PARAMETER" | "SET_PARAMETER":
                self._reply(request, 200, f"Session: {request.session}")
            case _:
                self._reply(request, 501)
        return True

    async def _describe(self, request: _Request, camera: SimulatedCamera) -> bool:
        await asyncio.sleep(camera.faults.describe_delay_s)
        match camera.faults.refuse:
            case Refusal.HANG:
                await self._reader.read()  # until the viewer gives up
                return False
            case Refusal.UNAUTHORIZED:
                self._challenge(request, camera.credentials)
            case Refusal.NOT_FOUND | Refusal.UNAVAILABLE as refusal:
                self._reply(request, int(refusal))
            case None:
                base = f"Content-Base: {request.url.rstrip('/')}/"
                body = camera.describe(self._server.host)
                self._reply(request, 200, "Content-Type: application/sdp", base, body=body)
        return True

    async def _set_up(self, request: _Request, camera: SimulatedCamera) -> None:
        transport = request.headers.get("transport", "")
        options = dict(part.partition("=")[::2] for part in transport.split(";"))
        carrier: InterleavedCarrier | DatagramCarrier
        if "/TCP" in transport:
            channel = int(options.get("interleaved", "0-1").partition("-")[0])
            carrier = InterleavedCarrier(self._writer, channel)
            answer = f"RTP/AVP/TCP;unicast;interleaved={channel}-{channel + 1}"
        else:
            port = int(options["client_port"].partition("-")[0])
            peer = self._writer.get_extra_info("peername")[0]
            carrier = await DatagramCarrier.open(self._server.host, peer, port)
            ours = "-".join(map(str, carrier.ports))
            answer = f"RTP/AVP;unicast;client_port={port}-{port + 1};server_port={ours}"
        leg = RtpLeg(request.session or os.urandom(6).hex(), carrier)
        self._legs[leg.session] = leg
        camera.add(leg)
        self._reply(
            request,
            200,
            f"Transport: {answer};ssrc={leg.ssrc:08X};mode=play",
            f"Session: {leg.session};timeout=60",
        )

    def _control(self, request: _Request, camera: SimulatedCamera) -> None:
        leg = self._legs.get(request.session)
        if leg is None:
            self._reply(request, 454)
            return
        lines = [f"Session: {leg.session}"]
        if request.method == "PLAY":
            # Without rtptime: the first picture sent is the next key picture, at a time not yet known.
            following = leg.sequence + 1 & 0xFFFF
            lines.append("Range: npt=now-")
            lines.append(f"RTP-Info: url={request.url.rstrip('/')}/track;seq={following}")
        self._reply(request, 200, *lines)
        leg.playing = False
        if request.method == "PLAY":
            camera.play(leg)
        elif request.method == "TEARDOWN":
            camera.remove(leg)
            del self._legs[leg.session]

    def _authorized(self, credentials: Credentials | None, request: _Request) -> bool:
        if credentials is None:
            return True
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        login = f"{credentials.user}:{credentials.password}"
        if not credentials.digest:
            expected = base64.b64encode(login.encode()).decode()
            return kind == "Basic" and hmac.compare_digest(value.strip(), expected)
        parts = (part.partition("=") for part in value.split(","))
        given = {name.strip(): content.strip().strip('"') for name, _, content in parts}
        secret = _md5(f"{credentials.user}:{_REALM}:{credentials.password}")
        action = _md5(f"{request.method}:{given.get('uri', '')}")
        expected = _md5(f"{secret}:{self._server.nonce}:{action}")
        return kind == "Digest" and hmac.compare_digest(given.get("response", ""), expected)

    def _challenge(self, request: _Request, credentials: Credentials | None) -> None:
        if credentials is not None and credentials.digest:
            kind = f'Digest realm="{_REALM}", nonce="{self._server.nonce}"'
        else:
            kind = f'Basic realm="{_REALM}"'
        self._reply(request, 401, f"WWW-Authenticate: {kind}")

    def _reply(self, request: _Request, status: int, *lines: str, body: str = "") -> None:
        head = [f"RTSP/1.0 {status} {_PHRASES[status]}", f"CSeq: {request.headers.get('cseq', 0)}"]
        head += lines
        if body:
            head.append(f"Content-Length: {len(body)}")
        self._writer.write(("\r\n".join(head) + "\r\n\r\n" + body).encode())


def _md5(text: str) -> str:
    """Hash as RFC 2617 wants it; it guards nothing but a simulated camera."""
    return md5(text.encode(), usedforsecurity=False).hexdigest()
