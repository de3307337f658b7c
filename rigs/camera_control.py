"""The simulator's control port: every fault and every visit by a small HTTP request."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from rigs.code_source import CodeSource
from rigs.rtsp_server import RtspServer
from rigs.simulated_camera import Faults, Refusal, SimulatedCamera
from rigs.video_source import FileSource, SourceError


def _number_or_none(value: Any) -> float | None:
    return None if value is None else float(value)


def _refusal_or_none(value: Any) -> Refusal | None:
    return None if value is None else Refusal(str(value))


_CONVERTERS: Final[dict[str, Callable[[Any], Any]]] = {
    "freeze": bool,
    "stuck": bool,
    "drop": float,
    "corrupt": float,
    "rate_bytes_s": _number_or_none,
    "describe_delay_s": float,
    "refuse": _refusal_or_none,
}


class ControlError(Exception):
    """A setting that does not exist or has no such value; the text names it."""


async def apply(camera: SimulatedCamera, settings: dict[str, Any]) -> None:
    """Change a running camera.

    Faults by their name (`freeze`, `stuck`, `drop`, `corrupt`, `rate_bytes_s`,
    `describe_delay_s`, `refuse`), and actions: `reset`, `kick`, `source` (a file), `jump_s`,
    `seek_s`, `visit` (true or false).
    """
    for name, value in settings.items():
        try:
            if (convert := _CONVERTERS.get(name)) is not None:
                setattr(camera.faults, name, convert(value))
            else:
                await _act(camera, name, value)
        except (TypeError, ValueError, SourceError) as error:
            raise ControlError(f"{name}: {error}") from error


def status(server: RtspServer) -> dict[str, Any]:
    """Return what the simulator has done so far, per camera."""
    return {
        "away": server.away,
        "cameras": {name: _camera_status(camera) for name, camera in server.cameras.items()},
    }


class ControlServer:
    """Serves `GET /`, `POST /` (`{"away": bool}`) and `POST /<camera>` with JSON bodies."""

    def __init__(self, server: RtspServer) -> None:
        """Control this server's cameras."""
        self._server = server
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self, port: int = 0) -> None:
        """Listen on the loopback interface; port 0 takes a free one."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/", self._get),
                web.post("/", self._post_server),
                web.post("/{camera}", self._post_camera),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _get(self, _request: web.Request) -> web.Response:
        return web.json_response(status(self._server))

    async def _post_server(self, request: web.Request) -> web.Response:
        if (await request.json()).get("away"):
            self._server.go_away()
        else:
            await self._server.come_back()
        return web.json_response(status(self._server))

    async def _post_camera(self, request: web.Request) -> web.Response:
        camera = self._server.cameras.get(request.match_info["camera"])
        if camera is None:
            raise web.HTTPNotFound(text="no such camera")
        try:
            await apply(camera, await request.json())
        except ControlError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        return web.json_response(status(self._server))


async def _act(camera: SimulatedCamera, name: str, value: Any) -> None:
    match name:
        case "reset":
            camera.faults = Faults()
        case "kick":
            camera.kick()
        case "jump_s":
            camera.jump(float(value))
        case "seek_s":
            camera.seek(float(value))
        case "source":
            camera.swap(await asyncio.to_thread(FileSource, Path(value)))
        case "visit":
            if not isinstance(camera.source, CodeSource):
                raise ControlError("visit: only a code source has visits")
            visits = camera.source.visits
            if value:
                visits.start()
            else:
                visits.stop()
        case _:
            raise ControlError(f"{name}: no such setting")


def _camera_status(camera: SimulatedCamera) -> dict[str, Any]:
    source = camera.source
    known: dict[str, Any] = {
        "codec": str(source.codec),
        "width_px": source.width_px,
        "height_px": source.height_px,
        "viewers": camera.viewers,
        "bytes_sent": camera.bytes_sent,
        "pictures_sent": camera.pictures_sent,
        "position_s": camera.position_s,
        "faults": asdict(camera.faults),
    }
    if isinstance(source, CodeSource):
        known["epoch"] = source.epoch
        known["visits"] = [asdict(visit) for visit in source.visits.drawn]
    return known
