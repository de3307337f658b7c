"""The bridge as an app of Home Assistant: its options and what the Supervisor knows become settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
import json
import logging
import os
from pathlib import Path
import secrets

from .address import endpoint
from .errors import SettingsError, StateError
from .settings import LOG_LEVELS
from .supervisor import Broker, Core, Supervisor

OPTIONS = Path("/data/options.json")
"""Where the Supervisor puts the options of an app; nothing else makes this file."""
OPTION_NAMES = ("token", "name", "log_level", "url")

_HOST = "homeassistant"
"""Home Assistant's name in the network of the apps."""
_NAME = "Bridge"
"""Instead of the container's name, which nobody gave it."""
_TOKEN = "token"
_TOKEN_BYTES = 32
"""256 bits: its hash tells nothing of it."""

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """This process as an app."""

    environment: Mapping[str, str]
    """Its settings as variables."""
    supervisor: Supervisor
    announced: bool
    """Whether Home Assistant is told of it, because nobody gave it a token."""

    def announce(self, bridge_id: str, token: str) -> None:
        """Let Home Assistant offer to add this bridge; only the hash of its token leaves it."""
        try:
            told = self.supervisor.announce(bridge_id, sha256(token.encode()).hexdigest())
        except SettingsError as error:
            _LOGGER.warning("Home Assistant was not told of this bridge: %s", error)
            return
        if not told:
            _LOGGER.warning("Home Assistant was not told of this bridge: fill in the option token")


def found(
    environment: Mapping[str, str],
    state: Path,
    *,
    path: Path = OPTIONS,
    supervisor: Supervisor | None = None,
) -> App | None:
    """Return the app that this process is, or None where it is none; raise SettingsError, StateError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
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
    core = None if "url" in given else supervisor.core()
    announced = "token" not in given
    if announced:
        given["token"] = own_token(state)
    return App(
        environment=variables(given, core, supervisor.broker()),
        supervisor=supervisor,
        announced=announced,
    )


def own_token(state: Path) -> str:
    """Return the token that this app made at its first start; raise StateError."""
    path = state / _TOKEN
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.exists() and (kept := path.read_text(encoding="ascii").strip()):
            return kept
        made = secrets.token_urlsafe(_TOKEN_BYTES)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(made + "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise StateError(f"state: {path} cannot be used ({type(error).__name__})") from error
    return made


def checked(options: Mapping[str, object]) -> dict[str, str]:
    """Return the options that are filled in; raise SettingsError with the name of one that is wrong."""
    given = {}
    for name in OPTION_NAMES:
        value = options.get(name)
        if not isinstance(value, str | None):
            raise SettingsError(name, "must be text")
        if value and value.strip():
            given[name] = value.strip()
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
