"""Which packets of a stream are decoded: on real coded streams, with a clock that stands at the packets' time."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction

from av.packet import Packet as AvPacket
from av.video.stream import VideoStream
import numpy as np
import pytest

from edge_bridge import group, stretch
from edge_bridge.budget import Budget, Claim
from edge_bridge.decoding import Decoders
from edge_bridge.hint import PacketHint
from edge_bridge.meter import Meter
from edge_bridge.picture import Picture
from edge_bridge.protocol.vocabulary import DecodeMode
from edge_bridge.stretch import CONFIRM_US
from edge_bridge.track import Track
from tests.bridge.coded import FPS, START_US, STEP_US, Stream, coded

SECOND_US = 1_000_000
QUIET_US = 10 * SECOND_US


@dataclass
class Viewer:
    """Wants every picture for as long as it is told to, and remembers what it saw."""

    wants: Callable[[Picture], bool] = lambda _: False
    interval_us: int = QUIET_US
    active: bool = False
    pictures: list[Picture] = field(default_factory=list)

    def picture(self, picture: Picture) -> bool:
        """Remember it."""
        self.pictures.append(picture)
        return self.wants(picture)

    @property
    def numbers(self) -> list[int]:
        """The pictures by their place in the stream."""
        return [round((entry.captured_us - START_US) / STEP_US) for entry in self.pictures]

    @property
    def shades(self) -> list[int]:
        """What the pictures show."""
        return [round(np.asarray(p.frame.to_ndarray())[:240].mean()) for p in self.pictures]


class Hint(PacketHint):
    """Wakes at the packets it is told to, and remembers what became of it."""

    def __init__(self, *numbers: int) -> None:
        super().__init__()
        self._at_us = {START_US + number * STEP_US for number in numbers}
        self.outcomes: list[bool | None] = []

    def offer(self, size_bytes: int, qp: int | None, *, key: bool, captured_us: int) -> bool:
        """Wake."""
        return captured_us in self._at_us

    def settle(self, *, confirmed: bool | None, captured_us: int) -> None:
        """Remember."""
        self.outcomes.append(confirmed)


@dataclass
class Run:
    """A track and all around it."""

    stream: Stream
    viewer: Viewer = field(default_factory=Viewer)
    hint: Hint = field(default_factory=Hint)
    budget: Budget = field(default_factory=lambda: Budget(2))
    meter: Meter = field(default_factory=Meter)
    now_us: int = START_US

    def __post_init__(self) -> None:
        self.decoders = Decoders()
        self.track = Track(
            self.stream.coding,
            self.viewer,
            hint=self.hint,
            budget=self.budget,
            ready=lambda _: None,
            meter=self.meter,
            clock_us=lambda: self.now_us,
        )

    def play(
        self,
        packets: Iterable[tuple[AvPacket[VideoStream], int]] | None = None,
        *,
        work: bool = True,
    ) -> Viewer:
        """Offer the packets, each at its time, and decode what is due."""
        for packet, at_us in self.stream.timed() if packets is None else packets:
            self.now_us = at_us
            self.track.offer(packet, at_us)
            while work and self.track.work(self.decoders):
                pass
        return self.viewer

    @property
    def skipped(self) -> int:
        """What the meter says was given up."""
        self.meter.read(1)
        return self.meter.read(2, least_us=0).skipped


def shade(number: int) -> int:
    """Return what the picture at a place of the stream shows, at full range of the coder."""
    return (20 + 2 * number) % 220


def shows(viewer: Viewer) -> bool:
    """Return whether every picture is the one of its time."""
    pairs = zip(viewer.numbers, viewer.shades, strict=True)
    return all(abs(seen - shade(number)) <= 2 for number, seen in pairs)


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_quiet_camera_has_its_key_frames_decoded_and_nothing_else(codec: str) -> None:
    """One picture a group, each the right one, for H.264 and H.265."""
    viewer = Run(coded(100, group=25, codec=codec)).play()
    assert viewer.numbers == [0, 25, 50, 75]
    assert shows(viewer)
    assert all(entry.key and entry.mode is DecodeMode.KEYS for entry in viewer.pictures)


def test_what_is_wanted_is_decoded_picture_by_picture_until_it_is_not() -> None:
    """From the key frame that looked suspicious to a moment after the last picture that was wanted; then keys again."""
    viewer = Viewer(wants=lambda entry: 25 <= (entry.captured_us - START_US) / STEP_US < 40)
    run = Run(coded(100, group=25), viewer)
    run.play()
    stays = 25 + CONFIRM_US // STEP_US
    assert viewer.numbers == [0, *range(25, stays + 2), 50, 75]
    assert shows(viewer)
    assert run.budget.spent_ms_per_s == 0
    assert run.track.mode is DecodeMode.KEYS


def test_hint_catches_up_through_the_group_once() -> None:
    """The pictures since the last key frame come in their order and once, though the key frame was seen before."""
    viewer = Viewer(wants=lambda entry: 30 <= (entry.captured_us - START_US) / STEP_US < 45)
    run = Run(coded(100, group=50), viewer, hint=Hint(30))
    viewer.active = True
    run.play()
    assert viewer.numbers[: viewer.numbers.index(50)] == list(range(30 + CONFIRM_US // STEP_US + 2))
    assert shows(viewer)
    assert run.hint.outcomes == [True]


def test_hint_that_nothing_confirms_is_a_false_alarm() -> None:
    """The camera goes back to key frames, and the hint is told."""
    run = Run(coded(100, group=50), hint=Hint(30))
    viewer = run.play()
    assert viewer.numbers[-1] == 50
    assert run.hint.outcomes == [False]
    assert run.track.mode is DecodeMode.KEYS


def test_camera_without_a_share_of_the_budget_stays_with_key_frames() -> None:
    """And the hint is not blamed for it."""
    budget = Budget(1)
    assert budget.admit("another", 599, Claim.ACTIVITY)
    run = Run(coded(100, group=25), Viewer(wants=lambda _: True), Hint(30), budget)
    viewer = run.play()
    assert viewer.numbers == [0, 25, 50, 75]
    assert all(entry.alone for entry in viewer.pictures[1:])
    assert run.hint.outcomes == [None]
    budget.release("another")
    run.play(run.stream.timed(START_US + 100 * STEP_US))
    assert len(viewer.pictures) == 104


def test_catch_up_that_would_take_too_long_waits_for_the_next_key_frame() -> None:
    """Of a group whose pictures cost more than the time to its end, nothing is decoded before the next key frame."""
    run = Run(coded(150, group=50), Viewer(wants=lambda _: True), Hint())
    run.viewer.wants = lambda entry: entry.captured_us > START_US + 60 * STEP_US
    run.hint = Hint(90)
    run.__post_init__()
    # As of a huge picture: 40 catch-up pictures of 30 ms are over a second, the key frame comes in 0.4 s.
    run.track._cost.measure(30_000)
    viewer = run.play()
    assert viewer.numbers == [0, 50, *range(100, 150)]


def test_late_packets_are_given_up_for_the_last_key_frame_and_counted() -> None:
    """Nothing older than a second is decoded; what is given up is counted, and what follows is not doubtful."""
    stream = coded(150, group=25)
    run = Run(stream, Viewer(wants=lambda _: True))
    packets = list(stream.timed())
    run.play(packets[:30])
    run.play(packets[30:120], work=False)
    run.play(packets[120:])
    numbers = run.viewer.numbers
    assert numbers == [*range(30), *range(100, 150)]
    assert run.skipped == 70
    assert not any(entry.doubtful for entry in run.viewer.pictures)
    assert shows(run.viewer)


def test_late_catch_up_goes_on_where_no_key_frame_waits() -> None:
    """The next one may be seconds away: what is told late is told sooner than that."""
    run = Run(coded(150, group=150), Viewer(wants=lambda _: True), Hint(30))
    packets = list(run.stream.timed())
    run.play(packets[:100], work=False)
    run.play(packets[100:])
    assert run.viewer.numbers == list(range(150))
    assert run.skipped == 0


def test_what_was_given_up_was_no_false_alarm() -> None:
    """Nobody looked at what the hint spoke of."""
    run = Run(coded(150, group=50), hint=Hint(30))
    packets = list(run.stream.timed())
    run.play(packets[:120], work=False)
    run.play(packets[120:])
    assert run.skipped > 0
    assert run.hint.outcomes == [None]


def test_key_frames_that_come_are_waited_for_however_large_a_group_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What does not fit is given up, and is nothing to decode every picture for; an unknown stream may have no other."""
    monkeypatch.setattr(group, "MOST_PACKETS", FPS)
    run = Run(coded(FPS * 12, group=FPS * 2))
    run.play()
    assert run.viewer.numbers[-4:] == [FPS * number for number in (4, 6, 8, 10)]


