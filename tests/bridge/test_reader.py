"""The reader of one camera over real RTSP: when it is too slow, and what each end leaves in memory."""

from collections.abc import Iterator
import gc
import threading
import time

from av.video.codeccontext import VideoCodecContext
import numpy as np
import pytest

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
