"""What the bridge must bear for long: many cameras that fail in all ways, endless reconnects, restless configurations."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
import os
from pathlib import Path
import sys

import av
import numpy as np
import pytest

from edge_bridge.protocol.camera import CameraStatus, Counters
from edge_bridge.protocol.frame import Frame
from edge_bridge.protocol.messages import Configured, Status
from edge_bridge.protocol.vocabulary import StreamState
from rigs.camera_process import CameraProcess
from rigs.process import Processes
from tests.bridge.conftest import Serve, StartBridge, config, drawn, eventually
from tests.bridge.fake_gateway import TOKEN, FakeGateway
from tests.bridge.test_process import Run, run

__all__ = ["run"]
"""A fixture."""

WELL = 48
GROUP_S = 1.0
"""Between the key frames of the clips here."""


def clip(path: Path, codec: str, width: int = 320, height: int = 240) -> Path:
    """Write ten seconds of slowly changing shades, as a camera codes a quiet scene."""
    with av.open(str(path), "w") as container:
        options = {"preset": "ultrafast", "tune": "zerolatency"}
        settings = "keyint=15:min-keyint=15:scenecut=0:bframes=0"
        options |= (
            {"x264-params": settings}
            if codec == "libx264"
            else {"x265-params": f"{settings}:log-level=none"}
        )
        stream = container.add_stream(codec, rate=15, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(150):
            luma = np.full((height, width, 3), 90 + number // 30, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(luma, format="rgb24")))
        container.mux(stream.encode())
    return path


def counted(gateway: FakeGateway, entry: CameraStatus, number: int) -> bool:
    """Return whether every frame that was sampled has arrived or has a counter."""
    counters: Counters = entry.counters
    received = sum(frame.camera == number for frame in gateway.frames)
    lost = counters.replaced + counters.overflowed + counters.withdrawn
    return counters.sampled == received + lost and not counters.unacknowledged


def newest(gateway: FakeGateway) -> dict[str, CameraStatus]:
    """Return the newest status of each camera."""
    return {entry.camera: entry for status in gateway.seen(Status) for entry in status.cameras}


@dataclass
class Faulty:
    """Sixteen cameras, each with a fault of its own, and how to take it away."""

    cameras: CameraProcess
    clips: Path
    names: list[str] = field(default_factory=lambda: [f"bad{number}" for number in range(16)])

    async def break_all(self) -> None:
        """Break each in its way, while all of them stream."""
        small, other = str(self.clips / "small.mp4"), str(self.clips / "hevc.mp4")
        faults: list[dict[str, object]] = [
            {"refuse": "404", "kick": True},
            {"refuse": "401", "kick": True},
            {"refuse": "503", "kick": True},
            {"refuse": "hang", "kick": True},
            {"describe_delay_s": 3, "kick": True},
            {"freeze": True},
            {"stuck": True},
            {"drop": 0.05},
            {"corrupt": 0.05},
            {"rate_bytes_s": 2000},
            {"kick": True},
            {"jump_s": 3600},
            {"jump_s": -3600},
            {"source": small},
            {"source": other},
            {"drop": 0.3, "corrupt": 0.3},
        ]
        for name, settings in zip(self.names, faults, strict=True):
            await self.cameras.set(name, **settings)

    async def mend_all(self) -> None:
        """Take every fault away."""
        for name in self.names:
            await self.cameras.set(name, reset=True, source=str(self.clips / "plain.mp4"))


@pytest.mark.timeout(240)
async def test_sixteen_of_sixty_four_cameras_fail_and_the_others_lose_nothing(
    gateway: FakeGateway,
    run: Run,
    tmp_path: Path,
) -> None:
    """All ways of failing at once: the other 48 stream on without a gap, and in the end every camera is back."""
    plain = clip(tmp_path / "plain.mp4", "libx264")
    clip(tmp_path / "small.mp4", "libx264", 160, 120)
    clip(tmp_path / "hevc.mp4", "libx265")
    names = [f"well{number}" for number in range(WELL)] + [f"bad{number}" for number in range(16)]
    async with Processes() as processes:
        specs = [f"{name}={plain},shift={n * 0.07:.2f}" for n, name in enumerate(names)]
        cameras = await CameraProcess.start(processes, specs)
        gateway.cameras = tuple(
            config(cameras.urls[name], name, number, quiet_interval_s=GROUP_S)
            for number, name in enumerate(names, 1)
        )
        await run("run", "--url", gateway.url)

        def all_stream() -> bool:
            states = newest(gateway)
            return all(
                name in states and states[name].state is StreamState.STREAMING for name in names
            )

        await gateway.until(all_stream, within_s=60)
        faulty = Faulty(cameras, tmp_path)
        begun = len(gateway.frames)
        await faulty.break_all()

        def failed() -> set[str]:
            states = newest(gateway)
            return {name for name in names if states[name].state is StreamState.FAILED}

        # The first five refuse or hang, the sixth is silent.
        await gateway.until(lambda: {f"bad{n}" for n in (0, 1, 2, 3, 5)} <= failed(), within_s=60)
        await gateway.until(lambda: len(gateway.frames) > begun + 10 * WELL, within_s=60)
        assert not any(name.startswith("well") for name in failed())
        during = gateway.frames[begun:]
        await faulty.mend_all()
        await gateway.until(all_stream, within_s=90)
        gaps_s = [longest_gap_s(during, number) for number in range(1, WELL + 1)]
        assert max(gaps_s) < 3 * GROUP_S, gaps_s
        states = newest(gateway)
        well = [states[f"well{number}"] for number in range(WELL)]
        assert [entry.camera for entry in well if entry.skipped] == []
        assert [entry.camera for entry in well if entry.counters.replaced] == []
        await gateway.until(
            lambda: all(
                counted(gateway, newest(gateway)[name], number)
                for number, name in enumerate(names, 1)
            ),
            within_s=60,
        )


def longest_gap_s(frames: list[Frame], number: int) -> float:
    """Return the longest time between two frames of a camera."""
    times = [frame.captured_us for frame in frames if frame.camera == number]
    return max((b - a for a, b in pairwise(times)), default=10**9) / 1e6


IMPATIENT = (
    "import sys, edge_bridge.capture as capture; capture.RETRY_FIRST_S = capture.RETRY_MOST_S = 0.05;"
    "from edge_bridge.__main__ import main; sys.exit(main())"
)
"""The bridge, but for how long it waits between two sessions: with that, 200 would take hours."""


def resources(pid: int) -> tuple[float, int, int]:
    """Return megabytes, threads and descriptors of a process."""
    process = Path("/proc") / str(pid)
    pages = int((process / "statm").read_text("ascii").split()[1])
    threads, descriptors = (len(list((process / name).iterdir())) for name in ("task", "fd"))
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20, threads, descriptors


@pytest.mark.timeout(180)
async def test_two_hundred_reconnects_leave_nothing_behind(
    gateway: FakeGateway, serve: Serve, tmp_path: Path
) -> None:
    """Memory, threads and descriptors after 208 ends of streams are those of before."""
    cameras = [drawn(f"camera{number}") for number in range(8)]
    server = await serve(*cameras)
    gateway.cameras = tuple(
        config(server.url(camera.name), camera.name, number)
        for number, camera in enumerate(cameras, 1)
    )
    async with Processes() as processes:
        command = [sys.executable, "-c", IMPATIENT, "run", "--url", gateway.url]
        environment = {"CAMERA_NARRATOR_TOKEN": TOKEN, "CAMERA_NARRATOR_STATE": str(tmp_path)}
        bridge = await processes.start("bridge", command, env=environment)

        async def reconnect(times: int) -> None:
            for _ in range(times):
                seen = {camera.name: sessions(gateway, camera.name) for camera in cameras}
                for camera in cameras:
                    camera.kick()
                await gateway.until(
                    lambda seen=seen: all(sessions(gateway, key) > n for key, n in seen.items())
                )

        await gateway.until(lambda: all(sessions(gateway, camera.name) for camera in cameras))
        await reconnect(4)
        before = resources(bridge.pid)
        await reconnect(26)
        await eventually(lambda: resources(bridge.pid)[1:] <= before[1:])
        # A picture of each camera more or less is a few megabytes; one leaked decoder each time would be 200.
        assert resources(bridge.pid)[0] - before[0] < 24
        await gateway.until(
            settled(gateway, {camera.name: n for n, camera in enumerate(cameras, 1)})
        )


def sessions(gateway: FakeGateway, camera: str) -> int:
    """Return how often a camera has begun to stream."""
    states = [
        entry.state
        for status in gateway.seen(Status)
        for entry in status.cameras
        if entry.camera == camera
    ]
    return sum(
        after is StreamState.STREAMING and before is not StreamState.STREAMING
        for before, after in zip([None, *states], states, strict=False)
    )


async def test_hundred_configurations_on_end_end_in_the_last(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge
) -> None:
    """Cameras come, go, move and change; what counts is the last list, and no frame is unaccounted for."""
    cameras = [drawn(f"camera{number}") for number in range(4)]
    server = await serve(*cameras)
    urls = [server.url(camera.name) for camera in cameras]
    gateway.cameras = (config(urls[0], "one", 1),)
    start_bridge(gateway)
    await gateway.until(lambda: bool(gateway.frames))
    for revision in range(2, 101):
        wanted = [
            config(urls[(revision + place) % 4], key, place + 1, height_px=120 + 8 * (revision % 9))
            for place, key in enumerate(("one", "two", "three"))
            if revision % (place + 2) == 0
        ]
        await gateway.configure(*wanted, revision=revision)
        await gateway.until(lambda revision=revision: revision in answered(gateway))
    await gateway.configure(config(urls[3], "one", 1, height_px=240), revision=101)
    await gateway.until(lambda: 101 in answered(gateway))
    assert answered(gateway) == list(range(1, 102))
    seen = len(gateway.frames)
    await gateway.until(lambda: len(gateway.frames) >= seen + 5)
    assert {(f.camera, f.height) for f in gateway.frames[seen + 3 :]} == {(1, 240)}
    await eventually(lambda: [camera.viewers for camera in cameras] == [0, 0, 0, 1])
    # The status that tells that nothing is open is the last that names a removed camera.
    await gateway.until(settled(gateway, {"one": 1, "two": 2, "three": 3}))


def answered(gateway: FakeGateway) -> list[int]:
    """Return the revisions that the bridge has taken over, in order."""
    return [said.revision for said in gateway.seen(Configured)]


def settled(gateway: FakeGateway, numbers: dict[str, int]) -> Callable[[], bool]:
    """Return whether the counters of these cameras add up."""
    return lambda: all(
        counted(gateway, newest(gateway)[key], number) for key, number in numbers.items()
    )


async def test_clock_of_a_camera_that_is_set_by_an_hour_changes_nothing(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge
) -> None:
    """Forward and back: pictures keep coming in order, without a new session and without doubt."""
    camera = drawn()
    server = await serve(camera)
    gateway.cameras = (config(server.url("front")),)
    start_bridge(gateway)
    await gateway.until(lambda: len(gateway.frames) >= 2)
    for jump_s in (3600.0, -7200.0, 3600.0):
        camera.jump(jump_s)
        seen = len(gateway.frames)
        await gateway.until(lambda seen=seen: len(gateway.frames) >= seen + 4)
    assert sessions(gateway, "front") == 1
    captured = [frame.captured_us for frame in gateway.frames]
    assert captured == sorted(captured)
    assert not any(frame.flags & 8 for frame in gateway.frames)