def test_activity_takes_the_share_of_who_merely_has_rare_key_frames() -> None:
    """Cameras that are decoded for their rare key frames give way at once, and try again a second later."""
    budget = Budget(1)
    filler = Run(coded(100, group=100), Viewer(interval_us=SECOND_US), budget=budget)
    packets = list(filler.stream.timed())
    filler.play(packets[:80])
    assert filler.track.mode is DecodeMode.CONTINUOUS
    assert budget.admit("somebody walks", 599, Claim.ACTIVITY)
    filler.play(packets[80:])
    assert filler.track.mode is DecodeMode.KEYS


@pytest.mark.parametrize("late", [52, 100])
def test_stretch_that_nobody_wants_ends_in_time_though_it_has_not_caught_up(late: int) -> None:
    """Where decoding is slower than all streams together, unconfirmed ones must not keep each other late."""
    stream = coded(150, group=150)
    run = Run(stream, hint=Hint(30))
    packets = list(stream.timed())
    run.play(packets[:late], work=False)
    while run.track.work(run.decoders):
        pass
    assert run.track.mode is DecodeMode.KEYS
    assert run.viewer.numbers[-1] <= 30 + CONFIRM_US // STEP_US + 1
    assert run.hint.outcomes == [False]


def test_waiting_key_frame_gives_way_to_a_newer_one() -> None:
    """A worker that comes late looks at the newest, and the others are counted."""
    stream = coded(100, group=25)
    run = Run(stream)
    packets = list(stream.timed())
    run.play(packets, work=False)
    while run.track.work(run.decoders):
        pass
    assert run.viewer.numbers == [75]
    assert run.skipped == 3


