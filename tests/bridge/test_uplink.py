"""The way to Home Assistant: outages, refusals, slow sockets, nonsense, and what is asked on the way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
import json
from pathlib import Path
import socket
import ssl
import threading

from aiohttp import WSCloseCode, web
import pytest

from edge_bridge.bridge import Bridge
from edge_bridge.probes import PROBES_MOST
from edge_bridge.protocol.camera import CameraStatus
from edge_bridge.protocol.messages import (
    Configured,
    Limits,
    Ping,
    Pong,
    Probe,
    Probed,
    Refuse,
    Status,
)
from edge_bridge.protocol.vocabulary import ErrorCode, FrameFlag
from edge_bridge.protocol.wire_error import WireError
from edge_bridge.settings import Settings
from edge_bridge.state_folder import StateFolder
from rigs.code_source import CodeSettings, CodeSource
from rigs.simulated_camera import Refusal
from tests.bridge.conftest import TLS, Serve, StartBridge, config, drawn, eventually
from tests.bridge.fake_gateway import TOKEN, FakeGateway


async def test_hello_says_who_it_is_and_stays_the_same(
    gateway: FakeGateway, start_bridge: StartBridge
) -> None:
    """Token in the header; bridge id and epoch outlive a connection; the end of one is retried at once."""
    start_bridge(gateway)
    await gateway.until(lambda: len(gateway.connections) == 1)
    await gateway.close_sockets(1012)
    await gateway.until(lambda: len(gateway.connections) == 2)
    first, second = (seen.hello for seen in gateway.connections)
    assert set(gateway.authorizations) == {f"Bearer {TOKEN}"}
    assert (first.bridge, first.epoch, first.name) == (second.bridge, second.epoch, "test")
    assert len(first.bridge) >= 32
    assert second.clock_us > first.clock_us


async def test_frames_of_an_outage_come_as_replay(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge
) -> None:
    """Nothing is lost while Home Assistant is away: each sequence arrives, live or replayed, or gave way and is counted."""
    server = await serve(drawn())
    gateway.cameras = (config(server.url("front"), quiet_interval_s=0.2),)
    bridge = start_bridge(gateway)
    await gateway.until(lambda: len(gateway.frames) >= 3)
    port = gateway.port
    await gateway.stop()
    refused = await _refusals(port, count=3)
    assert refused == 3
    await gateway.start(port)
    await gateway.until(lambda: any(FrameFlag.REPLAY in frame.flags for frame in gateway.frames))
    last = gateway.frames[-1].sequence

    def missing() -> set[int]:
        return set(range(1, last + 1)) - {frame.sequence for frame in gateway.frames}

    await gateway.until(lambda: len(missing()) <= bridge.status().cameras[0].counters.replaced)
    hello = gateway.last.hello.cameras[0]
    assert hello.camera == "front"
    assert hello.run_id == "run-1"
    counters = hello.counters
    assert counters.sampled == counters.replaced + counters.unacknowledged + hello.acknowledged
    replayed = [frame for frame in gateway.last.frames if FrameFlag.REPLAY in frame.flags]
    assert [frame.sequence for frame in replayed] == sorted(frame.sequence for frame in replayed)


async def _refusals(port: int, *, count: int) -> int:
    """Count connections to a port, none of which is answered, as they come."""
    listener = socket.create_server(("127.0.0.1", port), reuse_port=False)
    listener.setblocking(False)
    loop = asyncio.get_running_loop()
    seen = 0
    with listener:
        while seen < count:
            connection, _ = await loop.sock_accept(listener)
            connection.close()
            seen += 1
    return seen


async def test_visit_during_an_outage_is_told_afterwards(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge
) -> None:
    """A visit that happens wholly while the link is down arrives as frames flagged active and replayed."""
    source = CodeSource(CodeSettings(camera=1))
    camera = drawn()
    camera.swap(source)
    server = await serve(camera)
    gateway.cameras = (config(server.url("front")),)
    start_bridge(gateway)
    await gateway.until(lambda: bool(gateway.frames))
    gateway.status = 503
    await gateway.close_sockets(1001)
    source.visits.start()
    asked = len(gateway.authorizations)
    await gateway.until(lambda: len(gateway.authorizations) >= asked + 4)
    source.visits.stop()
    gateway.status = 101
    await gateway.until(
        lambda: any(
            FrameFlag.ACTIVE in frame.flags and FrameFlag.REPLAY in frame.flags
            for frame in gateway.frames
        )
    )
    assert len(gateway.connections) == 2
    replayed = [frame for frame in gateway.last.frames if FrameFlag.REPLAY in frame.flags]
    visit = [frame for frame in replayed if FrameFlag.ACTIVE in frame.flags]
    before = gateway.connections[0].frames[-1]
    assert before.captured_us < visit[0].captured_us < gateway.last.hello.clock_us
    assert [frame.captured_us for frame in visit] == sorted(frame.captured_us for frame in visit)


async def test_newest_wins_on_a_stalled_socket(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge
) -> None:
    """A Home Assistant that does not acknowledge gets few frames, no more than the window, and then the newest."""
    server = await serve(drawn())
    gateway.limits = Limits(window_frames=4)
    gateway.acknowledging = False
    gateway.cameras = (config(server.url("front"), quiet_interval_s=0.2),)
    bridge = start_bridge(gateway)
    await eventually(lambda: any(entry.counters.sampled >= 20 for entry in bridge.status().cameras))
    sent = len(gateway.frames)
    assert 1 <= sent <= 4
    [front] = bridge.status().cameras
    assert front.counters.replaced >= 15
    assert front.counters.sampled == front.counters.replaced + front.counters.unacknowledged
    gateway.acknowledging = True
    await gateway.close_sockets(1012)
    await gateway.until(lambda: len(gateway.frames) >= sent + 4)
    assert gateway.last.frames[-1].sequence > 20


async def test_socket_that_nobody_reads_gets_the_newest_frames_afterwards(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge
) -> None:
    """While nobody reads, little piles up in the socket; then the old gives way, counted, and order holds."""
    server = await serve(drawn())
    gateway.limits = Limits(window_frames=4096)
    gateway.cameras = (config(server.url("front"), quiet_interval_s=0.1, quality=95),)
    bridge = start_bridge(gateway)
    await gateway.until(lambda: len(gateway.frames) >= 2)
    gateway.reading.clear()

    def replaced() -> int:
        [front] = bridge.status().cameras
        return front.counters.replaced

    await eventually(lambda: replaced() >= 10, within_s=60)
    gateway.reading.set()
    await gateway.until(
        lambda: len(gateway.frames) >= 5 and gateway.frames[-1].sequence > _gap(gateway) > 0
    )
    [front] = bridge.status().cameras
    assert front.counters.sampled >= len(gateway.frames) + front.counters.replaced


def _gap(gateway: FakeGateway) -> int:
    """Return the sequence after the first hole, 0 where there is none."""
    sequences = [frame.sequence for frame in gateway.frames]
    return next((after for before, after in pairwise(sequences) if after > before + 1), 0)


async def test_waiting_frames_of_a_removed_camera_are_withdrawn(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge
) -> None:
    """What a camera had not sent when it was taken away has its own counter, told in the next status."""
    server = await serve(drawn())
    gateway.limits = Limits(window_frames=1)
    gateway.acknowledging = False
    gateway.cameras = (config(server.url("front"), quiet_interval_s=0.2),)
    bridge = start_bridge(gateway)
    await eventually(lambda: any(entry.counters.replaced for entry in bridge.status().cameras))
    await gateway.configure(revision=2)
    await gateway.until(lambda: any(entry.counters.withdrawn for entry in _cameras(gateway)))
    [front] = _cameras(gateway)
    assert front.error is not None
    assert front.error.code is ErrorCode.WITHDRAWN
    assert front.counters.withdrawn == front.counters.unacknowledged == 1


def _cameras(gateway: FakeGateway) -> tuple[CameraStatus, ...]:
    statuses = gateway.seen(Status)
    return statuses[-1].cameras if statuses else ()


async def test_removed_camera_is_told_to_home_assistant_though_its_own_status_was_written(
    gateway: FakeGateway,
    serve: Serve,
    start_bridge: StartBridge,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The status file is read by a person; only what Home Assistant was told is done with."""
    monkeypatch.setattr("edge_bridge.bridge.REPORT_S", 0.01)
    monkeypatch.setattr("edge_bridge.session.STATUS_S", 1.0)
    server = await serve(drawn())
    gateway.limits = Limits(window_frames=1)
    gateway.acknowledging = False
    gateway.cameras = (config(server.url("front"), quiet_interval_s=0.2),)
    start_bridge(gateway)
    await gateway.until(lambda: bool(gateway.frames))
    await gateway.configure(revision=2)
    await gateway.until(lambda: any(_open(entry) and entry.error for entry in _cameras(gateway)))
    gateway.acknowledging = True
    await gateway.acknowledge()
    await gateway.until(lambda: any(not _open(entry) for entry in _cameras(gateway)))
    await gateway.until(lambda: not _cameras(gateway))
    told = [entry for status in gateway.seen(Status) for entry in status.cameras if entry.error]
    assert {entry.error.code for entry in told if entry.error} == {ErrorCode.WITHDRAWN}
    counters = told[-1].counters
    received = len(gateway.frames)
    assert counters.sampled == counters.replaced + counters.withdrawn + received > 0


