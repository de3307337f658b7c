"""The bridge against simulated cameras over real RTSP: what arrives, and what is said when a camera fails."""

from collections.abc import Callable
import io
from itertools import groupby
from pathlib import Path

import av
import numpy as np
from PIL import Image
import pytest

from edge_bridge.protocol.camera import CameraStatus
from edge_bridge.protocol.frame import Frame
from edge_bridge.protocol.messages import Activity, Configured, Status, Watch
from edge_bridge.protocol.vocabulary import ErrorCode, FrameFlag, StreamState, Transport
from rigs.code_source import CodeSettings, CodeSource
from rigs.picture_code import Code, read_code
from rigs.simulated_camera import Credentials, Refusal
from rigs.video_source import FileSource
from tests.bridge.conftest import Serve, StartBridge, config, drawn, eventually, visited
from tests.bridge.fake_gateway import FakeGateway


def code_of(frame: Frame) -> Code:
    """Return what a frame's picture says about itself."""
    code = read_code(np.asarray(Image.open(io.BytesIO(frame.jpeg)).convert("RGB")))
    assert code is not None
    return code


def goes_on(frames: list[Frame]) -> bool:
    """Return whether sequences begin with 1 and rise; on a busy machine one may have given way to a newer."""
    sequences = [frame.sequence for frame in frames]
    return sequences[0] == 1 and sequences == sorted(set(sequences))


def latest(gateway: FakeGateway, camera: str = "front") -> CameraStatus | None:
    """Return the newest status of a camera."""
    for status in reversed(gateway.seen(Status)):
        for entry in status.cameras:
            if entry.camera == camera:
                return entry
    return None


def streams(gateway: FakeGateway, camera: str = "front") -> Callable[[], bool]:
    """Return whether the bridge says that a camera streams."""

    def true() -> bool:
        status = latest(gateway, camera)
        return status is not None and status.state is StreamState.STREAMING

    return true


def fails(gateway: FakeGateway, code: ErrorCode, camera: str = "front") -> Callable[[], bool]:
    """Return whether the bridge says that a camera fails for this reason."""

    def true() -> bool:
        status = latest(gateway, camera)
        return (
            status is not None
            and status.state is StreamState.FAILED
            and status.error is not None
            and status.error.code is code
        )

    return true


@pytest.mark.parametrize("transport", list(Transport))
async def test_pictures_arrive_in_order_and_whole(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge, transport: Transport
) -> None:
    """By TCP and by UDP: each JPEG holds the camera's picture, in the order of capture, at the wanted size."""
    server = await serve(drawn())
    gateway.cameras = (config(server.url("front"), transport=transport, height_px=240),)
    start_bridge(gateway)
    await gateway.until(lambda: len(gateway.frames) >= 5)
    codes = [code_of(frame) for frame in gateway.frames]
    assert [code.sequence for code in codes] == sorted({code.sequence for code in codes})
    assert goes_on(gateway.frames)
    assert {(frame.width, frame.height) for frame in gateway.frames} == {(426, 240)}
    assert Image.open(io.BytesIO(gateway.frames[0].jpeg)).size == (426, 240)
    assert FrameFlag.KEY in gateway.frames[0].flags
    captured = [frame.captured_us for frame in gateway.frames]
    assert captured == sorted(captured)
    assert gateway.seen(Configured)[0].errors == ()


