"""Addresses that servers name: none leads out of the kinds of address a bridge opens, whatever libav would follow."""

from collections.abc import Callable, Iterator
import http.server
from pathlib import Path
import socket
import threading

import av
import numpy as np
import pytest

from edge_bridge.errors import CaptureError
from edge_bridge.protocol.vocabulary import ErrorCode
from edge_bridge.source import StreamSource
from edge_bridge.stream import open_stream

REFUSED = {ErrorCode.SCHEME_NOT_ALLOWED, ErrorCode.NOT_A_VIDEO, ErrorCode.NOT_FOUND}
TIMEOUT_S = 2.0
SCHEMES = ["tcp", "udp", "ftp", "gopher", "rtp", "satip", "unix", "ws"]
"""Some of what libav speaks or may once speak."""

type Answers = dict[str, tuple[int, dict[str, str], bytes]]
"""By path: status, headers, body."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video on this machine's disk that any redirect could name."""
    path = tmp_path_factory.mktemp("clip") / "private.ts"
    with av.open(str(path), "w", format="mpegts") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for luma in range(20, 220, 10):
            picture = np.full((96, 160, 3), luma, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


class Listener:
    """A server inside the house that no camera may send the bridge to."""

    def __init__(self, answer: Callable[[bytes], bytes] = lambda _: b"") -> None:
        """Listen."""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._answer = answer
        self.heard: list[bytes] = []
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(line,), daemon=True).start()

    def _converse(self, line: socket.socket) -> None:
        with line:
            line.settimeout(2 * TIMEOUT_S)
            try:
                while request := line.recv(65536):
                    self.heard.append(request)
                    line.sendall(self._answer(request))
            except OSError:
                return


@pytest.fixture
def inside() -> Iterator[Listener]:
    """A server that is not a camera."""
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture
def web() -> Iterator[tuple[str, Answers]]:
    """A web server that answers what a test says."""
    answers: Answers = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = answers.get(self.path, (404, {}, b""))
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", answers
    server.shutdown()
    thread.join()
    server.server_close()


def refusal(url: str) -> ErrorCode:
    """Return why an address is not opened."""
    with pytest.raises(CaptureError) as caught:
        open_stream(
            StreamSource(url=url, username="viewer", password="s3cret"), timeout_s=TIMEOUT_S
        )
    assert "s3cret" not in str(caught.value)
    return caught.value.error.code


def playlist(address: str) -> bytes:
    """Return an HLS playlist of one segment."""
    lines = ("#EXTM3U", "#EXT-X-TARGETDURATION:2", "#EXTINF:2,", address, "#EXT-X-ENDLIST", "")
    return "\n".join(lines).encode()


def local(clip: Path) -> list[str]:
    """Return the spellings of a file of this machine."""
    return [f"file://{clip}", f"file:{clip}", str(clip), f"concat:{clip}", f"subfile:,,{clip}"]


def test_what_servers_may_name_is_followed(web: tuple[str, Answers], clip: Path) -> None:
    """The control: a redirect and a playlist to another place of the same kind work, so the others fail for their kind."""
    base, answers = web
    answers["/clip.ts"] = (200, {}, clip.read_bytes())
    answers["/moved"] = (302, {"Location": f"{base}/clip.ts"}, b"")
    answers["/list.m3u8"] = (200, {}, playlist(f"{base}/clip.ts"))
    for path in ("/clip.ts", "/moved", "/list.m3u8"):
        with open_stream(StreamSource(url=base + path), timeout_s=TIMEOUT_S) as container:
            assert container.streams.video[0].codec_context.name == "h264"


def test_no_http_redirect_leads_elsewhere(
    web: tuple[str, Answers], inside: Listener, clip: Path
) -> None:
    """Not to a file, not to another protocol: nothing is read and nobody is called."""
    base, answers = web
    for address in [*local(clip), *(f"{scheme}://127.0.0.1:{inside.port}/x" for scheme in SCHEMES)]:
        answers["/moved"] = (302, {"Location": address}, b"")
        assert refusal(f"{base}/moved") in REFUSED, address
    assert inside.heard == []


