"""The Supervisor of Home Assistant: what it knows, and whom it tells; only an app can ask."""

from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
import json
import time
from typing import Any

from .errors import SettingsError

_SERVICE = "camera_narrator"
"""The integration that is told of the app."""
_TIMEOUT_S = 10.0
_TRIES = 12
"""With the wait between them half a minute at least: a Supervisor that updates itself is away that long."""
_WAIT_S = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """How Home Assistant listens."""

    port: int
    tls: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """The MQTT broker that the Supervisor knows."""

    host: str
    port: int
    tls: bool
    username: str
    password: str = field(repr=False)


class Supervisor:
    """Asks the Supervisor, before anything else runs; waits for one that is away."""

    def __init__(
        self,
        token: str,
        *,
        host: str = "supervisor",
        port: int = 80,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the token that the Supervisor gives to an app."""
        self._token = token
        self._address = (host, port)
        self._wait = wait

    def core(self) -> Core:
        """Return how Home Assistant listens; raise SettingsError."""
        data = self._call("GET", "/core/info", "url")
        if data is None or not isinstance(data.get("port"), int):
            raise SettingsError("url", "the Supervisor does not tell it; fill in the option")
        return Core(port=data["port"], tls=data.get("ssl") is True)

    def broker(self) -> Broker | None:
        """Return the broker, or None where there is none; raise SettingsError."""
        data = self._call("GET", "/services/mqtt", "mqtt")
        if data is None or not data.get("host") or not isinstance(data.get("port"), int):
            return None
        return Broker(
            host=str(data["host"]),
            port=data["port"],
            tls=data.get("ssl") is True,
            username=str(data.get("username") or ""),
            password=str(data.get("password") or ""),
        )

    def announce(self, bridge: str, token_hash: str) -> bool:
        """Let Home Assistant offer to add this bridge; return whether it is told. Raises SettingsError."""
        config = {"bridge": bridge, "token_hash": token_hash}
        told = self._call("POST", "/discovery", "token", {"service": _SERVICE, "config": config})
        return told is not None

    def _call(
        self, method: str, path: str, option: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """Return the data of an answer, or None where the Supervisor has none."""
        problem = ""
        for number in range(_TRIES):
            if number:
                self._wait(_WAIT_S)
            try:
                status, answer = self._ask(method, path, body)
            except (OSError, HTTPException, ValueError) as error:
                problem = type(error).__name__
                continue
            if status < 500:
                data = answer.get("data") if isinstance(answer, dict) else None
                return data if status == 200 and isinstance(data, dict) else None
            problem = str(status)
        raise SettingsError(option, f"the Supervisor does not answer ({problem})")

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, object]:
        connection = HTTPConnection(*self._address, timeout=_TIMEOUT_S)
        try:
            connection.request(
                method,
                path,
                body=None if body is None else json.dumps(body),
                headers={
                    "Authorization": f"Bearer {self._token}",
                    "Content-Type": "application/json",
                },
            )
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()
