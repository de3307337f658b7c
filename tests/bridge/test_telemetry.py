"""The bridge on MQTT: what stands retained at a real broker, and what becomes of it when things go wrong."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
import logging
from pathlib import Path
import ssl
from typing import Any, override

import pytest

from edge_bridge.mqtt_link import MqttLink, tls_context
from edge_bridge.settings import BrokerSettings
from edge_bridge.state_folder import StateFolder
from edge_bridge.telemetry import Telemetry
from edge_bridge.wishes import REFRESH_S
from rigs.broker import Broker
from rigs.mqtt_listener import Message, MqttListener
from rigs.process import Processes, free_port
from tests.bridge.conftest import TLS, eventually

BASE = "camera_narrator/bridge/attic"
ID = "0123456789abcdef"

type Started = Callable[..., AbstractAsyncContextManager[Telemetry]]


def status(*cameras: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a bridge's status."""
    return {
        "name": "attic",
        "connected": True,
        "problem": None,
        "cpu_percent": 3.0,
        "cameras": list(cameras),
        **changes,
    }


def camera(key: str = "front", **changes: Any) -> dict[str, Any]:
    """Return a camera's part of a status."""
    return {
        "camera": key,
        "state": "streaming",
        "error": None,
        "mode": "keys",
        "source_fps": 25.0,
        "counters": {"sampled": 3},
        **changes,
    }


@pytest.fixture
async def processes() -> AsyncIterator[Processes]:
    async with Processes() as started:
        yield started


@pytest.fixture
async def broker(processes: Processes) -> Broker:
    return await Broker.started(processes)


@pytest.fixture
def start(tmp_path: Path) -> Started:
    """Run telemetry until the block's end."""

    @asynccontextmanager
    async def run(port: int, **given: Any) -> AsyncIterator[Telemetry]:
        login = {key: given.pop(key) for key in ("username", "password") if key in given}
        wishes: dict[str, Any] = {
            "name": "attic",
            "bridge_id": ID,
            "folder": StateFolder(tmp_path),
            "tls": ssl.create_default_context,
            "changed": lambda: None,
            **given,
        }
        tls = wishes.pop("encrypted", False)
        settings = BrokerSettings(host="127.0.0.1", port=port, tls=tls, **login)
        telemetry = Telemetry(settings, **wishes)
        task = asyncio.get_running_loop().create_task(telemetry.run())
        try:
            yield telemetry
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    return run


def about(topic: str, **facts: Any) -> Callable[[Message], bool]:
    """Accept a message of a topic, with these facts."""

    def accept(message: Message) -> bool:
        if message.topic != topic or not message.payload:
            return False
        said = message.json()
        return all(said.get(key) == value for key, value in facts.items())

    return accept


async def test_status_and_cameras_stand_retained(broker: Broker, start: Started) -> None:
    """Who comes later finds the bridge and each of its cameras, with state, code and mode."""
    error = {"code": "unauthorized", "params": {}}
    topics = ("status", "front", "back")
    async with (
        MqttListener(broker.host, broker.port, f"{BASE}/#") as listener,
        start(broker.port) as telemetry,
    ):
        telemetry.tell(status(camera(), camera("back", state="failed", error=error)))
        for topic in topics:
            await listener.wait_for(about(f"{BASE}/{topic}"))
        async with MqttListener(broker.host, broker.port, f"{BASE}/#") as late:
            said, front, back = [await late.wait_for(about(f"{BASE}/{name}")) for name in topics]
    assert all(message.retained for message in late.received[:3])
    assert said.json() == {
        **said.json(),
        "online": True,
        "bridge": ID,
        "connected": True,
        "cameras": 2,
        "streaming": 1,
        "failed": 1,
    }
    assert front.json() == {**front.json(), "state": "streaming", "code": None, "mode": "keys"}
    assert back.json() == {**back.json(), "state": "failed", "code": "unauthorized"}


