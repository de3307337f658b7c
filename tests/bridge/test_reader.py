"""The reader of one camera over real RTSP: when it is too slow, and what each end leaves in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
import gc
import threading
import time

from aiohttp import web
from av.video.codeccontext import VideoCodecContext
import numpy as np
import pytest
import simplejpeg

from edge_bridge.budget import Budget
from edge_bridge.capture import Capture
from edge_bridge.clock import monotonic_us
from edge_bridge.decoding import DecoderWorkers
from edge_bridge.hint import PacketHint
from edge_bridge.meter import Meter
from edge_bridge.picture import Picture
from edge_bridge.protocol.vocabulary import StreamState
from edge_bridge.protocol.wire_error import WireError
from edge_bridge.source import StreamSource
from edge_bridge.stream import Coding
from edge_bridge.track import Track
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
    """Takes every picture, takes its time for it, and notes how old each was by the clock burnt into it."""

    active = True
    interval_us = 10_000_000

    def __init__(self, picture_s: float, *, wanted: bool) -> None:
        self._picture_s = picture_s
        self._wanted = wanted
        self.meter = Meter()
        self.ages_s: list[float] = []
        self.doubtful: list[bool] = []
        self.states: list[StreamState] = []
        self.workers = DecoderWorkers(1)
        self._never = threading.Event()

    def opened(self, coding: Coding) -> Track:
        """Have the stream decoded."""
        return Track(
            coding,
            self,
            hint=PacketHint(),
            budget=Budget(1),
            ready=self.workers.ready,
            meter=self.meter,
        )

    def picture(self, picture: Picture) -> bool:
        """Look at the clock, then dawdle."""
        pixels = np.asarray(picture.frame.to_ndarray(format="rgb24"), np.uint8)
        if (code := read_code(pixels)) is not None:
            self.ages_s.append(time.time() - code.captured_ms / 1000)
        self.doubtful.append(picture.doubtful)
        self._never.wait(self._picture_s)
        return self._wanted

    def state_changed(self, state: StreamState, error: WireError | None) -> None:
        """Note it."""
        self.states.append(state)

    def spent(self, cpu_us: int) -> None:
        """Nobody asks."""


@pytest.fixture
def watch() -> Iterator[Callable[..., Watcher]]:
    """Watchers whose decoders end with the test."""
    watchers: list[Watcher] = []

    def start(picture_s: float = 0, *, wanted: bool = False) -> Watcher:
        watchers.append(Watcher(picture_s, wanted=wanted))
        watchers[-1].workers.start()
        return watchers[-1]

    yield start
    for watcher in watchers:
        watcher.workers.stop()
        watcher.workers.join(time.monotonic() + 10)


async def test_pictures_of_an_overloaded_bridge_stay_young(
    serve: Serve, watch: Callable[..., Watcher]
) -> None:
    """Without giving anything up they would be six seconds old at the end, and older with every one."""
    camera = SimulatedCamera("front", CodeSource(CodeSettings(camera=1, fps=FPS), Visits()))
    server = await serve(camera)
    sink = watch(PICTURE_S, wanted=True)
    capture = Capture("front", StreamSource(url=server.url("front")), sink)
    capture.start()
    try:
        await eventually(lambda: camera.position_s > 10 and len(sink.ages_s) > 20, within_s=60)
    finally:
        capture.stop()
    assert max(sink.ages_s) < 4
    assert not any(sink.doubtful)
    assert sink.states == [StreamState.CONNECTING]
    sink.meter.read(monotonic_us())
    assert sink.meter.read(monotonic_us(), least_us=0).skipped > 0


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


async def test_stream_of_key_frames_alone_is_looked_at_as_often_as_one_wants(
    photographs: str, watch: Callable[..., Watcher]
) -> None:
    """Ten photographs a second: all while somebody wants all, two a second while it is quiet."""
    seen = []
    for wanted in (True, False):
        sink = watch(wanted=wanted)
        capture = Capture("front", StreamSource(url=photographs), sink)
        capture.start()
        try:
            await eventually(lambda sink=sink: StreamState.FAILED in sink.states)
        finally:
            capture.stop()
        seen.append(len(sink.doubtful))
    assert seen[0] >= PHOTOGRAPHS * 0.8
    assert 0 < seen[1] <= PHOTOGRAPHS * 0.3


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No garbage collection, as in a program that makes little garbage."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
async def test_ended_streams_leave_no_decoder(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, watch: Callable[..., Watcher]
) -> None:
    """A decoder of a large picture is ten megabytes: a flapping camera must not pile them up."""
    monkeypatch.setattr("edge_bridge.capture.RETRY_FIRST_S", 0.05)
    monkeypatch.setattr("edge_bridge.capture.RETRY_MOST_S", 0.05)
    camera = drawn()
    server = await serve(camera)
    sink = watch(wanted=True)
    capture = Capture("front", StreamSource(url=server.url("front")), sink)
    capture.start()
    try:
        for _ in range(5):
            seen = len(sink.doubtful)
            await eventually(lambda seen=seen: len(sink.doubtful) > seen)
            camera.kick()
        seen = len(sink.doubtful)
        await eventually(lambda: len(sink.doubtful) > seen)
        # The worker's, for key frames, and that of the present stream.
        assert _open_decoders() <= 2
    finally:
        capture.stop()


def _open_decoders() -> int:
    return sum(
        isinstance(thing, VideoCodecContext) and thing.is_decoder and thing.is_open
        for thing in gc.get_objects()
    )
