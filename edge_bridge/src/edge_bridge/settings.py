"""Flags and environment -> frozen settings; every error names the setting."""

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field
import logging
from pathlib import Path
import platform
import ssl
from urllib.parse import urlsplit

from .address import endpoint
from .detector_model import model_path
from .errors import SettingsError
from .protocol.limits import PRINTABLE_MAX
from .state_folder import state_folder

LOG_LEVELS = ("debug", "info", "warning", "error")


MQTT_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """An MQTT broker that is told how the bridge fares."""

    host: str
    port: int
    tls: bool = False
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def address(self) -> str:
        """Return where it is, without credentials."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What ``edge-bridge run`` needs to know."""

    url: str
    """Home Assistant's own address, base path included."""
    token: str = field(repr=False)
    name: str
    """Shown in Home Assistant."""
    state: Path
    """The folder of the bridge's id and of its status."""
    log_level: int = logging.INFO
    ca: Path | None = None
    """Certificates to trust instead of the system's."""
    insecure: bool = False
    """Accept any certificate, and plain http to a public address."""
    announced: bool = False
    """Whether Home Assistant was told of this bridge, and shows it until somebody adds it."""
    detector: Path | None = None
    """The model of the local detector, which need not be there; None for no detector."""
    mqtt: BrokerSettings | None = None
    """Where to tell of the bridge; nowhere without one."""


def load(flags: Namespace, environment: Mapping[str, str]) -> Settings:
    """Return the settings, flags before environment; raise SettingsError."""
    url = flags.url or environment.get("CAMERA_NARRATOR_URL", "")
    if not url:
        raise SettingsError("url", "missing; give --url or CAMERA_NARRATOR_URL")
    endpoint(url)
    name = (
        flags.name
        or environment.get("CAMERA_NARRATOR_NAME", "")
        or platform.node()
        or "edge bridge"
    )
    if len(name) > PRINTABLE_MAX or not name.isprintable():
        raise SettingsError("name", f"must be at most {PRINTABLE_MAX} printable characters")
    return Settings(
        url=url,
        token=_token(flags.token_file, environment),
        name=name,
        state=state_folder(flags.state, environment),
        log_level=_log_level(
            flags.log_level or environment.get("CAMERA_NARRATOR_LOG_LEVEL", "info")
        ),
        ca=_ca(flags.ca or environment.get("CAMERA_NARRATOR_CA", "")),
        insecure=flags.insecure or _boolean(environment, "CAMERA_NARRATOR_INSECURE"),
        detector=model_path(flags.detector or environment.get("CAMERA_NARRATOR_DETECTOR", "")),
        mqtt=_mqtt(flags, environment),
    )


def _token(token_file: str | None, environment: Mapping[str, str]) -> str:
    path = token_file or environment.get("CAMERA_NARRATOR_TOKEN_FILE", "")
    if path:
        try:
            token = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError("token-file", f"cannot be read ({_reason(error)})") from error
    else:
        token = environment.get("CAMERA_NARRATOR_TOKEN", "").strip()
    if not token:
        raise SettingsError(
            "token",
            "missing; give --token-file, CAMERA_NARRATOR_TOKEN_FILE or CAMERA_NARRATOR_TOKEN",
        )
    if not token.isascii() or not token.isprintable() or " " in token:
        raise SettingsError("token", "holds a character that no token has")
    return token


def _mqtt(flags: Namespace, environment: Mapping[str, str]) -> BrokerSettings | None:
    text = (flags.mqtt_url or environment.get("CAMERA_NARRATOR_MQTT_URL", "")).strip()
    if not text:
        return None
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        host.encode("idna")
    except ValueError as error:
        raise SettingsError("mqtt-url", "not an address") from error
    if parts.scheme not in MQTT_PORTS or not host or not host.isprintable() or " " in host:
        raise SettingsError("mqtt-url", "must look like mqtt://192.168.1.2:1883 or mqtts://")
    if parts.username is not None or parts.password is not None:
        raise SettingsError(
            "mqtt-url", "must not hold a name or a password; they have settings of their own"
        )
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise SettingsError("mqtt-url", "must end after the port")
    username = flags.mqtt_username or environment.get("CAMERA_NARRATOR_MQTT_USERNAME", "")
    password = _mqtt_password(flags.mqtt_password_file, environment)
    if password and not username:
        raise SettingsError("mqtt-username", "missing; there is a password")
    return BrokerSettings(
        host=host,
        port=port or MQTT_PORTS[parts.scheme],
        tls=parts.scheme == "mqtts",
        username=username,
        password=password,
    )


def _mqtt_password(password_file: str | None, environment: Mapping[str, str]) -> str:
    path = password_file or environment.get("CAMERA_NARRATOR_MQTT_PASSWORD_FILE", "")
    if not path:
        return environment.get("CAMERA_NARRATOR_MQTT_PASSWORD", "")
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError("mqtt-password-file", f"cannot be read ({_reason(error)})") from error


def _log_level(text: str) -> int:
    if text.lower() not in LOG_LEVELS:
        raise SettingsError("log-level", f"must be one of {', '.join(LOG_LEVELS)}")
    return logging.getLevelNamesMapping()[text.upper()]


def _ca(text: str) -> Path | None:
    if not text:
        return None
    path = Path(text)
    try:
        ssl.create_default_context(cafile=path)
    except FileNotFoundError, IsADirectoryError:
        raise SettingsError("ca", "is not a file") from None
    except ssl.SSLError:
        raise SettingsError("ca", "holds no certificate as PEM") from None
    except OSError as error:
        raise SettingsError("ca", f"cannot be read ({_reason(error)})") from error
    return path


def _boolean(environment: Mapping[str, str], key: str) -> bool:
    text = environment.get(key, "").lower()
    if text not in {"", "0", "1", "false", "true", "no", "yes"}:
        raise SettingsError(key, "must be true or false")
    return text in {"1", "true", "yes"}


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or "error") if isinstance(error, OSError) else "not text"
