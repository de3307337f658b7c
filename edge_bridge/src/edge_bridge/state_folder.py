"""What outlives the process: the bridge's id, and a status for `edge-bridge status`; no frames, no secrets."""

from contextlib import suppress
import fcntl
import json
import os
from pathlib import Path
import secrets
import time
from typing import IO, Any

from .errors import StateError

_ID = "bridge_id"
_LOCK = "lock"
_STATUS = "status.json"

STALE_S = 20.0
"""A running bridge writes every few seconds; a file so old was left by one that is gone."""


class StateFolder:
    """One bridge's folder, held by one process at a time."""

    def __init__(self, path: Path) -> None:
        """Name the folder; it is made when it is first needed."""
        self._path = path
        self._lock: IO[str] | None = None

    def hold(self) -> str:
        """Hold the folder and return the bridge's id, made on the first start; raise StateError."""
        try:
            self._path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = (self._path / _LOCK).open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return self._id()
        except BlockingIOError as error:
            raise StateError(f"state: another edge-bridge uses {self._path}") from error
        except OSError as error:
            raise StateError(f"state: {self._path} cannot be used ({error.strerror})") from error

    def write_status(self, status: dict[str, Any]) -> None:
        """Replace the status in one step; a full disk costs only the status."""
        text = json.dumps({"pid": os.getpid(), "written": time.time(), **status}, indent=1)
        new = self._path / f"{_STATUS}.new"
        with suppress(OSError):
            new.write_text(text, encoding="utf-8")
            new.replace(self._path / _STATUS)

    def clear_status(self) -> None:
        """Leave no status behind: the bridge has ended."""
        with suppress(OSError):
            (self._path / _STATUS).unlink(missing_ok=True)

    def read_status(self, now: float) -> dict[str, Any]:
        """Return the status of the bridge that runs here; raise StateError where none does."""
        try:
            status = json.loads((self._path / _STATUS).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise StateError(f"no edge-bridge runs with the state folder {self._path}") from error
        except (OSError, ValueError) as error:
            raise StateError(f"state: the status in {self._path} cannot be read") from error
        if not isinstance(status, dict) or not isinstance(
            written := status.get("written"), int | float
        ):
            raise StateError(f"state: the status in {self._path} is not one")
        if now - written > STALE_S:
            raise StateError(
                f"the edge-bridge of {self._path} has not written for {now - written:.0f} s: not running"
            )
        return status

    def _id(self) -> str:
        path = self._path / _ID
        with suppress(FileNotFoundError):
            if kept := path.read_text(encoding="utf-8").strip()[:64]:
                return kept
        made = secrets.token_hex(16)
        path.write_text(made + "\n", encoding="utf-8")
        return made
