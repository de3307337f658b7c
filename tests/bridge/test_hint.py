"""What the sizes of packets tell: real onsets at once, chance and what is usual hardly ever."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
import math
import random

from hypothesis import given, strategies as st
import pytest

from edge_bridge.hint import PacketHint
from edge_bridge.usual import Usual

START_US = 7_000_000_000


@dataclass(frozen=True)
class Packet:
    """One packet of a made-up stream."""

    at_s: float
    size: int
    qp: int | None
    key: bool


def stream(
    seconds: float,
    *,
    fps: float = 25,
    group: int = 50,
    usual: float = 4000,
    noise: float = 0.08,
    rises: Callable[[float], float] = lambda _: 1.0,
    constant_rate: bool = False,
    seed: int = 1,
) -> Iterator[Packet]:
    """Return a camera's packets; ``rises`` says how many times more there is to code at a time.

    Right after a key picture packets are larger, as with real encoders. At a constant rate the quantiser takes up what
    is more, and bytes stay nearly what they were.
    """
    random_ = random.Random(seed)  # noqa: S311  # sizes, not keys
    for number in range(round(seconds * fps)):
        at_s, place = number / fps, number % group
        if place == 0:
            yield Packet(at_s, round(usual * 9), 24, key=True)
            continue
        work = rises(at_s) * (1 + 0.8 * math.exp(-place / 4)) * random_.lognormvariate(0, noise)
        qp = 24
        if constant_rate:
            qp += round(5.5 * math.log2(max(work, 0.3)))
        yield Packet(at_s, round(usual * work / 2 ** ((qp - 24) / 6)), qp, key=False)


def wakes(
    hint: PacketHint, packets: Iterator[Packet], *, blind: bool = False, visit_s: float = math.inf
) -> list[float]:
    """Return when the hint wakes; what it wakes for before there is a visit is found to be nothing, 0.7 s later."""
    found: list[float] = []
    pending: float | None = None
    for packet in packets:
        at_us = START_US + round(packet.at_s * 1_000_000)
        if pending is not None and packet.at_s - pending > 0.7:
            hint.settle(confirmed=pending >= visit_s, captured_us=at_us)
            pending = None
        qp = None if blind else packet.qp
        if hint.offer(packet.size, qp, key=packet.key, captured_us=at_us):
            found.append(packet.at_s)
            pending = packet.at_s
    return found


def at_20_s(times: float) -> Callable[[float], float]:
    """Return that something comes after twenty seconds."""
    return lambda at_s: times if at_s >= 20.02 else 1.0


@pytest.mark.parametrize("fps", [5, 12.5, 25, 60])
@pytest.mark.parametrize("group", [25, 250])
def test_onset_wakes_within_some_packets(fps: float, group: int) -> None:
    """Twice as much to code is told by a few packets, at any rate and group length, of a stream hardly known."""
    found = wakes(PacketHint(), stream(24, fps=fps, group=group, rises=at_20_s(2.0)), visit_s=20)
    onsets = [at_s for at_s in found if at_s >= 20]
    assert onsets
    assert onsets[0] <= 20.02 + 7 / fps


def test_constant_rate_needs_the_quantiser() -> None:
    """Where the encoder holds its bytes, they say nothing and the quantiser does."""
    made = {"group": 250, "noise": 0.04, "rises": at_20_s(2.0), "constant_rate": True}
    seen = [at for at in wakes(PacketHint(), stream(22, **made)) if at >= 20]  # type: ignore[arg-type]
    assert seen
    assert seen[0] < 20.4
    assert not [
        at
        for at in wakes(PacketHint(), stream(22, **made), blind=True)  # type: ignore[arg-type]
        if 20 <= at < 20.4
    ]


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.1, 0.4])
@pytest.mark.parametrize("group", [50, 250])
def test_quiet_streams_seldom_wake(noise: float, group: int) -> None:
    """Ten minutes of chance, and of larger packets after each key picture, wake less than once a minute."""
    found = wakes(PacketHint(), stream(600, group=group, noise=noise))
    assert len(found) <= 10


def test_one_large_packet_is_no_onset() -> None:
    """A clock's digits once a second are one packet each time."""
    ticking = stream(120, rises=lambda at_s: 3.0 if at_s % 1 < 0.03 else 1.0)
    assert len(wakes(PacketHint(), ticking)) <= 2


def test_slow_change_is_no_onset() -> None:
    """Dusk doubles the noise within five minutes."""
    assert len(wakes(PacketHint(), stream(300, rises=lambda at_s: 1 + at_s / 300))) <= 4