def test_pictures_after_a_loss_are_doubtful_until_the_next_key_frame() -> None:
    """A missing packet is seen by the stream's time, though the decoder conceals it."""
    stream = coded(75, group=25)
    packets = [entry for number, entry in enumerate(stream.timed()) if number != 30]
    viewer = Run(stream, Viewer(wants=lambda _: True)).play(packets)
    doubtful = [n for n, p in zip(viewer.numbers, viewer.pictures, strict=True) if p.doubtful]
    assert doubtful == list(range(31, 50))


def test_stream_that_has_become_another_codec_is_broken() -> None:
    """What no longer can be decoded asks to be opened again; damage of a moment does not."""
    stream = coded(200, group=25)
    other = coded(200, group=25, codec="libx265")
    run = Run(stream, Viewer(wants=lambda _: True))
    run.play(list(stream.timed())[:50])
    damaged = [
        (AvPacket(b"\0\0\1\x41" + bytes(40)), START_US + (50 + n) * STEP_US) for n in range(5)
    ]
    run.play(damaged)
    assert not run.track.broken
    run.play(list(other.timed())[55:])
    assert run.track.broken


def test_stream_without_a_second_key_frame_is_decoded_as_it_grows() -> None:
    """Some cameras never send another one: they are followed before what is kept becomes too much."""
    viewer = Run(coded(FPS * 16, group=FPS * 60)).play()
    assert viewer.numbers[0] == 0
    assert viewer.numbers[-1] == FPS * 16 - 1
    gaps = [b - a for a, b in zip(viewer.numbers, viewer.numbers[1:], strict=False)]
    assert set(gaps) == {1}


@pytest.mark.parametrize(("group", "every"), [(25, False), (100, True)])
def test_somebody_who_watches_gets_pictures_where_key_frames_are_too_rare(
    group: int, every: bool
) -> None:
    """One picture a second is asked for: key frames every second will do, every four seconds will not."""
    viewer = Viewer(interval_us=SECOND_US)
    Run(coded(300, group=group), viewer).play()
    assert (len(viewer.pictures) > 150) is every


def test_key_frames_that_have_ceased_are_looked_for_by_decoding() -> None:
    """A camera whose key frames came every second and stay away is decoded, in case it has become another stream."""
    stream = coded(300, group=25)
    packets = [
        (packet, at_us)
        for number, (packet, at_us) in enumerate(stream.timed())
        if number < 100 or not packet.is_keyframe
    ]
    viewer = Run(stream).play(packets)
    assert viewer.pictures[-1].mode is DecodeMode.CONTINUOUS


