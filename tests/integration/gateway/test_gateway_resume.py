"""A bridge that comes back: marks, epochs, runs, and the end of a replay."""

from typing import Any

from aiohttp.test_utils import TestClient

from custom_components.camera_narrator.pipeline.tally import Fate
from custom_components.camera_narrator.protocol.camera import (
    CameraHello,
    CameraStatus,
    Counters,
    Received,
)
from custom_components.camera_narrator.protocol.messages import Status
from custom_components.camera_narrator.protocol.vocabulary import FrameFlag, StreamState
from tests.integration.gateway.bridge_peer import BridgePeer, frame
from tests.integration.gateway.fake_hub import TOKEN, FakeHub

type Client = TestClient[Any, Any]


def _door(**changes: Any) -> CameraHello:
    counters = changes.pop("counters", {})
    return CameraHello(camera="door", counters=Counters(**{"sampled": 0, **counters}), **changes)


async def _leave(hub: FakeHub, peer: BridgePeer) -> None:
    link = hub.gateway.link("porch")
    assert link is not None
    await peer.leave()
    await link.ended.wait()


async def test_the_welcome_says_what_has_come(hub: FakeHub, client: Client) -> None:
    """Within an epoch the marks of the last connection come with the welcome; a new epoch has none."""
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    for sequence, flags in ((1, 0), (2, 0), (7, 2)):
        await peer.say(frame(sequence, flags=flags))
    await peer.settle()
    await _leave(hub, peer)

    again = await BridgePeer.connect(client, TOKEN)
    assert (await again.welcome()).received == (Received(camera="door", live=2, replay=7),)
    await _leave(hub, again)

    once_more = await BridgePeer.connect(client, TOKEN)
    assert (await once_more.welcome()).received == (Received(camera="door", live=2, replay=7),)
    await _leave(hub, once_more)

    reborn = await BridgePeer.connect(client, TOKEN, epoch="epoch-2")
    assert (await reborn.welcome()).received == (Received(camera="door"),)
    await reborn.say(frame(1))
    await reborn.settle()
    assert hub.cameras["door"].source.frames[-1].identity == ("epoch-2", 1)
    await reborn.leave()


async def test_order_begins_anew_with_the_connection(hub: FakeHub, client: Client) -> None:
    """What was lost on the way may be sent again, lower than what had come before."""
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    await peer.say(frame(9))
    await peer.settle()
    await _leave(hub, peer)

    again = await BridgePeer.connect(client, TOKEN)
    await again.welcome()
    await again.say(frame(8, flags=FrameFlag.REPLAY))
    await again.say(frame(9, flags=FrameFlag.REPLAY))
    await again.acknowledged("door", live=9, replay=9)
    outcomes = hub.cameras["door"].source.outcomes("epoch-1")
    assert (outcomes.received, outcomes.duplicates) == (2, 1)
    await again.leave()


async def test_time_goes_on_over_a_reconnect(hub: FakeHub, client: Client) -> None:
    """Within an epoch a later capture never gets an earlier time, whatever the new hello's clock says."""
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    await peer.say(frame(1))
    await peer.settle()
    await _leave(hub, peer)
    again = await BridgePeer.connect(client, TOKEN, clock_us=9_000_000_000)
    await again.welcome()
    await again.say(frame(2))
    await again.settle()
    first, second = hub.cameras["door"].source.frames
    assert first.captured_s <= second.captured_s
    await again.leave()


