"""Garbage of every kind: that connection closes with a reason, and no other notices."""

from typing import Any

from aiohttp.test_utils import TestClient
import pytest

from custom_components.camera_narrator import bridge_link
from custom_components.camera_narrator.bridge_camera import RATE_BURST
from custom_components.camera_narrator.protocol.frame import HEADER
from custom_components.camera_narrator.protocol.limits import MAX_FRAME_BYTES, MAX_TEXT_BYTES
from custom_components.camera_narrator.protocol.messages import Configure, Ping, Refuse, Watch
from custom_components.camera_narrator.protocol.vocabulary import ErrorCode, FrameFlag
from custom_components.camera_narrator.protocol.wire_error import WireError
from tests.integration.gateway.bridge_peer import CLOCK_US, JPEG, BridgePeer, frame
from tests.integration.gateway.fake_hub import TOKEN, FakeHub

type Client = TestClient[Any, Any]

GARBAGE_TEXT = [
    "",
    "not json",
    "[]",
    "null",
    '"hello"',
    "{}",
    '{"type": 7}',
    '{"type": "activity"}',
    '{"type": "activity", "camera": "door", "active": 1, "since_us": 0, "revision": 1}',
    '{"type": "status", "cpu_percent": NaN}',
    '{"type": "ping", "id": -1}',
    "[" * 100_000,
    '{"type": "frame", "camera": 1}',
    Watch(camera="door", rate_fps=1, seconds=1).dumps(),
    Refuse(error=WireError.of(ErrorCode.INTERNAL)).dumps(),
]
HEAD = HEADER.pack(1, 0, 1, 1, CLOCK_US, 0, 0, 0, 0)
GARBAGE_FRAMES = [
    b"",
    b"\x01",
    HEAD[:-1],
    HEADER.pack(9, 0, 1, 1, CLOCK_US, 0, 0, 0, 0) + JPEG,
]
SPOILED_FRAMES = [
    HEAD,
    HEAD + b"no picture at all",
    HEAD + JPEG[:-1],
    HEAD + JPEG[1:],
    HEADER.pack(1, 0, 1, 1, 2**64 - 1, 0, 0, 0, 0) + JPEG,
    HEAD + b"\xff\xd8" + bytes(MAX_FRAME_BYTES) + b"\xff\xd9",
]


async def _two(client: Client) -> tuple[BridgePeer, BridgePeer]:
    bad = await BridgePeer.connect(client, TOKEN)
    await bad.welcome()
    good = await BridgePeer.connect(client, "another-token", bridge="good")
    await good.welcome()
    return bad, good


@pytest.mark.parametrize("garbage", GARBAGE_TEXT, ids=lambda text: text[:30] or "empty")
async def test_garbage_as_text(hub: FakeHub, client: Client, garbage: str) -> None:
    """A text that is no message of a bridge ends its connection, and no other."""
    bad, good = await _two(client)
    await bad.socket.send_str(garbage)
    refuse, code = await bad.end()
    assert refuse is not None
    assert (refuse.error.code, refuse.retry, code) == (ErrorCode.MALFORMED, True, 1007)
    await good.settle()
    await good.leave()


@pytest.mark.parametrize("garbage", GARBAGE_FRAMES, ids=len)
async def test_garbage_that_names_no_camera(hub: FakeHub, client: Client, garbage: bytes) -> None:
    """A frame whose header tells nothing is counted for the connection alone."""
    bad, good = await _two(client)
    link = hub.gateway.link("porch")
    assert link is not None
    await bad.socket.send_bytes(garbage)
    refuse, _ = await bad.end()
    assert refuse is not None
    assert refuse.error.code is ErrorCode.MALFORMED
    assert link.garbage == 1
    assert hub.cameras["door"].source.outcomes("epoch-1").received == 0
    await good.settle()
    await good.leave()


@pytest.mark.parametrize("spoiled", SPOILED_FRAMES, ids=len)
async def test_a_spoiled_frame_is_acknowledged(
    hub: FakeHub, client: Client, spoiled: bytes
) -> None:
    """A frame refused for its content counts as rejected and is acknowledged before the end."""
    bad, good = await _two(client)
    await bad.socket.send_bytes(spoiled)
    refuse, code = await bad.end()
    assert refuse is not None
    assert (refuse.error.code, code) == (ErrorCode.MALFORMED, 1007)
    assert (bad.marks["door"].live, bad.marks["door"].settled) == (1, 1)
    outcomes = hub.cameras["door"].source.outcomes("epoch-1")
    assert (outcomes.received, outcomes.rejected) == (1, 1)
    await good.settle()
    await good.leave()


