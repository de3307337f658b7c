"""The rigs that demo and tests stand on: what they start ends with them, whatever happens."""

import base64
from collections.abc import Callable
import io
from pathlib import Path
import signal
import subprocess
import sys
import time

from openai import AsyncOpenAI
from PIL import Image
import pytest

from rigs import keeper
from rigs.broker import Broker, find_mosquitto
from rigs.home_assistant import HomeAssistant
from rigs.model_faults import Fault, FaultKind
from rigs.model_request import read_request
from rigs.model_server import ModelServer
from rigs.mqtt_listener import MqttListener
from rigs.process import Processes

_RUN = """
import asyncio
from rigs.process import Processes

async def main():
    async with Processes() as processes:
        script = "setsid sleep 600 & echo started; sleep 600"
        child = await processes.start("child", ["sh", "-c", script])
        await child.wait_for("started")
        print(processes.mark, processes.folder, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
_COUNT = "print(sum(range(3_000_000)), 'counted', flush=True); import time; time.sleep(600)"


def _until(true: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def _until_gone(mark: str, folder: Path) -> None:
    _until(lambda: not keeper.marked(mark) and not folder.exists())


def test_a_killed_run_leaves_no_process_and_no_folder() -> None:
    """`kill -9` of a run ends its children, grandchildren in other groups, and its folder."""
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", _RUN], cwd=root, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        mark, folder = run.stdout.readline().decode().split()
        _until(lambda: len(keeper.marked(mark)) == 3)  # the shell and both that sleep
        assert Path(folder).is_dir()
        run.kill()
    _until_gone(mark, Path(folder))


async def test_a_run_in_good_order_leaves_nothing_either() -> None:
    """Leaving the block stops the children and counts their processor time until then."""
    async with Processes() as processes:
        child = await processes.start("child", [sys.executable, "-c", _COUNT])
        await child.wait_for("counted")
        assert child.cpu_s() > 0
    assert child.returncode == -signal.SIGTERM
    _until_gone(processes.mark, processes.folder)


@pytest.mark.timeout(300)  # it boots twice
async def test_home_assistant_and_a_broker_find_each_other(socket_enabled: None) -> None:
    """A real Home Assistant boots, is onboarded, takes MQTT by its own dialog, and a restart."""
    if find_mosquitto() is None:
        pytest.skip("mosquitto cannot be had here: see script/bootstrap mosquitto")
    async with Processes() as processes, HomeAssistant(processes, headless=True) as home:
        broker = await Broker.started(processes)
        client = await home.start()
        async with MqttListener(broker.host, broker.port, "rig/#") as listener:
            await listener.until_subscribed()
            flow = await client.config_flow("mqtt")
            await flow.submit(**broker.flow_input())
            assert flow.kind == "create_entry", flow.errors
            await client.call("mqtt", "publish", {"topic": "rig/a", "payload": "hello"})
            assert (await listener.wait_for(lambda _: True)).text == "hello"
            await home.stop()
            client = await home.start()
            assert [entry["state"] for entry in await client.entries("mqtt")] == ["loaded"]


def _red_square() -> str:
    picture = Image.new("RGB", (64, 48), "white")
    picture.paste("red", (16, 8, 48, 40))
    coded = io.BytesIO()
    picture.save(coded, "JPEG")
    return "data:image/jpeg;base64," + base64.b64encode(coded.getvalue()).decode()


async def test_the_model_server_tells_colours_and_plays_its_faults(socket_enabled: None) -> None:
    """It looks at the picture, lies when told to, and comes back on the same port."""
    server = ModelServer(api_key="key")
    await server.start()
    picture = {"type": "image_url", "image_url": {"url": _red_square()}}
    question = {"type": "text", "text": "Which colour, which shape?"}
    messages = [{"role": "user", "content": [question, picture]}]
    client = AsyncOpenAI(base_url=server.base_url, api_key="key", max_retries=0)

    async def ask() -> str | None:
        answer = await client.chat.completions.create(model="scripted", messages=messages)
        return answer.choices[0].message.content

    assert await ask() == "A large red square."
    server.script.add(Fault(kind=FaultKind.LIE), Fault(kind=FaultKind.EMPTY))
    assert await ask() == "A large blue circle."
    assert await ask() is None
    await server.stop()
    await server.start()
    assert await ask() == "A large red square."
    assert [request.outcome for request in server.requests] == [
        "answered",
        "answered",
        "empty",
        "answered",
    ]
    assert read_request({}, arrived_s=0, arrived_wall_s=0, body_bytes=2).pictures == ()
    await client.close()
    await server.stop()
