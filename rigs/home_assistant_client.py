"""What a user, an app and a script do with a running Home Assistant, over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp

from rigs.home_assistant_socket import CommandError, HomeAssistantSocket, Json

_PROGRESS_LOOK_S: Final = 0.1
"""How often a progress step is read again; the browser is told, but reading works for all."""


class RequestError(Exception):
    """A request that Home Assistant refused; the text is its own."""

    def __init__(self, what: str, status: int, text: str) -> None:
        super().__init__(f"{what}: {status} {text[:500]}")
        self.status: Final = status


class HomeAssistantClient:
    """REST, WebSocket and flows with one token."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        """Use a session whose owner closes it."""
        self.session: Final = session
        self.url: Final = url
        self.token: Final = token

    async def get(self, path: str) -> Any:
        """Read a path below the address, such as `/api/config`."""
        return await self._request("GET", path, None)

    async def post(self, path: str, body: Any = None) -> Any:
        """Post JSON."""
        return await self._request("POST", path, body)

    async def delete(self, path: str) -> Any:
        """Delete."""
        return await self._request("DELETE", path, None)

    async def picture(self, path: str) -> bytes:
        """Read bytes, such as `/api/camera_proxy/<entity>`."""
        async with self.session.get(self.url + path, headers=self._headers) as response:
            if response.status != 200:
                raise RequestError(path, response.status, await response.text())
            return await response.read()

    async def states(self) -> dict[str, Json]:
        """Return every entity's state object by entity id."""
        return {state["entity_id"]: state for state in await self.get("/api/states")}

    async def state(self, entity_id: str) -> Json | None:
        """Return one entity's state object, None where there is none."""
        return (await self.states()).get(entity_id)

    async def wait_for_state(
        self, entity_id: str, accept: Callable[[Json], bool], *, timeout_s: float = 30.0
    ) -> Json:
        """Wait until an entity's state object is accepted, and return it."""
        async with (
            asyncio.timeout(timeout_s),
            self.socket() as socket,
            await socket.subscribe(event_type="state_changed") as changes,
        ):
            if (now := await self.state(entity_id)) is not None and accept(now):
                return now
            async for change in changes:
                state: Json | None = change["data"]["new_state"]
                if change["data"]["entity_id"] == entity_id and state and accept(state):
                    return state
        raise CommandError(f"{entity_id}: Home Assistant went away")

    async def call(self, domain: str, action: str, data: Json, *, response: bool = False) -> Any:
        """Call an action; with `response` its answer is returned."""
        query = "?return_response" if response else ""
        answer = await self.post(f"/api/services/{domain}/{action}{query}", data)
        return answer["service_response"] if response else answer

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[HomeAssistantSocket]:
        """Open a WebSocket for commands and subscriptions."""
        socket = await HomeAssistantSocket.open(self.session, self.url, self.token)
        try:
            yield socket
        finally:
            await socket.close()

    async def command(self, command: str, **fields: Any) -> Any:
        """Send one WebSocket command on a connection of its own."""
        async with self.socket() as socket:
            return await socket.command(command, **fields)

    async def entries(self, domain: str) -> list[Json]:
        """Return the config entries of an integration."""
        entries: list[Json] = await self.command("config_entries/get", domain=domain)
        return entries

    async def subentries(self, entry_id: str) -> list[Json]:
        """Return the subentries of an entry."""
        found: list[Json] = await self.command("config_entries/subentries/list", entry_id=entry_id)
        return found

    async def config_flow(self, domain: str) -> Flow:
        """Start adding an integration."""
        return await self._flow("flow", {"handler": domain})

    async def open_flow(self, flow_id: str) -> Flow:
        """Go on with a flow that Home Assistant started itself, such as reauth."""
        path = f"/api/config/config_entries/flow/{flow_id}"
        return Flow(self, path.rpartition("/")[0], await self.get(path))

    async def reconfigure_flow(self, domain: str, entry_id: str) -> Flow:
        """Start reconfiguring an entry."""
        return await self._flow("flow", {"handler": domain, "entry_id": entry_id})

    async def options_flow(self, entry_id: str) -> Flow:
        """Start changing an entry's options."""
        return await self._flow("options/flow", {"handler": entry_id})

    async def subentry_flow(
        self, entry_id: str, kind: str, *, subentry_id: str | None = None
    ) -> Flow:
        """Start adding a subentry, or reconfiguring the one that is named."""
        start: Json = {"handler": [entry_id, kind]}
        if subentry_id is not None:
            start["subentry_id"] = subentry_id
        return await self._flow("subentries/flow", start)

    async def save_dashboard(self, url_path: str, title: str, config: Json) -> None:
        """Make a dashboard what everybody sees first; made once, rewritten later."""
        async with self.socket() as socket:
            known = await socket.command("lovelace/dashboards/list")
            if url_path not in {dashboard["url_path"] for dashboard in known}:
                await socket.command(
                    "lovelace/dashboards/create",
                    url_path=url_path,
                    title=title,
                    mode="storage",
                    icon="mdi:cctv",
                    show_in_sidebar=True,
                    require_admin=False,
                )
            await socket.command("lovelace/config/save", url_path=url_path, config=config)
            await socket.command(
                "frontend/set_system_data", key="core", value={"default_panel": url_path}
            )

    async def _flow(self, kind: str, start: Json) -> Flow:
        base = f"/api/config/config_entries/{kind}"
        return Flow(self, base, await self.post(base, start))

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def _request(self, method: str, path: str, body: Any) -> Any:
        async with self.session.request(
            method, self.url + path, json=body, headers=self._headers
        ) as response:
            if response.status >= 400:
                what = f"{method} {path}"
                raise RequestError(what, response.status, await response.text())
            if "json" in response.content_type:
                return await response.json()
            return await response.text()


class Flow:
    """One dialog: what it shows now, and what a user can do about it."""

    def __init__(self, client: HomeAssistantClient, base: str, shown: Json) -> None:
        """Made by the client."""
        self._client = client
        self._base = base
        self.shown = shown
        """The step as Home Assistant describes it."""

    @property
    def kind(self) -> str:
        """One of `form`, `menu`, `progress`, `create_entry`, `abort` and a few more."""
        return str(self.shown["type"])

    @property
    def step(self) -> str:
        """The step's id; the reason where the dialog was aborted."""
        return str(self.shown.get("step_id") or self.shown.get("reason") or "")

    @property
    def errors(self) -> dict[str, str]:
        """The errors shown, by field; `base` is the form as a whole."""
        return self.shown.get("errors") or {}

    @property
    def placeholders(self) -> dict[str, str]:
        """What is put into the step's words, such as a token or an address."""
        return self.shown.get("description_placeholders") or {}

    @property
    def fields(self) -> dict[str, Json]:
        """The form's fields by name, sections as one field."""
        return {field["name"]: field for field in self.shown.get("data_schema") or []}

    async def submit(self, **answers: Any) -> Flow:
        """Send the form and show the next step."""
        self.shown = await self._client.post(self._path, answers)
        return self

    async def choose(self, option: str) -> Flow:
        """Choose from a menu."""
        return await self.submit(next_step_id=option)

    async def wait(self, *, timeout_s: float = 130.0) -> Flow:
        """Wait until a progress step is done."""
        async with asyncio.timeout(timeout_s):
            while self.kind in {"progress", "progress_done"}:
                await asyncio.sleep(_PROGRESS_LOOK_S)
                self.shown = await self._client.get(self._path)
        return self

    async def cancel(self) -> None:
        """Close the dialog."""
        await self._client.delete(self._path)

    @property
    def _path(self) -> str:
        return f"{self._base}/{self.shown['flow_id']}"
