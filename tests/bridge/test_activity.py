"""The detector on drawn scenes: what moves is seen, what only shines, flickers or stays is not."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from edge_bridge.activity import ActivityDetector, Verdict
from edge_bridge.activity_report import ActivityReport
from edge_bridge.encoder import Plane
from edge_bridge.protocol.area import Region
from edge_bridge.regions import grouped

HEIGHT, WIDTH = 88, 160
SECOND_US = 1_000_000
START_US = 50 * SECOND_US


@dataclass(frozen=True)
class Look:
    """One verdict and when it was given."""

    at_s: float
    verdict: Verdict


class Stage:
    """A textured scene with sensor noise, on which things can be put."""

    def __init__(self, noise: float = 2.0) -> None:
        self._random = np.random.default_rng(7)
        rough = self._random.integers(60, 190, (HEIGHT // 4, WIDTH // 4))
        self.still = np.kron(rough, np.ones((4, 4))).astype(np.float64)
        self._noise = noise

    def plane(
        self,
        change: Callable[[np.ndarray], None] | None = None,
        *,
        light: float = 0.0,
        gain: float = 1.0,
    ) -> Plane:
        """Return the scene as a camera sees it now."""
        scene = self.still * gain + light + self._random.normal(0, self._noise, self.still.shape)
        if change is not None:
            change(scene)
        return scene.clip(0, 255).astype(np.uint8)


def box(
    x: float, y: float, width: int, height: int, luma: float = 20
) -> Callable[[np.ndarray], None]:
    """Put a dark thing into the scene."""

    def put(scene: np.ndarray) -> None:
        scene[int(y) : int(y) + height, max(0, int(x)) : int(x) + width] = luma

    return put


def seconds(start: float, end: float, fps: float = 10) -> Iterator[float]:
    """Return the times of a camera's pictures."""
    for number in range(round((end - start) * fps)):
        yield start + number / fps


def watch(detector: ActivityDetector, planes: Iterable[tuple[float, Plane]]) -> list[Look]:
    """Show planes to the detector, as often as it wants to look."""
    looks = []
    for at_s, plane in planes:
        at_us = START_US + round(at_s * SECOND_US)
        if detector.due(at_us):
            looks.append(Look(at_s, detector.observe(plane, at_us)))
    return looks


def settled(stage: Stage, until_s: float = 5, fps: float = 10) -> ActivityDetector:
    """Return a detector that has seen the empty scene."""
    detector = ActivityDetector()
    assert not any(
        look.verdict.active
        for look in watch(detector, ((at, stage.plane()) for at in seconds(0, until_s, fps)))
    )
    return detector


def active_s(looks: list[Look]) -> list[float]:
    """Return when it was active."""
    return [look.at_s for look in looks if look.verdict.active]


@pytest.mark.parametrize("noise", [0.0, 2.0, 6.0, 12.0])
def test_empty_scene_is_quiet_whatever_its_noise(noise: float) -> None:
    """Sensor noise up to a bad night is no activity."""
    stage = Stage(noise)
    looks = watch(ActivityDetector(), ((at, stage.plane()) for at in seconds(0, 60)))
    assert active_s(looks) == []


@pytest.mark.parametrize("fps", [5, 8, 12.5, 25, 30])
def test_walker_is_seen_and_left_at_any_frame_rate(fps: float) -> None:
    """On within half a second of a person's first step, off two seconds after the last, at any rate."""
    stage = Stage()
    detector = settled(stage, fps=fps)
    looks = watch(
        detector,
        ((at, stage.plane(box(20 + 12 * (at - 5), 30, 10, 30))) for at in seconds(5, 10, fps)),
    )
    assert 5 <= active_s(looks)[0] <= 5.5
    assert looks[-1].verdict.active
    looks = watch(detector, ((at, stage.plane()) for at in seconds(10, 20, fps)))
    assert 11.2 <= active_s(looks)[-1] <= 12.5


def test_slow_walker_stays_seen() -> None:
    """Two pixels of the small plane a second are still a person."""
    stage = Stage()
    detector = settled(stage)
    looks = watch(
        detector, ((at, stage.plane(box(20 + 4 * (at - 5), 30, 8, 24))) for at in seconds(5, 25))
    )
    assert len(active_s(looks)) > 0.9 * len(looks)


