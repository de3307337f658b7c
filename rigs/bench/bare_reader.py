"""A WebSocket server that reads frames and does nothing else: what none that stands on aiohttp can cost less than."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
import sys
from typing import Final

import aiohttp
from aiohttp import web

from custom_components.camera_narrator.protocol.camera import CameraConfig
from custom_components.camera_narrator.protocol.limits import MAX_TEXT_BYTES, PATH
from custom_components.camera_narrator.protocol.messages import Welcome
from custom_components.camera_narrator.protocol.vocabulary import Source
from rigs.bench.pushing_bridge import PushingBridge
from rigs.process import Processes

READY: Final = r"reading on port (\d+)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What it cost to read."""

    cpu_share: float
    n: int


async def measure(
    processes: Processes, *, cameras: int, fps: float, seconds: float, say: Callable[[str], None]
) -> Reading:
    """Push the same frames at it."""
    say(f"the same frames to a server that only reads, for {seconds:.0f} s")
    server = await processes.start(
        "bare-reader", [sys.executable, "-m", "rigs.bench.bare_reader", str(cameras)]
    )
    port = (await server.wait_for(READY)).group(1)
    async with (
        aiohttp.ClientSession() as session,
        PushingBridge(session, f"http://127.0.0.1:{port}", "none") as bridge,
    ):
        await bridge.until_cameras(cameras)
        await bridge.push(1.0, fps=fps, active=False, count=cameras)
        begun_s = server.cpu_s()
        await bridge.push(seconds, fps=fps, active=False, count=cameras)
        used_s = server.cpu_s() - begun_s
    await server.stop()
    return Reading(cpu_share=used_s / seconds, n=round(seconds * fps * cameras))


async def _serve(cameras: int) -> None:
    welcome = Welcome(
        protocol=1,
        run_id="none",
        mqtt_prefix="none",
        revision=1,
        cameras=tuple(
            CameraConfig(number=number, camera=f"camera_{number}", source=Source.PUSHED)
            for number in range(1, cameras + 1)
        ),
        received=(),
    )

    async def read(request: web.Request) -> web.WebSocketResponse:
        # As the gateway opens it.
        socket = web.WebSocketResponse(
            compress=False, decode_text=False, heartbeat=25.0, max_msg_size=MAX_TEXT_BYTES
        )
        await socket.prepare(request)
        await socket.receive()
        await socket.send_str(welcome.dumps())
        async for _ in socket:
            pass
        return socket

    app = web.Application()
    app.router.add_get(PATH, read)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"reading on port {runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
