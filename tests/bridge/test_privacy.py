"""Over real RTSP: what masks cover never leaves the bridge, and is not noticed there either."""

import io

import numpy as np
from PIL import Image

from edge_bridge.protocol.area import Polygon
from edge_bridge.protocol.frame import KIND_PREVIEW, Frame
from edge_bridge.protocol.messages import Activity, Probe, Probed
from edge_bridge.protocol.vocabulary import Capability, FrameFlag
from tests.bridge.conftest import Serve, StartBridge, config, eventually, visited
from tests.bridge.fake_gateway import FakeGateway

MIDDLE: Polygon = ((0, 0.2), (1, 0.2), (1, 0.8), (0, 0.8))
"""Where the simulated visitor walks."""
LOWEST: Polygon = ((0, 0.8), (1, 0.8), (1, 1), (0, 1))
"""Below the visitor."""
BELOW: Polygon = ((0, 0.8), (1, 0.8), (1, 0.9), (0, 0.9))
"""Between the visitor and the code, which changes with every picture."""
DARK = 12
"""Black, after JPEG."""


def hides(frame: Frame, mask: Polygon) -> bool:
    """Return whether a frame is black behind an upright mask and shows something beside it."""
    pixels = np.asarray(Image.open(io.BytesIO(frame.jpeg)).convert("L"))
    (left, top), _, (right, bottom), _ = mask
    height, width = pixels.shape
    inside = np.zeros(pixels.shape, np.bool_)
    inside[int(top * height) : int(bottom * height), int(left * width) : int(right * width)] = True
    assert pixels[~inside].max() > 10 * DARK
    return int(pixels[inside].max()) <= DARK


async def test_frames_and_preview_hide_what_masks_cover(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge
) -> None:
    """All that is sent of a masked camera, at two sizes; the bridge says that it can."""
    camera, _ = visited()
    server = await serve(camera)
    url = server.url("front")
    gateway.cameras = (config(url, masks=(MIDDLE,)),)
    start_bridge(gateway)
    await gateway.until(lambda: len(gateway.frames) >= 3)
    assert Capability.MASKS in gateway.last.hello.capabilities
    assert all(hides(frame, MIDDLE) for frame in gateway.frames)

    await gateway.send(Probe(id=7, url=url, masks=(LOWEST,)))
    await gateway.send(Probe(id=8, url=url))
    await gateway.until(lambda: len(gateway.seen(Probed)) == 2)
    shown = {frame.sequence: frame for frame in gateway.last.frames if frame.kind == KIND_PREVIEW}
    assert hides(shown[7], LOWEST)
    assert not hides(shown[8], LOWEST)


async def test_what_happens_behind_a_mask_or_outside_of_zones_is_not_told(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge
) -> None:
    """A visit behind a mask, in an ignored part and beside the zones is no activity; without areas it is."""
    camera, source = visited()
    server = await serve(camera)
    url = server.url("front")
    quiet = (
        config(url, masks=(MIDDLE,)),
        config(url, ignored=(MIDDLE,)),
        config(url, zones=(BELOW,)),
    )
    gateway.cameras = (quiet[0],)
    start_bridge(gateway)
    await gateway.until(lambda: bool(gateway.frames))
    source.visits.start()
    for revision, areas in enumerate(quiet, 2):
        await gateway.configure(areas, revision=revision)
        until_s = camera.position_s + 4
        await eventually(lambda: camera.position_s > until_s)  # noqa: B023  # awaited at once
        assert not any(said.active for said in gateway.seen(Activity)), areas
        assert not any(FrameFlag.ACTIVE in frame.flags for frame in gateway.frames), areas
    await gateway.configure(config(url), revision=9)
    await gateway.until(lambda: any(said.active for said in gateway.seen(Activity)))


async def test_changed_masks_hold_from_the_next_picture_and_for_all_that_waits(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge
) -> None:
    """What an outage held back was painted by other masks: it is given up, counted, and never sent."""
    camera, _ = visited()
    server = await serve(camera)
    url = server.url("front")
    gateway.cameras = (config(url),)
    bridge = start_bridge(gateway)
    await gateway.until(lambda: bool(gateway.frames))
    assert not hides(gateway.frames[0], LOWEST)
    await gateway.stop()
    ring = bridge._ring
    sampled = ring.counters("front").sampled
    await eventually(lambda: ring.counters("front").sampled >= sampled + 3)
    gateway.cameras = (config(url, masks=(LOWEST,)),)
    await gateway.start(gateway.port)
    await gateway.until(lambda: len(gateway.connections) == 2 and len(gateway.last.frames) >= 3)
    assert all(hides(frame, LOWEST) for frame in gateway.last.frames)

    await gateway.configure(config(url, masks=(LOWEST, MIDDLE)), revision=3)
    await gateway.until(lambda: hides(gateway.last.frames[-1], MIDDLE))
    assert ring.counters("front").withdrawn >= 3


async def test_preroll_from_before_the_masks_is_thrown_away(
    gateway: FakeGateway, serve: Serve, start_bridge: StartBridge
) -> None:
    """Key frames kept from before a change are not what an onset sends."""
    camera, source = visited()
    server = await serve(camera)
    url = server.url("front")
    gateway.cameras = (config(url, rate_fps=1.0, quiet_interval_s=3600.0),)
    start_bridge(gateway)
    await eventually(lambda: bool(gateway.frames) and camera.position_s > 5)
    masked = config(url, rate_fps=1.0, quiet_interval_s=3600.0, masks=(LOWEST,))
    await gateway.configure(masked, revision=2)
    source.visits.start()
    await gateway.until(
        lambda: sum(FrameFlag.ACTIVE in frame.flags for frame in gateway.frames) >= 2
    )
    first, *rest = gateway.frames
    assert not hides(first, LOWEST)
    assert all(hides(frame, LOWEST) for frame in rest)