async def test_clean_end_says_offline(broker: Broker, start: Started) -> None:
    """The last word is published, not left to the will."""
    async with MqttListener(broker.host, broker.port, f"{BASE}/status") as listener:
        async with start(broker.port) as telemetry:
            telemetry.tell(status())
            await listener.wait_for(about(f"{BASE}/status", online=True))
        last = await listener.wait_for(about(f"{BASE}/status", online=False))
        assert last.json() == {**last.json(), "bridge": ID, "name": "attic"}
    assert [said.json()["online"] for said in listener.received] == [True, False]


async def test_changes_are_told_at_once_and_figures_with_the_refresh(
    broker: Broker, start: Started
) -> None:
    """A change of mode is news, a change of the rate waits half a minute."""
    now_s = 1000.0
    front = f"{BASE}/front"
    async with (
        MqttListener(broker.host, broker.port, f"{BASE}/#") as listener,
        start(broker.port, clock_s=lambda: now_s) as telemetry,
    ):
        telemetry.tell(status(camera()))
        await listener.wait_for(about(front, mode="keys"))
        telemetry.tell(status(camera(source_fps=24.0)))
        telemetry.tell(status(camera(source_fps=23.0, mode="continuous")))
        told = await listener.wait_for(about(front))
        assert (told.json()["mode"], told.json()["source_fps"]) == ("continuous", 23.0)
        now_s += REFRESH_S
        telemetry.tell(status(camera(source_fps=22.0, mode="continuous")))
        assert (await listener.wait_for(about(front))).json()["source_fps"] == 22.0


async def test_removed_camera_is_cleared(broker: Broker, start: Started) -> None:
    """Nothing stands retained of a camera that is gone."""
    async with (
        MqttListener(broker.host, broker.port, f"{BASE}/#") as listener,
        start(broker.port) as telemetry,
    ):
        telemetry.tell(status(camera(), camera("back")))
        await listener.wait_for(about(f"{BASE}/back"))
        withdrawn = {"code": "withdrawn", "params": {}}
        telemetry.tell(status(camera(), camera("back", state="failed", error=withdrawn)))
        await listener.wait_for(lambda said: (said.topic, said.payload) == (f"{BASE}/back", b""))
        async with MqttListener(broker.host, broker.port, f"{BASE}/#") as late:
            status_of = await late.wait_for(about(f"{BASE}/status"))
            await late.wait_for(about(f"{BASE}/front"))
            assert status_of.json()["cameras"] == 1
            assert f"{BASE}/back" not in {said.topic for said in late.received}


async def test_prefix_of_home_assistant_takes_the_place_of_the_first(
    broker: Broker, start: Started, tmp_path: Path
) -> None:
    """The old topics are cleared, will and all; the next start begins where this one ended."""
    async with MqttListener(broker.host, broker.port, "#") as listener:
        async with start(broker.port) as telemetry:
            telemetry.tell(status(camera()))
            await listener.wait_for(about(f"{BASE}/front"))
            telemetry.move("house")
            await listener.wait_for(
                lambda said: (said.topic, said.payload) == (f"{BASE}/front", b"")
            )
            await listener.wait_for(about("house/bridge/attic/front"))
            telemetry.move("no/#/prefix")
        await listener.wait_for(about("house/bridge/attic/status", online=False))
        assert [said for said in listener.received if said.topic == f"{BASE}/status"][-1].text == ""
        async with start(broker.port) as telemetry:
            assert telemetry.state()["topic"] == "house/bridge/attic"


