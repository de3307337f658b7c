"""What outlives the process: the bridge's id, its place on MQTT, and its status; no frames, no secrets."""

from collections.abc import Mapping
from contextlib import suppress
import fcntl
import json
import logging
import os
from pathlib import Path
import secrets
import time
from typing import IO, Any

from .errors import StateError

_LOGGER = logging.getLogger(__name__)

_ID = "bridge_id"
_LOCK = "lock"
_STATUS = "status.json"
_MQTT = "mqtt.json"

STALE_S = 20.0
"""A running bridge writes every few seconds; a file so old was left by one that is gone, or stands still."""


def state_folder(given: str | None, environment: Mapping[str, str]) -> Path:
    """Return where the folder is: given, of the environment, or the usual place."""
    if named := given or environment.get("CAMERA_NARRATOR_STATE", ""):
        return Path(named)
    if state_home := environment.get("XDG_STATE_HOME", ""):
        return Path(state_home) / "camera-narrator"
    return Path.home() / ".local" / "state" / "camera-narrator"


class StateFolder:
    """One bridge's folder, held by one process at a time."""

    def __init__(self, path: Path) -> None:
        """Name the folder; it is made when it is first needed."""
        self._path = path
        self._lock: IO[str] | None = None
        self._writable = True

    def hold(self) -> str:
        """Hold the folder and return the bridge's id, made on the first start; raise StateError.

        One that was used before may have become read-only or full since: it is only read then.
        """
        try:
            self._path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = self._open_lock()
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Of one that was killed; whoever looks now would take it for this one's.
            self.clear_status()
            return self._id()
        except BlockingIOError as error:
            raise StateError(f"state: another edge-bridge uses {self._path}") from error
        except OSError as error:
            raise StateError(f"state: {self._path} cannot be used ({error.strerror})") from error

    def write_status(self, status: Mapping[str, Any]) -> None:
        """Replace the status in one step; a full disk costs only the status."""
        # Two clocks: one for people, and one that nobody sets and that all processes of the machine share.
        stamps = {
            "pid": os.getpid(),
            "written": time.time(),
            "written_monotonic_s": time.monotonic(),
        }
        self._replace(_STATUS, {**stamps, **status})

    def mqtt_place(self) -> tuple[str | None, bool]:
        """Return the topics' prefix as last told by Home Assistant, and whether the name alone was taken."""
        with suppress(OSError, ValueError):
            kept = json.loads((self._path / _MQTT).read_text(encoding="utf-8"))
            if isinstance(kept, dict) and isinstance(kept.get("prefix"), str):
                return kept["prefix"], kept.get("numbered") is True
        return None, False

    def keep_mqtt_place(self, prefix: str, *, numbered: bool) -> None:
        """Remember the place for the next start; a full disk costs only a detour then."""
        self._replace(_MQTT, {"prefix": prefix, "numbered": numbered})

    def clear_status(self) -> None:
        """Leave no status behind: the bridge has ended."""
        with suppress(OSError):
            (self._path / _STATUS).unlink(missing_ok=True)

    def read_status(self, now_s: float) -> dict[str, Any]:
        """Return the status of the bridge that runs here, by the monotonic clock; raise StateError where none does."""
        try:
            status = json.loads((self._path / _STATUS).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise StateError(f"no edge-bridge runs with the state folder {self._path}") from error
        except (OSError, ValueError) as error:
            raise StateError(f"state: the status in {self._path} cannot be read") from error
        if not isinstance(status, dict) or not isinstance(
            written_s := status.get("written_monotonic_s"), int | float
        ):
            raise StateError(f"state: the status in {self._path} is not one")
        # One from the future is of before the machine's last start.
        if not 0 <= (silent_s := now_s - written_s) <= STALE_S:
            raise StateError(
                f"the edge-bridge of {self._path} has not written for {silent_s:.0f} s: not running"
                if silent_s > 0
                else f"no edge-bridge runs with the state folder {self._path}"
            )
        return status

    def _open_lock(self) -> IO[str]:
        path = self._path / _LOCK
        try:
            return path.open("w")
        except OSError:
            if not path.exists():
                raise
            return path.open()

    def _replace(self, name: str, content: Mapping[str, Any]) -> None:
        new = self._path / f"{name}.new"
        try:
            new.write_text(json.dumps(content, indent=1), encoding="utf-8")
            new.replace(self._path / name)
        except OSError as error:
            if self._writable:
                _LOGGER.warning(
                    "State folder %s cannot be written (%s); the bridge works on without",
                    self._path,
                    error.strerror,
                )
            self._writable = False
        else:
            if not self._writable:
                _LOGGER.info("State folder %s can be written again", self._path)
            self._writable = True

    def _id(self) -> str:
        path = self._path / _ID
        with suppress(FileNotFoundError):
            if kept := path.read_text(encoding="utf-8").strip()[:64]:
                return kept
        made = secrets.token_hex(16)
        path.write_text(made + "\n", encoding="utf-8")
        return made
