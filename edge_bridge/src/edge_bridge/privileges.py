"""Gives up root, with which the Supervisor starts an app, for the user of the image."""

import os
from pathlib import Path
import pwd

from .errors import StateError

USER = "bridge"


def drop(state: Path, user: str = USER) -> None:
    """Give the state folder to the user and become that user; nothing happens without root. Raises StateError."""
    if os.geteuid() != 0:
        return
    try:
        entry = pwd.getpwnam(user)
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in (state, *state.iterdir()):
            os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)
        os.setgroups([])
        os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
        os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
    except KeyError as error:
        raise StateError(f"state: there is no user {user} to run as") from error
    except OSError as error:
        raise StateError(f"state: {state} cannot be handed to {user} ({error.strerror})") from error
