"""Over RTSP: what many cameras cost the real bridge, how old their frames are, and the same beside others."""

import asyncio
from dataclasses import dataclass
import os
from pathlib import Path
import random
from statistics import median

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
_SPANS_S = {1: 4.0, 16: 4.0, 64: 10.0}
_BESIDE = 16
"""Cameras of the bridge that is measured beside the others: small beside them, and its own idling spread."""
_SETTLE_S = 4.0
"""After the first pictures: opening costs more than going on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Load:
    """What a bridge cost over a span, and what it brought."""

    cores: float
    mb: float
    ages_ms: list[float]
    due: int
    """Pictures that should have been sent."""

    @property
    def cores_for_all(self) -> float:
        """What it would have cost to send all of them: a machine that has no time for some must not look cheap."""
        return self.cores * max(1.0, self.due / max(1, len(self.ages_ms)))


async def measure(run: Run) -> list[Figure]:
    """Return all figures of cameras over RTSP."""
    figures: list[Figure] = []
    clip = await asyncio.to_thread(run.clip, catalog.quiet("1080p", "h264", 50))
    async with Processes() as processes:
        mounts = _mounts("camera", clip, max(_COUNTS))
        cameras = await Cameras.start(processes, "cameras", mounts)
        figures += await _many(run, processes, cameras)
    clip = await asyncio.to_thread(run.clip, catalog.quiet("4k", "hevc", 50))
    async with Processes() as processes:
        cameras = await Cameras.start(processes, "cameras-4k", _mounts("main", clip, 12))
        figures += await _main_streams(run, processes, cameras)
    return figures


async def _many(run: Run, processes: Processes, cameras: Cameras) -> list[Figure]:
    """Measure one bridge with more and more cameras."""
    urls = list(cameras.urls.items())
    figures: list[Figure] = []
    memory: list[tuple[int, float]] = []
    first = configured(dict(urls[:1]), quiet_interval_s=_KEY_S)
    async with running_bridge(processes, "bridge-many", first) as bridge:
        for count in _COUNTS:
            run.say(f"measuring {count} of 1080p over RTSP")
            wanted = configured(dict(urls[:count]), quiet_interval_s=_KEY_S)
            await bridge.receiver.configure(wanted)
            load = await _load(bridge, count, _SPANS_S[count] * (1 if run.quick else 3))
            memory.append((count, load.mb))
            figures += _of_count(count, load)
            if count == _BESIDE:
                figures += await _beside(run, processes, bridge, urls[count][1])
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


async def _load(bridge: RunningBridge, count: int, span_s: float) -> _Load:
    """Measure a bridge once all of its cameras are there and have settled."""
    bridge.receiver.forget()
    await bridge.receiver.until_all_sent(timeout_s=60)
    await asyncio.sleep(_SETTLE_S)
    bridge.receiver.forget()
    before_s = process_cpu_s(bridge.process.pid)
    await asyncio.sleep(span_s)
    return _Load(
        cores=(process_cpu_s(bridge.process.pid) - before_s) / span_s,
        mb=memory_mb(bridge.process.pid),
        ages_ms=[seen.age_ms for seen in bridge.receiver.frames],
        due=round(count * span_s / _KEY_S),
    )


async def _beside(run: Run, processes: Processes, bridge: RunningBridge, url: str) -> list[Figure]:
    """Measure the bridge, ffmpeg and OpenCV in the same seconds, on cameras of the same stream."""
    span_s = 4.0 if run.quick else 8.0
    rounds = run.rounds + 1
    run.say(f"measuring {_BESIDE} of 1080p beside ffmpeg and OpenCV: {rounds} rounds")
    ours: list[float] = []
    others: dict[str, list[float]] = {"ffmpeg": [], "ffmpeg_nokey": [], "opencv": []}
    commands = {
        "ffmpeg": baseline.ffmpeg(url),
        "ffmpeg_nokey": baseline.ffmpeg(url, keys_only=True),
        "opencv": baseline.opencv(url, 3600),
    }
    running = {
        name: await processes.start(f"beside-{name}", command, log=Path(os.devnull))
        for name, command in commands.items()
    }
    await asyncio.sleep(_SETTLE_S)
    for _ in range(rounds):
        before = {name: process_cpu_s(process.pid) for name, process in running.items()}
        cpu_s = process_cpu_s(bridge.process.pid)
        await asyncio.sleep(span_s)
        ours.append((process_cpu_s(bridge.process.pid) - cpu_s) / _BESIDE)
        for name, process in running.items():
            others[name].append(process_cpu_s(process.pid) - before[name])
    for process in running.values():
        await process.kill()
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


def _of_count(count: int, load: _Load) -> list[Figure]:
    how = f"RTSP, {count} quiet, {len(load.ages_ms)} of {load.due} key pictures sent"
    ms_per_s = 1000 * load.cores_for_all / count
    figures = [
        Figure(name=f"edge.cpu_ms_per_s.1080p_gop50.{count}", value=ms_per_s, n=count, how=how),
        Figure(name=f"edge.mb.1080p_gop50.{count}", value=load.mb, n=1, how=f"{how}; PSS"),
    ]
    figures += [
        Figure(
            name=f"edge.age_ms.1080p_gop50.{count}.p{round(100 * share)}",
            value=percentile(load.ages_ms, share),
            n=len(load.ages_ms),
            how=f"{how}; packet at the bridge → frame at the receiver",
        )
        for share in (0.5, 0.99)
    ]
    if count == max(_COUNTS):
        figures.append(
            Figure(
                name="edge.cameras_per_2_cores.1080p_gop50",
                value=2000 / ms_per_s,
                n=count,
                how=f"2000 / {ms_per_s:.1f} ms per second and camera at {count}; {how}",
            )
        )
    return figures


async def _main_streams(run: Run, processes: Processes, cameras: Cameras) -> list[Figure]:
    """Measure twelve 4K cameras of which somebody set up the main stream."""
    count = len(cameras.urls)
    run.say(f"measuring {count} of 4K HEVC over RTSP")
    wanted = configured(cameras.urls, quiet_interval_s=_KEY_S)
    async with running_bridge(processes, "bridge-4k", wanted) as bridge:
        load = await _load(bridge, count, 10.0 if run.quick else 30.0)
    how = (
        f"RTSP, 12 × 4K25 HEVC with GOP 50, quiet, "
        f"{len(load.ages_ms)} of {load.due} key pictures sent"
    )
    return [
        Figure(name="edge.cores.12x4k_hevc", value=load.cores_for_all, n=count, how=how),
        Figure(name="edge.mb.12x4k_hevc", value=load.mb, n=1, how=f"{how}; PSS of the bridge"),
        Figure(
            name="edge.age_ms.12x4k_hevc.p99",
            value=percentile(load.ages_ms, 0.99),
            n=len(load.ages_ms),
            how=how,
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
