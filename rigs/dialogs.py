"""What a user clicks to set a house up, and nothing behind it."""

from rigs.broker import Broker
from rigs.home_assistant_client import Flow, HomeAssistantClient
from rigs.home_assistant_socket import Json
from rigs.model_server import ModelServer

DOMAIN = "camera_narrator"


class DialogError(Exception):
    """A dialog that did not show what comes next; the text says what it shows."""


async def add_mqtt(client: HomeAssistantClient, broker: Broker) -> None:
    """Connect Home Assistant to the broker."""
    flow = await client.config_flow("mqtt")
    _made(await flow.submit(**broker.flow_input()))


async def add_hub(client: HomeAssistantClient, model: ModelServer, *, api_key: str) -> str:
    """Add a hub whose words come from the model server; return its entry."""
    flow = await client.config_flow(DOMAIN)
    await flow.choose("server")
    await flow.submit(base_url=model.base_url, api_key=api_key)
    await flow.submit(model=model.models[0])
    entry_id: str = _made(await flow.wait())["result"]["entry_id"]
    return entry_id


async def add_builtin_hub(client: HomeAssistantClient) -> str:
    """Add a hub whose words come from the built-in describer; return its entry."""
    flow = await client.config_flow(DOMAIN)
    entry_id: str = _made(await flow.choose("builtin"))["result"]["entry_id"]
    return entry_id


async def show_token(client: HomeAssistantClient, entry_id: str, address: str) -> Flow:
    """Open the dialog that shows a bridge's token, and waits for the bridge."""
    flow = await client.subentry_flow(entry_id, "bridge")
    await flow.submit(address=address)
    _showing(flow, flow.step == "pair")
    await flow.submit()
    _showing(flow, flow.kind == "progress")
    return flow


async def keep_bridge(flow: Flow, name: str) -> None:
    """Wait in that dialog until the bridge is there, and keep it under a name."""
    await flow.wait()
    _made(await flow.submit(name=name))


async def add_camera(client: HomeAssistantClient, entry_id: str, name: str, url: str) -> None:
    """Add a camera; the bridge tries its address first."""
    flow = await client.subentry_flow(entry_id, "camera")
    await flow.choose("rtsp")
    await flow.submit(name=name, url=url)
    await flow.wait()
    _showing(flow, flow.step == "confirm")
    _made(await flow.submit())


async def add_pushed_camera(client: HomeAssistantClient, entry_id: str, name: str) -> None:
    """Add a camera whose pictures a client pushes."""
    flow = await client.subentry_flow(entry_id, "camera")
    await flow.choose("pushed")
    _made(await flow.submit(name=name))


def _made(flow: Flow) -> Json:
    _showing(flow, flow.kind == "create_entry")
    return flow.shown


def _showing(flow: Flow, right: bool) -> None:
    if not right:
        raise DialogError(f"{flow.kind} {flow.step} {flow.errors or ''}")
