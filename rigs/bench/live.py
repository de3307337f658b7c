"""Over RTSP: what many cameras cost the real bridge, how old their frames are, and the same beside others."""

import asyncio
import os
import random
import signal
from statistics import median
from pathlib import Path

from rigs.bench import baseline, catalog
from rigs.bench.bridge_process import RunningBridge, configured, running_bridge
from rigs.bench.cameras import Cameras, Mount
from rigs.bench.clip import Clip
from rigs.bench.figure import Figure, percentile, ratio
from rigs.bench.load import memory_mb, process_cpu_s
from rigs.bench.run import Run
from rigs.process import Processes

_KEY_S = 2.0
"""Between key pictures; each of them is sent, five times as many as out of the box."""
_COUNTS = (1, 16, 64)
_BESIDE = 16
"""Cameras of the bridge that is measured beside the others: small beside them, and its own idling spread."""


async def measure(run: Run) -> list[Figure]:
    """Return all figures of cameras over RTSP."""
    figures: list[Figure] = []
    clip = await asyncio.to_thread(
        run.clip, catalog.quiet("1080p", "h264", 50)
    )
    async with Processes() as processes:
        mounts = _mounts("camera", clip, max(_COUNTS))
        cameras = await Cameras.start(processes, "cameras", mounts)
        figures += await _beside(run, processes, cameras)
        figures += await _many(run, processes, cameras)
    clip = await asyncio.to_thread(run.clip, catalog.quiet("4k", "hevc", 50))
    async with Processes() as processes:
        cameras = await Cameras.start(processes, "cameras-4k", _mounts("main", clip, 12))
        figures += await _main_streams(run, processes, cameras)
    return figures


async def _beside(run: Run, processes: Processes, cameras: Cameras) -> list[Figure]:
    """Measure the bridge, ffmpeg and OpenCV in the same seconds, each on cameras of the same stream."""
    span_s = 4.0 if run.quick else 8.0
    rounds = run.rounds + 1
    run.say(f"measuring {_BESIDE} cameras over RTSP beside ffmpeg and OpenCV: {rounds} rounds")
    urls = list(cameras.urls.items())
    ours: list[float] = []
    others: dict[str, list[float]] = {"ffmpeg": [], "ffmpeg_nokey": [], "opencv": []}
    bridge_cameras = configured(dict(urls[:_BESIDE]), quiet_interval_s=_KEY_S)
    url = urls[_BESIDE][1]
    async with running_bridge(processes, "bridge-beside", bridge_cameras) as bridge:
        commands = {
            "ffmpeg": baseline.ffmpeg(url),
            "ffmpeg_nokey": baseline.ffmpeg(url, keys_only=True),
            "opencv": baseline.opencv(url, 3600),
        }
        running = {
            name: await processes.start(f"beside-{name}", command, log=Path(os.devnull))
            for name, command in commands.items()
        }
        await asyncio.sleep(4.0)  # opening, and the first pictures of all
        for _ in range(rounds):
            before = {name: process_cpu_s(process.pid) for name, process in running.items()}
            cpu_s = process_cpu_s(bridge.process.pid)
            await asyncio.sleep(span_s)
            ours.append((process_cpu_s(bridge.process.pid) - cpu_s) / _BESIDE)
            for name, process in running.items():
                others[name].append(process_cpu_s(process.pid) - before[name])
        for process in running.values():
            process.send(signal.SIGKILL)
    told = f"RTSP, per camera of {_BESIDE} beside one process, {_ms(ours, span_s)} against "
    return [
        ratio(
            f"edge.cpu_vs_{name}.1080p_h264_gop50_rtsp",
            ours,
            values,
            f"{told}{_ms(values, span_s)} ms/s; {1 / _KEY_S:g} pictures/s "
            f"against {1 / _KEY_S if name == 'ffmpeg_nokey' else 1:g}",
        )
        for name, values in others.items()
    ]