def test_looks_closely_until_it_is_calm() -> None:
    """Of sixty pictures a second at most forty are looked at in the first seconds, ten later and while active."""
    stage = Stage()
    detector = ActivityDetector()
    assert len(watch(detector, ((at, stage.plane()) for at in seconds(0, 2, 60)))) <= 80
    watch(detector, ((at, stage.plane()) for at in seconds(2, 14, 60)))
    assert len(watch(detector, ((at, stage.plane()) for at in seconds(14, 16, 60)))) <= 21
    walk = [(at, stage.plane(box(20 + 12 * (at - 16), 30, 10, 30))) for at in seconds(16, 18, 60)]
    looks = watch(detector, walk)
    assert len([look for look in looks if look.at_s > 17]) <= 11


def test_one_damaged_picture_is_not_activity() -> None:
    """A single glitch, as at a key frame or after a lost packet, begins nothing."""
    stage = Stage()
    detector = settled(stage)
    shown = [(5.0, stage.plane(box(20, 20, 60, 40)))]
    shown += [(at, stage.plane()) for at in seconds(5.1, 8)]
    assert active_s(watch(detector, shown)) == []


@pytest.mark.parametrize("light", [-40.0, 15.0, 50.0])
def test_light_switch_is_not_activity(light: float) -> None:
    """The whole picture brighter or darker at once is a switch; a walker after it is seen."""
    stage = Stage()
    detector = settled(stage)
    assert (
        active_s(watch(detector, ((at, stage.plane(light=light)) for at in seconds(5, 10)))) == []
    )
    walk = (
        (at, stage.plane(box(20 + 12 * (at - 10), 30, 10, 30, luma=0), light=light))
        for at in seconds(10, 13)
    )
    assert active_s(watch(detector, walk))


@pytest.mark.parametrize("gain", [0.5, 1.4])
def test_change_of_exposure_is_not_activity(gain: float) -> None:
    """Bright things change more than dark ones, and still nothing moves."""
    stage = Stage()
    detector = settled(stage)
    assert active_s(watch(detector, ((at, stage.plane(gain=gain)) for at in seconds(5, 10)))) == []


def test_cloud_is_not_activity() -> None:
    """The picture getting darker over seconds is weather."""
    stage = Stage()
    detector = settled(stage)
    shown = ((at, stage.plane(light=-8 * (at - 5))) for at in seconds(5, 10))
    assert active_s(watch(detector, shown)) == []


def test_parked_car_becomes_background() -> None:
    """A car that stops is active while it moves and not much longer; leaving, it is seen again."""
    stage = Stage()
    detector = settled(stage)
    watch(detector, ((at, stage.plane(box(20 * (at - 5), 40, 40, 24))) for at in seconds(5, 7)))
    parked = watch(detector, ((at, stage.plane(box(40, 40, 40, 24))) for at in seconds(7, 40)))
    assert parked[0].verdict.active
    assert active_s(parked)[-1] < 17
    leaving = watch(
        detector,
        ((at, stage.plane(box(40 + 20 * (at - 40), 40, 40, 24))) for at in seconds(40, 42)),
    )
    assert active_s(leaving)


@pytest.mark.parametrize("noise", [0.0, 2.0])
def test_clock_in_the_picture_becomes_noise(noise: float) -> None:
    """Digits that change every second are ignored after half a minute at the latest."""
    stage = Stage(noise)
    detector = ActivityDetector()

    def ticking(at: float) -> Plane:
        return stage.plane(box(10, 10, 2, 3, luma=250 if int(at) % 2 else 30))

    watch(detector, ((at, ticking(at)) for at in seconds(0, 30)))
    assert active_s(watch(detector, ((at, ticking(at)) for at in seconds(30, 60)))) == []


def test_gap_and_reopening_begin_nothing() -> None:
    """After a gap, and at another size, the scene is learned before anything counts."""
    stage = Stage()
    detector = settled(stage)
    assert active_s(watch(detector, ((at, stage.plane()) for at in seconds(30, 33)))) == []
    tall = [
        (at, np.kron(stage.plane()[:, :80], np.ones((2, 2), np.uint8))) for at in seconds(33, 36)
    ]
    assert active_s(watch(detector, tall)) == []


def test_gap_is_not_quiet() -> None:
    """A camera that stood still while someone was there says quiet only once it has looked for its time."""
    stage = Stage()
    detector = settled(stage)
    watch(
        detector, ((at, stage.plane(box(20 + 12 * (at - 5), 30, 10, 30))) for at in seconds(5, 8))
    )
    looks = watch(detector, ((at, stage.plane()) for at in seconds(14, 20)))
    assert active_s(looks)[0] == 14
    assert 15 < active_s(looks)[-1] < 16.5


