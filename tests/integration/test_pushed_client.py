"""The client that docs/protocol.md shows: that very listing streams a video to a camera of source `pushed`."""

import asyncio
from collections.abc import AsyncGenerator
from fractions import Fraction
from pathlib import Path
import sys

import av
from homeassistant.config_entries import ConfigSubentryDataWithId
from homeassistant.core import HomeAssistant
import numpy as np
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.camera_narrator import const
from custom_components.camera_narrator.hub_camera import HubCamera
from custom_components.camera_narrator.pipeline.request import Usage
from custom_components.camera_narrator.pipeline.vocabulary import Look, Profile
from custom_components.camera_narrator.protocol.vocabulary import Source
from custom_components.camera_narrator.tokens import token_hash

TOKEN = "the-token-of-the-webcam"
PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"
VIDEO_S = 30
STORY_S = 20.0
"""The client starts in two seconds, and the first look comes after one interval."""


@pytest.fixture
def expected_lingering_timers() -> bool:
    """Expect aiohttp's heartbeat, which it arms again when the peer's goodbye answers ours."""
    return True


@pytest.fixture
async def camera(hass: HomeAssistant) -> AsyncGenerator[HubCamera]:
    """Yield a pushed camera of a bridge that nobody has connected as."""
    entry = MockConfigEntry(
        domain=const.DOMAIN,
        data={const.CONF_PROVIDER: const.PROVIDER_BUILTIN},
        subentries_data=[
            ConfigSubentryDataWithId(
                subentry_id="webcam_bridge",
                subentry_type=const.SUBENTRY_BRIDGE,
                title="Webcam",
                unique_id=None,
                data={const.CONF_TOKEN_HASH: token_hash(TOKEN), const.CONF_OLD_TOKEN_HASHES: []},
            ),
            ConfigSubentryDataWithId(
                subentry_id="desk",
                subentry_type=const.SUBENTRY_CAMERA,
                title="Desk",
                unique_id=None,
                data={
                    const.CONF_KEY: "desk",
                    const.CONF_SOURCE: Source.PUSHED.value,
                    const.CONF_BRIDGE: "webcam_bridge",
                    const.CONF_RATE_FPS: 4.0,
                    const.CONF_INTERVAL_S: 1.0,
                },
            ),
        ],
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    yield entry.runtime_data.cameras["desk"]
    assert await hass.config_entries.async_unload(entry.entry_id)


def listing() -> str:
    """Return the client as the page shows it."""
    _, _, rest = PAGE.read_text(encoding="utf-8").partition("```python\n")
    code, _, _ = rest.partition("```\n")
    return code


def write_video(path: Path) -> None:
    """Write a clip in which a bright square wanders over a dark picture."""
    with av.open(str(path), "w") as clip:
        stream = clip.add_stream("mpeg4", rate=10)
        stream.width, stream.height = 320, 180
        for number in range(VIDEO_S * 10):
            pixels = np.full((180, 320, 3), 40, dtype=np.uint8)
            left = number * 4 % 280
            pixels[70:110, left : left + 40] = 230
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            picture.pts, picture.time_base = number, Fraction(1, 10)
            clip.mux(stream.encode(picture))
        clip.mux(stream.encode(None))


def test_the_listing_is_as_short_as_it_says() -> None:
    """The page promises 30 lines of code."""
    assert 20 < sum(bool(line.strip()) for line in listing().splitlines()) <= 30


async def test_the_listing_streams_a_video(
    hass: HomeAssistant,
    hass_client_no_auth: ClientSessionGenerator,
    camera: HubCamera,
    tmp_path: Path,
) -> None:
    """The listing's pictures arrive in order and in time, and the plain timer asks about them."""
    video, script = tmp_path / "clip.mp4", tmp_path / "client.py"
    await hass.async_add_executor_job(write_video, video)
    await hass.async_add_executor_job(script.write_text, listing())
    client = await hass_client_no_auth()
    looks = record_looks(camera)
    address = str(client.make_url("")).rstrip("/")
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, address, TOKEN, video, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(STORY_S):
            asked = [await looks.get() for _ in range(3)]
        assert asked == [Look.SCHEDULE] * 3
        assert camera.source.profile is Profile.ALWAYS
        assert camera.coordinator.state.connected
        link = camera.hub.gateway.link("webcam_bridge")
        assert link is not None
    finally:
        process.kill()
        _, errors = await process.communicate()
    await link.ended.wait()

    assert "Traceback" not in errors.decode()
    frame = camera.source.latest()
    assert frame is not None
    assert frame.jpeg.startswith(b"\xff\xd8")
    assert 0 <= frame.received_s - frame.captured_s < 5
    outcomes = camera.accounts.total().outcomes
    assert outcomes.received >= 4
    assert outcomes.analysed >= 3
    assert (outcomes.rejected, outcomes.duplicates) == (0, 0)
    assert link.hello.bridge == "my-webcam"
    assert camera.hub.entry.subentries["webcam_bridge"].data[const.CONF_BRIDGE_ID] == "my-webcam"


def record_looks(camera: HubCamera) -> asyncio.Queue[Look]:
    """Return a queue that gets the look of every answered request of a camera."""
    looks: asyncio.Queue[Look] = asyncio.Queue()
    counted = camera.account

    def account(look: Look, usage: Usage) -> None:
        counted(look, usage)
        looks.put_nowait(look)

    camera.account = account  # type: ignore[method-assign]
    return looks
