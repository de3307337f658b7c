"""The rig that asks servers nobody here wrote, itself asked."""

from rigs.model_faults import Fault
from rigs.model_manners import MANNERS
from rigs.model_server import ModelServer
from rigs.real_server import ask_all
from tests.integration.providers.scripted import KEY


async def test_what_a_server_can_do_is_told(server: ModelServer) -> None:
    """A chunk is answered, each stage of the probe has its counts, and the facts are those of the hub."""
    server.manners = MANNERS["llama_cpp"]
    told = await ask_all(server.base_url, "scripted", KEY, "llama_cpp")
    assert told["kind"] == "llama_cpp"
    assert told["models"] == ["scripted"]
    assert "sees_pictures=True" in told["check"]
    assert told["chunk"]["narrative"]
    assert told["chunk"]["input_tokens"] > 2000
    assert told["facts"]["context_tokens"] == 16384
    assert told["facts"]["picture_tokens"] == [64, 405]


async def test_a_server_that_fails_is_told_of(server: ModelServer) -> None:
    """Question by question, and without its key."""
    server.script.add(Fault.overloaded(times=None))
    told = await ask_all(server.base_url, "scripted", KEY)
    assert told["chunk"].startswith("overloaded: ")
    assert KEY not in str(told)
