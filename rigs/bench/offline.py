"""The bridge's own way of a frame on a file, as fast as it can be read: `python -m rigs.bench.offline FILE [INTERVAL_S]`.

Reader, track, detector, sampler and encoder are the bridge's; only the threads are left out, and the clock is the file's.
Prints the processor time that it took, imports left out as for OpenCV.
"""

import asyncio
import json
import sys
import time
from typing import override

import av

from edge_bridge.budget import Budget
from edge_bridge.camera import Camera
from edge_bridge.decoding import Decoders, DecoderWorkers
from edge_bridge.encoder import Encoder
from edge_bridge.hint import PacketHint
from edge_bridge.looks import Looks
from edge_bridge.protocol.camera import CameraConfig
from edge_bridge.protocol.vocabulary import Source
from edge_bridge.stream import Coding, packets_of
from edge_bridge.track import Track

_CORES = 2
"""Of the small box that the budgets are for."""


class _FileCamera(Camera):
    """A camera whose clock stands at the packet that was read last."""

    clock_us = 0

    @property
    @override
    def interval_us(self) -> int:
        return self._sampler.interval_us(self.clock_us)


async def measure(path: str, quiet_interval_s: float) -> dict[str, float]:
    """Return what came of a file, and the processor time that it took."""
    begun_s = time.process_time()
    config = CameraConfig(
        number=1, camera="file", source=Source.RTSP, quiet_interval_s=quiet_interval_s
    )
    budget = Budget(_CORES)
    camera = _FileCamera(
        config,
        encoder=Encoder(),
        workers=DecoderWorkers(1),
        budget=budget,
        looks=Looks(None),  # nothing is named: that has its own thread and its own allowance
        loop=asyncio.get_running_loop(),
        wake=lambda _: None,
    )
    decoders = Decoders()
    told = {"pictures": 0, "preroll": 0, "bytes": 0, "activities": 0}
    start_us = time.monotonic_ns() // 1000
    with av.open(path) as container:
        track = Track(
            Coding.of(container.streams.video[0]),
            camera,
            hint=PacketHint(),
            budget=budget,
            ready=lambda _: None,
            meter=camera.meter,
            clock_us=lambda: camera.clock_us,
        )
        camera.track = track
        for packet in packets_of(container):
            seconds = float((packet.pts or 0) * (packet.time_base or 0))
            camera.clock_us = start_us + round(seconds * 1_000_000)
            track.offer(packet, camera.clock_us)
            while track.work(decoders):
                pass
            mail = camera.take()
            for frame in mail.frames:
                told["preroll" if frame.preroll else "pictures"] += 1
                told["bytes"] += len(frame.jpeg)
            told["activities"] += mail.activity is not None
        track.close()
    return {**told, "cpu_s": time.process_time() - begun_s}


if __name__ == "__main__":
    interval_s = float(sys.argv[2]) if len(sys.argv) > 2 else 10.0
    print(json.dumps(asyncio.run(measure(sys.argv[1], interval_s))))
