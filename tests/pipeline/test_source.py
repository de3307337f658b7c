"""What the gateway and the hub see of a camera, without narration."""

import asyncio

from custom_components.camera_narrator.pipeline.buffer import AGE_MAX_S, LINGER_S
from custom_components.camera_narrator.pipeline.chunk import span_of
from custom_components.camera_narrator.pipeline.facts import Moved, Seen
from custom_components.camera_narrator.pipeline.models import ActivityState, CameraSettings
from custom_components.camera_narrator.pipeline.outcomes import Outcomes
from custom_components.camera_narrator.pipeline.source import FACTS_MAX, CameraSource
from custom_components.camera_narrator.pipeline.vocabulary import Profile
from tests.pipeline.fakes import FakeClock, a_frame


def a_source(profile: Profile = Profile.BALANCED) -> tuple[CameraSource, FakeClock]:
    """Return a source and its clock."""
    clock = FakeClock()
    settings = CameraSettings(title="Front door", profile=profile)
    return CameraSource(camera="door", settings=settings, clock=clock), clock


def state(clock: FakeClock, *, active: bool, since_s: float | None = None) -> ActivityState:
    """Return a state told now."""
    now_s = clock.monotonic()
    return ActivityState(
        active=active, since_s=now_s if since_s is None else since_s, received_s=now_s
    )


def test_every_frame_is_counted_once() -> None:
    """Received, duplicate, rejected; the newest is the live view."""
    source, clock = a_source()
    now_s = clock.monotonic()
    source.receive(a_frame(1, now_s))
    source.receive(a_frame(2, now_s - 3, preroll=True))
    source.receive(a_frame(1, now_s, replay=True))
    source.reject("epoch")
    assert source.outcomes("epoch") == Outcomes(received=3, rejected=1, buffered=2, duplicates=1)
    assert source.outcomes("epoch").settled == 1
    latest = source.latest()
    assert latest is not None
    assert latest.sequence == 1


async def test_nobody_reading_costs_no_memory() -> None:
    """Facts are bounded while narration does not run, and those given up are counted."""
    source, clock = a_source()
    for number in range(1, FACTS_MAX * 2):
        source.receive(a_frame(number, clock.monotonic()))
    assert source.facts_missed == FACTS_MAX - 1
    assert len(source.facts()) == FACTS_MAX
    assert source.facts() == ()


async def test_a_quiet_frame_wakes_only_who_heeds_it() -> None:
    """Who waits without heeding frames sleeps on, is told nothing of them, and wakes when something moves."""
    source, clock = a_source()
    soon_s = clock.monotonic() + 60.0
    waiting = asyncio.create_task(source.wait(soon_s, frames=False))
    await clock.settle()
    source.receive(a_frame(1, clock.monotonic()))
    await clock.settle()
    assert not waiting.done()
    assert source.facts() == ()
    source.receive(a_frame(2, clock.monotonic(), active=True))
    await clock.settle()
    assert waiting.done()
    assert [type(fact) for fact in source.facts()] == [Moved, Seen]
    waiting = asyncio.create_task(source.wait(soon_s))
    await clock.settle()
    source.receive(a_frame(3, clock.monotonic()))
    await clock.settle()
    assert waiting.done()


async def test_a_frame_that_would_get_too_old_wakes() -> None:
    """Who sleeps for longer than the buffer keeps a frame has to look at when it expires."""
    source, clock = a_source()
    now_s, kept_s = clock.monotonic(), AGE_MAX_S + LINGER_S
    waiting = asyncio.create_task(source.wait(now_s + kept_s, frames=False))
    await clock.settle()
    source.receive(a_frame(1, now_s))
    await clock.settle()
    assert not waiting.done()
    source.receive(a_frame(2, now_s - 0.1, preroll=True))
    await clock.settle()
    assert waiting.done()
    assert source.deadline_s() == now_s - 0.1 + kept_s


async def test_an_active_frame_stands_for_the_state() -> None:
    """It may overtake its message; one captured before the state went quiet does not count."""
    source, clock = a_source()
    source.connect(epoch="epoch", reports_activity=True, active=False)
    await clock.advance(1)
    source.receive(a_frame(1, clock.monotonic(), active=True))
    assert Moved(at_s=1001.0, since_s=1001.0) in source.facts()
    source.observe(state(clock, active=True, since_s=1000.5))
    await clock.advance(5)
    source.observe(state(clock, active=False))
    assert source.heard_s is None
    source.receive(a_frame(2, clock.monotonic() - 0.5, active=True))
    assert source.heard_s is None
    await clock.advance(1)
    source.receive(a_frame(3, clock.monotonic(), active=True))
    assert source.heard_s == 1007.0


async def test_a_late_frame_of_a_told_moment_is_settled() -> None:
    """It is not asked about again."""
    source, _clock = a_source()
    told = (a_frame(1, 900.0, active=True), a_frame(2, 910.0, active=True))
    source.buffer.cover(span_of(told))
    source.receive(a_frame(3, 905.0, active=True, replay=True))
    source.receive(a_frame(4, 915.0, active=True, replay=True))
    assert source.outcomes("epoch") == Outcomes(received=2, not_selected=1, buffered=1)


async def test_frames_of_an_open_visit_join_in_any_order() -> None:
    """Those that came before the visit was known are taken over, those after it directly."""
    source, _clock = a_source()
    source.receive(a_frame(1, 990.0, active=True, replay=True))
    source.receive(a_frame(2, 995.0, active=True, replay=True))
    assert source.buffer.eligible() == ()
    source.join(992.0)
    source.receive(a_frame(3, 996.0, active=True, replay=True))
    assert [frame.sequence for frame in source.buffer.eligible()] == [2, 3]
    assert [fact.captured_s for fact in source.facts() if isinstance(fact, Seen)] == [995.0, 996.0]
    source.part()
    source.receive(a_frame(4, 997.0, active=True, replay=True))
    assert [frame.sequence for frame in source.buffer.eligible()] == [2, 3]


def test_the_profile_follows_what_the_bridge_can_do() -> None:
    """Without activity only the timer is left, until a frame of this epoch is flagged active."""
    source, clock = a_source(Profile.ECONOMY)
    assert source.profile is Profile.ECONOMY
    source.connect(epoch="one", reports_activity=False, active=False)
    assert source.profile is Profile.ALWAYS
    source.receive(a_frame(1, clock.monotonic(), active=True))
    assert source.profile is Profile.ECONOMY
    source.connect(epoch="one", reports_activity=False, active=False)
    assert source.profile is Profile.ECONOMY
    source.connect(epoch="two", reports_activity=False, active=False)
    assert source.profile is Profile.ALWAYS
    source.connect(epoch="two", reports_activity=True, active=False)
    assert source.profile is Profile.ECONOMY


async def test_the_states_of_a_span_begin_with_the_one_in_force() -> None:
    """A describer knows what moved when the span began."""
    source, clock = a_source()
    for _ in range(5):
        source.observe(state(clock, active=True))
        await clock.advance(2)
    assert [told.received_s for told in source.states(1003.0, 1007.0)] == [1002.0, 1004.0, 1006.0]
    assert source.states(900.0, 950.0) == ()


async def test_a_reconnect_keeps_since_when_it_moves() -> None:
    """A hello says only that; the longer word holds."""
    source, clock = a_source()
    source.observe(state(clock, active=True, since_s=950.0))
    await clock.advance(3)
    source.disconnect()
    assert not source.connected
    source.connect(epoch="epoch", reports_activity=True, active=True)
    assert source.activity is not None
    assert source.activity.since_s == 950.0
    assert source.heard_s == 1003.0
