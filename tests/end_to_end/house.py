"""A whole house, every part a process of its own: cameras, bridge, Home Assistant, broker and model server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import batched
import json
from pathlib import Path
import sys
import time
from typing import Any, Self

from custom_components.camera_narrator.pipeline.prompt import ASKED, TASKS
from custom_components.camera_narrator.pipeline.vocabulary import Look
from rigs import dialogs
from rigs.broker import Broker
from rigs.camera_process import CameraProcess
from rigs.home_assistant import HomeAssistant
from rigs.home_assistant_client import Flow, HomeAssistantClient
from rigs.home_assistant_socket import HomeAssistantSocket, Json, Subscription
from rigs.link import Link
from rigs.model_request import ModelRequest
from rigs.model_server import ModelServer
from rigs.mqtt_listener import MqttListener
from rigs.process import Process, Processes
from tests.end_to_end.accounts import BRIDGE_FATES
from tests.end_to_end.journal import Journal
from tests.end_to_end.told import PREFIX, Told, of_event

API_KEY = "the key of the model server"
BRIDGE = "Bridge"
NUMBERS = {"front": 1, "yard": 2, "garden": 3, "drive": 4, "shed": 5, "garage": 6}
"""The cameras, and what each burns into its pictures; `garage` has a simulator of its own."""
FPS = 5
"""Two looks of the detector in half a second, at little cost."""
PROBES = 4
"""As many as a bridge tries at a time."""
WAIT_S = 90.0
"""These are no measurements: far beyond what a busy machine takes."""


class House:
    """Brings everything up through the dialogs a user clicks; each part can die and come back."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self.told: Journal[Told] = Journal("MQTT")
        self.bus: Journal[Json] = Journal("bus")
        """The integration's events, as automations see them."""
        self.states: Journal[Json] = Journal("states")
        """Every state written while somebody listened."""
        self.model = ModelServer(api_key=API_KEY)
        self.entry_id = ""
        self.token = ""
        self.processes: Processes
        self.broker: Broker
        self.home_assistant: HomeAssistant
        self.client: HomeAssistantClient
        self.link: Link
        self.bridge: Process
        self._simulators: dict[str, CameraProcess] = {}
        self._entities: dict[tuple[str, str], str] = {}
        self._stack = AsyncExitStack()
        self._listeners: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self.processes = await stack.enter_async_context(Processes())
            await self.model.start()
            stack.push_async_callback(self.model.stop)
            self.home_assistant = await stack.enter_async_context(
                HomeAssistant(self.processes, headless=True, level="debug")
            )
            self.link = await stack.enter_async_context(Link(self.home_assistant.port))
            async with asyncio.TaskGroup() as group:
                group.create_task(self._start_cameras())
                group.create_task(self._start_broker(stack))
                group.create_task(self.start_home_assistant())
            await self._move_in()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        for listener in self._listeners:
            listener.cancel()
        await asyncio.gather(*self._listeners, return_exceptions=True)
        await self._stack.aclose()

    # -- the parts ----------------------------------------------------------------------------------------------

    async def start_home_assistant(self) -> None:
        """Start Home Assistant, or start it again, and listen to its bus from then on."""
        self.client = await self.home_assistant.start()
        socket = await HomeAssistantSocket.open(
            self.client.session, self.client.url, self.client.token
        )
        self._listen(await socket.subscribe(event_type=f"{PREFIX}_event"), self.bus)
        self._listen(await socket.subscribe(event_type="state_changed"), self.states)

    async def start_bridge(self) -> None:
        """Start the bridge, or start it again, with the same token and state."""
        self.bridge = await self.run_bridge("edge-bridge", token=self.token)

    async def run_bridge(self, name: str, *, token: str, level: str = "info") -> Process:
        """Run a bridge with a state folder of its own name."""
        command = [
            *(str(Path(sys.executable).with_name("edge-bridge")), "run"),
            *("--url", self.link.url, "--name", name, "--log-level", level),
            *("--state", str(self.processes.folder / name)),
        ]
        return await self.processes.start(name, command, env={"CAMERA_NARRATOR_TOKEN": token})

    async def stop_bridge(self) -> None:
        """End the bridge in good order, and wait until Home Assistant has its last word."""
        await self.bridge.stop()
        await self.state(BRIDGE, "bridge_connected", "off")

    async def start_garage(self, port: int = 0) -> None:
        """Start the one camera that has a process of its own."""
        self._simulators["garage"] = await CameraProcess.start(
            self.processes, [_spec("garage")], port=port, name="garage"
        )

    def simulator(self, camera: str) -> CameraProcess:
        """Return the process that plays a camera."""
        return self._simulators[camera]

    # -- what happens in front of a camera ----------------------------------------------------------------------

    @asynccontextmanager
    async def visit(self, camera: str) -> AsyncIterator[None]:
        """Have somebody in the picture for the length of the block."""
        await self.simulator(camera).set(camera, visit=True)
        try:
            yield
        finally:
            await self.simulator(camera).set(camera, visit=False)

    async def truth(self, camera: str) -> Json:
        """Return what the simulator has drawn and sent."""
        cameras: Json = (await self.simulator(camera).status())["cameras"]
        truth: Json = cameras[camera]
        return truth

    async def pictures(self, camera: str, count: int) -> None:
        """Wait until the camera has drawn so many more pictures for those who watch it."""
        wanted = (await self.truth(camera))["pictures_sent"] + count
        await _until(lambda: self._sent(camera), lambda sent: sent >= wanted)

    async def goes_by(self, camera: str, seconds: float) -> None:
        """Wait until so much time has passed on a camera's clock, whoever watches."""
        until_s = (await self.truth(camera))["position_s"] + seconds
        await _until(lambda: self.truth(camera), lambda truth: truth["position_s"] >= until_s)

    # -- what is seen of it -------------------------------------------------------------------------------------

    async def event(self, camera: str, *phases: str, since: int = 0) -> Told:
        """Wait for the MQTT message of a phase of a camera's event."""
        accept = of_event(camera, *phases)
        return await self.told.wait_for(accept, since=since, timeout_s=WAIT_S)

    def entity(self, camera: str, kind: str) -> str:
        """Return the id of an entity of a camera, of the bridge, or of the hub (``""``)."""
        return self._entities[camera, kind]

    async def state(self, camera: str, kind: str, state: str, **attributes: Any) -> Json:
        """Wait until an entity's state and attributes are these."""

        def accept(now: Json) -> bool:
            return now["state"] == state and attributes.items() <= now["attributes"].items()

        entity_id = self.entity(camera, kind)
        return await self.client.wait_for_state(entity_id, accept, timeout_s=WAIT_S)

    def written(self, camera: str, kind: str, *, since: int = 0) -> list[Json]:
        """Return the states of an entity that were written from then on, in order."""
        entity_id = self.entity(camera, kind)
        changes = self.states.since(since, lambda change: change["data"]["entity_id"] == entity_id)
        return [change["data"]["new_state"] for change in changes if change["data"]["new_state"]]

    async def writes(
        self, camera: str, kind: str, accept: Callable[[list[Json]], bool], *, since: int = 0
    ) -> list[Json]:
        """Wait until the states of an entity that were written from then on are these, and return them."""

        async def read() -> list[Json]:
            return self.written(camera, kind, since=since)

        return await _until(read, accept)

    async def fired(self, camera: str, phase: str, *, since: int = 0) -> Json:
        """Wait for a phase of a camera's event on the bus, and return its data."""
        event = await self.bus.wait_for(
            lambda event: (event["data"]["camera"], event["data"]["phase"]) == (camera, phase),
            since=since,
            timeout_s=WAIT_S,
        )
        data: Json = event["data"]
        return data

    async def stored(self, text: str) -> None:
        """Wait until Home Assistant has written something down that must outlive it."""
        folder = self.home_assistant.folder / ".storage"

        async def read() -> bool:
            return any(text in file.read_text() for file in folder.glob(f"{PREFIX}*"))

        await _until(read, bool)

    async def words(self, camera: str, part: str = "", *, since: int = 0) -> Told:
        """Wait for a sentence with these words; the first is told while the model still writes the others."""
        return await self.told.wait_for(
            lambda told: (
                (told.camera, told.kind) == (camera, "narrative") and part in told.data["text"]
            ),
            since=since,
            timeout_s=WAIT_S,
        )

    @property
    def stories(self) -> list[ModelRequest]:
        """The answered requests, but for audits and questions: these show again what has been told."""
        return [
            request
            for request in self.model.answered
            if TASKS[Look.AUDIT] not in request.words and ASKED not in request.words
        ]

    def requests(self, camera: str, *, since: int = 0) -> list[ModelRequest]:
        """Return the requests about a camera that came from then on."""
        number = NUMBERS[camera]
        requests = self.model.requests[since:]
        return [request for request in requests if number in {c.camera for c in request.codes}]

    async def asked(self, camera: str, count: int, *, since: int) -> list[ModelRequest]:
        """Wait for the first so many of them to arrive, and return them."""

        async def read() -> list[ModelRequest]:
            return self.requests(camera, since=since)

        return (await _until(read, lambda requests: len(requests) >= count))[:count]

    async def diagnostics(self) -> Json:
        """Return the hub's diagnostics, as they are downloaded."""
        path = f"/api/diagnostics/config_entry/{self.entry_id}"
        data: Json = (await self.client.get(path))["data"]
        return data

    async def accounts(self) -> dict[str, Json]:
        """Return each camera's account, by camera."""
        cameras = (await self.diagnostics())["cameras"]
        return {camera["settings"]["key"]: camera["account"] for camera in cameras}

    async def issues(self, accept: Callable[[list[Json]], bool]) -> list[Json]:
        """Wait until the integration's repairs are these, and return them."""

        async def read() -> list[Json]:
            issues: list[Json] = (await self.client.command("repairs/list_issues"))["issues"]
            return [issue for issue in issues if issue["domain"] == PREFIX]

        return await _until(read, accept)

    async def reauth(self) -> Flow:
        """Wait for the dialog that Home Assistant opens by itself where a key is refused."""

        async def read() -> list[Json]:
            flows: list[Json] = await self.client.command("config_entries/flow/progress")
            mine = [flow for flow in flows if flow["handler"] == dialogs.DOMAIN]
            return [flow for flow in mine if flow["context"]["source"] == "reauth"]

        (flow,) = await _until(read, bool)
        return await self.client.open_flow(flow["flow_id"])

    async def acknowledged(self) -> dict[str, int]:
        """Return how many frames of each camera the bridge knows to have arrived, as of its next status file."""
        return {
            camera: counters["sampled"] - sum(counters[fate] for fate in BRIDGE_FATES)
            for camera, counters in (await self._counters()).items()
        }

    async def all_acknowledged(self) -> None:
        """Wait until the bridge knows what became of every frame that there is now."""
        sampled = {key: counts["sampled"] for key, counts in (await self._counters()).items()}
        await _until(
            self._counters,
            lambda now: all(
                now[key]["sampled"] - now[key]["unacknowledged"] >= count
                for key, count in sampled.items()
            ),
        )

    # -- private ------------------------------------------------------------------------------------------------

    async def _counters(self) -> dict[str, Json]:
        """Return the bridge's counters of each camera, as of its next status file."""
        now = time.time()
        file = self.processes.folder / "edge-bridge" / "status.json"

        async def read() -> Json | None:
            return json.loads(file.read_text()) if file.exists() else None

        status = await _until(read, lambda status: bool(status and status["written"] > now))
        assert status is not None
        return {camera["camera"]: camera["counters"] for camera in status["cameras"]}

    async def _start_cameras(self) -> None:
        names = [name for name in NUMBERS if name != "garage"]
        cameras = await CameraProcess.start(self.processes, [_spec(name) for name in names])
        self._simulators |= dict.fromkeys(names, cameras)
        await self.start_garage()

    async def _start_broker(self, stack: AsyncExitStack) -> None:
        self.broker = await Broker.started(self.processes, persistent=True)
        listener = await stack.enter_async_context(
            MqttListener(self.broker.host, self.broker.port, f"{PREFIX}/#")
        )
        await listener.until_subscribed()
        self._listeners.append(asyncio.create_task(self._hear(listener)))

    async def _move_in(self) -> None:
        client = self.client
        await dialogs.add_mqtt(client, self.broker)
        self.entry_id = await dialogs.add_hub(client, self.model, api_key=API_KEY)
        flow = await dialogs.show_token(client, self.entry_id, self.link.url)
        self.token = flow.placeholders["token"]
        await self.start_bridge()
        await dialogs.keep_bridge(flow, BRIDGE)
        for some in batched(NUMBERS, PROBES, strict=False):
            async with asyncio.TaskGroup() as group:
                for name in some:
                    url, title = self.simulator(name).urls[name], name.capitalize()
                    group.create_task(dialogs.add_camera(client, self.entry_id, title, url))
        await self._learn_entities()
        for name in NUMBERS:
            await self.state(name, "connected", "on")

    async def _learn_entities(self) -> None:
        owners = {
            subentry["subentry_id"]: subentry["title"]
            for subentry in await self.client.subentries(self.entry_id)
        }
        for entity in await self.client.command("config/entity_registry/list"):
            if entity["config_entry_id"] == self.entry_id:
                owner = owners.get(entity["config_subentry_id"], "")
                kind = entity["unique_id"].partition("_")[2]
                name = owner if owner in {"", BRIDGE} else owner.lower()
                self._entities[name, kind] = entity["entity_id"]

    async def _sent(self, camera: str) -> int:
        sent: int = (await self.truth(camera))["pictures_sent"]
        return sent

    async def _hear(self, listener: MqttListener) -> None:
        async for message in listener:
            self.told.add(Told.of(message))

    def _listen(self, events: Subscription, journal: Journal[Json]) -> None:
        async def listen() -> None:
            async for event in events:
                journal.add(event)

        self._listeners.append(asyncio.create_task(listen()))


def _spec(name: str) -> str:
    return f"{name}=code,number={NUMBERS[name]},fps={FPS}"


async def _until[T](read: Callable[[], Awaitable[T]], accept: Callable[[T], bool]) -> T:
    """Look again and again, where nobody calls."""
    async with asyncio.timeout(WAIT_S):
        while not accept(seen := await read()):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return seen
