"""The bridge as it is operated: a real process and a real broker, what its log and its commands say of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
import json
from pathlib import Path
import re
import sys
import threading
from typing import Any

import pytest

from edge_bridge.decoding import Decoders
from rigs.broker import Broker
from rigs.mqtt_listener import MqttListener
from rigs.process import Process, Processes
from rigs.simulated_camera import Credentials
from tests.bridge.conftest import Serve, StartBridge, config, drawn, eventually
from tests.bridge.fake_gateway import TOKEN, FakeGateway
from tests.bridge.test_telemetry import BASE, about

type Start = Callable[..., Awaitable[Process]]
type Ask = Callable[[str], Awaitable[tuple[int, str]]]

PASSWORD = "of-the-br0ker"
CAMERA = Credentials(user="viewer-of-it", password="of-the-camer4", digest=True)
UNTOUCHED = 9
"""A port where nobody listens."""


@pytest.fixture
async def processes() -> AsyncIterator[Processes]:
    async with Processes() as started:
        yield started


@pytest.fixture
def start(processes: Processes, gateway: FakeGateway) -> Start:
    """Start `edge-bridge run` with the state folder of the test."""

    async def run(broker: Broker | None = None, **environment: str) -> Process:
        variables = {
            "CAMERA_NARRATOR_URL": gateway.url,
            "CAMERA_NARRATOR_TOKEN": TOKEN,
            "CAMERA_NARRATOR_NAME": "attic",
            "CAMERA_NARRATOR_STATE": str(processes.folder / "state"),
            "CAMERA_NARRATOR_DETECTOR": "off",
            **environment,
        }
        if broker is not None:
            variables["CAMERA_NARRATOR_MQTT_URL"] = f"mqtt://{broker.host}:{broker.port}"
        command = [sys.executable, "-m", "edge_bridge", "run"]
        return await processes.start("bridge", command, env=variables)

    return run


@pytest.fixture
def ask(processes: Processes) -> Ask:
    """Run another command of the same folder; return its code and all that it said."""

    async def run(command: str) -> tuple[int, str]:
        child = await processes.start(
            command,
            [sys.executable, "-m", "edge_bridge", command],
            env={"CAMERA_NARRATOR_STATE": str(processes.folder / "state")},
        )
        async with asyncio.timeout(30):
            return await child.wait(), child.tail(50)

    return run


def lines(process: Process, *levels: str) -> list[str]:
    """Return what a process has logged, without the times."""
    pattern = re.compile(rf"^\S+ \S+ ({'|'.join(levels)}) (.*)$")
    said = process.log.read_text().splitlines()
    return [match[2] for line in said if (match := pattern.match(line))]


async def test_killed_bridge_is_told_of_by_its_last_will(
    processes: Processes, gateway: FakeGateway, serve: Serve, start: Start
) -> None:
    """Online with its cameras; offline, retained, after kill -9; online again with the next start."""
    broker = await Broker.started(processes)
    server = await serve(drawn())
    gateway.cameras = (config(server.url("front")),)
    async with MqttListener(broker.host, broker.port, f"{BASE}/#") as listener:
        bridge = await start(broker)
        await listener.wait_for(about(f"{BASE}/status", online=True, connected=True, streaming=1))
        await listener.wait_for(about(f"{BASE}/front", state="streaming", codec="h264"))
        await bridge.kill()
        await listener.wait_for(about(f"{BASE}/status", online=False))
        async with MqttListener(broker.host, broker.port, f"{BASE}/status") as late:
            assert (await late.wait_for(about(f"{BASE}/status"))).retained
        bridge = await start(broker)
        await listener.wait_for(about(f"{BASE}/status", online=True))
        assert await bridge.stop() == 0
        await listener.wait_for(about(f"{BASE}/status", online=False))


async def test_broker_restarts_below_a_running_bridge(
    processes: Processes, start: Start, ask: Ask
) -> None:
    """A broker that forgot everything is told everything again; the bridge is well all the while."""
    broker = await Broker.started(processes)
    bridge = await start(broker)
    await bridge.wait_for("Connected to the MQTT broker")
    await broker.kill()
    await bridge.wait_for("Not connected to the MQTT broker")
    assert await ask("health") == (0, "healthy")
    await eventually(lambda: status(processes)["mqtt"]["problem"] is not None)
    code, said = await ask("status")
    assert code == 0
    assert f"MQTT: mqtt://127.0.0.1:{broker.port} not connected (mqtt-url: " in said
    await broker.start()
    async with MqttListener(broker.host, broker.port, f"{BASE}/#") as listener:
        await listener.wait_for(about(f"{BASE}/status", online=True))
    connection = [line for line in lines(bridge, "INFO", "WARNING") if "MQTT" in line]
    assert [line.split()[0] for line in connection] == ["Connected", "Not", "Connected"]


async def test_refused_login_is_one_line_and_no_illness(
    processes: Processes, start: Start, ask: Ask
) -> None:
    """The log says it once and names the setting; health and cameras do not depend on it; the password stays hidden."""
    broker = Broker(processes, login=("watcher", "another"))
    await broker.start()
    bridge = await start(
        broker,
        CAMERA_NARRATOR_MQTT_USERNAME="watcher",
        CAMERA_NARRATOR_MQTT_PASSWORD=PASSWORD,
        CAMERA_NARRATOR_LOG_LEVEL="debug",
    )
    await bridge.wait_for("DEBUG Not connected to the MQTT broker")
    refused = "mqtt-username: the broker does not accept user name and password"
    assert [line for line in lines(bridge, "WARNING") if "MQTT" in line] == [
        f"Not connected to the MQTT broker: {refused}"
    ]
    await eventually(lambda: status(processes)["mqtt"]["problem"] == refused)
    code, said = await ask("status")
    assert (code, refused in said) == (0, True)
    assert await ask("health") == (0, "healthy")
    assert await bridge.stop() == 0
    kept = [path for path in (processes.folder / "state").iterdir() if path.is_file()]
    for text in (said, bridge.log.read_text(), *(path.read_text() for path in kept)):
        assert PASSWORD not in text
        assert TOKEN not in text


@pytest.mark.parametrize("login", [None, ("watcher", PASSWORD)], ids=["open", "with a login"])
async def test_nothing_that_is_told_holds_a_credential(
    processes: Processes,
    gateway: FakeGateway,
    serve: Serve,
    start: Start,
    login: tuple[str, str] | None,
) -> None:
    """Of the camera's, the broker's and Home Assistant's: no topic, payload, log line or file, also where one is wrong."""
    broker = Broker(processes, login=login)
    await broker.start()
    user, password = login or ("", "")
    secrets = {TOKEN, CAMERA.user, CAMERA.password, "wr0ng-one", *filter(None, (user, password))}
    server = await serve(drawn(credentials=CAMERA), drawn("back", credentials=CAMERA))
    gateway.cameras = (
        config(
            server.url("front", with_credentials=False),
            username=CAMERA.user,
            password=CAMERA.password,
        ),
        config(
            server.url("back", with_credentials=False).replace(
                "rtsp://", f"rtsp://{CAMERA.user}:wr0ng-one@"
            ),
            "back",
            2,
        ),
    )
    async with MqttListener(broker.host, broker.port, "#", user=user, password=password) as outside:
        bridge = await start(
            broker,
            CAMERA_NARRATOR_MQTT_USERNAME=user,
            CAMERA_NARRATOR_MQTT_PASSWORD=password,
            CAMERA_NARRATOR_LOG_LEVEL="debug",
        )
        await outside.wait_for(about(f"{BASE}/back", state="failed", code="unauthorized"))
        await outside.wait_for(about(f"{BASE}/front", state="streaming"))
        assert await bridge.stop() == 0
        await outside.wait_for(about(f"{BASE}/status", online=False))
    told = [f"{said.topic} {said.text}" for said in outside.received]
    kept = [path for path in (processes.folder / "state").iterdir() if path.is_file()]
    texts = (*told, bridge.log.read_text(), *(path.read_text() for path in kept))
    assert [(secret, text) for text in texts for secret in secrets if secret in text] == []


