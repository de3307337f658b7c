"""What a user clicks to set a house up, and nothing behind it."""

from rigs.broker import Broker
from rigs.home_assistant_client import Flow, HomeAssistantClient
from rigs.home_assistant_socket import Json
from rigs.model_server import ModelServer

DOMAIN = "camera_narrator"


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


async def show_token(client: HomeAssistantClient, entry_id: str, address: str) -> Flow:
    """Open the dialog that shows a bridge's token, and waits for the bridge."""
    flow = await client.subentry_flow(entry_id, "bridge")
    await flow.submit(address=address)
    assert flow.step == "pair", flow.shown
    await flow.submit()
    assert flow.kind == "progress", flow.shown
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
    assert flow.step == "confirm", (flow.step, flow.errors)
    _made(await flow.submit())


def _made(flow: Flow) -> Json:
    assert flow.kind == "create_entry", (flow.step, flow.errors)
    return flow.shown
