"""A real house for measuring: Home Assistant, broker, bridge and coded cameras, each a process; the model server here."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
import sys
from typing import Final, Self

from rigs import dialogs
from rigs.broker import Broker
from rigs.camera_process import CameraProcess
from rigs.home_assistant import HomeAssistant
from rigs.home_assistant_client import HomeAssistantClient
from rigs.link import Link
from rigs.model_answer import Pace
from rigs.model_server import ModelServer
from rigs.mqtt_listener import Message, MqttListener
from rigs.process import Processes

PREFIX: Final = "camera_narrator"
_FPS: Final = 25
_READY_S: Final = 120.0


class Household:
    """Brings all of it up through the dialogs a user clicks."""

    def __init__(self, cameras: int, *, first_token_s: float) -> None:
        """Start nothing yet."""
        self.names: Final = [f"camera_{number}" for number in range(1, cameras + 1)]
        self.model = ModelServer(pace=Pace(first_token_s=first_token_s))
        self.messages: Final[list[Message]] = []
        self.client: HomeAssistantClient
        self.simulator: CameraProcess
        self.link: Link
        """Between the bridge and Home Assistant; it counts connections."""
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            processes = await stack.enter_async_context(Processes())
            await self.model.start()
            stack.push_async_callback(self.model.stop)
            home = await stack.enter_async_context(HomeAssistant(processes, headless=True))
            self.link = await stack.enter_async_context(Link(home.port))
            async with asyncio.TaskGroup() as group:
                starting = group.create_task(home.start())
                broker = group.create_task(Broker.started(processes))
                simulator = group.create_task(CameraProcess.start(processes, self._specs()))
            self.client, self.simulator = starting.result(), simulator.result()
            address = broker.result()
            listener = await stack.enter_async_context(
                MqttListener(address.host, address.port, f"{PREFIX}/#", protocol=address.protocol)
            )
            await listener.until_subscribed()
            hearing = asyncio.create_task(self._hear(listener))
            stack.callback(hearing.cancel)
            await self._move_in(processes, address)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    def number(self, name: str) -> int:
        """Return what a camera burns into its pictures."""
        return self.names.index(name) + 1

    async def visit(self, name: str, seconds: float) -> None:
        """Have somebody in the picture for some seconds."""
        await self.simulator.set(name, visit=True)
        await asyncio.sleep(seconds)
        await self.simulator.set(name, visit=False)

    def told(self, name: str, kind: str) -> list[Message]:
        """Return a camera's messages of a kind, those from before the connection left out."""
        topic = f"{PREFIX}/{name}/{kind}"
        return [one for one in self.messages if one.topic == topic and not one.retained]

    def _specs(self) -> list[str]:
        return [f"{name}=code,number={self.number(name)},fps={_FPS},gop=1" for name in self.names]

    async def _move_in(self, processes: Processes, broker: Broker) -> None:
        await dialogs.add_mqtt(self.client, broker)
        entry_id = await dialogs.add_hub(self.client, self.model, api_key="none")
        flow = await dialogs.show_token(self.client, entry_id, self.link.url)
        command = [
            *(str(Path(sys.executable).with_name("edge-bridge")), "run"),
            *("--url", self.link.url, "--name", "bridge"),
            *("--state", str(processes.folder / "bridge")),
        ]
        await processes.start(
            "edge-bridge", command, env={"CAMERA_NARRATOR_TOKEN": flow.placeholders["token"]}
        )
        await dialogs.keep_bridge(flow, "Bridge")
        for name in self.names:
            title = name.replace("_", " ").capitalize()
            await dialogs.add_camera(self.client, entry_id, title, self.simulator.urls[name])
        async with asyncio.timeout(_READY_S):
            for name in self.names:
                while not self._connected(name):  # noqa: ASYNC110 - nobody calls
                    await asyncio.sleep(0.1)

    def _connected(self, name: str) -> bool:
        topic = f"{PREFIX}/{name}/connected"
        return any(one.topic == topic and one.text == "ON" for one in self.messages)

    async def _hear(self, listener: MqttListener) -> None:
        async for message in listener:
            self.messages.append(message)
