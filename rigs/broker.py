"""An MQTT broker: mosquitto, or amqtt in a process of its own where mosquitto can't be had."""

import asyncio
import base64
from contextlib import suppress
import hashlib
import os
from pathlib import Path
import shutil
import sys
from typing import Any, Final, Self

from rigs.process import Process, ProcessError, Processes, free_port

_ROOT: Final = Path(__file__).parents[1]
_LOOK_EVERY_S: Final = 0.02
_START_S: Final = 20.0
# Debian keeps it in sbin, which is not on everybody's PATH.
_SBIN: Final = ":/usr/local/sbin:/usr/sbin"


def find_mosquitto() -> str | None:
    """Return mosquitto: named by the environment, on the PATH, or set up by script/bootstrap."""
    if named := os.environ.get("CAMERA_NARRATOR_MOSQUITTO"):
        return named
    if found := shutil.which("mosquitto", path=os.environ.get("PATH", "") + _SBIN):
        return found
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return shutil.which(str(cache / "camera-narrator" / "mosquitto" / "bin" / "mosquitto"))


class Broker:
    """One broker on the loopback interface; comes back on the same port."""

    host: Final = "127.0.0.1"

    def __init__(
        self,
        processes: Processes,
        *,
        persistent: bool = False,
        mosquitto: str | None = None,
        login: tuple[str, str] | None = None,
    ) -> None:
        """`persistent` keeps retained messages over a restart, `login` lets nobody else in (mosquitto only)."""
        self.port: Final = free_port()
        self.process: Process | None = None
        self._processes = processes
        self._persistent = persistent
        self._login = login
        self._mosquitto = mosquitto or find_mosquitto()
        self._folder = processes.folder / f"broker-{self.port}"

    @classmethod
    async def started(cls, processes: Processes, *, persistent: bool = False) -> Self:
        """Make one and start it."""
        broker = cls(processes, persistent=persistent)
        await broker.start()
        return broker

    @property
    def name(self) -> str:
        """Which one it is."""
        return "mosquitto" if self._mosquitto else "amqtt"

    @property
    def protocol(self) -> str:
        """The newest version of MQTT it speaks, as Home Assistant's dialog calls it."""
        return "5" if self._mosquitto else "3.1.1"

    def flow_input(self) -> dict[str, Any]:
        """Return what Home Assistant's MQTT dialog wants to know."""
        return mqtt_flow_input(self.host, self.port, self.protocol)

    async def start(self) -> None:
        """Start, or start again, and wait until it accepts connections."""
        self._folder.mkdir(exist_ok=True)
        if self._mosquitto:
            configuration = self._folder / "mosquitto.conf"
            configuration.write_text(self._configuration())
            command = [self._mosquitto, "-c", str(configuration)]
        else:
            command = [sys.executable, "-m", "rigs.plain_broker", str(self.port)]
        self.process = await self._processes.start(self.name, command, cwd=_ROOT)
        try:
            async with asyncio.timeout(_START_S):
                await self._until_accepting(self.process)
        except TimeoutError:
            tail = self.process.tail()
            raise ProcessError(f"{self.name} accepts no connection:\n{tail}") from None

    async def stop(self) -> None:
        """End it in good order."""
        if self.process is not None:
            await self.process.stop()

    async def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            await self.process.kill()

    async def _until_accepting(self, process: Process) -> None:
        while process.returncode is None:
            with suppress(OSError):
                _, writer = await asyncio.open_connection(self.host, self.port)
                writer.close()
                return
            await asyncio.sleep(_LOOK_EVERY_S)
        raise ProcessError(f"{self.name} ended:\n{process.tail()}")

    def _configuration(self) -> str:
        lines = [f"listener {self.port} {self.host}", "log_dest stderr"]
        if self._login is None:
            lines.append("allow_anonymous true")
        else:
            users = self._folder / "users"
            users.write_text(_user(*self._login))
            users.chmod(0o600)
            lines += ["allow_anonymous false", f"password_file {users}"]
        if os.geteuid() == 0:
            lines.append("user root")  # else it looks for a user that a private prefix lacks
        if self._persistent:
            # Stored after each change, so that a kill loses nothing.
            lines += ["persistence true", f"persistence_location {self._folder}/"]
            lines += ["autosave_on_changes true", "autosave_interval 1"]
        return "\n".join(lines) + "\n"


def _user(name: str, password: str) -> str:
    """Return a line of mosquitto's password file."""
    salt = os.urandom(12)
    rounds = 101  # mosquitto's own number
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    parts = ("7", str(rounds), *(base64.b64encode(part).decode() for part in (salt, key)))
    return f"{name}:${'$'.join(parts)}\n"


def mqtt_flow_input(
    host: str, port: int, protocol: str, *, user: str = "", password: str = ""
) -> dict[str, Any]:
    """Return what Home Assistant's MQTT dialog wants to know about a broker."""
    login = {"username": user, "password": password} if user else {}
    plain = {"set_client_cert": False, "set_ca_cert": "off", "transport": "tcp"}
    return {
        "broker": host,
        "port": port,
        "protocol": protocol,
        **login,
        "other_settings": plain,
    }
