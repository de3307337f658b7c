"""The way to Home Assistant: outages, refusals, slow sockets, nonsense, and what is asked on the way."""

import asyncio
from itertools import pairwise
import json
from pathlib import Path
import socket

from aiohttp import WSCloseCode
import pytest

from edge_bridge.bridge import Bridge
from edge_bridge.protocol.camera import CameraStatus
from edge_bridge.protocol.messages import Configured, Limits, Ping, Pong, Status
from edge_bridge.protocol.vocabulary import ErrorCode, FrameFlag
from edge_bridge.settings import Settings
from edge_bridge.state_folder import StateFolder
from tests.bridge.conftest import Serve, StartBridge, config, drawn, eventually, visited
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
    camera, source = visited()
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
