"""The detector on key frames seconds apart, in catch-ups, behind masks and after losses."""

from collections.abc import Callable, Iterable

import numpy as np
import pytest

from edge_bridge.activity import ActivityDetector
from edge_bridge.blocks import fitted, restructured
from edge_bridge.encoder import Plane

HEIGHT, WIDTH = 88, 160
SECOND_US = 1_000_000
START_US = 50 * SECOND_US

type Change = Callable[[np.ndarray], None]


class Stage:
    """A textured scene with sensor noise, on which things can be put."""

    def __init__(self, noise: float = 2.0) -> None:
        self._random = np.random.default_rng(11)
        rough = self._random.integers(60, 190, (HEIGHT // 4, WIDTH // 4))
        self.still = np.kron(rough, np.ones((4, 4))).astype(np.float64)
        self._noise = noise

    def plane(self, change: Change | None = None) -> Plane:
        """Return the scene as a camera sees it now."""
        scene = self.still + self._random.normal(0, self._noise, self.still.shape)
        if change is not None:
            change(scene)
        return scene.clip(0, 255).astype(np.uint8)


def person(at_s: float, *, x: float = 20, speed: float = 12) -> Change:
    """Put somebody into the scene who walks."""

    def put(scene: np.ndarray) -> None:
        left = round(x + speed * at_s)
        scene[30:60, max(0, left) : max(0, left + 10)] = 20

    return put


def us(at_s: float) -> int:
    """Return a capture time."""
    return START_US + round(at_s * SECOND_US)


def glanced(stage: Stage, interval_s: float, count: int = 12) -> tuple[ActivityDetector, float]:
    """Return a detector that has seen nothing but key frames of the empty scene, and when the last was."""
    detector = ActivityDetector()
    for number in range(count):
        assert not detector.glance(stage.plane(), us(number * interval_s))
    return detector, (count - 1) * interval_s


def begins_s(detector: ActivityDetector, planes: Iterable[tuple[float, Plane]]) -> float | None:
    """Return when activity begins in pictures that follow each other."""
    for at_s, plane in planes:
        if detector.due(us(at_s)) and detector.observe(plane, us(at_s)).active:
            return at_s
    return None


@pytest.mark.parametrize("interval_s", [1, 2, 4, 10])
def test_key_frame_with_a_person_is_suspicious_and_what_follows_confirms(interval_s: float) -> None:
    """A scene learned from key frames alone: the next with somebody in it is told, a tenth of a second later sure."""
    stage = Stage()
    detector, last_s = glanced(stage, interval_s)
    key_s = last_s + interval_s
    assert detector.glance(stage.plane(person(0)), us(key_s))
    assert not detector.verdict.active
    assert detector.confirming()
    shown = ((key_s + n / 25, stage.plane(person(n / 25))) for n in range(1, 25))
    found = begins_s(detector, shown)
    assert found is not None
    assert found - key_s <= 0.25


@pytest.mark.parametrize("group_s", [2, 10])
@pytest.mark.parametrize("fps", [8, 25, 60])
def test_catch_up_confirms_by_its_last_pictures(group_s: float, fps: float) -> None:
    """Somebody who came in the last pictures of a group is confirmed in the catch-up, from the fifth on."""
    stage = Stage()
    detector, last_s = glanced(stage, group_s)
    count = round(group_s * fps) - 1
    came = count - max(6, round(fps / 4))
    found = None
    for number in range(1, count + 1):
        at_s = last_s + number / fps
        here = person((number - came) / fps, speed=16) if number >= came else None
        if detector.due(us(at_s)) and detector.observe(stage.plane(here), us(at_s)).active:
            found = number
            break
    assert found is not None
    assert (found - came) / fps <= max(0.25, 4 / fps)


def test_what_stays_where_it_is_gets_dismissed_and_learned() -> None:
    """A parcel left between two key frames is looked into, does not move, and is no news some key frames later."""
    stage = Stage()
    detector, last_s = glanced(stage, 2)
    still = person(0, x=60)
    suspicious = 0
    at_s = last_s
    for _ in range(10):
        at_s += 2
        if detector.glance(stage.plane(still), us(at_s)):
            suspicious += 1
            for number in range(1, 20):
                detector.observe(stage.plane(still), us(at_s + number / 25))
                assert not detector.verdict.active
            assert not detector.confirming()
    assert 1 <= suspicious <= 6


def test_light_between_two_key_frames_is_not_suspicious() -> None:
    """Half of the scene in the sun, then in the shade: what is there stays what it was."""
    stage = Stage()
    detector, last_s = glanced(stage, 2)

    def lit(gain: float) -> Change:
        def put(scene: np.ndarray) -> None:
            scene[:, 60:] *= gain

        return put

    for number, gain in enumerate((1.25, 1.25, 0.7, 0.7, 1.1), 1):
        assert not detector.glance(stage.plane(lit(gain)), us(last_s + 2 * number))


def test_only_watched_blocks_count() -> None:
    """Behind a mask nobody is seen; where it ends they are. A mask of another grid's size is taken all the same."""
    for shape in ((11, 20), (22, 40)):
        stage = Stage()
        detector, last_s = glanced(stage, 2)
        watched = np.ones(shape, np.bool_)
        watched[:, : shape[1] // 2] = False
        detector.watched = watched
        assert not detector.glance(stage.plane(person(0, x=20)), us(last_s + 2))
        hidden = ((last_s + 2 + n / 25, stage.plane(person(n / 25))) for n in range(1, 25))
        assert begins_s(detector, hidden) is None
        detector.glance(stage.plane(), us(last_s + 4))
        assert detector.glance(stage.plane(person(0, x=110)), us(last_s + 6))


def test_damage_after_a_loss_begins_nothing_until_it_lasts() -> None:
    """Smears of a few doubtful pictures are no visitor; one who goes on for half a second is."""
    stage = Stage()
    detector, last_s = glanced(stage, 2)
    for number in range(1, 9):
        at_us = us(last_s + number / 25)
        assert not detector.observe(stage.plane(person(number / 25)), at_us, doubtful=True).active
    for number in range(9, 20):
        detector.observe(stage.plane(person(number / 25)), us(last_s + number / 25), doubtful=True)
    assert detector.verdict.active


def test_something_that_is_gone_at_once_is_nothing() -> None:
    """What crosses a quarter of the picture between two pictures is a moth at the lamp."""
    stage = Stage()
    detector, last_s = glanced(stage, 2)
    places = [(10, 10), (50, 60), (20, 110), (60, 20), (30, 90), (10, 140)]
    for number, (row, column) in enumerate(places, 1):

        def moth(scene: np.ndarray, row: int = row, column: int = column) -> None:
            scene[row : row + 10, column : column + 10] = 250

        assert not detector.observe(stage.plane(moth), us(last_s + number / 25)).active


def test_same_picture_twice_changes_nothing() -> None:
    """A key frame that was glanced at comes again at the head of the catch-up."""
    stage = Stage()
    detector, last_s = glanced(stage, 2)
    plane = stage.plane(person(0))
    assert detector.glance(plane, us(last_s + 2))
    before = detector.verdict
    assert detector.observe(plane, us(last_s + 2)) == before
    assert detector.confirming()


def test_light_keeps_textures_and_things_change_them() -> None:
    """Gain, level and slope leave a texture what it was; an edge before it does not."""
    before = Stage(0).plane().astype(np.float32)
    ramp = np.linspace(0, 30, WIDTH, dtype=np.float32)
    assert float(restructured(before * np.float32(0.6) + ramp + 9, before).max()) < 1
    covered = before.copy()
    covered[30:52, 44:63] = 20
    assert float(restructured(covered, before)[4:6, 5:8].max()) > 15


def test_mask_of_another_grid_is_resampled() -> None:
    """Each block takes the answer of the block at its place."""
    fine = np.zeros((4, 6), np.bool_)
    fine[2:, 3:] = True
    assert fitted(fine, (2, 2)).tolist() == [[False, False], [False, True]]


@pytest.mark.parametrize("interval_s", [2, 4, 10])
def test_activity_ends_where_key_frames_alone_are_left(interval_s: float) -> None:
    """Without time for every picture, what was active is not active for ever: after some empty key frames it is over."""
    stage = Stage()
    detector, last_s = glanced(stage, 1)
    walk = ((last_s + n / 25, stage.plane(person(n / 25))) for n in range(1, 50))
    assert begins_s(detector, walk) is not None
    key_s = last_s + 2
    while detector.verdict.active and key_s < 100:
        key_s += interval_s
        detector.glance(stage.plane(), us(key_s))
    assert key_s - last_s <= 2 + 4 * interval_s


def test_somebody_is_seen_by_a_camera_of_one_picture_a_second() -> None:
    """Its pictures come a little early and a little late, and still follow each other."""
    stage = Stage()
    detector = ActivityDetector()
    times = [number + (0.04 if number % 2 else -0.04) for number in range(40)]
    for at_s in times[:20]:
        detector.observe(stage.plane(), us(at_s))
    shown = ((at_s, stage.plane(person(at_s - times[20]))) for at_s in times[20:28])
    found = begins_s(detector, shown)
    assert found is not None
    assert found - times[20] < 3
