"""Opening addresses: what is asked of libav, and what its errors mean."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
import errno
from functools import partial
import http.server
import logging
import queue
import socket
import threading
from typing import override

import av
import pytest

from edge_bridge.budget import Budget
from edge_bridge.camera import Camera
from edge_bridge.capture import TALK_S, Capture
from edge_bridge.clock import monotonic_us
from edge_bridge.decoding import DecoderWorkers
from edge_bridge.encoder import Encoder
from edge_bridge.errors import CaptureError
from edge_bridge.hint import PacketHint
from edge_bridge.looks import Looks
from edge_bridge.picture import Picture
from edge_bridge.protocol.camera import CameraConfig
from edge_bridge.protocol.vocabulary import ErrorCode, Source, StreamState
from edge_bridge.protocol.wire_error import WireError
from edge_bridge.source import StreamSource
from edge_bridge.stream import Coding, open_stream
from edge_bridge.stream_failure import classify
from edge_bridge.track import Track

RTSP = StreamSource(url="rtsp://127.0.0.1/front", username="u", password="secret")


@pytest.mark.parametrize(
    ("error", "elapsed_s", "code"),
    [
        (av.error.HTTPUnauthorizedError(1, "x"), 0, ErrorCode.UNAUTHORIZED),
        (av.error.HTTPForbiddenError(1, "x"), 0, ErrorCode.UNAUTHORIZED),
        (av.error.HTTPNotFoundError(1, "x"), 0, ErrorCode.NOT_FOUND),
        (av.error.HTTPServerError(1, "x"), 0, ErrorCode.REFUSED),
        (av.error.HTTPBadRequestError(1, "x"), 0, ErrorCode.REFUSED),
        (av.error.ConnectionRefusedError(errno.ECONNREFUSED, "x"), 0, ErrorCode.REFUSED),
        (av.error.ConnectionResetError(errno.ECONNRESET, "x"), 0, ErrorCode.STREAM_ENDED),
        (av.error.TimeoutError(errno.ETIMEDOUT, "x"), 0, ErrorCode.TIMEOUT),
        (av.error.ExitError(1, "x"), 0, ErrorCode.TIMEOUT),
        (av.error.InvalidDataError(1, "x"), 0, ErrorCode.NOT_A_VIDEO),
        (av.error.InvalidDataError(1, "x"), 5, ErrorCode.TIMEOUT),
        (av.error.ProtocolNotFoundError(1, "x"), 0, ErrorCode.SCHEME_NOT_ALLOWED),
        (av.error.DecoderNotFoundError(1, "x"), 0, ErrorCode.CODEC_UNSUPPORTED),
        (av.error.EOFError(1, "x"), 0, ErrorCode.STREAM_ENDED),
        (OSError(errno.EHOSTUNREACH, "x"), 0, ErrorCode.UNREACHABLE),
        (OSError(errno.EIO, "x"), 0, ErrorCode.UNREACHABLE),
        (OSError(errno.ENOSPC, "x"), 0, ErrorCode.INTERNAL),
        (CaptureError(ErrorCode.NO_VIDEO), 5, ErrorCode.NO_VIDEO),
    ],
)
def test_each_error_of_libav_has_its_code(
    error: Exception, elapsed_s: float, code: ErrorCode
) -> None:
    """The code is what travels and what a person reads."""
    assert classify(error, RTSP, elapsed_s=elapsed_s, timeout_s=5).error.code is code


def test_failed_handshake_of_a_host_that_exists_is_tls() -> None:
    """Libav says the same for a name that is unknown and for a handshake that fails; the name tells them apart."""
    error = OSError(errno.EIO, "x")
    secure = StreamSource(url="rtsps://127.0.0.1/front")
    assert classify(error, secure, elapsed_s=0, timeout_s=5).error.code is ErrorCode.TLS
    unknown = StreamSource(url="rtsps://camera.invalid/front")
    assert classify(error, unknown, elapsed_s=0, timeout_s=5).error.code is ErrorCode.UNREACHABLE


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("file:///etc/passwd", ErrorCode.SCHEME_NOT_ALLOWED),
        ("/etc/passwd", ErrorCode.SCHEME_NOT_ALLOWED),
        ("concat:a|b", ErrorCode.SCHEME_NOT_ALLOWED),
        ("pipe://0", ErrorCode.SCHEME_NOT_ALLOWED),
        ("", ErrorCode.SCHEME_NOT_ALLOWED),
        ("rtsp://", ErrorCode.UNREACHABLE),
        ("rtsp://127.0.0.1:port/front", ErrorCode.UNREACHABLE),
        ("rtsp://127.0.0.1:99999/front", ErrorCode.UNREACHABLE),
        ("rtsp://[::1/front", ErrorCode.UNREACHABLE),
        (" RTSP://camera.invalid/front", ErrorCode.UNREACHABLE),
        ("rtsp://camera.invalid/front", ErrorCode.UNREACHABLE),
    ],
)
def test_address_that_cannot_be_opened(url: str, code: ErrorCode) -> None:
    """Nothing but what cameras speak is opened, and an unknown name is unreachable."""
    with pytest.raises(CaptureError) as caught:
        open_stream(StreamSource(url=url))
    assert caught.value.error.code is code


def test_error_never_shows_the_address() -> None:
    """Libav's text holds the password; ours does not, nor does its cause."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        source = StreamSource(
            url=f"rtsp://127.0.0.1:{taken.getsockname()[1]}/front", username="u", password="secret"
        )
        with pytest.raises(CaptureError) as caught:
            open_stream(source)
    assert caught.value.error.code is ErrorCode.REFUSED
    assert caught.value.__cause__ is None
    assert "secret" not in str(caught.value) + repr(source)


