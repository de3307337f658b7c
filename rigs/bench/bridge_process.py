"""The real bridge with cameras, as `edge-bridge run` starts it, beside a receiver that configures it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
import sys

from edge_bridge.protocol.camera import CameraConfig
from edge_bridge.protocol.vocabulary import Source
from rigs.bench.receiver import TOKEN, Receiver
from rigs.process import Process, Processes


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningBridge:
    """A bridge that is connected."""

    process: Process
    receiver: Receiver


@asynccontextmanager
async def running_bridge(
    processes: Processes, name: str, cameras: tuple[CameraConfig, ...]
) -> AsyncIterator[RunningBridge]:
    """Start a bridge with these cameras, wait until each has sent a frame, and end it afterwards."""
    async with Receiver() as receiver:
        await receiver.configure(cameras)
        command = [
            *(str(Path(sys.executable).with_name("edge-bridge")), "run"),
            *("--url", f"http://127.0.0.1:{receiver.port}", "--name", "Bench"),
            *("--state", str(processes.folder / name), "--log-level", "warning"),
        ]
        process = await processes.start(name, command, env={"CAMERA_NARRATOR_TOKEN": TOKEN})
        try:
            # Sixty-four cameras open at once, and each waits for its next key picture.
            await receiver.until_all_sent(timeout_s=60)
            yield RunningBridge(process=process, receiver=receiver)
        finally:
            await process.stop()


def configured(urls: dict[str, str], *, quiet_interval_s: float = 10.0) -> tuple[CameraConfig, ...]:
    """Return the configuration of cameras; all but the interval while quiet is as a user gets it."""
    return tuple(
        CameraConfig(
            number=number,
            camera=name,
            source=Source.RTSP,
            url=url,
            quiet_interval_s=quiet_interval_s,
        )
        for number, (name, url) in enumerate(urls.items(), 1)
    )
