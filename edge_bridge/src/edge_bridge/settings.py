"""Flags and environment -> frozen settings; every error names the setting."""

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field
import logging
from pathlib import Path
import platform
import ssl

from .address import endpoint
from .detector_model import model_path
from .errors import SettingsError
from .protocol import PRINTABLE_MAX

LOG_LEVELS = ("debug", "info", "warning", "error")


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
    detector: Path | None = None
    """The model of the local detector, which need not be there; None for no detector."""


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
        state=state_folder(flags, environment),
        log_level=_log_level(
            flags.log_level or environment.get("CAMERA_NARRATOR_LOG_LEVEL", "info")
        ),
        ca=_ca(flags.ca or environment.get("CAMERA_NARRATOR_CA", "")),
        insecure=flags.insecure or _boolean(environment, "CAMERA_NARRATOR_INSECURE"),
        detector=model_path(flags.detector or environment.get("CAMERA_NARRATOR_DETECTOR", "")),
    )


def state_folder(flags: Namespace, environment: Mapping[str, str]) -> Path:
    """Return the folder that outlives the process."""
    if given := flags.state or environment.get("CAMERA_NARRATOR_STATE", ""):
        return Path(given)
    if state_home := environment.get("XDG_STATE_HOME", ""):
        return Path(state_home) / "camera-narrator"
    return Path.home() / ".local" / "state" / "camera-narrator"


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