def test_credentials_are_encoded_into_the_address_only_for_opening() -> None:
    """Whatever a password holds, the address keeps its shape; credentials typed into it give way."""
    source = StreamSource(url="rtsp://old:one@cam:554/a?b=c", username="a@b", password="p/w?#:ä")
    assert source.full_url() == "rtsp://a%40b:p%2Fw%3F%23%3A%C3%A4@cam:554/a?b=c"
    assert StreamSource(url="rtsp://old:one@cam/a").full_url() == "rtsp://old:one@cam/a"
    assert "p/w" not in repr(source)


@pytest.fixture
def web_page() -> Iterator[str]:
    """A web server that shows a page and keeps a file secret."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<html><body>Welcome to your camera</body></html>"
            if self.path == "/list.m3u8":
                body = b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("path", ["/", "/list.m3u8"])
def test_web_page_is_not_a_video(web_page: str, path: str) -> None:
    """A camera's start page is no video, and a list does not lead to a file of this machine."""
    with pytest.raises(CaptureError) as caught:
        open_stream(StreamSource(url=web_page + path))
    assert caught.value.error.code in {ErrorCode.NOT_A_VIDEO, ErrorCode.NO_VIDEO}


type Talk = Callable[[socket.socket], None]

_DESCRIPTION = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:video\r\n"
)
_SENDER_REPORT = b"$\x01\x00\x1c" + bytes([0x80, 200, 0, 6]) + bytes(24)


def _endless(line: socket.socket) -> None:
    while True:
        line.sendall(b"x" * 4096)


def _byte_by_byte(line: socket.socket) -> None:
    while True:
        line.sendall(b"R")
        threading.Event().wait(0.05)


def _clock_alone(line: socket.socket) -> None:
    """Play a camera whose encoder hangs: RTSP and RTCP work, pictures do not come."""
    lines = line.makefile("r", newline="\r\n")
    while method := lines.readline().partition(" ")[0]:
        headers = dict(text.split(": ", 1) for text in iter(lambda: lines.readline().strip(), ""))
        body = _DESCRIPTION if method == "DESCRIBE" else ""
        answer = [
            "RTSP/1.0 200 OK",
            f"CSeq: {headers['CSeq']}",
            "Session: 1",
            "Transport: RTP/AVP/TCP;unicast;interleaved=0-1",
            f"Content-Length: {len(body)}",
        ]
        line.sendall(("\r\n".join(answer) + "\r\n\r\n" + body).encode())
        while method == "PLAY":
            line.sendall(_SENDER_REPORT)
            threading.Event().wait(0.05)


@pytest.fixture
def talker() -> Iterator[Callable[[Talk], int]]:
    """Servers that talk and never say anything; returns the port of each."""
    listeners: list[socket.socket] = []

    def start(talk: Talk) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def answer() -> None:
            with suppress(OSError):
                while True:
                    line, _ = listener.accept()
                    with line, suppress(OSError):
                        talk(line)

        threading.Thread(target=answer, daemon=True).start()
        port: int = listener.getsockname()[1]
        return port

    yield start
    for listener in listeners:
        listener.close()


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
@pytest.mark.parametrize("talk", [_endless, _byte_by_byte])
def test_server_that_talks_without_end_is_a_failure(
    talker: Callable[[Talk], int], talk: Talk, scheme: str
) -> None:
    """What is no camera and never falls silent must not hold the reader for ever."""
    source = StreamSource(url=f"{scheme}://127.0.0.1:{talker(talk)}/front")
    with pytest.raises(CaptureError) as caught:
        open_stream(source, timeout_s=0.5)
    assert caught.value.error.code is ErrorCode.TIMEOUT


