"""What a narrow line to Home Assistant leaves of eight active cameras, and how soon they are back after an outage."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
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


async def measure(run: Run) -> list[Figure]:
    """Return the age of what arrives at 200 kbit/s, who gets through, and how soon it is live after an outage."""
    span_s, outage_s = (20.0, 12.0) if run.quick else (90.0, 60.0)
    async with _house(run) as (line, house, began_us):
        run.say(f"{_CAMERAS} active cameras on {line.how} for {span_s:.0f} s")
        await house.until(lambda: _through(house.live()) == _CAMERAS)
        await asyncio.sleep(span_s)
        arrivals = house.live(began_us)
        steps = sorted({step for step, _ in house.steps.values()})
        run.say(
            f"steps in force: {', '.join(map(str, steps))}; the line is down for {outage_s:.0f} s"
        )
        await line.down()
        await asyncio.sleep(outage_s)
        await line.up()
        up_us = _now_us()
        await house.until(lambda: bool(house.live(up_us)))
        back_ms = (house.live(up_us)[0].arrived_us - up_us) / 1000
        await asyncio.sleep(span_s / 2)
        after = house.live(up_us)
    how = f"720p H.264, GOP 25, all active, 1 fps wished, {line.how}"
    seconds = (arrivals[-1].arrived_us - arrivals[0].arrived_us) / 1e6
    ages = [one.age_ms for one in arrivals]
    return [
        Figure(
            name="edge.uplink_200kbit.age_p95_ms",
            value=percentile(ages, 0.95),
            n=len(ages),
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
            value=min(
                sum(one.camera == number for one in arrivals) / seconds
                for number in range(1, _CAMERAS + 1)
            ),
            n=len(ages),
            how="frames a second of the camera that got least",
        ),
        Figure(
            name=f"edge.outage_{outage_s:.0f}s.live_again_ms",
            value=back_ms,
            n=1,
            how=f"from the line's return to the first live frame, {line.how}",
        ),
        Figure(
            name=f"edge.outage_{outage_s:.0f}s.age_p95_ms",
            value=percentile([one.age_ms for one in after], 0.95),
            n=len(after),
            how="of live frames after the line's return, with the outage's frames to replay",
        ),
    ]


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