async def test_a_spoiled_frame_in_json_is_acknowledged(hub: FakeHub, client: Client) -> None:
    """The same holds for a simple client's frame."""
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    await peer.socket.send_str(frame(3).dumps().replace('"jpeg":"', '"jpeg":"*'))
    await peer.end()
    assert peer.marks["door"].live == 3
    assert hub.cameras["door"].source.outcomes("epoch-1").rejected == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (frame(5), frame(5)),
        (frame(5), frame(4)),
        (frame(5, flags=FrameFlag.REPLAY), frame(5, flags=FrameFlag.REPLAY)),
    ],
    ids=["same", "falling", "replayed twice"],
)
async def test_sequences_rise(hub: FakeHub, client: Client, first: Any, second: Any) -> None:
    """A sequence that does not rise within live or within replay ends the connection, and counts nothing twice."""
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    await peer.say(first)
    await peer.say(second)
    refuse, _ = await peer.end()
    assert refuse is not None
    assert refuse.error.code is ErrorCode.MALFORMED
    outcomes = hub.cameras["door"].source.outcomes("epoch-1")
    assert (outcomes.received, outcomes.rejected) == (1, 0)


async def test_live_and_replay_have_orders_of_their_own(hub: FakeHub, client: Client) -> None:
    """Old frames sent again mix freely with live ones."""
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    for sequence, flags in ((10, 0), (1, 2), (11, 0), (2, 2), (12, 16)):
        await peer.say(frame(sequence, flags=flags))
    await peer.acknowledged("door", live=12, replay=2)
    assert [f.sequence for f in hub.cameras["door"].source.frames] == [10, 1, 11, 2, 12]
    await peer.leave()


async def test_too_many_live_frames_are_rejected(hub: FakeHub, client: Client) -> None:
    """Over the rate, live frames are rejected and acknowledged; pre-roll and replay are not live."""
    hub.cameras["door"].config["rate_fps"] = 0.1
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    for sequence in range(1, RATE_BURST + 6):
        await peer.say(frame(sequence))
    await peer.say(frame(1000, flags=FrameFlag.PREROLL))
    await peer.say(frame(40, flags=FrameFlag.REPLAY))
    await peer.acknowledged("door", live=1000, replay=40)
    outcomes = hub.cameras["door"].source.outcomes("epoch-1")
    assert outcomes.received == RATE_BURST + 7
    assert 1 <= outcomes.rejected <= 5  # exactly 5 where no time passes
    assert peer.marks["door"].settled == outcomes.rejected
    await peer.leave()


async def test_an_oversize_message_is_closed(hub: FakeHub, client: Client) -> None:
    """More than any message may have closes the connection before it fills the memory."""
    bad, good = await _two(client)
    await bad.socket.send_bytes(bytes(MAX_TEXT_BYTES + 1))
    _, code = await bad.end()
    assert code == 1009
    await good.settle()
    await good.leave()


async def test_unknown_types_and_keys_are_ignored(hub: FakeHub, client: Client) -> None:
    """What a newer bridge says beyond this version is ignored and counted."""
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    link = hub.gateway.link("porch")
    assert link is not None
    await peer.socket.send_str('{"type": "weather", "sun": true}')
    await peer.socket.send_str('{"type": "ping", "id": 5, "mood": "fine"}')
    await peer.settle()
    assert link.unknown == 1
    await peer.leave()


async def test_a_cut_connection_frees_its_cameras(hub: FakeHub, client: Client) -> None:
    """A TCP connection that dies in the middle of a frame leaves nothing behind."""
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    link = hub.gateway.link("porch")
    assert link is not None
    connection = peer.socket._response.connection
    assert connection is not None
    assert connection.transport is not None
    connection.transport.write(b"\x82\x7e\xff\xff" + bytes(4) + HEAD)
    connection.transport.abort()
    await link.ended.wait()
    assert not hub.cameras["door"].connected


async def test_a_peer_that_does_not_read_is_cut(
    hub: FakeHub, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for a bridge is bounded; a bridge that lets it grow loses its connection."""
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    link = hub.gateway.link("porch")
    assert link is not None
    for number in range(bridge_link.OUTBOX_MESSAGES * 2):
        link.send(Ping(id=number))
    await link.ended.wait()
    assert not hub.cameras["door"].connected
    await peer.leave()


async def test_the_newest_configuration_replaces_a_waiting_one(
    hub: FakeHub, client: Client
) -> None:
    """A bridge that is slow to read gets one configuration, the newest."""
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    for rate_fps in (1.0, 2.0, 3.0):
        hub.cameras["door"].config["rate_fps"] = rate_fps
        hub.bridges["porch"].configure()
    configure = await peer.hear(Configure)
    assert [c.rate_fps for c in configure.cameras] == [3.0]
    await peer.settle()
    await peer.leave()