def _open(entry: CameraStatus) -> bool:
    return entry.counters.unacknowledged > 0


async def test_connected_is_who_was_welcomed(
    gateway: FakeGateway, start_bridge: StartBridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that takes the connection and says nothing is not a Home Assistant that is there."""
    monkeypatch.setattr("edge_bridge.bridge.REPORT_S", 0.01)
    gateway.first_words = []
    start_bridge(gateway)
    await gateway.until(lambda: bool(gateway.connections))
    status = tmp_path / "bridge0" / "status.json"
    await eventually(status.exists)
    assert not json.loads(status.read_text())["connected"]
    gateway.first_words = None
    await gateway.close_sockets()
    await eventually(lambda: bool(json.loads(status.read_text())["connected"]))


async def test_connection_that_breaks_at_once_is_tried_less_often(
    gateway: FakeGateway, start_bridge: StartBridge, caplog: pytest.LogCaptureFixture
) -> None:
    """Something between that lets a welcome through and then breaks must not be asked twice a second for ever."""
    caplog.set_level("DEBUG", logger="edge_bridge")
    start_bridge(gateway)
    for broken in range(1, 8):
        await gateway.until(lambda broken=broken: len(gateway.seen(Configured)) >= broken)
        gateway.abort_sockets()
    await eventually(lambda: len(_delays(caplog)) >= 7)
    assert _delays(caplog)[-1] > 1


def _delays(caplog: pytest.LogCaptureFixture) -> list[float]:
    tries = (record.args for record in caplog.records if "next try in" in record.message)
    return [args[1] for args in tries if isinstance(args, tuple) and isinstance(args[1], float)]


async def test_answer_to_a_probe_does_not_outlive_its_connection(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge
) -> None:
    """The next connection counts its probes anew: a late answer would be taken for that of another address."""
    camera = drawn()
    camera.faults.describe_delay_s = 1.0
    server = await serve(camera, drawn("back"))
    start_bridge(gateway)
    await gateway.until(lambda: bool(gateway.seen(Configured)))
    await gateway.send(Probe(id=1, url=server.url("front")))
    await gateway.send(Ping(id=1))
    await gateway.until(lambda: bool(gateway.seen(Pong)))
    await gateway.close_sockets()
    await gateway.until(lambda: len(gateway.seen(Configured)) == 2)
    await gateway.send(Probe(id=2, url=server.url("back")))
    await gateway.until(lambda: bool(gateway.seen(Probed)))
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
    await gateway.until(lambda: bool(gateway.seen(Configured)))
    for number in range(1, PROBES_MOST + 1):
        await gateway.send(Probe(id=number, url=server.url("front")))
    await gateway.send(Ping(id=1))
    await gateway.until(lambda: bool(gateway.seen(Pong)))
    await gateway.close_sockets()
    await gateway.until(lambda: len(gateway.seen(Configured)) == 2)
    await gateway.send(Probe(id=5, url=server.url("back")))
    await gateway.until(lambda: bool(gateway.seen(Probed)))
    [refused] = gateway.seen(Probed)
    assert refused.id == 5
    assert refused.error is not None
    assert refused.error.code is ErrorCode.OVER_LIMIT
    await eventually(lambda: not any(thread.name == "probe" for thread in threading.enumerate()))
    await gateway.send(Probe(id=6, url=server.url("back")))
    await gateway.until(lambda: len(gateway.seen(Probed)) == 2)
    answer = gateway.seen(Probed)[-1]
    assert (answer.id, answer.error, answer.codec) == (6, None, "h264")


async def test_threads_end_while_the_farewell_is_said(
    gateway: FakeGateway, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An end waits for Home Assistant's last acknowledgements and for decoders at once, not one after the other."""
    monkeypatch.setattr("edge_bridge.session.FAREWELL_S", 60.0)
    server = await serve(drawn())
    gateway.acknowledging = False
    gateway.cameras = (config(server.url("front")),)
    folder = StateFolder(tmp_path / "bridge")
    settings = Settings(url=gateway.url, token=TOKEN, name="test", state=tmp_path)
    bridge = Bridge(settings, folder, folder.hold())
    task = asyncio.get_running_loop().create_task(bridge.run())
    await gateway.until(lambda: bool(gateway.frames))
    decoders = bridge._roster._workers._threads
    assert all(thread.is_alive() for thread in decoders)
    task.cancel()
    await eventually(lambda: not any(thread.is_alive() for thread in decoders))
    assert not task.done(), "it still waits to hear what has arrived"
    await gateway.acknowledge()
    with pytest.raises(asyncio.CancelledError):
        await task
    [front] = _cameras(gateway)
    assert front.counters.unacknowledged == 0


async def test_frame_above_the_limit_is_encoded_smaller(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge
) -> None:
    """Home Assistant's limit is met by lower quality, never exceeded."""
    server = await serve(drawn())
    gateway.limits = Limits(max_frame_bytes=9000)
    gateway.cameras = (config(server.url("front"), quality=95, quiet_interval_s=0.2),)
    start_bridge(gateway)
    await gateway.until(lambda: len(gateway.frames) >= 3)
    assert max(len(frame.jpeg) for frame in gateway.frames) <= 9000


async def test_pings_go_both_ways(gateway: FakeGateway, start_bridge: StartBridge) -> None:
    """A ping is answered with the bridge's clock, and the bridge asks for ours."""
    start_bridge(gateway)
    await gateway.until(lambda: bool(gateway.seen(Configured)))
    await gateway.send(Ping(id=41))
    await gateway.until(lambda: bool(gateway.seen(Pong)))
    [pong] = gateway.seen(Pong)
    assert pong.id == 41
    assert pong.clock_us > gateway.last.hello.clock_us
    await gateway.until(lambda: bool(gateway.seen(Ping)))


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"type": 1}', '{"type":"ack","cameras":7}', '{"type":"hello"}']
)
async def test_nonsense_ends_the_connection_and_not_the_bridge(
    gateway: FakeGateway, start_bridge: StartBridge, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    """Something malformed closes that connection and is said; the same bridge comes again by itself."""
    start_bridge(gateway)
    await gateway.until(lambda: bool(gateway.seen(Configured)))
    await gateway.send_text(text)
    await gateway.until(lambda: len(gateway.seen(Configured)) >= 2)
    first, second = (seen.hello for seen in gateway.connections)
    assert (first.bridge, first.epoch) == (second.bridge, second.epoch)
    assert gateway.close_codes == [WSCloseCode.POLICY_VIOLATION]
    assert "Home Assistant sent something malformed: " in caplog.text


async def test_unknown_messages_are_ignored(
    gateway: FakeGateway, start_bridge: StartBridge
) -> None:
    """A newer Home Assistant may say more than this bridge understands; that is counted."""
    bridge = start_bridge(gateway)
    await gateway.until(lambda: bool(gateway.seen(Configured)))
    await gateway.send_text('{"type":"from the future","cameras":7}')
    await gateway.send(Ping(id=1))
    await gateway.until(lambda: bool(gateway.seen(Pong)))
    assert len(gateway.connections) == 1
    assert bridge.outbox.unknown == 1


@pytest.mark.parametrize("words", ['{"type":"pong","id":1,"clock_us":1}', "no json"])
async def test_answer_that_is_no_welcome_is_retried(
    gateway: FakeGateway, start_bridge: StartBridge, words: str
) -> None:
    """A hello that is answered with anything else ends the connection, before anything is told."""
    gateway.first_words = [words]
    bridge = start_bridge(gateway)
    await gateway.until(lambda: len(gateway.connections) >= 2)
    assert set(gateway.close_codes) == {WSCloseCode.POLICY_VIOLATION}
    assert [seen.everything for seen in gateway.connections] == [[]] * len(gateway.connections)
    gateway.first_words = None
    await gateway.until(lambda: bool(gateway.seen(Configured)))
    assert bridge.on_wire == 0


async def test_refusal_for_good_is_retried_in_minutes(
    gateway: FakeGateway, start_bridge: StartBridge, caplog: pytest.LogCaptureFixture
) -> None:
    """A refuse without retry is one clear line and a long pause."""
    gateway.first_words = [Refuse(error=WireError.of(ErrorCode.IN_USE), retry=False).dumps()]
    caplog.set_level("DEBUG", logger="edge_bridge")
    start_bridge(gateway)
    await _logged(caplog, "next try in")
    [record] = [record for record in caplog.records if "next try in" in record.message]
    assert "token: Home Assistant refuses: in_use" in record.message
    assert record.args is not None
    assert float(record.args[1]) > 60  # type: ignore[index]


@pytest.mark.parametrize(
    ("status", "setting", "at_most_s", "at_least_s"),
    [(401, "token", 2, 1), (403, "token", 121, 90), (404, "url", 0.5, 0.3), (503, "url", 0.5, 0.3)],
)
async def test_http_answers_name_the_setting_and_pace_the_next_try(
    gateway: FakeGateway,
    start_bridge: StartBridge,
    caplog: pytest.LogCaptureFixture,
    status: int,
    setting: str,
    at_most_s: float,
    at_least_s: float,
) -> None:
    """The token where it is the token, the address where it is the address; the token itself is never shown."""
    gateway.status = status
    caplog.set_level("DEBUG", logger="edge_bridge")
    start_bridge(gateway)
    await _logged(caplog, "next try in")
    record = next(record for record in caplog.records if "next try in" in record.message)
    assert f"Home Assistant: {setting}:" in record.message
    assert record.levelname == "WARNING"
    assert record.args is not None
    assert at_least_s <= float(record.args[1]) <= at_most_s  # type: ignore[index]
    assert TOKEN not in caplog.text


async def _logged(caplog: pytest.LogCaptureFixture, text: str) -> None:
    await eventually(lambda: text in caplog.text)


async def test_same_problem_warns_once(
    gateway: FakeGateway, start_bridge: StartBridge, caplog: pytest.LogCaptureFixture
) -> None:
    """Repetitions are for debugging."""
    gateway.status = 503
    caplog.set_level("DEBUG", logger="edge_bridge")
    start_bridge(gateway)
    await gateway.until(lambda: len(gateway.authorizations) >= 3)
    levels = [record.levelname for record in caplog.records if "next try in" in record.message]
    assert levels[0] == "WARNING"
    assert set(levels[1:]) == {"DEBUG"}


@asynccontextmanager
async def redirecting(target: str) -> AsyncIterator[str]:
    """Serve a redirect to another address."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=308, headers={"Location": target + request.path})

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_redirect_to_another_host_is_not_followed(
    gateway: FakeGateway, start_bridge: StartBridge, caplog: pytest.LogCaptureFixture
) -> None:
    """A redirect elsewhere gets neither the token nor a visit."""
    async with redirecting(f"http://localhost:{gateway.port}") as url:
        start_bridge(gateway, url=url)
        await _logged(caplog, "url: redirects to another address")
    assert gateway.authorizations == []


@pytest.fixture
async def secure_gateway() -> AsyncIterator[FakeGateway]:
    """Home Assistant, played, behind a certificate of its own."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(TLS / "certificate.pem", TLS / "key.pem")
    played = await FakeGateway().start(tls=tls)
    yield played
    await played.stop()


async def test_redirect_to_tls_is_followed_with_the_token(
    secure_gateway: FakeGateway, start_bridge: StartBridge
) -> None:
    """From http to https on the same host, with one's own certificate authority."""
    async with redirecting(secure_gateway.url) as url:
        start_bridge(secure_gateway, url=url, ca=TLS / "certificate.pem")
        await secure_gateway.until(lambda: bool(secure_gateway.connections))
    assert secure_gateway.authorizations == [f"Bearer {TOKEN}"]


async def test_public_address_that_redirects_to_tls_is_asked_without_the_token(
    secure_gateway: FakeGateway, start_bridge: StartBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first, clear request carries no token; the second, through TLS, does."""
    monkeypatch.setattr("edge_bridge.uplink.is_private", _public)
    async with redirecting(secure_gateway.url) as url:
        start_bridge(secure_gateway, url=url, ca=TLS / "certificate.pem")
        await secure_gateway.until(lambda: bool(secure_gateway.connections))
    assert secure_gateway.authorizations == [f"Bearer {TOKEN}"]


async def _public(host: str) -> bool:
    return False


async def test_untrusted_certificate_names_the_ca(
    secure_gateway: FakeGateway, start_bridge: StartBridge, caplog: pytest.LogCaptureFixture
) -> None:
    """A certificate that nobody trusts is an error of the setting ca, and --insecure accepts it."""
    caplog.set_level("WARNING")
    start_bridge(secure_gateway)
    await _logged(caplog, "Home Assistant: ca:")
    assert not secure_gateway.connections
    start_bridge(secure_gateway, insecure=True)
    await secure_gateway.until(lambda: bool(secure_gateway.connections))


async def test_base_path_is_kept(gateway: FakeGateway, start_bridge: StartBridge) -> None:
    """A Home Assistant behind a path is found there."""
    start_bridge(gateway, url=gateway.url + "/house/")
    await gateway.until(lambda: bool(gateway.connections))
    assert gateway.paths == ["/house/api/camera_narrator/bridge"]
    assert gateway.authorizations == [f"Bearer {TOKEN}"]


async def test_public_address_without_tls_gets_no_token(
    gateway: FakeGateway,
    start_bridge: StartBridge,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The token goes to a public address through TLS only; --insecure allows it."""
    monkeypatch.setattr("edge_bridge.uplink.is_private", _public)
    caplog.set_level("WARNING")
    start_bridge(gateway)
    await _logged(caplog, "public address without https")
    assert set(gateway.authorizations) == {None}
    assert not gateway.connections
    start_bridge(gateway, insecure=True)
    await gateway.until(lambda: bool(gateway.connections))