def test_false_alarms_cost_a_bounded_share_of_the_time() -> None:
    """Gusts every ten seconds: each false alarm makes the next dearer, until they take a few per cent of the time."""
    hint = PacketHint()
    spent_s, pending = 0.0, None
    key_s = 0.0
    gusts = stream(1800, rises=lambda at_s: 2.0 if at_s % 10 < 1 else 1.0)
    for packet in gusts:
        at_us = START_US + round(packet.at_s * 1_000_000)
        key_s = packet.at_s if packet.key else key_s
        if pending is not None and packet.at_s - pending > 0.7:
            hint.settle(confirmed=False, captured_us=at_us)
            pending = None
        if hint.offer(packet.size, packet.qp, key=packet.key, captured_us=at_us):
            pending = packet.at_s
            spent_s += 0.7 + packet.at_s - key_s
    assert spent_s < 0.03 * 1800


def test_a_visit_is_not_learned_as_usual() -> None:
    """Somebody who stays for half a minute and goes is noticed when coming again."""
    hint = PacketHint()
    visits = stream(80, rises=lambda at_s: 2.0 if 20 <= at_s < 50 or at_s >= 70 else 1.0)
    assert [at for at in wakes(hint, visits, visit_s=20) if 70 <= at < 70.4]


def dithering(seconds: float, *, onset_s: float = math.inf, seed: int = 1) -> Iterator[Packet]:
    """Return packets of an encoder that holds its rate: onsets raise no bytes, but the quantiser by a step and a half.

    While quiet every fourth picture is a step finer and takes several times as many bytes.
    """
    random_ = random.Random(seed)  # noqa: S311  # sizes, not keys
    finer_since = 0
    for number in range(round(seconds * 25)):
        at_s = number / 25
        if number % 250 == 0:
            yield Packet(at_s, 20_000, 15, key=True)
            continue
        finer_since = (finer_since + 1) % 4
        qp = 16 if finer_since == 0 else 17
        usual = 5000 if finer_since == 0 else 700 + 300 * finer_since
        if at_s >= onset_s:
            qp += 1 + number % 2
        yield Packet(at_s, round(usual * random_.lognormvariate(0, 0.05)), qp, key=False)


def test_sizes_that_alternate_with_the_quantiser_are_usual() -> None:
    """An encoder between two steps of its quantiser makes packets of very different size, and nothing has happened."""
    assert len(wakes(PacketHint(), dithering(600))) <= 5


def test_a_coarser_quantiser_alone_wakes() -> None:
    """Where bytes stay what they are, a step or two that remain are told within half a second."""
    found = wakes(PacketHint(), dithering(44, onset_s=43), visit_s=43)
    assert [at for at in found if 43 <= at < 43.5]
    assert not [at for at in found if 30 <= at < 43]


def test_next_to_nothing_is_nothing() -> None:
    """A still picture is headers only: twice that is far less unusual than twice as much of a picture with noise."""

    def twice(size: int) -> float:
        usual, random_ = Usual(), random.Random(1)  # noqa: S311  # sizes, not keys
        for number in range(500):
            near = round(size * random_.lognormvariate(0, 0.1))
            usual.above(near, 24, since_key=number % 50 + 1, elapsed_s=0.04, learn=True)
        return usual.above(2 * size, 24, since_key=1, elapsed_s=0.04, learn=True)

    assert twice(4000) > 5
    assert twice(25) < twice(4000) / 1.5


def test_a_damaged_header_undoes_nothing() -> None:
    """One packet whose quantiser cannot be read leaves what was learned: an onset right after it is told at once."""
    packets = [
        replace(packet, qp=None) if packet.at_s == 20 else packet
        for packet in stream(22, group=250, rises=at_20_s(2.0))
    ]
    found = [at for at in wakes(PacketHint(), iter(packets), visit_s=20) if at >= 20]
    assert found
    assert found[0] <= 20.3


@given(
    st.lists(
        st.tuples(
            st.integers(-5, 2**40),
            st.none() | st.integers(-40, 60),
            st.booleans(),
            st.integers(-(10**6), 10**9),
        )
    )
)
def test_whatever_comes_is_taken(packets: list[tuple[int, int | None, bool, int]]) -> None:
    """Sizes, quantisers and clocks of any kind raise nothing, and the first packets never wake."""
    hint = PacketHint()
    at_us = START_US
    for number, (size, qp, key, later_us) in enumerate(packets):
        at_us += later_us
        woken = hint.offer(size, qp, key=key, captured_us=at_us)
        assert not (woken and number < 20)
        if woken:
            hint.settle(confirmed=False, captured_us=at_us)
