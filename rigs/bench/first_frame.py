"""From opening a stream to its first picture: as the bridge opens it, and with PyAV's own options."""

import asyncio
from collections.abc import Callable
from statistics import median
import time
from typing import Final

import av

from edge_bridge.source import StreamSource
from edge_bridge.stream import Coding, open_stream, packets_of
from rigs.bench import catalog
from rigs.bench.cameras import Cameras, Mount
from rigs.bench.figure import Figure, ratio
from rigs.bench.run import Run
from rigs.process import Processes

_BEFORE_KEY_S: Final = -0.01
"""The clock of a mount begins so long before its key picture, which else is gone when the viewer is there."""


async def measure(run: Run) -> list[Figure]:
    """Return how much sooner the first picture is there."""
    clip = await asyncio.to_thread(run.clip, catalog.quiet("1080p", "h264", 50))
    rounds = run.rounds + 2
    # A camera for each try: its clip begins with the first viewer, so that each finds a key picture.
    mounts = [
        Mount(f"{kind}{n}", clip, _BEFORE_KEY_S)
        for n in range(rounds)
        for kind in ("ours", "default")
    ]
    run.say(f"measuring the first picture: {rounds} rounds")
    ours: list[float] = []
    default: list[float] = []
    async with Processes() as processes:
        cameras = await Cameras.start(processes, "cameras-first", mounts)
        for n in range(rounds):
            ours.append(await asyncio.to_thread(_timed, _ours, cameras.urls[f"ours{n}"]))
            default.append(await asyncio.to_thread(_timed, _default, cameras.urls[f"default{n}"]))
    how = "RTSP, a server that begins with a key picture"
    return [
        ratio(
            "edge.first_frame_vs_default",
            ours,
            default,
            f"{how}: {1000 * median(ours):.0f} against {1000 * median(default):.0f} ms",
        ),
        Figure(name="edge.first_frame_ms", value=1000 * median(ours), n=rounds, how=how),
    ]


def _timed(first_picture: Callable[[str], None], url: str) -> float:
    started_s = time.monotonic()
    first_picture(url)
    return time.monotonic() - started_s


def _ours(url: str) -> None:
    with open_stream(StreamSource(url=url)) as container:
        coding = Coding.of(container.streams.video[0])
        decoder = coding.decoder()
        for packet in packets_of(container):
            if decoder.decode(coding.whole(packet) if packet.is_keyframe else packet):
                return


def _default(url: str) -> None:
    with av.open(url, options={"rtsp_transport": "tcp"}) as container:
        next(container.decode(video=0))
