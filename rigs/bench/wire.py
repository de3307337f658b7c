"""How little of what a camera sends goes on: bytes of a 4K60 stream against bytes on the wire."""

import asyncio

from rigs.bench import catalog
from rigs.bench.bridge_process import configured, running_bridge
from rigs.bench.cameras import Cameras, Mount
from rigs.bench.figure import Figure
from rigs.bench.receiver import Receiver
from rigs.bench.run import Run
from rigs.process import Processes


async def measure_quiet(run: Run) -> list[Figure]:
    """Return the ratio of a quiet camera; everything that goes up counts, pictures and messages."""
    return [await _ratio(run, active=False)]


async def measure_active(run: Run) -> list[Figure]:
    """Return the ratio of a camera that always sees somebody; it takes a core to decode."""
    return [await _ratio(run, active=True)]


async def _ratio(run: Run, *, active: bool) -> Figure:
    name = "active" if active else "quiet"
    clip = await asyncio.to_thread(run.clip, catalog.fast_4k(active=active))
    # While quiet a picture goes every 10 s; active, one or two a second.
    span_s = (10.0 if active else 42.0) if run.quick else 120.0
    run.say(f"measuring the bytes of a {name} 4K60 camera for {span_s:.0f} s")
    async with Processes() as processes:
        cameras = await Cameras.start(processes, f"cameras-{name}", [Mount("camera", clip)])
        async with running_bridge(processes, f"bridge-{name}", configured(cameras.urls)) as bridge:
            if active:
                await asyncio.sleep(5.0)  # past the onset, which is sent more of
                bridge.receiver.forget()
            await asyncio.sleep(span_s)
            wire_bytes_s, frames = _rate(bridge.receiver)
    return Figure(
        name=f"edge.wire_vs_source_bytes.4k60_{name}",
        value=wire_bytes_s / clip.bytes_per_s,
        n=frames,
        how=f"RTSP, 4K60 H.264 at {8e-6 * clip.bytes_per_s:.1f} Mbit/s as 480p: "
        f"{wire_bytes_s / 1000:.1f} of {clip.bytes_per_s / 1000:.0f} kB/s, all messages included",
    )


def _rate(receiver: Receiver) -> tuple[float, int]:
    """Return bytes a second between the first frame and the last, and how many frames that were."""
    arrivals = [seen.arrived_us for seen in receiver.frames]
    first_us, last_us = arrivals[0], arrivals[-1]
    # One of the two ends counts, so that a span holds as many frames as intervals.
    size_bytes = sum(size for arrived_us, size in receiver.wire if first_us < arrived_us <= last_us)
    return size_bytes * 1e6 / (last_us - first_us), len(arrivals) - 1