def test_camera_that_reports_its_clock_alone_times_out(talker: Callable[[Talk], int]) -> None:
    """Bytes keep coming, so no read is ever silent; for a probe it is a timeout all the same."""
    source = StreamSource(url=f"rtsp://127.0.0.1:{talker(_clock_alone)}/front")
    container = open_stream(source, timeout_s=0.5, talk_s=0.5)
    with container, pytest.raises(av.FFmpegError) as caught:
        next(container.demux(container.streams.video[0]))
    assert (
        classify(caught.value, source, elapsed_s=1, timeout_s=0.5).error.code is ErrorCode.TIMEOUT
    )


class _Listener:
    """Hears of a camera that never gives a picture."""

    def __init__(self) -> None:
        self.opened_once = threading.Event()
        self.errors: list[ErrorCode] = []
        self.states: queue.Queue[StreamState] = queue.Queue()

    def opened(self, coding: Coding) -> Track:
        """Have its packets taken."""
        self.opened_once.set()
        return Track(coding, _Nobody(), hint=PacketHint(), budget=Budget(1), ready=lambda _: None)

    def state_changed(self, state: StreamState, error: WireError | None) -> None:
        """Note it, and why."""
        self.states.put(state)
        if error is not None:
            self.errors.append(error.code)

    def spent(self, cpu_us: int) -> None:
        """Nobody asks."""


class _Nobody:
    """Wants no picture."""

    active = False
    interval_us = 10_000_000

    def picture(self, picture: Picture) -> bool:
        """Take it."""
        return False


def test_reader_of_a_camera_that_only_talks_is_replaced_once(
    talker: Callable[[Talk], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader is left to itself, as libav cannot be interrupted; the camera has failed, also while another reader tries."""
    monkeypatch.setattr("edge_bridge.capture.open_stream", partial(open_stream, timeout_s=0.5))
    sink = _Listener()
    source = StreamSource(url=f"rtsp://127.0.0.1:{talker(_clock_alone)}/front")
    capture = Capture("front", source, sink)
    capture.start()
    try:
        assert sink.opened_once.wait(10)
        capture.check(monotonic_us())
        assert sink.errors == []
        for _ in range(3):
            capture.check(monotonic_us() + int(2 * TALK_S * 1_000_000))
        assert sink.errors == [ErrorCode.TIMEOUT]
        assert [sink.states.get(timeout=10) for _ in range(3)] == [
            StreamState.CONNECTING,
            StreamState.FAILED,
            StreamState.FAILED,  # what the second one has found
        ]
        assert sum(thread.name == "capture front" for thread in threading.enumerate()) == 2
    finally:
        capture.stop()


def test_stream_that_never_shows_a_picture_is_news_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """However long each try takes: it is tried ever less often, and said in the log once."""
    monkeypatch.setattr("edge_bridge.capture.GOOD_S", 0.0)
    monkeypatch.setattr("edge_bridge.capture.RETRY_FIRST_S", 0.01)
    caplog.set_level(logging.DEBUG, logger="edge_bridge.capture")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    told = threading.Semaphore(0)

    class Told(_Listener):
        """Lets the test know of each failure."""

        @override
        def state_changed(self, state: StreamState, error: WireError | None) -> None:
            super().state_changed(state, error)
            if error is not None:
                told.release()

    capture = Capture("front", StreamSource(url=f"rtsp://127.0.0.1:{port}/front"), Told())
    capture.start()
    try:
        assert all(told.acquire(timeout=10) for _ in range(4))
    finally:
        capture.stop()
    tries = [record for record in caplog.records if "next try" in record.message]
    assert [record.levelno for record in tries[:4]] == [logging.WARNING] + 3 * [logging.DEBUG]
    assert tries[3].message.endswith("0.1 s")


async def test_stream_that_was_given_up_gives_its_share_of_the_decoders_back() -> None:
    """Its reader may never come back to close it, and the next stream's hint must not wait for that."""
    budget = Budget(1)
    camera = Camera(
        CameraConfig(number=1, camera="front", source=Source.RTSP, url=RTSP.url),
        encoder=Encoder(),
        workers=DecoderWorkers(1),
        budget=budget,
        looks=Looks(None, problem="not needed"),
        loop=asyncio.get_running_loop(),
        wake=lambda _: None,
    )
    track = camera.opened(Coding(codec="h264", parameters=b""))
    assert budget.admit(track, 100)
    camera.state_changed(StreamState.FAILED, WireError.of(ErrorCode.TIMEOUT))
    assert budget.spent_ms_per_s == 0
