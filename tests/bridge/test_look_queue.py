"""Whose picture the detector looks at next, and when."""

import pytest

from edge_bridge.look_queue import (
    BURST_S,
    LOOK_US,
    PENDING_MOST,
    Allowance,
    Eye,
    LookQueue,
)

SECOND_US = 1_000_000


def test_a_camera_is_looked_at_twice_a_second() -> None:
    """Half a second apart by capture time, whatever became of the picture before; others have their own."""
    queue: LookQueue[str] = LookQueue()
    front, back = Eye(), Eye()
    assert front.due(10 * SECOND_US)
    queue.offer(front, "1", 10 * SECOND_US)
    assert not front.due(10 * SECOND_US + LOOK_US - 1)
    assert front.due(10 * SECOND_US + LOOK_US)
    assert back.due(10 * SECOND_US)


def test_the_newest_picture_of_a_camera_wins() -> None:
    """One place each; what gave way is counted."""
    queue: LookQueue[str] = LookQueue()
    front = Eye()
    queue.offer(front, "old", 0)
    queue.offer(front, "new", LOOK_US)
    assert (queue.take(0), queue.take(0)) == ("new", None)
    assert queue.skipped == 1


def test_who_was_not_looked_at_for_longest_comes_first() -> None:
    """A camera at which something has just begun goes before those that are looked at all the time."""
    queue: LookQueue[str] = LookQueue()
    eyes = {camera: Eye() for camera in ("a", "b", "c", "new")}
    for now_us, camera in enumerate(("a", "b", "c")):
        queue.offer(eyes[camera], camera, 0)
        assert queue.take(now_us) == camera
    for camera in ("c", "a", "new", "b"):
        queue.offer(eyes[camera], camera, LOOK_US)
    assert [queue.take(10) for _ in range(5)] == ["new", "a", "b", "c", None]


def test_pictures_that_wait_are_bounded() -> None:
    """Beyond the bound the camera that was looked at last gives way, and each loss is counted."""
    queue: LookQueue[int] = LookQueue()
    eyes = [Eye() for _ in range(PENDING_MOST + 3)]
    for camera, eye in enumerate(eyes):
        queue.offer(eye, camera, 0)
        queue.take(camera)
    for camera, eye in enumerate(eyes):
        queue.offer(eye, camera, LOOK_US)
        assert len(queue) <= PENDING_MOST
    assert queue.skipped == 3
    assert [queue.take(100) for _ in range(PENDING_MOST)] == list(range(PENDING_MOST))


def test_a_camera_that_is_gone_leaves_nothing() -> None:
    """Its picture is not looked at; the rest goes with its eye."""
    queue: LookQueue[str] = LookQueue()
    front = Eye()
    queue.offer(front, "old", 0)
    queue.forget(front)
    queue.forget(front)
    assert queue.take(0) is None


def test_allowance_is_a_share_over_time() -> None:
    """A burst at once, then as much as the share earns; a minute of rest saves no more than the burst."""
    allowance = Allowance(0.2, 100.0)
    assert allowance.wait_s(100.0) == 0
    allowance.spend(BURST_S + 0.02)
    assert allowance.wait_s(100.0) == pytest.approx(0.1)
    assert allowance.wait_s(100.05) == pytest.approx(0.05)
    assert allowance.wait_s(100.11) == 0
    assert allowance.wait_s(160.0) == 0
    allowance.spend(BURST_S)
    assert allowance.wait_s(160.0) == 0
    allowance.spend(0.02)
    assert allowance.wait_s(160.0) == pytest.approx(0.1)
    # A clock that went back earns nothing and takes nothing.
    assert allowance.wait_s(150.0) == pytest.approx(0.1)
