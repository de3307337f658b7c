"""The reader of one camera over real RTSP: when it is too slow, and what each end leaves in memory."""

import asyncio
from collections.abc import AsyncIterator, Iterator
import gc
import threading
import time

from aiohttp import web
from av.video.codeccontext import VideoCodecContext
import numpy as np
import pytest
import simplejpeg

from edge_bridge.capture import Capture, Picture
from edge_bridge.protocol import StreamState, WireError
from edge_bridge.source import StreamSource
from rigs.code_source import CodeSettings, CodeSource
from rigs.picture_code import read_code
from rigs.simulated_camera import SimulatedCamera
from rigs.visits import Visits
from tests.bridge.conftest import Serve, drawn, eventually

FPS = 25
PICTURE_S = 0.1
"""What a picture takes here: two and a half times as long as the camera gives it."""

PHOTOGRAPHS = 50


class Watcher:
    """Takes its time for every picture, and notes how old each was by the clock burnt into it."""

    def __init__(self, picture_s: float) -> None:
        self._picture_s = picture_s
        self.ages_s: list[float] = []
        self.doubtful: list[bool] = []
        self.states: list[StreamState] = []
        self._never = threading.Event()

    def picture(self, picture: Picture) -> None:
        """Look at the clock, then dawdle."""
        pixels = np.asarray(picture.frame.to_ndarray(format="rgb24"), np.uint8)
        if (code := read_code(pixels)) is not None:
            self.ages_s.append(time.time() - code.captured_ms / 1000)
        self.doubtful.append(picture.doubtful)
        self._never.wait(self._picture_s)

    def state_changed(self, state: StreamState, error: WireError | None) -> None:
        """Note it."""
        self.states.append(state)


async def test_pictures_of_an_overloaded_bridge_stay_young(serve: Serve) -> None:
    """Without giving anything up they would be six seconds old at the end, and older with every one."""
    camera = SimulatedCamera("front", CodeSource(CodeSettings(camera=1, fps=FPS), Visits()))
    server = await serve(camera)
    sink = Watcher(PICTURE_S)
    capture = Capture("front", StreamSource(url=server.url("front")), sink)
    began_s = time.monotonic()
    capture.start()
    try:
        await eventually(lambda: time.monotonic() - began_s > 10 and bool(sink.ages_s))
    finally:
        capture.stop()
    assert len(sink.ages_s) > 20
    assert max(sink.ages_s) < 4
    assert not any(sink.doubtful)
    assert sink.states == [StreamState.CONNECTING, StreamState.STREAMING]


@pytest.fixture
async def photographs() -> AsyncIterator[str]:
    """A camera of the plain kind: JPEG after JPEG by HTTP, ten a second, without a clock."""
    jpeg = simplejpeg.encode_jpeg(np.zeros((64, 64, 3), np.uint8))
    part = b"--next\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n"

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_type = "multipart/x-mixed-replace;boundary=next"
        await response.prepare(request)
        for _ in range(PHOTOGRAPHS):
            await response.write(part % (len(jpeg), jpeg))
            await asyncio.sleep(0.1)
        return response

    application = web.Application()
    application.router.add_get("/", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


async def test_stream_without_a_clock_loses_nothing(photographs: str) -> None:
    """Where libav counts pictures instead of reading their time, that is no measure of anybody's pace."""
    sink = Watcher(0)
    capture = Capture("front", StreamSource(url=photographs), sink)
    capture.start()
    try:
        await eventually(lambda: StreamState.FAILED in sink.states)
    finally:
        capture.stop()
    assert len(sink.doubtful) >= PHOTOGRAPHS - 2


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No garbage collection, as in a program that makes little garbage."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
async def test_ended_streams_leave_no_decoder(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decoder of a large picture is ten megabytes: a flapping camera must not pile them up."""
    monkeypatch.setattr("edge_bridge.capture.RETRY_FIRST_S", 0.05)
    monkeypatch.setattr("edge_bridge.capture.RETRY_MOST_S", 0.05)
    camera = drawn()
    server = await serve(camera)
    sink = Watcher(0)
    capture = Capture("front", StreamSource(url=server.url("front")), sink)
    capture.start()
    try:
        for streamed in range(1, 6):
            await eventually(lambda n=streamed: sink.states.count(StreamState.STREAMING) >= n)
            camera.kick()
        await eventually(lambda: sink.states.count(StreamState.STREAMING) >= 6)
        assert _open_decoders() <= 1
    finally:
        capture.stop()


def _open_decoders() -> int:
    return sum(
        isinstance(thing, VideoCodecContext) and thing.is_decoder and thing.is_open
        for thing in gc.get_objects()
    )
