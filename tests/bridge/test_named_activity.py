"""Labels on their way: from a camera's pictures, by the detector's thread, to Home Assistant; the model is played."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import override

from aiohttp import WSCloseCode
from av.video.frame import VideoFrame
import pytest

from edge_bridge.encoder import Encoder
from edge_bridge.labels import Labeller
from edge_bridge.looks import Looks
from edge_bridge.protocol.area import Detection, Polygon, Region
from edge_bridge.protocol.frame import Frame
from edge_bridge.protocol.messages import Activity
from edge_bridge.protocol.vocabulary import Capability, FrameFlag, Label
from tests.bridge.conftest import Serve, StartBridge, config, drawn, eventually, visited
from tests.bridge.fake_gateway import FakeGateway
from tests.bridge.test_labels import FakeNetwork

CORNER = ((0.0, 0.0), (0.1, 0.0), (0.1, 0.1), (0.0, 0.1))


class Detector(Labeller):
    """Sees a person wherever it looks, and remembers through which masks."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__(encoder, Path("model"), load=lambda _: FakeNetwork())
        self.masks: list[tuple[Polygon, ...]] = []

    @override
    def detect(
        self,
        frame: VideoFrame,
        *,
        masks: tuple[Polygon, ...] = (),
        focus: Sequence[Region] = (),
    ) -> tuple[Detection, ...]:
        self.masks.append(masks)
        return super().detect(frame, masks=masks, focus=focus)


class Broken(Detector):
    """Fails with each picture."""

    @override
    def detect(
        self,
        frame: VideoFrame,
        *,
        masks: tuple[Polygon, ...] = (),
        focus: Sequence[Region] = (),
    ) -> tuple[Detection, ...]:
        raise ValueError("the runtime is another one")


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> Detector:
    """What bridges of this test look with."""
    made = Detector(Encoder())
    monkeypatch.setattr("edge_bridge.bridge.looks_with", lambda *_: Looks(made))
    return made


def told(gateway: FakeGateway) -> list[Activity]:
    """What was said with labels."""
    return [said for said in gateway.seen(Activity) if said.labels]


async def test_labels_follow_the_activity_that_they_name(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge, detector: Detector
) -> None:
    """Quiet pictures are not looked at; activity and first frame go first, then the label; the end takes it back."""
    camera = drawn()
    server = await serve(camera)
    gateway.cameras = (config(server.url("front")),)
    start_bridge(gateway)
    await gateway.until(lambda: len(gateway.frames) >= 3)
    assert detector.masks == []
    camera.source.visits.start()
    await gateway.until(lambda: bool(told(gateway)))
    camera.source.visits.stop()
    await gateway.until(lambda: any(not said.active for said in gateway.seen(Activity)))
    assert Capability.LABELS in gateway.last.hello.capabilities
    said = gateway.seen(Activity)
    onset, named, end = said[0], told(gateway)[0], said[-1]
    assert (onset.active, onset.labels) == (True, ())
    assert [one.label for one in named.labels] == [Label.PERSON]
    assert named.active
    assert named.since_us == onset.since_us
    assert (end.active, end.labels) == (False, ())
    assert [one.revision for one in said] == sorted({one.revision for one in said})
    order = gateway.last.everything
    first_active = next(
        index
        for index, one in enumerate(order)
        if isinstance(one, Frame) and FrameFlag.ACTIVE in one.flags
    )
    assert order.index(onset) < first_active < order.index(named)


async def test_the_detector_looks_through_the_masks_of_now(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge, detector: Detector
) -> None:
    """Those of the configuration, and after a change the new ones, without a new stream."""
    camera = drawn()
    server = await serve(camera)
    masked = config(server.url("front"), masks=(CORNER,))
    gateway.cameras = (masked,)
    start_bridge(gateway)
    await gateway.until(lambda: len(gateway.frames) >= 3)
    camera.source.visits.start()
    await eventually(lambda: len(detector.masks) >= 2)
    assert set(detector.masks) == {(CORNER,)}
    await gateway.configure(replace(masked, masks=()), revision=2)
    await eventually(lambda: detector.masks[-1] == ())


async def test_without_a_detector_nothing_is_named(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge
) -> None:
    """The bridge does not offer labels, and everything else is as it is with one."""
    camera = drawn()
    server = await serve(camera)
    gateway.cameras = (config(server.url("front")),)
    start_bridge(gateway)
    await gateway.until(lambda: len(gateway.frames) >= 3)
    camera.source.visits.start()
    await gateway.until(lambda: len(gateway.seen(Activity)) >= 2)
    assert Capability.LABELS not in gateway.last.hello.capabilities
    assert Capability.MASKS in gateway.last.hello.capabilities
    assert told(gateway) == []


async def test_home_assistant_learns_that_the_detector_broke_down(
    gateway: FakeGateway,
    serve: Serve,
    start_bridge: StartBridge,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Who waits for labels must not wait for ever: the bridge says hello again, without the capability; frames go on."""
    monkeypatch.setattr("edge_bridge.bridge.looks_with", lambda *_: Looks(Broken(Encoder())))
    camera, source = visited()
    server = await serve(camera)
    gateway.cameras = (config(server.url("front")),)
    start_bridge(gateway)
    await gateway.until(lambda: bool(gateway.frames))
    source.visits.start()
    await gateway.until(lambda: len(gateway.connections) == 2)
    source.visits.stop()
    before, after = (set(seen.hello.capabilities) for seen in gateway.connections)
    assert before - after == {Capability.LABELS}
    assert after
    assert gateway.close_codes[0] in {WSCloseCode.OK, WSCloseCode.SERVICE_RESTART}
    assert "detector: it broke down; greeting anew without it" in caplog.text
    await gateway.until(lambda: bool(gateway.last.frames))
    assert [frame.sequence for frame in gateway.frames] == sorted(
        {frame.sequence for frame in gateway.frames}
    )
