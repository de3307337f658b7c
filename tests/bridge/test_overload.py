"""A reader that is too slow for its camera, over real RTSP: its pictures stay young."""

import threading
import time

import numpy as np

from edge_bridge.capture import Capture, Picture
from edge_bridge.protocol import StreamState, WireError
from edge_bridge.source import StreamSource
from rigs.code_source import CodeSettings, CodeSource
from rigs.picture_code import read_code
from rigs.simulated_camera import SimulatedCamera
from rigs.visits import Visits
from tests.bridge.conftest import Serve, eventually

FPS = 25
PICTURE_S = 0.1
"""What a picture takes here: two and a half times as long as the camera gives it."""


class SlowSink:
    """Takes its time for every picture, and notes how old each was by the clock burnt into it."""

    def __init__(self) -> None:
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
        self._never.wait(PICTURE_S)

    def state_changed(self, state: StreamState, error: WireError | None) -> None:
        """Note it."""
        self.states.append(state)


async def test_pictures_of_an_overloaded_bridge_stay_young(serve: Serve) -> None:
    """Without giving anything up they would be six seconds old at the end, and older with every one."""
    camera = SimulatedCamera("front", CodeSource(CodeSettings(camera=1, fps=FPS), Visits()))
    server = await serve(camera)
    sink = SlowSink()
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