def test_no_list_leads_elsewhere(
    web: tuple[str, Answers], inside: Listener, clip: Path, tmp_path: Path
) -> None:
    """Segments, keys and lists of lists in HLS; lists and session descriptions that libav knows by their content."""
    base, answers = web
    answers["/clip.ts"] = (200, {}, clip.read_bytes())
    (tmp_path / "key").write_bytes(bytes(16))
    (tmp_path / "list.m3u8").write_bytes(playlist(str(clip)))
    others = [f"{scheme}://127.0.0.1:{inside.port}/x" for scheme in SCHEMES]
    bodies = [playlist(address) for address in (*local(clip), *others)]
    bodies += [
        playlist(f"{base}/clip.ts").replace(
            b"#EXTINF", f'#EXT-X-KEY:METHOD=AES-128,URI="{address}"\n#EXTINF'.encode()
        )
        for address in (f"file://{tmp_path}/key", f"crypto+file://{tmp_path}/key", others[0])
    ]
    bodies += [
        b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n%s\n" % address.encode()
        for address in (f"file://{tmp_path}/list.m3u8", f"{tmp_path}/list.m3u8")
    ]
    bodies += [
        f"ffconcat version 1.0\nfile '{address}'\n".encode()
        for address in (*local(clip), *others, f"{base}/clip.ts")
    ]
    bodies.append(
        b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        b"m=video 40004 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    )
    for body in bodies:
        answers["/stream"] = (200, {}, body)
        assert refusal(f"{base}/stream") in REFUSED, body
    assert inside.heard == []


DESCRIPTION = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:video\r\n"
)


def redirecting(address: str, method: str) -> Callable[[bytes], bytes]:
    """Return an RTSP server that answers one method with a redirect."""

    def answer(request: bytes) -> bytes:
        said, *headers = request.decode().split("\r\n")
        number = next(line for line in headers if line.lower().startswith("cseq"))
        if said.startswith(method):
            return f"RTSP/1.0 302 Moved\r\n{number}\r\nLocation: {address}\r\n\r\n".encode()
        body = DESCRIPTION if said.startswith("DESCRIBE") else ""
        return (
            f"RTSP/1.0 200 OK\r\n{number}\r\nSession: 1\r\nPublic: DESCRIBE, SETUP, PLAY\r\n"
            "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nContent-Type: application/sdp\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    return answer


@pytest.mark.parametrize("method", ["OPTIONS", "DESCRIBE", "SETUP"])
def test_no_rtsp_redirect_leads_elsewhere(method: str, inside: Listener, clip: Path) -> None:
    """Neither a file nor another protocol, at each step of opening; no password is carried along."""
    others = [f"{scheme}://127.0.0.1:{inside.port}/x" for scheme in (*SCHEMES, "http")]
    for address in (*local(clip), *others):
        server = Listener(redirecting(address, method))
        assert refusal(f"rtsp://127.0.0.1:{server.port}/stream") in REFUSED, address
        server.close()
    assert inside.heard == []


@pytest.mark.parametrize("method", ["OPTIONS", "DESCRIBE"])
def test_an_rtsp_redirect_to_another_camera_gets_no_password(method: str, inside: Listener) -> None:
    """It is of the list and is followed, but what one server was trusted with is not told to another."""
    server = Listener(redirecting(f"rtsp://127.0.0.1:{inside.port}/other", method))
    refusal(f"rtsp://127.0.0.1:{server.port}/stream")
    server.close()
    assert inside.heard
    assert not any(b"Authorization" in heard or b"s3cret" in heard for heard in inside.heard)


def test_an_http_redirect_to_another_server_gets_no_password(
    web: tuple[str, Answers], inside: Listener
) -> None:
    """Nor is it told there."""
    base, answers = web
    answers["/moved"] = (302, {"Location": f"http://127.0.0.1:{inside.port}/other"}, b"")
    refusal(f"{base}/moved")
    assert inside.heard
    assert not any(b"Authorization" in heard or b"s3cret" in heard for heard in inside.heard)
