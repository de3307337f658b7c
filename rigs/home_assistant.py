"""A real Home Assistant in a folder and a process of its own, with the integration laid down."""

import asyncio
from contextlib import suppress
import json
import os
from pathlib import Path
import secrets
import shutil
import sys
import time
from types import TracebackType
from typing import Any, Final, Self

import aiohttp

from rigs.home_assistant_client import HomeAssistantClient
from rigs.home_assistant_socket import CommandError, HomeAssistantSocket
from rigs.process import Process, ProcessError, Processes, free_port

_DOMAIN: Final = "camera_narrator"
_INTEGRATION: Final = Path(__file__).parents[1] / "custom_components" / _DOMAIN
_LOOK_EVERY_S: Final = 0.1
_BOOT_S: Final = 180.0
"""A first start on a busy machine takes 15 s; far beyond that something is wrong."""
_STOP_S: Final = 30.0

# Not default_config: it looks for devices in the network and for updates in the internet.
_CONFIGURATION: Final = """\
homeassistant:
  name: Camera Narrator
  time_zone: UTC
  unit_system: metric
  country: DE
  latitude: 52.0
  longitude: 5.0
logger:
  default: warning
  logs:
    custom_components.camera_narrator: {level}
    # Asks for a newer protocol at each start where the broker speaks an older one.
    amqtt: critical
config:
api:
websocket_api:
"""
_FOR_THE_UI: Final = """\
history:
logbook:
"""


