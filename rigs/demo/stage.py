"""Brings the real parts up, and adds them to Home Assistant through the dialogs a user clicks."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
import secrets
import sys
from types import TracebackType
from typing import Any, Self

from rigs import footage
from rigs.broker import Broker, mqtt_flow_input
from rigs.camera_process import CameraProcess
from rigs.demo import dashboard
from rigs.demo.options import Options
from rigs.demo.screen import Screen
from rigs.home_assistant import HomeAssistant
from rigs.home_assistant_client import Flow, HomeAssistantClient
from rigs.mqtt_listener import MqttListener
from rigs.process import Process, Processes

DOMAIN = "camera_narrator"
PREFIX = "camera_narrator"
"""Of the MQTT topics, out of the box."""
TITLES = ("Front door", "Driveway", "Garden", "Back door")
SHIFT_S = 17.0
"""Between the cameras' places in the clip, so that they do not tell the same second."""
LEAD_S = 1.5
"""Of quiet before the first visit: the bridge opens the camera and learns what the quiet scene looks like."""
USER = "demo"


class StageError(Exception):
    """A part that did not come up, or a dialog that did not end as it should; the text says which."""


class Stage:
    """Everything the demo runs; leaving the block leaves nothing behind."""

    def __init__(self, options: Options, screen: Screen) -> None:
        """Start nothing yet."""
        self.options = options
        self.screen = screen
        self.entry_id = ""
        self.camera: CameraProcess | None = None
        self.bridge: Process
        self.home_assistant: HomeAssistant
        self.client: HomeAssistantClient
        self.listener: MqttListener
        self._broker_address: tuple[str, int]
        self._broker_protocol: str
        self._password = secrets.token_urlsafe(9)
        self._stack = AsyncExitStack()
        self._processes: Processes
        self._urls: list[str] = []
        self._first_visit_s: float | None = None

    async def __aenter__(self) -> Self:
        self._processes = await self._stack.enter_async_context(Processes())
        try:
            await self._build()
        except BaseException as error:
            if isinstance(error, StageError):
                error.add_note(self.log_tails())
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    @property
    def faults_possible(self) -> bool:
        """Whether the camera is ours to take away."""
        return self.camera is not None

    async def finish(self) -> dict[str, Any]:
        """End the bridge in good order and return Home Assistant's diagnostics of the hub."""
        await self.bridge.stop()
        path = f"/api/diagnostics/config_entry/{self.entry_id}"
        diagnostics: dict[str, Any] = (await self.client.get(path))["data"]
        return diagnostics

    def log_tails(self) -> str:
        """Return what the parts said last, for a failure."""
        home_assistant = getattr(self, "home_assistant", None)
        parts = [home_assistant and home_assistant.process, getattr(self, "bridge", None)]
        return "\n".join(f"-- {part.name}\n{part.tail()}" for part in parts if part is not None)

    # -- the parts ----------------------------------------------------------------------------

    async def _build(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._start_camera())
            group.create_task(self._start_broker())
            group.create_task(self._start_home_assistant())
        await self._listen()
        await self._add_mqtt()
        await self._add_hub()
        await self._add_bridge()
        await self._add_cameras()
        if not self.options.headless:
            await self._show_dashboard()

    async def _start_camera(self) -> None:
        if self.options.source_is_url:
            self._urls = [self.options.source or ""] * self.options.cameras
            return
        async with self.screen.step("real footage") as note:
            if self.options.source:
                clip = await asyncio.to_thread(footage.take, Path(self.options.source), note)
            else:
                clip = await asyncio.to_thread(footage.prepare, note)
            note(clip.title)
        async with self.screen.step("camera simulator, RTSP with digest login") as note:
            cameras = [
                f"camera{number}={clip.path},user={USER},password={self._password},"
                f"shift={number * SHIFT_S}"
                for number in range(self.options.cameras)
            ]
            self.camera = await CameraProcess.start(self._processes, cameras)
            self._urls = list(self.camera.urls.values())
            note(self._urls[0])

    async def _start_broker(self) -> None:
        if self.options.mqtt is not None:
            self._broker_address, self._broker_protocol = self.options.mqtt, "5"
            return
        async with self.screen.step("MQTT broker") as note:
            broker = await Broker.started(self._processes)
            self._broker_address, self._broker_protocol = (
                (broker.host, broker.port),
                broker.protocol,
            )
            note(f"{broker.name} on port {broker.port}")

    async def _listen(self) -> None:
        host, port = self._broker_address
        self.listener = await self._stack.enter_async_context(
            MqttListener(host, port, f"{PREFIX}/#", protocol=self._broker_protocol)
        )
        await self.listener.until_subscribed()

    async def _start_home_assistant(self) -> None:
        async with self.screen.step("Home Assistant, onboarded") as note:
            self.home_assistant = await self._stack.enter_async_context(
                HomeAssistant(
                    self._processes,
                    headless=self.options.headless,
                    level="debug" if self.options.show_request else "info",
                )
            )
            self.client = await self.home_assistant.start()
            note(self.home_assistant.url)

    # -- the dialogs --------------------------------------------------------------------------

    async def _add_mqtt(self) -> None:
        async with self.screen.step("MQTT added"):
            flow = await self.client.config_flow("mqtt")
            if flow.kind == "menu":
                await flow.choose("broker")
            host, port = self._broker_address
            await flow.submit(**mqtt_flow_input(host, port, self._broker_protocol))
            _ended(flow)

    async def _add_hub(self) -> None:
        options = self.options
        async with self.screen.step("Camera Narrator added") as note:
            flow = await self.client.config_flow(DOMAIN)
            if options.base_url is None:
                await flow.choose("builtin")
                note("words by the built-in describer")
            else:
                note(f"showing a picture to {options.model}")
                await flow.choose("server")
                await flow.submit(base_url=options.base_url, api_key=options.api_key)
                await flow.submit(model=options.model)
                await flow.wait()
                if flow.kind == "menu":
                    self.screen.tell(f"{options.model} does not seem to see pictures; going on")
                    await flow.choose("add_anyway")
                note(f"words by {options.model}")
            _ended(flow)
            self.entry_id = flow.shown["result"]["entry_id"]

    async def _add_bridge(self) -> None:
        async with self.screen.step("edge bridge paired") as note:
            flow = await self.client.subentry_flow(self.entry_id, "bridge")
            await flow.submit(address=self.home_assistant.url)
            await flow.submit()  # the step before the wait shows how to start a bridge
            if flow.kind != "progress":
                raise StageError(f"the bridge's dialog shows {flow.kind} {flow.step}")
            command = [
                *(str(Path(sys.executable).with_name("edge-bridge")), "run"),
                *("--url", self.home_assistant.url, "--name", "Demo bridge"),
                *("--state", str(self._processes.folder / "bridge")),
            ]
            self.bridge = await self._processes.start(
                "edge-bridge",
                command,
                env={"CAMERA_NARRATOR_TOKEN": flow.placeholders["token"]},
            )
            await self._or_ended(flow.wait())
            await flow.submit(name="Demo bridge")
            _ended(flow)
            note("token shown once, never stored")

    async def _or_ended(self, waiting: Any) -> None:
        """Wait for a dialog, but not for a bridge that has ended."""
        dialog = asyncio.ensure_future(waiting)
        ended = asyncio.ensure_future(self.bridge.wait())
        await asyncio.wait({dialog, ended}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if not dialog.done():
            dialog.cancel()
            raise StageError(f"the bridge ended:\n{self.bridge.tail()}")
        await dialog

    async def _add_cameras(self) -> None:
        for number, url in enumerate(self._urls):
            title = TITLES[number] if number < len(TITLES) else f"Camera {number + 1}"
            async with self.screen.step(f"camera “{title}” tried and added") as note:
                answers = {"name": title, "url": url}
                if self.camera is not None:
                    answers |= {"username": USER, "password": self._password}
                flow = await self.client.subentry_flow(self.entry_id, "camera")
                await flow.choose("rtsp")
                await flow.submit(**answers)
                await flow.wait()
                if flow.step != "confirm":
                    raise StageError(f"{title}: {flow.errors or flow.step}")
                seen = flow.placeholders
                note(f"{seen['codec']} {seen['size']}, {seen['fps']} frames a second")
                await self._seek(number)
                await flow.submit()
                _ended(flow)

    async def _seek(self, number: int) -> None:
        """Let the story begin shortly before a visit, for nobody likes to watch an empty path first."""
        if self.camera is not None and self._first_visit_s is not None:
            start_s = max(0.0, self._first_visit_s - LEAD_S)
            await self.camera.set(f"camera{number}", seek_s=start_s + number * SHIFT_S)

    async def _show_dashboard(self) -> None:
        async with self.screen.step("dashboard"):
            registry = await self.client.command("config/entity_registry/list")
            titles = {
                subentry["subentry_id"]: subentry["title"]
                for subentry in await self.client.subentries(self.entry_id)
            }
            mine = [entity for entity in registry if entity["config_entry_id"] == self.entry_id]
            await self.client.save_dashboard(
                dashboard.URL_PATH, dashboard.TITLE, dashboard.config(mine, titles)
            )


def _ended(flow: Flow) -> None:
    if flow.kind != "create_entry":
        raise StageError(f"a dialog ended in {flow.kind} {flow.step} {flow.errors or ''}")
