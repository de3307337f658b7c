"""Child processes that never outlive the run that started them (Linux)."""

import asyncio
from collections.abc import Mapping
import contextlib
import ctypes
import os
from pathlib import Path
import re
import signal
import socket
import subprocess
import sys
import tempfile
from types import TracebackType
from typing import Final, Self
import uuid

from rigs import keeper

_LOOK_EVERY_S: Final = 0.02
_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


class ProcessError(Exception):
    """A child that ended or did not say what was awaited; the text holds its last lines."""


class Process:
    """One child in a process group of its own; what it says goes to a log file."""

    def __init__(
        self, name: str, child: asyncio.subprocess.Process, log: Path, log_start: int
    ) -> None:
        """Made by `Processes.start`; the log may hold what earlier ones said up to `log_start`."""
        self.name: Final = name
        self.pid: Final = child.pid
        self.log: Final = log
        self._child = child
        self._log_start = log_start

    @property
    def returncode(self) -> int | None:
        """The exit code; None while it runs."""
        return self._child.returncode

    async def wait(self) -> int:
        """Wait for its end and return the exit code."""
        return await self._child.wait()

    async def wait_for(self, pattern: str, *, timeout_s: float = 60.0) -> re.Match[str]:
        """Wait until a line of its log matches; raises ProcessError where none ever will."""
        wanted = re.compile(pattern)
        text, read_to = "", self._log_start
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    ended = self.returncode is not None
                    fresh = self._read(read_to)
                    read_to += len(fresh)
                    *lines, text = (text + fresh.decode(errors="replace")).split("\n")
                    for line in lines:
                        if match := wanted.search(line):
                            return match
                    if ended:
                        break
                    await asyncio.sleep(_LOOK_EVERY_S)
        except TimeoutError:
            raise ProcessError(self._complaint(f"said nothing like {pattern!r}")) from None
        raise ProcessError(self._complaint(f"ended with {self.returncode}"))

    async def stop(self, *, grace_s: float = 10.0) -> int:
        """End it with SIGTERM, after the grace with SIGKILL; returns the exit code."""
        self.send(signal.SIGTERM)
        try:
            async with asyncio.timeout(grace_s):
                return await self.wait()
        except TimeoutError:
            return await self.kill()
        finally:
            self._signal_group(signal.SIGKILL)  # what it left behind

    async def kill(self) -> int:
        """End it and its group with SIGKILL, as the kernel or a power cut would."""
        self._signal_group(signal.SIGKILL)
        return await self.wait()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process itself; SIGSTOP and SIGCONT make good faults."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def cpu_s(self) -> float:
        """Return the processor time that it and all its descendants have used."""
        return cpu_s(self.pid)

    def tail(self, lines: int = 15) -> str:
        """Return the last lines of its log."""
        said = self._read(self._log_start).decode(errors="replace")
        return "\n".join(said.splitlines()[-lines:])

    def _read(self, start: int) -> bytes:
        with self.log.open("rb") as file:
            file.seek(start)
            return file.read()

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def _complaint(self, what: str) -> str:
        return f"{self.name} {what}; its last lines:\n{self.tail()}"


class Processes:
    """The children of one run and its folder; leaving the block, or dying, ends them all."""

    def __init__(self, *, keep_folder: bool = False) -> None:
        """`keep_folder` leaves the logs behind."""
        self.mark: Final = uuid.uuid4().hex
        """What every process of the run carries in its environment."""
        self.folder: Final = Path(tempfile.gettempdir()) / f"camera-narrator-{self.mark[:12]}"
        self._keep_folder = keep_folder
        self._children: list[Process] = []
        self._keeper: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        folders = [] if self._keep_folder else [str(self.folder)]
        # The keeper before the folder: from here on nothing can be left behind.
        self._keeper = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-S", "-E", keeper.__file__, self.mark, *folders),
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self.folder.mkdir(mode=0o700)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Last started, first ended: who depends on others goes before them.
        try:
            for child in reversed(self._children):
                if child.returncode is None:
                    await child.stop()
        finally:
            if self._keeper is not None and self._keeper.stdin is not None:
                self._keeper.stdin.close()
                await self._keeper.wait()

    async def start(
        self,
        name: str,
        command: list[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        log: Path | None = None,
    ) -> Process:
        """Start a child; `env` is added to this process's own environment."""
        log = log or self.folder / f"{name}.log"
        marked = {**os.environ, **(env or {}), keeper.VARIABLE: self.mark}
        with log.open("ab") as output:
            log_start = output.tell()
            child = await asyncio.create_subprocess_exec(
                *command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=marked,
                cwd=cwd,
                process_group=0,
                preexec_fn=_die_with_parent,  # one call into libc, which takes no lock
            )
        process = Process(name, child, log, log_start)
        self._children.append(process)
        return process


def cpu_s(pid: int) -> float:
    """Return the processor time of a process and its descendants, ended ones included."""
    children: dict[int, list[int]] = {}
    used: dict[int, float] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            # Behind the name in brackets: state, parent, …, and from the 12th on the times.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            number = int(folder.name)
            children.setdefault(int(fields[1]), []).append(number)
            used[number] = sum(map(int, fields[11:15])) / _TICKS_PER_S
    total, pending = 0.0, [pid]
    while pending:
        number = pending.pop()
        total += used.get(number, 0.0)
        pending += children.get(number, [])
    return total


def free_port() -> int:
    """Return a TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