async def test_another_run_begins_its_sum(hub: FakeHub, client: Client) -> None:
    """What an earlier run of Home Assistant acknowledged is its own: settled is the base, the rest lost."""
    told = _door(
        acknowledged=10,
        settled=7,
        run_id="run-0",
        counters={"sampled": 12, "unacknowledged": 2},
    )
    peer = await BridgePeer.connect(client, TOKEN, cameras=(told,))
    (received,) = (await peer.welcome()).received
    assert (received.live, received.settled) == (0, 10)

    for sequence in (11, 12):
        await peer.say(frame(sequence, flags=FrameFlag.REPLAY))
    hub.cameras["door"].source.tally.settle("epoch-1", Fate.EVICTED)
    status = CameraStatus(camera="door", state=StreamState.STREAMING, counters=Counters(sampled=12))
    await peer.settle()
    await peer.say(Status(cameras=(status,)))
    await peer.settle()
    _, account = hub.cameras["door"].statuses[-1]
    assert (account.base, account.lost) == (7, 3)
    assert peer.marks["door"].settled == 11
    await _leave(hub, peer)

    same_run = _door(acknowledged=12, settled=11, run_id="run-1", counters={"sampled": 12})
    again = await BridgePeer.connect(client, TOKEN, cameras=(same_run,))
    await again.welcome()
    await again.say(Status(cameras=(status,)))
    await again.settle()
    _, account = hub.cameras["door"].statuses[-1]
    assert (account.base, account.lost) == (7, 3)
    await again.leave()


async def test_the_end_of_a_replay_is_exact(hub: FakeHub, client: Client) -> None:
    """The hello says how much will come again; when that much came, the camera may ask about it."""
    source = hub.cameras["door"].source
    told = _door(counters={"sampled": 3, "unacknowledged": 3})
    peer = await BridgePeer.connect(client, TOKEN, cameras=(told,))
    await peer.welcome()
    await peer.say(frame(1, flags=FrameFlag.REPLAY))
    await peer.say(frame(4))
    await peer.say(frame(2, flags=FrameFlag.REPLAY))
    await peer.settle()
    assert source.replays_ended == 0
    await peer.say(frame(3, flags=FrameFlag.REPLAY))
    await peer.settle()
    assert source.replays_ended == 1
    await peer.leave()


async def test_what_came_without_its_acknowledgement_is_not_awaited(
    hub: FakeHub, client: Client
) -> None:
    """Frames that arrived although the bridge never heard so are trimmed by the welcome, not replayed."""
    source = hub.cameras["door"].source
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    for sequence in (1, 2, 3):
        await peer.say(frame(sequence))
    await peer.settle()
    await _leave(hub, peer)
    ended = source.replays_ended

    told = _door(counters={"sampled": 4, "unacknowledged": 4}, run_id="run-1")
    again = await BridgePeer.connect(client, TOKEN, cameras=(told,))
    await again.welcome()
    assert source.replays_ended == ended
    await again.say(frame(4, flags=FrameFlag.REPLAY))
    await again.settle()
    assert source.replays_ended == ended + 1
    await again.leave()


async def test_what_the_ring_threw_away_is_not_awaited(hub: FakeHub, client: Client) -> None:
    """A status that tells of an overflow shortens the wait, an empty ring ends it."""
    source = hub.cameras["door"].source
    told = _door(counters={"sampled": 5, "unacknowledged": 5})
    peer = await BridgePeer.connect(client, TOKEN, cameras=(told,))
    await peer.welcome()
    await peer.say(frame(3, flags=FrameFlag.REPLAY))
    await peer.say(
        Status(
            cameras=(
                CameraStatus(
                    camera="door",
                    state=StreamState.STREAMING,
                    counters=Counters(sampled=5, overflowed=2, unacknowledged=3),
                ),
            )
        )
    )
    await peer.say(frame(4, flags=FrameFlag.REPLAY))
    await peer.settle()
    assert source.replays_ended == 0
    await peer.say(frame(5, flags=FrameFlag.REPLAY))
    await peer.settle()
    assert source.replays_ended == 1
    await peer.leave()


async def test_nothing_to_replay_ends_at_once(hub: FakeHub, client: Client) -> None:
    """A camera that the hello does not name has nothing to send again."""
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    assert hub.cameras["door"].source.replays_ended == 1
    await peer.leave()


async def test_a_camera_that_is_active_says_so_with_the_hello(hub: FakeHub, client: Client) -> None:
    """Events that were open before an outage go on where the hello says active."""
    peer = await BridgePeer.connect(client, TOKEN, cameras=(_door(active=True),))
    await peer.welcome()
    assert hub.cameras["door"].connections[-1]["active"] is True
    await peer.leave()