@pytest.mark.parametrize("digest", [True, False])
async def test_credentials_with_any_characters_open_the_camera(
    gateway: FakeGateway,
    serve: Serve,
    start_bridge: StartBridge,
    digest: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Digest and basic, with characters that an address would misread; neither is ever logged."""
    credentials = Credentials(user="ad min@home", password="p/w?#%&ä", digest=digest)
    server = await serve(drawn(credentials=credentials))
    gateway.cameras = (
        config(
            server.url("front", with_credentials=False),
            username=credentials.user,
            password=credentials.password,
        ),
    )
    caplog.set_level("DEBUG")
    start_bridge(gateway)
    await gateway.until(lambda: bool(gateway.frames))
    assert credentials.password not in caplog.text
    assert credentials.user not in caplog.text


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (Refusal.NOT_FOUND, ErrorCode.NOT_FOUND),
        (Refusal.UNAUTHORIZED, ErrorCode.UNAUTHORIZED),
        (Refusal.UNAVAILABLE, ErrorCode.REFUSED),
        (Refusal.HANG, ErrorCode.TIMEOUT),
    ],
)
async def test_camera_that_refuses_says_why_and_is_tried_again(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge, refusal: Refusal, code: ErrorCode
) -> None:
    """Each refusal has its code; another camera streams meanwhile; the refused one streams once it may."""
    front, back = drawn(), drawn("back")
    front.faults.refuse = refusal
    server = await serve(front, back)
    gateway.cameras = (config(server.url("front")), config(server.url("back"), "back", 2))
    start_bridge(gateway)
    await gateway.until(fails(gateway, code))
    await gateway.until(streams(gateway, "back"))
    assert {frame.camera for frame in gateway.frames} <= {2}
    front.faults.refuse = None
    await gateway.until(lambda: streams(gateway)() and 1 in {f.camera for f in gateway.frames})
    told = latest(gateway)
    assert told is not None
    assert told.error is None
    assert StreamState.FAILED not in states(gateway, "back")


def states(gateway: FakeGateway, camera: str = "front") -> list[StreamState]:
    """Return what the bridge has said of a camera's stream, changes alone, in order."""
    said = [
        entry.state
        for status in gateway.seen(Status)
        for entry in status.cameras
        if entry.camera == camera
    ]
    return [state for state, _ in groupby(said)]


async def test_closed_port_is_refused_and_comes_back(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge
) -> None:
    """A camera that is switched off says so by its code and is found again, its pictures counted on."""
    server = await serve(drawn())
    server.go_away()
    gateway.cameras = (config(f"rtsp://127.0.0.1:{server.port}/front"),)
    start_bridge(gateway)
    await gateway.until(fails(gateway, ErrorCode.REFUSED))
    assert gateway.frames == []
    await server.come_back()
    await gateway.until(lambda: streams(gateway)() and len(gateway.frames) >= 2)
    assert goes_on(gateway.frames)
    assert states(gateway)[-2:] == [StreamState.FAILED, StreamState.STREAMING]


async def test_killed_connection_is_an_end_and_streams_again(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge
) -> None:
    """A stream that ends without an error is a failure with a reason; sequences go on after it."""
    camera = drawn()
    server = await serve(camera)
    gateway.cameras = (config(server.url("front")),)
    start_bridge(gateway)
    await gateway.until(lambda: len(gateway.frames) >= 2)
    camera.kick()
    await gateway.until(fails(gateway, ErrorCode.STREAM_ENDED))
    await gateway.until(streams(gateway))
    seen = len(gateway.frames)
    await gateway.until(lambda: len(gateway.frames) >= seen + 2)
    assert goes_on(gateway.frames)


@pytest.mark.parametrize("transport", list(Transport))
async def test_frozen_camera_times_out_and_recovers(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge, transport: Transport
) -> None:
    """Silence is a timeout; an active camera that froze stops repeating and never says quiet."""
    camera, source = visited()
    server = await serve(camera)
    gateway.cameras = (config(server.url("front"), transport=transport),)
    start_bridge(gateway)
    await gateway.until(lambda: bool(gateway.frames))
    source.visits.start()
    await gateway.until(lambda: any(said.active for said in gateway.seen(Activity)))
    camera.faults.freeze = True
    await gateway.until(fails(gateway, ErrorCode.TIMEOUT))
    assert all(said.active for said in gateway.seen(Activity)), gateway.seen(Activity)
    camera.faults.freeze = False
    seen = len(gateway.frames)
    await gateway.until(lambda: streams(gateway)() and len(gateway.frames) > seen)
    assert goes_on(gateway.frames)


async def test_resolution_change_goes_on(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge
) -> None:
    """A camera that changes its size in mid-stream keeps sending, in its new shape."""
    camera = drawn()
    server = await serve(camera)
    gateway.cameras = (config(server.url("front"), height_px=240),)
    start_bridge(gateway)
    await gateway.until(lambda: bool(gateway.frames))
    camera.swap(CodeSource(CodeSettings(camera=1, width_px=640, height_px=480)))
    await gateway.until(lambda: gateway.frames[-1].width == 320)
    assert gateway.frames[-1].height == 240


async def test_codec_change_opens_the_stream_again(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge, tmp_path: Path
) -> None:
    """A camera that changes its codec in mid-stream is opened again and goes on."""
    clip = tmp_path / "hevc.mp4"
    _write_hevc(clip)
    camera = drawn()
    server = await serve(camera)
    gateway.cameras = (config(server.url("front")),)
    start_bridge(gateway)
    await gateway.until(lambda: len(gateway.frames) >= 2)
    camera.swap(FileSource(clip))
    await gateway.until(fails(gateway, ErrorCode.CODEC_CHANGED))
    seen = len(gateway.frames)
    await gateway.until(lambda: len(gateway.frames) >= seen + 2)
    assert streams(gateway)()


def _write_hevc(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx265", rate=10, options={"preset": "ultrafast", "x265-params": "log-level=none"}
        )
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for luma in range(20, 220, 10):
            picture = np.full((240, 320, 3), luma, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


async def test_visit_brings_preroll_activity_and_a_faster_rate(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge
) -> None:
    """At onset the seconds before go first, flagged; activity is said, repeated, and ended."""
    camera, source = visited()
    server = await serve(camera)
    gateway.cameras = (config(server.url("front"), rate_fps=1.0, quiet_interval_s=3600.0),)
    start_bridge(gateway)
    # One quiet picture is all there is; the key frames after it stay with the bridge.
    await eventually(lambda: bool(gateway.frames) and camera.position_s > 5)
    source.visits.start()
    await gateway.until(
        lambda: sum(FrameFlag.ACTIVE in frame.flags for frame in gateway.frames) >= 4
    )
    source.visits.stop()
    await gateway.until(lambda: any(not said.active for said in gateway.seen(Activity)))
    first, *rest = gateway.frames
    preroll = [frame for frame in rest if FrameFlag.PREROLL in frame.flags]
    onset = rest[len(preroll)]
    assert preroll
    assert rest[: len(preroll)] == preroll
    assert all(FrameFlag.KEY in frame.flags for frame in preroll)
    assert first.captured_us < preroll[0].captured_us < onset.captured_us
    assert onset.captured_us - preroll[0].captured_us <= 5_000_000
    assert FrameFlag.ACTIVE in onset.flags
    assert onset.activity > 0
    assert onset.novelty > preroll[0].novelty
    activities = gateway.seen(Activity)
    assert activities[0].active
    assert activities[0].regions
    assert [said.revision for said in activities] == sorted({said.revision for said in activities})
    assert activities[0].since_us <= onset.captured_us


async def test_onset_says_activity_before_its_frame(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge
) -> None:
    """The state comes first: automations need no picture."""
    camera, source = visited()
    server = await serve(camera)
    gateway.cameras = (config(server.url("front"), quiet_interval_s=3600.0),)
    start_bridge(gateway)
    await eventually(lambda: bool(gateway.frames) and camera.position_s > 2)
    source.visits.start()
    await gateway.until(lambda: any(FrameFlag.ACTIVE in frame.flags for frame in gateway.frames))
    source.visits.stop()
    of_the_onset = [
        type(entry)
        for entry in gateway.last.everything
        if isinstance(entry, Activity)
        or (isinstance(entry, Frame) and FrameFlag.ACTIVE in entry.flags)
    ]
    assert of_the_onset[:2] == [Activity, Frame]


async def test_watch_raises_the_rate(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge
) -> None:
    """A quiet camera sends as often as someone looks."""
    server = await serve(drawn())
    gateway.cameras = (config(server.url("front"), quiet_interval_s=3600.0),)
    start_bridge(gateway)
    await gateway.until(lambda: bool(gateway.frames))
    await gateway.send(Watch(camera="front", rate_fps=5, seconds=60))
    await gateway.until(lambda: len(gateway.frames) >= 6)
    gaps = [
        after.captured_us - before.captured_us
        for before, after in zip(gateway.frames[1:], gateway.frames[2:], strict=False)
    ]
    # A picture may give way on a busy machine; the half of them are as near as was asked for.
    assert sorted(gaps)[len(gaps) // 2] < 1_000_000


async def test_cameras_come_change_and_go_without_disturbing_each_other(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge
) -> None:
    """Adding, changing and removing one camera leaves the session of another alone."""
    front, back = drawn(), drawn("back")
    server = await serve(front, back)
    one, two = config(server.url("front")), config(server.url("back"), "back", 2)
    gateway.cameras = (one,)
    start_bridge(gateway)
    await gateway.until(streams(gateway))
    await gateway.configure(one, two, revision=2)
    await gateway.until(lambda: any(frame.camera == 2 for frame in gateway.frames))
    await gateway.configure(one, config(server.url("back"), "back", 2, height_px=120), revision=3)
    await gateway.until(
        lambda: any(frame.camera == 2 and frame.height == 120 for frame in gateway.frames)
    )
    await gateway.configure(one, revision=4)
    await gateway.until(lambda: _withdrawn(gateway))
    await gateway.until(lambda: back.viewers == 0 and bool(gateway.seen(Status)))
    assert front.viewers == 1
    assert [answer.revision for answer in gateway.seen(Configured)] == [1, 2, 3, 4]
    assert states(gateway)[-1] is StreamState.STREAMING
    assert StreamState.FAILED not in states(gateway)
    removed = latest(gateway, "back")
    assert removed is not None
    counters = removed.counters
    received = sum(frame.camera == 2 for frame in gateway.frames)
    assert (
        counters.sampled == counters.replaced + counters.withdrawn + counters.overflowed + received
    )
    assert counters.unacknowledged == 0


def _withdrawn(gateway: FakeGateway) -> bool:
    status = latest(gateway, "back")
    return (
        status is not None
        and status.error is not None
        and status.error.code is ErrorCode.WITHDRAWN
        and not status.counters.unacknowledged
    )


async def test_another_address_opens_only_its_own_camera_again(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge
) -> None:
    """A changed address replaces the session; the camera's sequences go on."""
    server = await serve(drawn(), drawn("back"))
    gateway.cameras = (config(server.url("front")),)
    start_bridge(gateway)
    await gateway.until(lambda: len(gateway.frames) >= 2)
    await gateway.configure(config(server.url("back")), revision=2)
    await gateway.until(lambda: server.cameras["back"].viewers == 1)
    seen = len(gateway.frames)
    await gateway.until(lambda: len(gateway.frames) >= seen + 3)
    assert goes_on(gateway.frames)
