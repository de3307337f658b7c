"""Ends what a run started, and removes its folders, when the run is gone, however it went.

`python keeper.py MARK [FOLDER…]` waits for the end of its standard input, which the run holds
open; a killed run closes it too. Every process of the run carries MARK in its environment.
"""

from contextlib import suppress
import os
from pathlib import Path
import shutil
import signal
import sys
import time

VARIABLE = "CAMERA_NARRATOR_RUN"
"""The environment variable that marks the processes of a run."""

_GIVE_UP_S = 20.0
"""A process that does not even die by SIGKILL within this time hangs in the kernel."""


def marked(mark: str) -> list[int]:
    """Return the processes whose environment carries the mark, without this one."""
    wanted = f"{VARIABLE}={mark}".encode()
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        with suppress(OSError):  # gone, or another user's
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def end_all(mark: str) -> None:
    """Kill until nothing with the mark is left."""
    give_up_s = time.monotonic() + _GIVE_UP_S
    while (pids := marked(mark)) and time.monotonic() < give_up_s:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def main(mark: str, folders: list[str]) -> None:
    """Wait for the run's end, then clean up."""
    # Ctrl-C in a terminal reaches the whole foreground group; this one is needed to the last.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 4096):
        pass
    end_all(mark)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
