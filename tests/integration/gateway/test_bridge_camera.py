"""One camera on one connection, with a clock that tests move: rate, watch, acknowledgements."""

import pytest

from custom_components.camera_narrator.acknowledgements import ACK_FRAMES, ACK_S, Acknowledgements
from custom_components.camera_narrator.bridge_camera import (
    RATE_BURST,
    RATE_FACTOR,
    SHOWN_S,
    BridgeCamera,
    Reception,
)
from custom_components.camera_narrator.bridge_clock import BridgeClock
from custom_components.camera_narrator.protocol.messages import Ack
from custom_components.camera_narrator.protocol.record import Message, ProtocolError
from custom_components.camera_narrator.protocol.vocabulary import FrameFlag
from tests.integration.gateway.bridge_peer import CLOCK_US, frame
from tests.integration.gateway.fake_hub import FakeCamera
from tests.pipeline.fakes import FakeClock


class Line:
    """A camera at one frame a second, its bridge's clock, and what was acknowledged."""

    def __init__(self, *, counts: bool = True) -> None:
        """Connect."""
        self.clock = FakeClock()
        self.fake = FakeCamera("door", "door", "porch", rate_fps=1.0)
        self.camera = BridgeCamera(
            1,
            epoch="epoch-1",
            reception=Reception(camera=self.fake),  # type: ignore[arg-type]
            counts=counts,
            clock=self.clock,
        )
        self.camera.connect(None, reports_activity=True)
        self.bridge_clock = BridgeClock(clock_us=CLOCK_US, now_s=self.clock.monotonic())
        self.sent: list[Message] = []
        self.acks = Acknowledgements(self.sent.append, self.clock)
        self.sequence = 0

    def send(self, count: int = 1, *, flags: int = 0) -> int:
        """Send frames; return how many of them were rejected."""
        before = self.rejected
        for _ in range(count):
            self.sequence += 1
            self.camera.receive(frame(self.sequence, flags=flags), self.bridge_clock)
            self.acks.owe(self.camera)
        return self.rejected - before

    @property
    def rejected(self) -> int:
        """Return the count so far."""
        return self.fake.source.outcomes("epoch-1").rejected


async def test_a_burst_is_allowed_once() -> None:
    """Twenty frames at a time pass; after that four times the active rate, no more."""
    line = Line()
    assert line.send(RATE_BURST + 5) == 5
    await line.clock.advance(2.0)
    assert line.send(12) == 12 - 2 * RATE_FACTOR
    await line.clock.advance(3600.0)
    assert line.send(RATE_BURST + 1) == 1


@pytest.mark.parametrize("flag", [FrameFlag.REPLAY, FrameFlag.PREROLL])
async def test_replay_and_preroll_have_no_rate(flag: FrameFlag) -> None:
    """A replay comes as fast as the line goes, and takes nothing from what live frames may."""
    line = Line()
    assert line.send(200, flags=flag) == 0
    assert line.send(RATE_BURST) == 0


async def test_a_wish_lifts_the_rate_for_its_time() -> None:
    """While somebody looks, four times the wished rate passes; then the camera's own again."""
    line = Line()
    line.send(RATE_BURST)
    line.camera.watch(rate_fps=3.0, seconds=10.0)
    await line.clock.advance(1.0)
    assert line.send(13) == 1
    await line.clock.advance(10.0)
    line.send(RATE_BURST)
    await line.clock.advance(1.0)
    assert line.send(6) == 6 - RATE_FACTOR


async def test_frames_after_the_withdrawal_are_rejected() -> None:
    """What was on its way when the camera was taken away is counted, and reaches nobody."""
    line = Line()
    line.camera.withdrawn = True
    assert line.send(3) == 3
    assert line.fake.source.frames == []
    assert line.camera.acknowledge().live == 3


def test_a_sequence_that_does_not_rise_is_malformed() -> None:
    """Zero is no sequence, and none comes twice."""
    line = Line()
    with pytest.raises(ProtocolError):
        line.camera.receive(frame(0), line.bridge_clock)
    line.send()
    with pytest.raises(ProtocolError):
        line.camera.receive(frame(1), line.bridge_clock)
    assert line.fake.source.outcomes("epoch-1").received == 1


async def test_one_frame_is_acknowledged_after_a_moment() -> None:
    """A single frame waits for company a quarter of a second, and nothing runs after that."""
    line = Line()
    line.send()
    await line.clock.advance(ACK_S - 0.01)
    assert line.sent == []
    await line.clock.advance(0.02)
    assert [ack.cameras[0].live for ack in line.sent if isinstance(ack, Ack)] == [1]
    await line.clock.advance(60.0)
    assert len(line.sent) == 1


async def test_eight_frames_are_acknowledged_at_once() -> None:
    """A burst gets one acknowledgement per eight frames, and the rest in a moment."""
    line = Line()
    line.send(2 * ACK_FRAMES + 3)
    lives = [ack.cameras[0].live for ack in line.sent if isinstance(ack, Ack)]
    assert lives == [ACK_FRAMES, 2 * ACK_FRAMES]
    line.acks.stop()
    await line.clock.advance(1.0)
    assert len(line.sent) == 2


async def test_the_account_of_a_simple_client_is_shown_now_and_then() -> None:
    """A client without counters gets its account with an acknowledgement, at most every ten seconds."""
    line = Line(counts=False)
    for _ in range(3):
        line.send()
        await line.clock.advance(1.0)
    assert len(line.fake.statuses) == 1
    await line.clock.advance(SHOWN_S)
    line.send()
    await line.clock.advance(1.0)
    status, account = line.fake.statuses[-1]
    assert (status, account.sampled, account.lost) == (None, 4, 0)