class HomeAssistant:
    """Starts, onboards, stops, kills and restarts one Home Assistant on one port."""

    def __init__(
        self,
        processes: Processes,
        folder: Path | None = None,
        *,
        port: int = 0,
        headless: bool = False,
        level: str = "info",
        integration: Path = _INTEGRATION,
    ) -> None:
        """Use a new or an earlier folder; `level` is how much the integration logs."""
        self.folder: Final = folder or processes.folder / "home-assistant"
        self.port: Final = port or free_port()
        self.url: Final = f"http://127.0.0.1:{self.port}"
        self.user: Final = "demo"
        self.password: Final = secrets.token_urlsafe(12)
        self.process: Process | None = None
        self._processes = processes
        self._headless = headless
        self._level = level
        self._integration = integration
        self._session: aiohttp.ClientSession | None = None
        self._token: str | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()
        if self._session is not None:
            await self._session.close()

    async def start(self) -> HomeAssistantClient:
        """Start and wait until everything is set up; onboards the first time.

        Also the way back after `stop` and `kill`: same folder, same port, same user.
        """
        await asyncio.to_thread(self._lay_down)
        self.process = await self._processes.start(
            "home-assistant",
            [
                *(sys.executable, "-m", "homeassistant", "-c", str(self.folder)),
                *("--skip-pip", "--log-no-color"),
            ],
            # The port of a first start; the file laid down holds it for all others.
            env={"SETUP_PORT": str(self.port)},
            # Python looks for modules where it is started first: what is laid down shall run, not the repository.
            cwd=self.folder,
            log=self.folder.parent / f"{self.folder.name}.log",
        )
        async with asyncio.timeout(_BOOT_S):
            await self._until_answering()
            client = await self._authenticate()
            await self._until_running(client)
        return client

    async def stop(self) -> None:
        """Shut down as its own user would: SIGTERM, everything stored."""
        if self.process is not None and self.process.returncode is None:
            await self.process.stop(grace_s=_STOP_S)

    async def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            await self.process.kill()

    def _lay_down(self) -> None:
        """Write the folder: the integration copied as HACS does, nothing of the repository linked."""
        target = self.folder / "custom_components" / _DOMAIN
        if target.exists():
            shutil.rmtree(target)
        shutil.copytree(
            self._integration, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )
        configuration = _CONFIGURATION.format(level=self._level)
        if not self._headless:
            configuration += _FOR_THE_UI
        (self.folder / "configuration.yaml").write_text(configuration)
        storage = self.folder / ".storage"
        storage.mkdir(exist_ok=True)
        # Only the step that makes the user is left: the others start integrations that
        # nobody here needs, and ask for what is in the configuration.
        done = {"done": ["core_config", "analytics", "integration"]}
        if not (storage / "onboarding").exists():
            _store(storage / "onboarding", 4, 1, done)
        _store(storage / "http", 2, 2, _http_settings(self.port))

    async def _until_answering(self) -> None:
        while True:
            if self.process is not None and (code := self.process.returncode) is not None:
                tail = self.process.tail()
                raise ProcessError(f"Home Assistant ended with {code}; its last lines:\n{tail}")
            with suppress(aiohttp.ClientError):
                async with self._http.get(f"{self.url}/api/onboarding") as response:
                    if response.status in {200, 404}:
                        return
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _until_running(self, client: HomeAssistantClient) -> None:
        while True:
            if (await client.get("/api/config"))["state"] == "RUNNING":
                return
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _authenticate(self) -> HomeAssistantClient:
        """Use the token there is; a kill may have lost it, and even the user, before storing."""
        if self._token is None or not await self._accepted(self._token):
            code = await self._make_user() or await self._log_in()
            form = {"grant_type": "authorization_code", "code": code, "client_id": self._client_id}
            async with self._http.post(f"{self.url}/auth/token", data=form) as response:
                response.raise_for_status()
                access = (await response.json())["access_token"]
            socket = await HomeAssistantSocket.open(self._http, self.url, access)
            try:
                self._token = await socket.command(
                    "auth/long_lived_access_token",
                    client_name=f"rig {time.time():.3f}",
                    lifespan=365,
                )
            finally:
                await socket.close()
        if self._token is None:
            raise CommandError("Home Assistant gave no token")
        return HomeAssistantClient(self._http, self.url, self._token)

    async def _accepted(self, token: str) -> bool:
        headers = {"Authorization": f"Bearer {token}"}
        async with self._http.get(f"{self.url}/api/", headers=headers) as response:
            return response.status == 200

    async def _make_user(self) -> str | None:
        """Do the one step of onboarding; None where it is done already."""
        person = {
            "name": "Demo",
            "username": self.user,
            "password": self.password,
            "client_id": self._client_id,
            "language": "en",
        }
        async with self._http.post(f"{self.url}/api/onboarding/users", json=person) as response:
            if response.status in {403, 404}:
                return None
            response.raise_for_status()
            code: str = (await response.json())["auth_code"]
            return code

    async def _log_in(self) -> str:
        flow: dict[str, Any] = {
            "client_id": self._client_id,
            "handler": ["homeassistant", None],
            "redirect_uri": f"{self.url}/?auth_callback=1",
        }
        login = {"client_id": self._client_id, "username": self.user, "password": self.password}
        async with self._http.post(f"{self.url}/auth/login_flow", json=flow) as response:
            response.raise_for_status()
            flow_id = (await response.json())["flow_id"]
        address = f"{self.url}/auth/login_flow/{flow_id}"
        async with self._http.post(address, json=login) as response:
            response.raise_for_status()
            code: str = (await response.json())["result"]
            return code

    @property
    def _client_id(self) -> str:
        return f"{self.url}/"

    @property
    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("enter the context first")
        return self._session


def _http_settings(port: int) -> dict[str, Any]:
    """Return the stored HTTP settings: this machine alone, and confirmed, so never reverted."""
    stable = {
        "server_host": ["127.0.0.1"],
        "server_port": port,
        "cors_allowed_origins": [],
        "login_attempts_threshold": -1,
        "ip_ban_enabled": True,
        "ssl_profile": "modern",
        "use_x_frame_options": True,
        "created_at": "2026-01-01T00:00:00+00:00",
        "error": None,
        "error_message": None,
    }
    return {"stable": stable, "pending": None, "yaml_migration_done": True}


def _store(path: Path, version: int, minor: int, data: dict[str, Any]) -> None:
    content = {"version": version, "minor_version": minor, "key": path.name, "data": data}
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(json.dumps(content))
    part.replace(path)