def test_one_decoder_serves_cameras_of_other_sizes_and_shades() -> None:
    """Key frames of three cameras in turn through shared decoders are those that each camera sent."""
    decoders = Decoders()
    streams = [
        coded(50, group=25),
        coded(50, group=25, width=640, height=480, shade=60),
        coded(50, group=25, codec="libx265", shade=100),
    ]
    runs = [Run(stream) for stream in streams]
    for run in runs:
        run.decoders = decoders
    for entries in zip(*(list(stream.timed()) for stream in streams), strict=True):
        for run, entry in zip(runs, entries, strict=True):
            run.play([entry])
    assert [run.viewer.numbers for run in runs] == [[0, 25]] * 3
    sizes = [{(p.frame.width, p.frame.height) for p in run.viewer.pictures} for run in runs]
    assert sizes == [{(320, 240)}, {(640, 480)}, {(320, 240)}]
    first = [run.viewer.shades[0] for run in runs]
    assert all(abs(a - b) <= 2 for a, b in zip(first, (20, 60, 100), strict=True))
    assert len(decoders._decoders) == 2


def test_parameter_sets_that_only_the_description_has_are_put_in_front() -> None:
    """Many cameras tell them once, before the stream; a shared decoder has heard of none."""
    stream = coded(50, group=25)
    head, body = _without_parameters(bytes(stream.packets[0]))
    packets = []
    for packet, at_us in stream.timed():
        if packet.is_keyframe:
            bare = AvPacket(_without_parameters(bytes(packet))[1])
            bare.pts, bare.time_base, bare.is_keyframe = packet.pts, packet.time_base, True
            packets.append((bare, at_us))
        else:
            packets.append((packet, at_us))
    assert body
    run = Run(replace(stream, coding=replace(stream.coding, parameters=head)))
    assert run.play(packets).numbers == [0, 25]
    assert shows(run.viewer)


def _without_parameters(data: bytes) -> tuple[bytes, bytes]:
    units = [b"\0\0\1" + unit for unit in data.split(b"\0\0\1") if unit.strip(b"\0")]
    parameters = [unit for unit in units if unit[3] & 31 in {7, 8}]
    return b"".join(parameters), b"".join(unit for unit in units if unit[3] & 31 == 5)


def test_closed_track_shows_nothing_more() -> None:
    """What a decoder is still given after the end of its stream goes nowhere, and its share of time is free."""
    stream = coded(60, group=25)
    run = Run(stream, Viewer(wants=lambda _: True))
    packets = list(stream.timed())
    run.play(packets[:10])
    seen = len(run.viewer.pictures)
    assert run.budget.spent_ms_per_s > 0
    run.track.close()
    run.play(packets[10:])
    assert len(run.viewer.pictures) == seen
    assert run.budget.spent_ms_per_s == 0


@pytest.mark.parametrize("group", [25, 250])
def test_pictures_sent_out_of_order_are_neither_doubtful_nor_another_codec(group: int) -> None:
    """Their times step back and forth, and the first of a catch-up makes no picture at once."""
    viewer = Viewer(wants=lambda entry: entry.captured_us > START_US + 220 * STEP_US)
    run = Run(coded(300, group=group, between=3), viewer, Hint(220))
    run.play()
    assert not run.track.broken
    assert viewer.numbers[-1] == 299
    assert not any(entry.doubtful for entry in viewer.pictures)


def test_clock_of_a_stream_that_is_set_back_does_not_hide_losses_for_long() -> None:
    """After the step, pictures count as reordered for two seconds; then what is missing shows again."""
    stream = coded(200, group=100)
    for packet in stream.packets[20:]:
        packet.pts = packet.dts = (packet.pts or 0) - 10
    packets = [entry for number, entry in enumerate(stream.timed()) if number != 150]
    viewer = Run(stream, Viewer(wants=lambda _: True)).play(packets)
    doubtful = [n for n, p in zip(viewer.numbers, viewer.pictures, strict=True) if p.doubtful]
    assert doubtful == list(range(151, 200))


def test_stream_that_refreshes_bit_by_bit_is_followed() -> None:
    """Joined in its midst it has no picture that stands for itself; a decoder that follows it makes some."""
    stream = coded(500, group=50, refresh=True)
    head, _ = _without_parameters(bytes(stream.packets[0]))
    stream = replace(stream, coding=replace(stream.coding, parameters=head))
    run = Run(stream)
    run.play(list(stream.timed())[60:])
    assert run.viewer.numbers[-1] == 499
    assert not run.track.broken


