"""What a narrow line to Home Assistant leaves of eight active cameras, and how soon they are back after an outage."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
import sys
import time
from typing import Final

from rigs.bench import catalog
from rigs.bench.bridge_process import configured
from rigs.bench.cameras import Cameras, Mount
from rigs.bench.far_end import Arrival, FarEnd
from rigs.bench.figure import Figure, percentile
from rigs.bench.receiver import TOKEN
from rigs.bench.run import Run
from rigs.narrow_line import NarrowLine, narrow_line
from rigs.process import Processes

_CAMERAS: Final = 8
_BYTES_PER_S: Final = 25_000.0
"""200 kbit/s."""
_YOUNG_US: Final = 1_000_000


async def measure(run: Run) -> list[Figure]:
    """Return the age of what arrives at 200 kbit/s, who gets through, and how soon it is live after an outage."""
    span_s, outage_s, outages = (20.0, 12.0, 1) if run.quick else (90.0, 60.0, 3)
    async with _house(run) as (line, house, began_us):
        run.say(f"{_CAMERAS} active cameras on {line.how} for {span_s:.0f} s")
        await house.until(lambda: _through(house.live()) == _CAMERAS)
        await asyncio.sleep(span_s)
        arrivals = house.live(began_us)
        steps = sorted({step for step, _ in house.steps.values()})
        run.say(f"steps in force: {', '.join(map(str, steps))}; {outages} x {outage_s:.0f} s down")
        after: list[Arrival] = []
        backs_ms: list[float] = []
        for _ in range(outages):
            await line.down()
            await asyncio.sleep(outage_s)
            await line.up()
            up_us = _now_us()
            backs_ms.append(await _back_ms(house, up_us))
            await asyncio.sleep(20.0)
            after += house.live(up_us)
    how = f"{_CAMERAS} x 720p H.264, GOP 25, all active, {line.how}"
    return [
        *_sharing(arrivals, how),
        Figure(
            name=f"edge.outage_{outage_s:.0f}s.live_again_ms",
            value=median(backs_ms),
            n=outages,
            how=f"from the line's return to the first live frame, {line.how}; "
            f"{min(backs_ms):.0f} to {max(backs_ms):.0f}",
        ),
        Figure(
            name=f"edge.outage_{outage_s:.0f}s.age_p95_ms",
            value=percentile([one.age_ms for one in after], 0.95),
            n=len(after),
            how="of live frames in the 20 s after the line's return, with an outage to replay",
        ),
    ]


def _sharing(arrivals: list[Arrival], how: str) -> list[Figure]:
    seconds = (arrivals[-1].arrived_us - arrivals[0].arrived_us) / 1e6
    counts = [sum(one.camera == number for one in arrivals) for number in range(1, _CAMERAS + 1)]
    return [
        Figure(
            name="edge.uplink_200kbit.age_p95_ms",
            value=percentile([one.age_ms for one in arrivals], 0.95),
            n=len(arrivals),
            how=f"capture to arrival, {how}; the first seconds included",
        ),
        Figure(
            name="edge.uplink_200kbit.cameras_through",
            value=float(_through(arrivals)),
            n=_CAMERAS,
            how=f"cameras with live frames, {how}",
        ),
        Figure(
            name="edge.uplink_200kbit.least_fps",
            value=min(counts) / seconds,
            n=len(arrivals),
            how="frames a second of the camera that got least",
        ),
    ]


async def _back_ms(house: FarEnd, up_us: int) -> float:
    """Return how long after the line's return a picture of after that, or of the second before, has come."""

    def young() -> list[Arrival]:
        return [one for one in house.live(up_us) if one.captured_us >= up_us - _YOUNG_US]

    await house.until(lambda: bool(young()))
    return (young()[0].arrived_us - up_us) / 1000


@asynccontextmanager
async def _house(run: Run) -> AsyncIterator[tuple[NarrowLine, FarEnd, int]]:
    clip = await asyncio.to_thread(run.clip, catalog.busy())
    # Each begins somewhere else, as cameras do that know nothing of each other.
    mounts = [Mount(f"camera{number}", clip, shift_s=0.37 * number) for number in range(_CAMERAS)]
    async with Processes() as processes, narrow_line(_BYTES_PER_S) as line:
        cameras = await Cameras.start(processes, "cameras-uplink", mounts)
        async with FarEnd(line.listener, configured(cameras.urls)) as house:
            command = [
                *(str(Path(sys.executable).with_name("edge-bridge")), "run"),
                *("--url", line.url, "--name", "Bench", "--insecure"),
                *("--state", str(processes.folder / "uplink"), "--log-level", "info"),
            ]
            bridge = await processes.start(
                "bridge-uplink", command, env={"CAMERA_NARRATOR_TOKEN": TOKEN}
            )
            try:
                yield line, house, _now_us()
            finally:
                await bridge.stop()


def _through(arrivals: list[Arrival]) -> int:
    return len({one.camera for one in arrivals})


def _now_us() -> int:
    return time.monotonic_ns() // 1000
