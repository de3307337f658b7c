"""Simulated cameras in a process of their own, which tell when a visit's first picture leaves.

`python -m rigs.bench.cameras PLAN` serves the mounts of a JSON file: [{"name", "path", "shift_s", "onsets"}].
"""

import asyncio
import json
from pathlib import Path
import signal
import sys
import time
from typing import Final, NamedTuple, Self, override

from rigs.bench.clip import Clip
from rigs.process import Process, Processes
from rigs.rtsp_server import RtspServer
from rigs.simulated_camera import SimulatedCamera
from rigs.video_source import AccessUnit, FileSource, VideoSource

_ROOT: Final = Path(__file__).parents[2]


class Mount(NamedTuple):
    """One camera: its name, what it shows, and where in that it begins."""

    name: str
    clip: Clip
    shift_s: float = 0.0


class Onset(NamedTuple):
    """The first picture of a visit."""

    camera: str
    sent_us: int
    """Monotonic clock when it was handed to the socket."""


class Cameras:
    """A running process of simulated cameras."""

    def __init__(self, process: Process, urls: dict[str, str]) -> None:
        """Made by `start`."""
        self.process: Final = process
        self.urls: Final = urls
        self._skip = process.log.stat().st_size

    @classmethod
    async def start(cls, processes: Processes, name: str, mounts: list[Mount]) -> Self:
        """Start a simulator with these cameras."""
        plan = processes.folder / f"{name}.json"
        entries = [
            {
                "name": mount.name,
                "path": str(mount.clip.path),
                "shift_s": mount.shift_s,
                "onsets": mount.clip.recipe.onsets,
            }
            for mount in mounts
        ]
        plan.write_text(json.dumps(entries), "utf-8")
        command = [sys.executable, "-m", "rigs.bench.cameras", str(plan)]
        process = await processes.start(name, command, cwd=_ROOT)
        line = await process.wait_for(r'^\{"urls".*\}$')
        return cls(process, json.loads(line[0])["urls"])

    def onsets(self) -> list[Onset]:
        """Return the visits that have begun so far."""
        found = []
        for line in self.process.log.read_bytes()[self._skip :].decode().splitlines():
            if line.startswith('{"onset"') and line.endswith("}"):
                entry = json.loads(line)
                found.append(Onset(entry["onset"], entry["sent_us"]))
        return found


class _Telling(VideoSource):
    """A clip that prints when certain pictures of it are taken to be sent."""

    def __init__(self, name: str, source: FileSource, onsets: list[int]) -> None:
        self.codec = source.codec
        self.width_px, self.height_px = source.width_px, source.height_px
        self.parameter_sets = source.parameter_sets
        self._name = name
        self._source = source
        self._onsets = frozenset(onsets)
        self._count = source.index_at(source.duration_s)

    @override
    def index_at(self, timeline_s: float) -> int:
        return self._source.index_at(timeline_s)

    @override
    def due_s(self, index: int) -> float:
        return self._source.due_s(index)

    @override
    async def unit(self, index: int) -> AccessUnit:
        if index % self._count in self._onsets:
            sent_us = time.monotonic_ns() // 1000
            print(json.dumps({"onset": self._name, "sent_us": sent_us}), flush=True)
        return await self._source.unit(index)

    @override
    def wish_key(self) -> None:
        self._source.wish_key()


async def _serve(plan: Path) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    files: dict[str, FileSource] = {}
    cameras = []
    for entry in json.loads(await asyncio.to_thread(plan.read_text, "utf-8")):
        path = entry["path"]
        if path not in files:
            files[path] = await asyncio.to_thread(FileSource, Path(path))
        source = _Telling(entry["name"], files[path], entry["onsets"])
        cameras.append(SimulatedCamera(entry["name"], source, shift_s=entry["shift_s"]))
    server = RtspServer(cameras)
    await server.start()
    print(json.dumps({"urls": {name: server.url(name) for name in server.cameras}}), flush=True)
    await stop.wait()
    await server.close()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