async def _many(run: Run, processes: Processes, cameras: Cameras) -> list[Figure]:
    """Measure one bridge with more and more cameras."""
    urls = list(cameras.urls.items())
    figures: list[Figure] = []
    memory: list[tuple[int, float]] = []
    first = configured(dict(urls[:1]), quiet_interval_s=_KEY_S)
    async with running_bridge(processes, "bridge-many", first) as bridge:
        for count in _COUNTS:
            run.say(f"measuring {count} cameras over RTSP")
            bridge.receiver.forget()
            await bridge.receiver.configure(
                configured(dict(urls[:count]), quiet_interval_s=_KEY_S)
            )
            await bridge.receiver.until_all_sent(timeout_s=60)
            spans = (4.0, 6.0, 12.0) if run.quick else (20.0, 20.0, 30.0)
            per_s = await _cpu_per_s(bridge, spans[_COUNTS.index(count)])
            memory.append((count, memory_mb(bridge.process.pid)))
            figures += _of_count(count, 1000 * per_s / count, memory[-1][1], bridge)
    figures.append(
        Figure(
            name="edge.mb_per_camera.1080p",
            value=_slope(memory),
            n=len(memory),
            how="RTSP, slope of the bridge's PSS over "
            + ", ".join(f"{count}: {mb:.0f} MB" for count, mb in memory),
        )
    )
    return figures


async def _cpu_per_s(bridge: RunningBridge, span_s: float) -> float:
    """Return the bridge's processor seconds per second, once those who opened have settled."""
    await asyncio.sleep(4.0)
    bridge.receiver.forget()
    before_s = process_cpu_s(bridge.process.pid)
    await asyncio.sleep(span_s)
    return (process_cpu_s(bridge.process.pid) - before_s) / span_s


def _of_count(
    count: int, ms_per_s: float, mb: float, bridge: RunningBridge
) -> list[Figure]:
    ages = [seen.age_ms for seen in bridge.receiver.frames]
    how = f"RTSP, {count} quiet cameras, each key picture sent"
    figures = [
        Figure(name=f"edge.cpu_ms_per_s.1080p_gop50.{count}", value=ms_per_s, n=count, how=how),
        Figure(name=f"edge.mb.1080p_gop50.{count}", value=mb, n=1, how=f"{how}; PSS"),
    ]
    for share in (0.5, 0.99):
        figures.append(
            Figure(
                name=f"edge.age_ms.1080p_gop50.{count}.p{round(100 * share)}",
                value=percentile(ages, share),
                n=len(ages),
                how=f"{how}; packet at the bridge → frame at the receiver",
            )
        )
    if count == max(_COUNTS):
        figures.append(
            Figure(
                name="edge.cameras_per_2_cores.1080p_gop50",
                value=2000 / ms_per_s,
                n=count,
                how=f"2000 / {ms_per_s:.1f} ms per second and camera at {count}",
            )
        )
    return figures


async def _main_streams(run: Run, processes: Processes, cameras: Cameras) -> list[Figure]:
    """Measure twelve 4K cameras of which somebody set up the main stream."""
    run.say("measuring 12 cameras of 4K HEVC over RTSP")
    wanted = configured(cameras.urls, quiet_interval_s=_KEY_S)
    async with running_bridge(processes, "bridge-4k", wanted) as bridge:
        cores = await _cpu_per_s(bridge, 12.0 if run.quick else 30.0)
        mb = memory_mb(bridge.process.pid)
        ages = [seen.age_ms for seen in bridge.receiver.frames]
    how = "RTSP, 12 × 4K25 HEVC with GOP 50, quiet, each key picture sent"
    return [
        Figure(name="edge.cores.12x4k_hevc", value=cores, n=12, how=how),
        Figure(name="edge.mb.12x4k_hevc", value=mb, n=1, how=f"{how}; PSS of the bridge"),
        Figure(
            name="edge.age_ms.12x4k_hevc.p99", value=percentile(ages, 0.99), n=len(ages), how=how
        ),
    ]


def _mounts(name: str, clip: Clip, count: int) -> list[Mount]:
    """Return cameras of one clip whose key pictures come when they come, the same in every run."""
    places = random.Random(1)
    length_s = clip.recipe.duration_s
    return [Mount(f"{name}{n}", clip, places.uniform(0, length_s)) for n in range(1, count + 1)]


def _slope(points: list[tuple[int, float]]) -> float:
    """Return the slope of the straight line nearest to the points."""
    x_mean = sum(x for x, _ in points) / len(points)
    y_mean = sum(y for _, y in points) / len(points)
    return sum((x - x_mean) * (y - y_mean) for x, y in points) / sum(
        (x - x_mean) ** 2 for x, _ in points
    )


def _ms(values: list[float], span_s: float) -> str:
    return f"{1000 * median(values) / span_s:.1f}"
