"""The camera simulator as a child process, and its control port."""

import json
from pathlib import Path
import sys
from typing import Any, Final, Self

import aiohttp

from rigs.process import Process, Processes

_ROOT: Final = Path(__file__).parents[1]


class CameraError(Exception):
    """A setting the simulator refused; the text is its own."""


class CameraProcess:
    """A running simulator: where its cameras are, and what goes wrong with them."""

    def __init__(
        self, process: Process, port: int, control_port: int, urls: dict[str, str]
    ) -> None:
        """Made by `start`."""
        self.process: Final = process
        self.port: Final = port
        self.urls: Final = urls
        """Address of each camera, without credentials."""
        self._control: Final = f"http://127.0.0.1:{control_port}/"

    @classmethod
    async def start(
        cls, processes: Processes, cameras: list[str], *, port: int = 0, name: str = "camera"
    ) -> Self:
        """Start a simulator with these cameras (`python -m rigs.camera --help` says how)."""
        command = [sys.executable, "-m", "rigs.camera", "--port", str(port), *cameras]
        process = await processes.start(name, command, cwd=_ROOT)
        line = await process.wait_for(r'^\{"port".*\}$')
        ready = json.loads(line[0])
        return cls(process, ready["port"], ready["control_port"], ready["cameras"])

    async def set(self, camera: str, **settings: Any) -> dict[str, Any]:
        """Change one camera: faults and actions as in `rigs.camera_control.apply`."""
        return await self._request("POST", camera, settings)

    async def go_away(self) -> None:
        """Close the port and abort all connections."""
        await self._request("POST", "", {"away": True})

    async def come_back(self) -> None:
        """Listen on the same port again."""
        await self._request("POST", "", {"away": False})

    async def status(self) -> dict[str, Any]:
        """Return what each camera has sent and drawn so far."""
        return await self._request("GET", "", None)

    async def _request(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self._control + path, json=body) as response,
        ):
            if response.status != 200:
                raise CameraError(await response.text())
            answer: dict[str, Any] = await response.json()
            return answer