def test_regions_are_where_it_moves() -> None:
    """Two people apart are two regions, each around its person."""
    stage = Stage()
    detector = settled(stage)

    def two(at: float) -> Callable[[np.ndarray], None]:
        def put(scene: np.ndarray) -> None:
            box(10 + 10 * (at - 5), 30, 10, 30)(scene)
            box(140 - 10 * (at - 5), 40, 10, 30)(scene)

        return put

    regions = watch(detector, ((at, stage.plane(two(at))) for at in seconds(5, 7)))[
        -1
    ].verdict.regions
    assert len(regions) == 2
    left, right = sorted(regions, key=lambda region: region.x)
    assert 0.05 < left.x < left.x + left.width < 0.4
    assert 0.6 < right.x < right.x + right.width < 1
    assert 0.2 < left.y < left.y + left.height < 0.8


def test_larger_movement_has_a_higher_score() -> None:
    """The score grows with what moves and stays within 0 and 1."""
    scores = []
    for width, height in ((8, 16), (24, 40), (100, 80)):
        stage = Stage()
        detector = settled(stage)
        looks = watch(
            detector,
            ((at, stage.plane(box(16 * (at - 5), 4, width, height))) for at in seconds(5, 7)),
        )
        scores.append(max(look.verdict.score for look in looks))
    assert 0 < scores[0] < scores[1] < scores[2] <= 1


def test_many_regions_are_cut_to_the_largest() -> None:
    """More regions than the wire takes leave the small ones out; groups a block apart are one."""
    mask = np.zeros((33, 60), np.bool_)
    mask[::4, ::4] = True
    mask[0:2, 0:2] = True
    regions = grouped(mask)
    assert len(regions) == 16
    assert regions[0] == Region(x=0, y=0, width=round(2 / 60, 4), height=round(2 / 33, 4))
    near = np.zeros((10, 10), np.bool_)
    near[2, 2] = near[2, 4] = True
    assert len(grouped(near)) == 1


REGION = Region(x=0.1, y=0.1, width=0.1, height=0.1)


def verdict(*, active: bool, regions: int = 1) -> Verdict:
    """Return a verdict with so many regions."""
    return Verdict(
        active=active, since_us=1, score=0.5 if active else 0, regions=(REGION,) * regions
    )


def said(report: ActivityReport, verdicts: Iterable[tuple[float, Verdict]]) -> list[float]:
    """Return when something was said."""
    return [at for at, entry in verdicts if report.offer(entry, round(at * SECOND_US)) is not None]


def test_report_says_changes_at_once_and_repeats_while_active() -> None:
    """On, every two seconds, off; nothing while quiet."""
    report = ActivityReport("front")
    shown = [(at, verdict(active=False, regions=0)) for at in seconds(0, 3)]
    shown += [(at, verdict(active=True)) for at in seconds(3, 8)]
    shown += [(at, verdict(active=False, regions=0)) for at in seconds(8, 20)]
    assert said(report, shown) == [3, 5, 7, 8]


def test_report_says_regions_that_stay_for_two_looks() -> None:
    """A region that comes for one look only is not told; one that stays is, at most four times a second."""
    report = ActivityReport("front")
    counts = [1, 1, 1, 1, 2, 1, 1, 2, 2, 2, 3, 3, 3]
    shown = [
        (number / 10, verdict(active=True, regions=count)) for number, count in enumerate(counts)
    ]
    assert said(report, shown) == [0, 0.8, 1.1]
    busy = ActivityReport("front")
    shown = [
        (number / 10, verdict(active=True, regions=1 + number // 2 % 2)) for number in range(100)
    ]
    assert len(said(busy, shown)) <= 40


@pytest.mark.parametrize("interval_s", [1, 2, 4])
def test_walker_is_seen_in_key_frames_alone_where_nothing_else_can_be_decoded(
    interval_s: int,
) -> None:
    """Two key frames in a row with somebody in different places begin it; somebody who stays put does not."""
    stage = Stage()
    detector = ActivityDetector()
    at_s = 0
    for _ in range(12):
        assert not detector.glance(stage.plane(), START_US + at_s * SECOND_US, alone=True)
        at_s += interval_s
    for _ in range(3):
        detector.glance(stage.plane(box(30, 30, 12, 32)), START_US + at_s * SECOND_US, alone=True)
        assert not detector.verdict.active
        at_s += interval_s
    detector.glance(stage.plane(box(90, 30, 12, 32)), START_US + at_s * SECOND_US, alone=True)
    assert detector.verdict.active
    assert detector.verdict.regions
    for _ in range(8):
        at_s += interval_s
        detector.glance(stage.plane(), START_US + at_s * SECOND_US, alone=True)
    assert not detector.verdict.active
