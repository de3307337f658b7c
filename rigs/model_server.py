"""A scripted model server with OpenAI's API: `python -m rigs.model_server`.

It decodes every picture it is sent, reads the code burnt into it, answers from that truth,
and writes down what came: `GET /journal`, `POST /script` (a list of faults), `DELETE /script`.
"""

import argparse
import asyncio
import contextlib
from dataclasses import asdict
import hmac
import json
import os
import time
from typing import Any, Final

from aiohttp import web

from rigs.model_answer import Pace, ServerError, reply
from rigs.model_faults import Fault, Script
from rigs.model_journal import lines
from rigs.model_manners import MANNERS, PLAIN, Manners
from rigs.model_request import ModelRequest, RequestShapeError, read_request

_LARGEST_BODY_BYTES: Final = 64_000_000
"""A request of ten 720p pictures is 2 MB: nothing sensible is refused."""
_LISTS: Final = ("/props", "/api/ps", "/api/v0/models")
"""Where kinds of servers tell of the loaded model, beside the API."""
_SECRET_HEADERS: Final = {"authorization", "api-key", "x-api-key", "cookie"}


class ModelServer:
    """Starts, stops and comes back on one port; the journal goes on."""

    def __init__(
        self,
        *,
        api_key: str | None = None,
        models: tuple[str, ...] = ("scripted",),
        pace: Pace | None = None,
        manners: Manners = PLAIN,
    ) -> None:
        """With an `api_key` every request must carry it."""
        self.port = 0
        self.models = models
        self.api_key = api_key
        self.pace = pace or Pace()
        self.manners = manners
        self.script: Final = Script()
        self.requests: Final[list[ModelRequest]] = []
        """The journal, in order of arrival."""
        self._arrived = asyncio.Condition()
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        """What a user types in as the address."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def answered(self) -> list[ModelRequest]:
        """The requests that got a whole, true answer."""
        return [request for request in self.requests if request.outcome == "answered"]

    async def start(self, port: int = 0) -> None:
        """Listen; the first time on a free port, later on the same again."""
        app = web.Application(client_max_size=_LARGEST_BODY_BYTES)
        app.add_routes(
            [
                web.get("/v1/models", self._get_models),
                *(web.get(path, self._get_list) for path in _LISTS),
                web.post("/v1/chat/completions", self._complete),
                web.get("/journal", self._get_journal),
                web.post("/script", self._post_script),
                web.delete("/script", self._delete_script),
            ]
        )
        # Cancelled handlers tell the journal that the caller went away.
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port or self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def wait_for(self, count: int, *, timeout_s: float = 60.0) -> list[ModelRequest]:
        """Wait until this many requests have been finished or broken off."""
        async with asyncio.timeout(timeout_s), self._arrived:
            await self._arrived.wait_for(lambda: len(self._finished()) >= count)
        return self._finished()

    def _finished(self) -> list[ModelRequest]:
        return [request for request in self.requests if request.outcome != "open"]

    async def _get_models(self, request: web.Request) -> web.Response:
        if not self._knows(request):
            return _unauthorized().response()
        listed = [
            {"id": name, "object": "model", "created": 0, "owned_by": "rigs"}
            | self.manners.lists.get(request.path, {})
            for name in self.models
        ]
        return web.json_response({"object": "list", "data": listed})

    async def _get_list(self, request: web.Request) -> web.Response:
        if (told := self.manners.lists.get(request.path)) is None:
            raise web.HTTPNotFound
        text = json.dumps(told).replace("MODEL", self.models[0])
        return web.Response(text=text, content_type="application/json")

    async def _complete(self, http: web.Request) -> web.StreamResponse:
        arrived_s, arrived_wall_s = time.monotonic(), time.time()
        raw = await http.read()
        if not self._knows(http):
            return _unauthorized().response()
        try:
            body: dict[str, Any] = json.loads(raw)
            request = await asyncio.to_thread(
                read_request,
                body,
                arrived_s=arrived_s,
                arrived_wall_s=arrived_wall_s,
                body_bytes=len(raw),
            )
        except (ValueError, KeyError, TypeError, RequestShapeError) as error:
            return ServerError(400, "invalid_request_error", str(error)).response()
        request.headers = {
            name.lower(): value
            for name, value in http.headers.items()
            if name.lower() not in _SECRET_HEADERS
        }
        request.number = len(self.requests) + 1
        self.requests.append(request)
        try:
            return await self._reply(http, request, body)
        except asyncio.CancelledError, ConnectionError:
            if request.outcome == "open":
                request.outcome = "cancelled"
            raise
        finally:
            request.finished_s = time.monotonic()
            request.decoded = ()
            async with self._arrived:
                self._arrived.notify_all()

    async def _reply(
        self, http: web.Request, request: ModelRequest, body: dict[str, Any]
    ) -> web.StreamResponse:
        if request.model not in self.models:
            request.outcome = "model_not_found"
            text = f"The model {request.model!r} does not exist"
            return ServerError(404, "model_not_found", text).response()
        if (refusal := self.manners.refusal(body, len(request.pictures))) is not None:
            request.outcome = "refused"
            return refusal
        fault = self.script.take(request)
        return await reply(http, request, fault, self.pace, manners=self.manners, body=body)

    async def _get_journal(self, _request: web.Request) -> web.Response:
        requests = []
        for request, line in zip(self.requests, lines(self.requests), strict=True):
            known = asdict(request)
            del known["decoded"]
            named = {"rung": request.rung, "schema_name": request.schema_name}
            requests.append({**known, **asdict(line), **named})
        return web.json_response({"requests": requests})

    async def _post_script(self, request: web.Request) -> web.Response:
        try:
            faults = [Fault.from_json(entry) for entry in await request.json()]
        except (ValueError, KeyError, TypeError) as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        self.script.add(*faults)
        return web.json_response({"added": len(faults)})

    async def _delete_script(self, _request: web.Request) -> web.Response:
        self.script.clear()
        return web.json_response({})

    def _knows(self, request: web.Request) -> bool:
        if self.api_key is None:
            return True
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {self.api_key}".encode())


def _unauthorized() -> ServerError:
    return ServerError(401, "invalid_api_key", "Incorrect API key provided")


async def _serve(server: ModelServer, port: int) -> None:
    await server.start(port)
    print(json.dumps({"port": server.port, "base_url": server.base_url}), flush=True)
    await asyncio.Event().wait()


def main() -> int:
    """Run the command line; the key comes from MODEL_SERVER_KEY, so that no list of processes shows it."""
    parser = argparse.ArgumentParser(prog="python -m rigs.model_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--model", action="append", help="a model to serve; may be repeated")
    parser.add_argument("--first-token", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--token", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--kind", choices=sorted(MANNERS), help="whose peculiarities it has")
    arguments = parser.parse_args()
    pace = Pace(first_token_s=arguments.first_token, token_s=arguments.token)
    models = tuple(arguments.model or ["scripted"])
    manners = PLAIN if arguments.kind is None else MANNERS[arguments.kind]
    server = ModelServer(
        api_key=os.environ.get("MODEL_SERVER_KEY"), models=models, pace=pace, manners=manners
    )
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(server, arguments.port))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
