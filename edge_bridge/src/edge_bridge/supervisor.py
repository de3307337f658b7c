"""The bridge as a Home Assistant app: its options, and what the Supervisor knows, become settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
import json
from pathlib import Path
import time
from typing import Any

from .address import endpoint
from .errors import SettingsError
from .settings import LOG_LEVELS

OPTIONS = Path("/data/options.json")
"""Where the Supervisor puts the options of an app; nothing else makes this file."""
OPTION_NAMES = ("token", "name", "log_level", "url")

_HOST = "homeassistant"
"""Home Assistant's name in the network of the apps."""
_NAME = "Bridge"
"""Instead of the container's name, which nobody gave it."""
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
        data = self._get("/core/info", "url")
        if data is None or not isinstance(data.get("port"), int):
            raise SettingsError("url", "the Supervisor does not tell it; fill in the option")
        return Core(port=data["port"], tls=data.get("ssl") is True)

    def broker(self) -> Broker | None:
        """Return the broker, or None where there is none; raise SettingsError."""
        data = self._get("/services/mqtt", "mqtt")
        if data is None or not data.get("host") or not isinstance(data.get("port"), int):
            return None
        return Broker(
            host=str(data["host"]),
            port=data["port"],
            tls=data.get("ssl") is True,
            username=str(data.get("username") or ""),
            password=str(data.get("password") or ""),
        )

    def _get(self, path: str, option: str) -> dict[str, Any] | None:
        """Return the data of an answer, or None where the Supervisor has none."""
        problem = ""
        for number in range(_TRIES):
            if number:
                self._wait(_WAIT_S)
            try:
                status, answer = self._ask(path)
            except (OSError, HTTPException, ValueError) as error:
                problem = type(error).__name__
                continue
            if status < 500:
                data = answer.get("data") if isinstance(answer, dict) else None
                return data if status == 200 and isinstance(data, dict) else None
            problem = str(status)
        raise SettingsError(option, f"the Supervisor does not answer ({problem})")

    def _ask(self, path: str) -> tuple[int, object]:
        connection = HTTPConnection(*self._address, timeout=_TIMEOUT_S)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self._token}"})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()


def app_environment(
    environment: Mapping[str, str], *, path: Path = OPTIONS, supervisor: Supervisor | None = None
) -> dict[str, str]:
    """Return the settings of an app as variables, none where this is no app; raise SettingsError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError("options", f"cannot be read ({type(error).__name__})") from error
    try:
        options = json.loads(text)
    except ValueError as error:
        raise SettingsError("options", "are not JSON") from error
    if not isinstance(options, dict):
        raise SettingsError("options", "are not an object")
    given = checked(options)
    if supervisor is None:
        supervisor = Supervisor(environment.get("SUPERVISOR_TOKEN", ""))
    return variables(given, None if "url" in given else supervisor.core(), supervisor.broker())


def checked(options: Mapping[str, object]) -> dict[str, str]:
    """Return the options that are filled in; raise SettingsError with the name of one that is wrong."""
    given = {}
    for name in OPTION_NAMES:
        value = options.get(name)
        if not isinstance(value, str | None):
            raise SettingsError(name, "must be text")
        if value and value.strip():
            given[name] = value.strip()
    if "token" not in given:
        raise SettingsError("token", "missing; Home Assistant shows it where the bridge is added")
    if given.get("log_level", LOG_LEVELS[0]) not in LOG_LEVELS:
        raise SettingsError("log_level", f"must be one of {', '.join(LOG_LEVELS)}")
    if "url" in given:
        endpoint(given["url"])
    return given


def variables(given: Mapping[str, str], core: Core | None, broker: Broker | None) -> dict[str, str]:
    """Return the variables that stand for options, address and broker (pure)."""
    found = {"CAMERA_NARRATOR_NAME": _NAME}
    found |= {f"CAMERA_NARRATOR_{name.upper()}": value for name, value in given.items()}
    if core is not None:
        found["CAMERA_NARRATOR_URL"] = f"{'https' if core.tls else 'http'}://{_HOST}:{core.port}"
        if core.tls:
            # Its certificate is for the name that the house has outside, never for this one; and what travels
            # between the two stays inside the machine.
            found["CAMERA_NARRATOR_INSECURE"] = "true"
    if broker is not None:
        scheme = "mqtts" if broker.tls else "mqtt"
        found["CAMERA_NARRATOR_MQTT_URL"] = f"{scheme}://{broker.host}:{broker.port}"
        found["CAMERA_NARRATOR_MQTT_USERNAME"] = broker.username
        found["CAMERA_NARRATOR_MQTT_PASSWORD"] = broker.password
    return found
