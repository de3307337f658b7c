"""What the ingest figures stand on: a client that pushes, and a server that only reads."""

from rigs.bench import bare_reader
from rigs.process import Processes


async def test_reading_alone_is_measured_in_a_process_of_its_own() -> None:
    """All frames are pushed, reading them costs something, and the server is gone afterwards."""
    said: list[str] = []
    async with Processes() as processes:
        reading = await bare_reader.measure(
            processes, cameras=4, fps=25.0, seconds=1.0, say=said.append
        )
    assert reading.n == 100
    assert 0 < reading.cpu_share < 1
    assert said == ["the same frames to a server that only reads, for 1 s"]
