"""What the integration takes of a real Home Assistant: processor, event loop, memory, rows of the recorder."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
import sqlite3
from typing import Final

import aiohttp

from rigs import dialogs
from rigs.bench import bare_reader
from rigs.bench.figure import Figure
from rigs.bench.pushing_bridge import PushingBridge
from rigs.bench.watched_home import WatchedHome
from rigs.home_assistant_client import HomeAssistantClient
from rigs.process import Processes

_CAMERAS: Final = 12
_MANY: Final = 64
_FPS: Final = 2.0
"""Of 64 cameras: 128 frames a second."""
_VISIT_S: Final = 12.0
_OVER_S: Final = 35.0
"""20 s of quiet end an event, the last words are there by then, and the recorder writes every 5 s."""
_VISITS_A_DAY: Final = 30
_COMMIT_S: Final = 6.0
_FLICKERED_S: Final = 25.0
"""20 s of quiet end what was no visit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Load:
    cpu_share: float
    late_ms: float
    n: int


async def measure(*, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Return its figures, and what reading alone costs."""
    idle_s, load_s = (10.0, 10.0) if quick else (120.0, 30.0)
    say("a Home Assistant with a recorder")
    async with (
        Processes() as processes,
        WatchedHome(processes) as home,
        aiohttp.ClientSession() as session,
    ):
        client = await home.start()
        before_mb = home.weight_mb()
        entry_id = await dialogs.add_builtin_hub(client)
        flow = await dialogs.show_token(client, entry_id, home.url)
        async with PushingBridge(session, home.url, flow.placeholders["token"]) as bridge:
            await dialogs.keep_bridge(flow, "Pushing")
            await _add_cameras(client, entry_id, bridge, _CAMERAS)
            await asyncio.sleep(_COMMIT_S)  # what setting up wrote is no part of a day
            say("12 cameras, one visit each")
            rows = [await asyncio.to_thread(_rows, home)]
            await bridge.push(_VISIT_S, fps=1, active=True, count=_CAMERAS)
            after_mb = home.weight_mb()
            await bridge.push(_OVER_S, fps=0.1, active=False, count=_CAMERAS)
            await asyncio.sleep(_COMMIT_S)
            rows.append(await asyncio.to_thread(_rows, home))
            say(f"12 quiet cameras for {idle_s:.0f} s")
            await bridge.push(idle_s, fps=0.1, active=False, count=_CAMERAS)
            await asyncio.sleep(_COMMIT_S)
            rows.append(await asyncio.to_thread(_rows, home))
            await _add_cameras(client, entry_id, bridge, _MANY)
            for camera in bridge.cameras[_CAMERAS:]:
                await bridge.flicker(camera)
            # What was set up is written, what flickered is over, and each camera has been shown once.
            async with asyncio.TaskGroup() as group:
                group.create_task(bridge.push(_FLICKERED_S, fps=0.1, active=False, count=_MANY))
                reader = group.create_task(
                    bare_reader.measure(processes, cameras=_MANY, fps=_FPS, seconds=load_s, say=say)
                )
            say(f"64 cameras, 128 frames a second for {load_s:.0f} s")
            quiet = await _load(home, client, asyncio.sleep(load_s), load_s)
            busy = await _load(
                home, client, bridge.push(load_s, fps=_FPS, active=False, count=_MANY), load_s
            )
    a_visit = (rows[1] - rows[0]) / _CAMERAS
    idle_a_day = (rows[2] - rows[1]) / (idle_s + _COMMIT_S) * 86_400
    return [
        Figure(
            name="ingest.core_share_128fps",
            value=busy.cpu_share - quiet.cpu_share,
            n=round(load_s * _FPS * _MANY),
            how="64 quiet cameras that tell activity over one WebSocket, process time of Home Assistant less that of an idle one",
        ),
        Figure(
            name="ingest.core_share_128fps.reading_alone",
            value=reader.result().cpu_share,
            n=reader.result().n,
            how="the same frames to a server of aiohttp's that reads and forgets them",
        ),
        Figure(
            name="ingest.loop_stall_ms.p99",
            value=max(0.0, busy.late_ms - quiet.late_ms),
            n=busy.n,
            how="the same; lateness of a timer of 5 ms in its event loop, less that of an idle one",
        ),
        Figure(
            name="ha.mb.12cams",
            value=after_mb - before_mb,
            n=_CAMERAS,
            how="PSS with hub, bridge and 12 active cameras, less that before; built-in describer",
        ),
        Figure(
            name="ha.recorder_rows_per_day.12cams",
            value=a_visit * _CAMERAS * _VISITS_A_DAY + idle_a_day,
            n=_CAMERAS,
            how=f"{a_visit:.1f} rows of states and events a visit, {idle_a_day:.0f} a day of quiet, scaled to 12 x 30 visits",
        ),
    ]


async def _add_cameras(
    client: HomeAssistantClient, entry_id: str, bridge: PushingBridge, upto: int
) -> None:
    for number in range(len(bridge.cameras) + 1, upto + 1):
        await dialogs.add_pushed_camera(client, entry_id, f"Camera {number}")
    await bridge.until_cameras(upto)


async def _load(
    home: WatchedHome, client: HomeAssistantClient, work: Awaitable[None], seconds: float
) -> _Load:
    await home.lateness(client)
    begun_s = home.cpu_s()
    await work
    used_s = home.cpu_s() - begun_s
    n, late_ms = await home.lateness(client)
    return _Load(cpu_share=used_s / seconds, late_ms=late_ms, n=n)


def _rows(home: WatchedHome) -> int:
    with closing(sqlite3.connect(f"file:{home.database}?mode=ro", uri=True)) as database:
        counts = [
            database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
            for table in ("states", "events")
        ]
    return int(sum(counts))