async def test_camera_that_keeps_failing_is_one_line(
    gateway: FakeGateway, start: Start, ask: Ask
) -> None:
    """The first failure is news, its repetitions are for the one who looks; the bridge is well."""
    address = f"rtsp://127.0.0.1:{UNTOUCHED}/front"
    gateway.cameras = (config(address, username="viewer", password="s3cret"),)
    bridge = await start(CAMERA_NARRATOR_LOG_LEVEL="debug")
    await bridge.wait_for(r"DEBUG Camera front: .*next try in 1\.0 s")
    assert [line for line in lines(bridge, "WARNING") if "Camera" in line] == [
        "Camera front: refused; next try in 0.5 s"
    ]
    assert await ask("health") == (0, "healthy")
    code, said = await ask("status")
    assert code == 0
    assert "failed: refuses the connection" in said
    assert "s3cret" not in bridge.log.read_text()


async def test_status_is_written_when_a_state_changes(
    gateway: FakeGateway, start_bridge: StartBridge, tmp_path: Path
) -> None:
    """Who looks after a connection was lost sees it at once, not seconds later."""
    start_bridge(gateway)
    file = tmp_path / "bridge0" / "status.json"
    await eventually(lambda: file.exists() and json.loads(file.read_text())["connected"])
    written = json.loads(file.read_text())["written_monotonic_s"]
    await gateway.stop()
    await eventually(lambda: not json.loads(file.read_text())["connected"])
    after = json.loads(file.read_text())
    assert after["written_monotonic_s"] - written < 3
    assert after["problem"].startswith("url: ")


async def test_decoder_that_hangs_shows_in_the_status(
    gateway: FakeGateway, start_bridge: StartBridge, tmp_path: Path
) -> None:
    """How long the slowest slice has been at work is written down, for the health check."""
    bridge = start_bridge(gateway)
    release = threading.Event()

    class Hanging:
        urgent = False

        def work(self, decoders: Decoders) -> bool:
            release.wait(60)
            return False

    bridge._roster._workers.ready(Hanging())
    file = tmp_path / "bridge0" / "status.json"
    await eventually(file.exists)

    def written() -> dict[str, Any]:
        told: dict[str, Any] = json.loads(file.read_text())
        return told

    try:
        await eventually(lambda: written()["stalled_s"] > 0)
        first = written()
        await eventually(lambda: written()["stalled_s"] > first["stalled_s"])
        assert written()["connected"], "the loop goes on meanwhile"
        assert written()["written_monotonic_s"] > first["written_monotonic_s"]
    finally:
        release.set()
    await eventually(lambda: written()["stalled_s"] == 0)


def status(processes: Processes) -> dict[str, Any]:
    """Return the status as it was last written."""
    written: dict[str, Any] = json.loads((processes.folder / "state" / "status.json").read_text())
    return written
