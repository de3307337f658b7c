"""Keeping up with a stream: what a reader that is too slow gives up, and what nobody must lose."""

from collections.abc import Iterator
from dataclasses import dataclass
import itertools

import pytest

from edge_bridge.pace import SKIP_MOST_S, Pace


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A packet of a camera: when it can be read, and the time that the stream gives it."""

    at_s: float
    stream_s: float
    key: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What became of a packet, and how long it had waited."""

    packet: Sent
    age_s: float
    skipped: bool


def stream(
    *, seconds: float, fps: float = 25, key_s: float = 2, clock: float = 1.0, start_s: float = 0
) -> Iterator[Sent]:
    """Return a stream whose own time passes ``clock`` times as fast as it should."""
    keys = max(1, round(key_s * fps)) if key_s else None
    for number in range(int(seconds * fps)):
        at_s = number / fps
        key = number == 0 if keys is None else number % keys == 0
        yield Sent(at_s=at_s, stream_s=start_s + at_s * clock, key=key)


def read(
    packets: Iterator[Sent], *, decode_s: float, demux_s: float = 0.001, pace: Pace | None = None
) -> list[Read]:
    """Read packets one after the other, as a thread does that takes so long for each."""
    pace = pace or Pace()
    clock_s = 0.0
    seen = []
    for packet in packets:
        clock_s = max(clock_s, packet.at_s) + demux_s
        skipped = pace.skips(packet.stream_s, clock_s, key=packet.key)
        seen.append(Read(packet=packet, age_s=clock_s - packet.at_s, skipped=skipped))
        clock_s += 0 if skipped else decode_s
    return seen


@pytest.mark.parametrize("key_s", [0.04, 1, 2, 10])
@pytest.mark.parametrize("decode_s", [0.044, 0.06, 0.12, 0.4])
def test_too_slow_a_reader_shows_young_pictures(key_s: float, decode_s: float) -> None:
    """However much too slow it is, what it decodes is seconds old at most, and it goes on decoding."""
    seen = read(stream(seconds=600, key_s=key_s), decode_s=decode_s)
    decoded = [entry for entry in seen if not entry.skipped]
    assert max(entry.age_s for entry in decoded) < 3
    gaps_s = [
        after.packet.at_s - before.packet.at_s for before, after in itertools.pairwise(decoded)
    ]
    assert max(gaps_s) < key_s + 3
    assert len(decoded) * decode_s > 600 * min(0.4, 2 / max(key_s, 2))


def test_decoding_goes_on_at_key_frames_alone() -> None:
    """Between a skip and the next key frame nothing refers to anything that is known."""
    seen = read(stream(seconds=120), decode_s=0.08)
    resumed = [
        after.packet
        for before, after in itertools.pairwise(seen)
        if before.skipped and not after.skipped
    ]
    assert len(resumed) > 10
    assert all(packet.key for packet in resumed)


def test_reader_that_is_fast_enough_loses_nothing() -> None:
    """Jitter, a network that stands still for seconds, and a clock that drifts for a day are no overload."""
    jitter = (
        Sent(at_s=packet.at_s + packet.at_s * 7919 % 0.3, stream_s=packet.stream_s, key=packet.key)
        for packet in stream(seconds=120)
    )
    assert not any(entry.skipped for entry in read(jitter, decode_s=0.02))
    stalled = (
        Sent(
            at_s=max(packet.at_s, 34.0) if packet.at_s > 30 else packet.at_s,
            stream_s=packet.stream_s,
            key=packet.key,
        )
        for packet in stream(seconds=120)
    )
    assert not any(entry.skipped for entry in read(stalled, decode_s=0.008))
    drifting = stream(seconds=86_400, fps=1, key_s=10, clock=0.9998)
    assert not any(entry.skipped for entry in read(drifting, decode_s=0.02))


def test_stream_time_that_begins_anew_is_no_delay() -> None:
    """A camera that was set to another hour loses nothing in either direction."""
    for jump_s in (3600, -3600):
        packets = itertools.chain(
            stream(seconds=20, start_s=10_000),
            (
                Sent(at_s=packet.at_s + 20, stream_s=packet.stream_s, key=packet.key)
                for packet in stream(seconds=20, start_s=10_020 + jump_s)
            ),
        )
        assert not any(entry.skipped for entry in read(packets, decode_s=0.02))


def test_camera_with_a_wrong_clock_is_believed_less_and_less() -> None:
    """A stream whose time passes a fifth too slowly looks late for ever; it loses little, and less with time."""
    seen = read(stream(seconds=3600, clock=0.8), decode_s=0.01)
    share = sum(entry.skipped for entry in seen) / len(seen)
    assert share < 0.03
    late = seen[len(seen) // 2 :]
    assert sum(entry.skipped for entry in late) / len(late) < share


def test_buffer_of_a_bridge_that_slept_is_given_up() -> None:
    """What waited while the process stood still is older than anyone wants; the newest key frame is next."""
    pace = Pace()
    clock_s = 0.0
    decoded = []
    for packet in stream(seconds=120):
        clock_s = max(clock_s, packet.at_s, 60.0 if packet.at_s > 30 else 0) + 0.001
        if not pace.skips(packet.stream_s, clock_s, key=packet.key):
            decoded.append((packet.at_s, clock_s - packet.at_s))
            clock_s += 0.03
    waited = [at_s for at_s, age_s in decoded if age_s > 1.5]
    assert len(waited) < 60
    assert decoded[-1][0] > 119


def test_stream_without_key_frames_goes_on_all_the_same() -> None:
    """Some cameras refresh their picture piece by piece: a damaged picture is more than none."""
    seen = read(stream(seconds=120, key_s=0), decode_s=0.06)
    skipped_s = 0.0
    for skipped, entries in itertools.groupby(seen, key=lambda entry: entry.skipped):
        if skipped:
            skipped_s = max(skipped_s, len(list(entries)) / 25)
    assert 0 < skipped_s < SKIP_MOST_S + 2
    assert any(not entry.skipped for entry in seen[-400:])