@pytest.mark.parametrize("reason", ["behind", "mistake"])
def test_stream_of_which_nobody_gets_pictures_any_more_is_opened_again(
    reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A group without an end whose middle was given up, and a mistake of ours: only another session helps."""
    monkeypatch.setattr(stretch, "MOST_PACKETS", FPS)
    stream = coded(FPS * 60, group=FPS * 100)
    packets = list(stream.timed())
    run = Run(stream)
    run.play(packets[: FPS * 14])
    assert run.viewer.numbers[-1] == FPS * 14 - 1
    if reason == "behind":
        run.play(packets[FPS * 14 : FPS * 16], work=False)
        run.play(packets[FPS * 16 : FPS * 40])
        assert not run.track.starved
        run.play(packets[FPS * 40 :])
    else:
        run.viewer.wants = _mistake
        for entry in packets[FPS * 14 :]:
            with suppress(ZeroDivisionError):
                run.play([entry])
    assert run.track.starved


def _mistake(picture: Picture) -> bool:
    return picture.captured_us // 0 > 0


def test_process_that_stood_still_does_not_take_its_cameras_for_starved() -> None:
    """Half a minute passed, but no packet of it was seen."""
    stream = coded(150, group=50)
    run = Run(stream)
    packets = list(stream.timed())
    run.play(packets[:60])
    run.play([(packet, at_us + 40 * SECOND_US) for packet, at_us in packets[60:90]], work=False)
    assert not run.track.starved


def test_key_frame_at_which_the_budget_says_no_is_looked_at() -> None:
    """It was to begin a stretch; without one it still is the picture of its group."""
    budget = Budget(1)
    run = Run(coded(100, group=50), Viewer(wants=lambda _: True), budget=budget)
    packets = list(run.stream.timed())
    # There is no key frame to catch up from yet, so decoding is to begin with the next one.
    run.hint = Hint(10)
    run.__post_init__()
    budget.admit("another", 599)
    run.play(packets[1:])
    assert run.viewer.numbers == [50]


def test_pictures_after_a_key_frame_that_cannot_be_decoded_are_doubtful() -> None:
    """They refer to one that was never seen."""
    stream = coded(50, group=25)
    packets = list(stream.timed())
    broken = AvPacket(b"\0\0\1\x65" + bytes(40))
    broken.pts, broken.time_base, broken.is_keyframe = packets[25][0].pts, Fraction(1, FPS), True
    packets[25] = (broken, packets[25][1])
    viewer = Run(stream, Viewer(wants=lambda _: True)).play(packets)
    after = [p for n, p in zip(viewer.numbers, viewer.pictures, strict=True) if n > 25]
    assert after
    assert all(entry.doubtful for entry in after)


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_camera_that_tells_its_parameter_sets_once_never_gets_those_of_another(codec: str) -> None:
    """A shared decoder has heard another camera's in between."""
    decoders = Decoders()
    runs = [
        Run(coded(50, group=25, codec=codec)),
        Run(coded(50, group=25, codec=codec, width=640, height=480)),
    ]
    once = list(runs[1].stream.timed())
    bare = AvPacket(_picture_alone(bytes(once[25][0]), codec))
    bare.pts, bare.time_base, bare.is_keyframe = once[25][0].pts, once[25][0].time_base, True
    once[25] = (bare, once[25][1])
    for run in runs:
        run.decoders = decoders
    for entry, other in zip(runs[0].stream.timed(), once, strict=True):
        runs[1].play([other])
        runs[0].play([entry])
    assert [p.frame.width for p in runs[1].viewer.pictures] == [640, 640]
    assert shows(runs[1].viewer)


def _picture_alone(data: bytes, codec: str) -> bytes:
    units = [b"\0\0\1" + unit for unit in data.split(b"\0\0\1") if unit.strip(b"\0")]
    if codec == "libx264":
        return b"".join(unit for unit in units if unit[3] & 31 not in {7, 8})
    return b"".join(unit for unit in units if unit[3] >> 1 & 63 not in {32, 33, 34})


@pytest.mark.parametrize("key", [False, True])
def test_packets_that_no_decoder_has_time_for_are_bounded_by_their_bytes(key: bool) -> None:
    """A 4K camera sends 20 MB in the time that their number allows."""
    stream = coded(60, group=100)
    run = Run(stream, Viewer(wants=lambda _: True))
    packets = list(stream.timed())
    run.play(packets[:30])
    large: AvPacket[VideoStream] = AvPacket(b"\0\0\1\x41" + bytes(2**20))
    late = [(large, at_us) for _, at_us in packets[30:]]
    if key:
        late[0] = (packets[0][0], late[0][1])
    run.play(late, work=False)
    assert run.skipped == 30
    assert not run.track.work(run.decoders)