async def test_second_bridge_of_a_name_gets_a_place_of_its_own(
    broker: Broker, start: Started, tmp_path: Path
) -> None:
    """The one that is there keeps the name; the other adds a part of its id, and keeps that over a restart."""
    folder = StateFolder(tmp_path / "second")
    folder.hold()
    own = f"{BASE}_fedcba"
    async with start(broker.port) as first:
        first.tell(status())
        await eventually(lambda: first.connected)
        async with MqttListener(broker.host, broker.port, f"{BASE}/status") as listener:
            await listener.wait_for(about(f"{BASE}/status", online=True))
            async with start(broker.port, bridge_id="fedcba9876", folder=folder) as second:
                second.tell(status())
                await eventually(lambda: second.connected)
                assert second.state()["topic"] == own
            assert first.connected
            assert {said.json()["bridge"] for said in listener.received} == {ID}
    async with start(broker.port, bridge_id="fedcba9876", folder=folder) as second:
        assert second.state()["topic"] == own


async def test_a_client_has_ended_before_the_next_one_dials(
    broker: Broker, start: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the broker takes the one for dead that the other throws out, and says its last will."""
    seen: list[str] = []

    class Watched(MqttLink):
        def __init__(self, *given: Any, **named: Any) -> None:
            seen.append("dials")
            super().__init__(*given, **named)

        @override
        def _stop(self) -> None:
            super()._stop()
            seen.append("has ended")

    monkeypatch.setattr("edge_bridge.telemetry.MqttLink", Watched)
    async with start(broker.port) as telemetry:
        await eventually(lambda: telemetry.connected)
        telemetry.move("house")
        await eventually(lambda: telemetry.connected)
    assert seen == ["dials", "has ended", "dials", "has ended"]


async def test_place_of_a_bridge_that_is_gone_is_free(broker: Broker, start: Started) -> None:
    """A machine set up anew has another id and the same name."""
    async with start(broker.port) as old:
        old.tell(status())
        await eventually(lambda: old.connected)
    async with start(broker.port, bridge_id="fedcba9876") as new:
        new.tell(status())
        await eventually(lambda: new.connected)
        assert new.state()["topic"] == BASE


async def test_broker_that_comes_back_is_told_all_again(
    processes: Processes, broker: Broker, start: Started, caplog: pytest.LogCaptureFixture
) -> None:
    """A restart of the broker costs one line of the log, and another when it is back; the newest status wins."""
    caplog.set_level(logging.INFO, "edge_bridge")
    async with start(broker.port) as telemetry:
        telemetry.tell(status(camera()))
        await eventually(lambda: telemetry.connected)
        await broker.kill()
        await eventually(lambda: not telemetry.connected)
        for fps in range(50):
            telemetry.tell(status(camera(state="connecting", source_fps=float(fps))))
        assert telemetry.state()["problem"] == "mqtt-url: the connection was lost"
        await broker.start()
        async with MqttListener(broker.host, broker.port, f"{BASE}/#") as listener:
            told = await listener.wait_for(about(f"{BASE}/front"))
            assert (told.json()["state"], told.json()["source_fps"]) == ("connecting", 49.0)
    lines = [record.message for record in caplog.records if record.levelno >= logging.INFO]
    assert [line.partition(":")[0] for line in lines] == [
        "Connected to the MQTT broker mqtt",
        "Not connected to the MQTT broker",
        "Connected to the MQTT broker mqtt",
    ]


async def test_wrong_password_is_said_once_and_never_shown(
    processes: Processes, start: Started, caplog: pytest.LogCaptureFixture
) -> None:
    """The setting is named; tries that repeat it are quiet; the right one gets in."""
    caplog.set_level(logging.DEBUG, "edge_bridge")
    broker = Broker(processes, login=("watcher", "r1ght"))
    await broker.start()
    async with start(broker.port, username="watcher", password="wr0ng") as telemetry:
        telemetry.tell(status())
        refused = "mqtt-username: the broker does not accept user name and password"
        tries = "Not connected to the MQTT broker"
        await eventually(lambda: sum(tries in record.message for record in caplog.records) >= 2)
        assert telemetry.state()["problem"] == refused
        assert not telemetry.connected
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.message for record in warnings] == [f"{tries}: {refused}"]
    assert "wr0ng" not in caplog.text
    async with start(broker.port, username="watcher", password="r1ght") as telemetry:
        await eventually(lambda: telemetry.connected)


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hand on what comes, to its end."""
    with suppress(OSError):
        while data := await reader.read(4096):
            writer.write(data)
    writer.close()


@asynccontextmanager
async def encrypted(broker: Broker) -> AsyncIterator[int]:
    """Stand before a broker with a certificate that nobody trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "certificate.pem", TLS / "key.pem")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(broker.host, broker.port)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(pipe(reader, back))
            tasks.create_task(pipe(there, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]


async def test_broker_behind_tls_is_asked_for_its_certificate(
    broker: Broker, start: Started
) -> None:
    """One that nobody trusts is refused with the setting that helps; with it, or without a check, it is taken."""
    async with encrypted(broker) as port:
        system = partial(tls_context, None, insecure=False)
        async with start(port, encrypted=True, tls=system) as telemetry:
            await eventually(lambda: telemetry.state()["problem"] is not None)
            assert telemetry.state()["problem"].startswith("ca: the broker's certificate")
            assert not telemetry.connected
        for good in (
            partial(tls_context, TLS / "certificate.pem", insecure=False),
            partial(tls_context, None, insecure=True),
        ):
            async with start(port, encrypted=True, tls=good) as telemetry:
                await eventually(lambda: telemetry.connected)
                assert telemetry.state()["broker"] == f"mqtts://127.0.0.1:{port}"


@asynccontextmanager
async def older(broker: Broker, refusal: bytes) -> AsyncIterator[int]:
    """Let through to a broker who speaks MQTT 3.1.1, and answer others as brokers of its time do."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opening = await reader.readuntil(b"\x00\x04MQTT") + await reader.readexactly(1)
        if opening[-1] != 4:
            writer.write(refusal)
            writer.close()
            return
        there, back = await asyncio.open_connection(broker.host, broker.port)
        back.write(opening)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(pipe(reader, back))
            tasks.create_task(pipe(there, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("refusal", [b"\x20\x02\x00\x01", b""], ids=["says so", "hangs up"])
async def test_broker_of_the_older_version_is_spoken_to(
    broker: Broker, start: Started, caplog: pytest.LogCaptureFixture, refusal: bytes
) -> None:
    """MQTT 3.1.1 is taken where MQTT 5 is not understood, without a warning."""
    async with (
        older(broker, refusal) as port,
        MqttListener(broker.host, broker.port, f"{BASE}/#") as listener,
        start(port) as telemetry,
    ):
        telemetry.tell(status(camera()))
        await listener.wait_for(about(f"{BASE}/front"))
        assert telemetry.connected
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_what_is_no_broker_does_not_end_it(start: Started, processes: Processes) -> None:
    """Foreign bytes are a problem in words, and a broker that takes the port is found."""
    foreign = b"\x20\x03\x00\x00\x09HTTP/1.1 400 Bad Request\r\n\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(foreign)
        writer.close()

    broker = Broker(processes)
    server = await asyncio.start_server(answer, "127.0.0.1", broker.port)
    async with start(broker.port) as telemetry:
        telemetry.tell(status())
        await eventually(lambda: telemetry.state()["problem"] is not None)
        assert telemetry.state()["problem"].startswith("mqtt-url: what answers there")
        server.close()
        await server.wait_closed()
        await broker.start()
        await eventually(lambda: telemetry.connected, within_s=60)


async def test_broker_that_is_away_is_a_state(start: Started) -> None:
    """Nobody listens: a problem in words, and the end is as quick as ever."""
    changes = asyncio.Event()
    async with start(free_port(), changed=changes.set) as telemetry:
        telemetry.tell(status(camera()))
        async with asyncio.timeout(20):
            await changes.wait()
        assert telemetry.state()["problem"].startswith("mqtt-url: nothing answers")
        assert not telemetry.connected
