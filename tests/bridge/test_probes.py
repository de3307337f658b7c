"""Addresses: those that are never opened, what a probe finds at the others, and how many may be tried at a time."""

from dataclasses import replace
import io
import threading

from PIL import Image
import pytest

from edge_bridge.probes import PROBES_MOST
from edge_bridge.protocol.messages import Configured, Ping, Pong, Probe, Probed
from edge_bridge.protocol.vocabulary import ErrorCode, Source
from rigs.rtsp_server import RtspServer
from rigs.simulated_camera import Refusal
from tests.bridge.conftest import Serve, StartBridge, config, drawn, eventually
from tests.bridge.fake_gateway import FakeGateway
from tests.bridge.test_streams import fails


async def test_answer_to_a_probe_does_not_outlive_its_connection(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge
) -> None:
    """The next connection counts its probes anew: a late answer would be taken for that of another address."""
    camera = drawn()
    camera.faults.refuse = Refusal.HANG
    server = await serve(camera, drawn("back"))
    start_bridge(gateway)
    await _forsaken(gateway, server.url("front"), 1)
    await gateway.send(Probe(id=2, url=server.url("back")))
    await gateway.until(lambda: bool(gateway.seen(Probed)))
    await eventually(_over)
    await gateway.send(Probe(id=3, url=server.url("back")))
    await gateway.until(lambda: gateway.seen(Probed)[-1].id == 3)
    assert [probed.id for probed in gateway.seen(Probed)] == [2, 3]


async def test_probes_that_nobody_waits_for_count_until_they_have_ended(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge
) -> None:
    """A connection that ends interrupts no read: the next one's probes are not begun on top of hanging ones."""
    camera = drawn()
    camera.faults.refuse = Refusal.HANG
    server = await serve(camera, drawn("back"))
    start_bridge(gateway)
    await _forsaken(gateway, server.url("front"), PROBES_MOST)
    await gateway.send(Probe(id=5, url=server.url("back")))
    await gateway.until(lambda: bool(gateway.seen(Probed)))
    [refused] = gateway.seen(Probed)
    assert refused.id == 5
    assert refused.error is not None
    assert refused.error.code is ErrorCode.OVER_LIMIT
    await eventually(_over)
    await gateway.send(Probe(id=6, url=server.url("back")))
    await gateway.until(lambda: len(gateway.seen(Probed)) == 2)
    answer = gateway.seen(Probed)[-1]
    assert (answer.id, answer.error, answer.codec) == (6, None, "h264")


async def _forsaken(gateway: FakeGateway, url: str, count: int) -> None:
    """Begin probes, and end the connection for another one before any is answered."""
    await gateway.until(lambda: bool(gateway.seen(Configured)))
    for number in range(1, count + 1):
        await gateway.send(Probe(id=number, url=url))
    await gateway.send(Ping(id=1))
    await gateway.until(lambda: bool(gateway.seen(Pong)))
    await gateway.close_sockets()
    await gateway.until(lambda: len(gateway.seen(Configured)) == 2)


def _over() -> bool:
    """Return whether the first probe, whose answer takes as long as a read may, has come to its end too."""
    return not any(thread.name == "probe" for thread in threading.enumerate())


async def probed(gateway: FakeGateway, **wish: object) -> Probed:
    """Have the bridge probe and return its answer."""
    await gateway.send(Probe(id=7, **wish))  # type: ignore[arg-type]
    await gateway.until(lambda: bool(gateway.seen(Probed)))
    return gateway.seen(Probed)[0]


async def test_probe_describes_a_stream_and_shows_it(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge
) -> None:
    """Codec, size, rate, key interval and first frame, and before them a picture."""
    server = await serve(drawn())
    start_bridge(gateway)
    await gateway.until(lambda: bool(gateway.connections))
    answer = await probed(gateway, url=server.url("front"))
    assert (answer.id, answer.error, answer.codec) == (7, None, "h264")
    assert (answer.width, answer.height) == (640, 360)
    assert 9 <= answer.fps <= 11
    assert answer.key_interval_s is not None
    assert 1.5 <= answer.key_interval_s <= 2.5
    assert 0 < answer.first_frame_ms < 5000
    assert not answer.one_session
    assert not answer.sub_stream
    [preview] = gateway.last.frames
    assert (preview.camera, preview.sequence, preview.kind) == (0, 7, 2)
    assert Image.open(io.BytesIO(preview.jpeg)).size == (640, 360)


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (Refusal.NOT_FOUND, ErrorCode.NOT_FOUND),
        (Refusal.UNAUTHORIZED, ErrorCode.UNAUTHORIZED),
        (Refusal.HANG, ErrorCode.TIMEOUT),
    ],
)
async def test_probe_says_why_not(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge, refusal: Refusal, code: ErrorCode
) -> None:
    """A probe that fails answers with the same codes as a camera."""
    camera = drawn()
    camera.faults.refuse = refusal
    server: RtspServer = await serve(camera)
    start_bridge(gateway)
    await gateway.until(lambda: bool(gateway.connections))
    answer = await probed(gateway, url=server.url("front"))
    assert answer.error is not None
    assert answer.error.code is code


async def test_probe_of_a_forbidden_scheme(gateway: FakeGateway, start_bridge: StartBridge) -> None:
    """A probe opens no file either."""
    start_bridge(gateway)
    await gateway.until(lambda: bool(gateway.connections))
    answer = await probed(gateway, url="file:///etc/passwd")
    assert answer.error is not None
    assert answer.error.code is ErrorCode.SCHEME_NOT_ALLOWED


async def test_addresses_that_must_not_be_opened(
    gateway: FakeGateway, start_bridge: StartBridge
) -> None:
    """Files and unknown schemes are refused by name, and so is a camera whose pictures come from elsewhere."""
    gateway.cameras = (
        config("file:///etc/passwd", "file", 1),
        config("front", "bare", 2),
        replace(config("", "porch", 3), source=Source.PUSHED),
    )
    start_bridge(gateway)
    await gateway.until(lambda: bool(gateway.seen(Configured)))
    assert {error.camera: error.error.code for error in gateway.seen(Configured)[0].errors} == {
        "file": ErrorCode.SCHEME_NOT_ALLOWED,
        "bare": ErrorCode.SCHEME_NOT_ALLOWED,
        "porch": ErrorCode.INTERNAL,
    }
    await gateway.until(fails(gateway, ErrorCode.SCHEME_NOT_ALLOWED, "file"))
