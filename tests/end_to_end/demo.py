"""The demo as a user starts it, and a look at what it leaves behind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
import sys

from rigs.process import Process, Processes

ROOT = Path(__file__).parents[2]
SET_UP = "Ctrl-C ends it"
"""What it says when everything is up."""
GONE_S = 90.0
"""Home Assistant alone may take 30 s to stop, and three of them share a processor."""


@dataclass(frozen=True, slots=True)
class Demo:
    """One run of the demo; its temporary folder is its own, so that nothing in it can hide."""

    process: Process
    temporary: Path

    def alive(self) -> dict[int, str]:
        """Return every process that came of the run, in whatever group and session, by number."""
        found: dict[int, str] = {}
        for folder in Path("/proc").iterdir():
            with suppress(OSError, ValueError):
                environment = (folder / "environ").read_bytes().split(b"\0")
                if f"TMPDIR={self.temporary}".encode() in environment:
                    found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        return found

    def child(self, words: str) -> int:
        """Return the process whose command line has these words."""
        (pid,) = [pid for pid, command in self.alive().items() if words in command]
        return pid

    async def until_gone(self) -> None:
        """Wait until neither process nor file is left of it."""
        try:
            async with asyncio.timeout(GONE_S):
                while self.alive() or any(self.temporary.iterdir()):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
        except TimeoutError:
            left = [self.alive(), *self.temporary.rglob("*")]
            raise AssertionError(f"left behind: {left}") from None


@asynccontextmanager
async def demo(folder: Path, *arguments: str) -> AsyncIterator[Demo]:
    """Start the demo with a folder for its temporary files."""
    temporary = folder / "temporary"
    temporary.mkdir(parents=True)
    async with Processes() as processes:
        command = [sys.executable, "-m", "rigs.demo", "--headless", *arguments]
        process = await processes.start("demo", command, cwd=ROOT, env={"TMPDIR": str(temporary)})
        yield Demo(process, temporary)
